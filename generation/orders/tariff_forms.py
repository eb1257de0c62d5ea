"""The form in which a generator's owner sets its tariff: amounts as people write them, surcharges a row each."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.conf import settings
from django.forms.formsets import BaseFormSet

from generation.orders import tariffs
from generation.orders.models import Tariff
from generation.orders.tariffs import Surcharge
from marketplace.web.schema_faults import faults
from marketplace.web.schema_fields import resolved, without_null
from marketplace.web.templatetags.units import money

_MOST_SURCHARGES: Final = 12
_EMPTY_ROWS: Final = 3
_LARGEST: Final = Decimal(tariffs.MOST) / 100
_NUMBERS: Final = ("integer", "number")
_TRUTH: Final = {"yes": True, "true": True, "no": False, "false": False}


def _money_field(label: str, hint: str) -> forms.DecimalField:
    return forms.DecimalField(
        label=f"{label}, {settings.CURRENCY}",
        required=False,
        min_value=0,
        max_value=_LARGEST,
        decimal_places=2,
        help_text=hint,
    )


class TariffForm(forms.Form):
    """What an order costs before surcharges."""

    base = _money_field("Base", "For each order, whatever its size. Empty: nothing.")
    per_unit = _money_field(
        "Amount for units", "For so many units as stand below, in proportion, rounded up to a cent."
    )
    per_units = forms.IntegerField(
        label="For so many units",
        required=False,
        min_value=1,
        max_value=100_000_000,
        help_text="The amount above is for so many rows, pictures or whatever the generator counts. Empty: one.",
    )
    minimum = _money_field(
        "Minimum",
        f"No order costs less. A card is charged {money(tariffs.LEAST, settings.CURRENCY)} or more, so unless orders "
        "are free the base or the minimum is at least that.",
    )

    def clean(self) -> dict[str, Any]:
        """In minor units; a tariff that could not be charged is refused."""
        cleaned = super().clean() or {}
        for name in ("base", "per_unit", "minimum"):
            cleaned[name] = _minor(cleaned.get(name))
        cleaned["per_units"] = cleaned.get("per_units") or 1
        return cleaned

    @classmethod
    def filled(cls, tariff: Tariff | None) -> dict[str, Any]:
        """The tariff that holds now, as the form takes it."""
        if tariff is None:
            return {}
        amounts = {name: _written(getattr(tariff, name)) for name in ("base", "per_unit", "minimum")}
        return {**amounts, "per_units": tariff.per_units}


class SurchargeForm(forms.Form):
    """One surcharge; left empty altogether it is none."""

    title = forms.CharField(required=False, max_length=80, help_text="The line that buyers read in their quote.")
    parameter = forms.ChoiceField(label="If the setting", required=False)
    at_least = forms.ChoiceField(
        label="Is", required=False, choices=[("", "exactly, or has among its entries"), ("yes", "at least")]
    )
    value = forms.CharField(label="This value", required=False, max_length=200)
    amount = _money_field("Add the amount", "Either an amount,")
    percent = forms.DecimalField(
        label="Add the percentage",
        required=False,
        min_value=0,
        max_value=1000,
        decimal_places=2,
        help_text="or a percentage of base and units, rounded up to a cent.",
    )

    def __init__(self, *args: Any, schema: Mapping[str, Any], **options: Any) -> None:
        super().__init__(*args, **options)
        self._schema = schema
        names = schema.get("properties", {})
        labels = [(name, f"{resolved(told, schema).get('title', name)} ({name})") for name, told in names.items()]
        self.fields["parameter"] = forms.ChoiceField(
            label="If the setting", required=False, choices=[("", "none"), *labels]
        )

    @property
    def surcharge(self) -> Surcharge | None:
        """What was asked for; ``None`` where the row is empty."""
        asked = self.cleaned_data
        if self._empty(asked):
            return None
        return Surcharge(
            parameter=asked["parameter"],
            value=asked["read"],
            at_least=bool(asked["at_least"]),
            amount=_minor(asked["amount"]),
            percent=_minor(asked["percent"]),
            title=asked["title"],
        )

    @staticmethod
    def filled(surcharge: Surcharge) -> dict[str, Any]:
        """A surcharge as the form takes it."""
        value = surcharge.value
        if isinstance(value, bool):
            value = "yes" if value else "no"
        return {
            "title": surcharge.title,
            "parameter": surcharge.parameter,
            "at_least": "yes" if surcharge.at_least else "",
            "value": value,
            "amount": _written(surcharge.amount),
            "percent": _written(surcharge.percent),
        }

    def clean(self) -> dict[str, Any]:
        """All that is missing of a row that is not empty, and whether the value fits the setting."""
        cleaned = super().clean() or {}
        if self.errors or self._empty(cleaned):
            return cleaned
        for name, what in (("title", "a title"), ("parameter", "the setting"), ("value", "the value")):
            if not cleaned.get(name):
                self.add_error(name, f"Give {what}, or leave the whole row empty.")
        if bool(cleaned.get("amount")) == bool(cleaned.get("percent")):
            self.add_error("amount", "Give either an amount or a percentage, above zero.")
        if cleaned.get("parameter") and cleaned.get("value"):
            cleaned["read"] = self._read(cleaned["parameter"], cleaned["value"], bool(cleaned.get("at_least")))
        return cleaned

    def _empty(self, cleaned: Mapping[str, Any]) -> bool:
        return not any(cleaned.get(name) for name in ("title", "parameter", "value", "amount", "percent"))

    def _read(self, name: str, text: str, at_least: bool) -> Any:
        """The value as JSON, or an error at its field."""
        wanted, _ = without_null(resolved(self._schema["properties"][name], self._schema), self._schema)
        if wanted.get("type") == "array":
            wanted = resolved(wanted.get("items"), self._schema)
        if at_least and wanted.get("type") not in _NUMBERS:
            self.add_error(
                "at_least", "This setting is no number, so it is never at least something. Choose “exactly”."
            )
            return None
        value = _as_json(text.strip(), str(wanted.get("type", "")))
        told = faults({**wanted, "$defs": self._schema.get("$defs", {})}, value)
        if told:
            self.add_error("value", " ".join(f"{fault.message} {fault.remedy}".strip() for fault in told))
        return value


class BaseSurcharges(BaseFormSet[SurchargeForm]):
    """The rows of surcharges."""

    @property
    def surcharges(self) -> list[Surcharge]:
        """Those that were asked for, in their order."""
        return [found for form in self.forms if (found := form.surcharge) is not None]


SurchargeForms = forms.formset_factory(
    SurchargeForm, formset=BaseSurcharges, extra=_EMPTY_ROWS, max_num=_MOST_SURCHARGES, validate_max=True
)


def _as_json(text: str, kind: str) -> Any:
    """Text as a value of this kind; what cannot be read stays text, which its schema then refuses."""
    try:
        if kind == "integer":
            return int(text.replace(",", ""))
        if kind == "number":
            number = float(text.replace(",", ""))
            return int(number) if number.is_integer() else number
    except (ValueError, OverflowError):
        return text
    return _TRUTH.get(text.lower(), text) if kind == "boolean" else text


def _minor(amount: Decimal | None) -> int:
    """An amount in minor units, or a percentage in basis points."""
    return int((amount or Decimal(0)) * 100)


def _written(minor: int) -> Decimal | None:
    return Decimal(minor) / 100 if minor else None
