"""Do answers keep to Stripe's document? Each schema becomes a function once, the first time it is needed.

Stricter than the document in two ways: a field that a schema does not name is a fault, and so is the absence of a field
on which programs rely though the document lets it be left out (``MUST_HAVE``).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from marketplace.local.stripe.document import Document, Schema

Faults = list[str]
Check = Callable[[Any, str, Faults], None]

#: What programs rely on, by kind of object, where the document requires less.
MUST_HAVE = {
    "account": "capabilities charges_enabled country created default_currency details_submitted email "
    "external_accounts metadata payouts_enabled requirements settings type controller",
    "balance_transaction": "source status exchange_rate description",
    "charge": "balance_transaction customer failure_code failure_message outcome payment_intent payment_method "
    "payment_method_details receipt_url transfer_group calculated_statement_descriptor",
    "checkout.session": "amount_subtotal amount_total cancel_url client_reference_id currency customer "
    "customer_details invoice metadata payment_intent setup_intent status success_url total_details ui_mode url",
    "customer": "address email metadata name phone invoice_settings default_source",
    "dispute": "payment_intent payment_method_details",
    "event": "api_version request",
    "invoice": "hosted_invoice_url invoice_pdf number status",
    "payment_intent": "amount amount_capturable amount_received automatic_payment_methods canceled_at "
    "cancellation_reason capture_method client_secret confirmation_method currency customer last_payment_error "
    "latest_charge metadata next_action payment_method payment_method_types setup_future_usage transfer_group",
    "payment_method": "customer metadata",
    "payout": "balance_transaction destination failure_code metadata",
    "refund": "balance_transaction charge metadata payment_intent reason status",
    "setup_intent": "client_secret customer last_setup_error metadata next_action payment_method",
    "transfer": "balance_transaction destination source_transaction source_type transfer_group",
    "transfer_reversal": "balance_transaction metadata",
}
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "object": (dict,),
    "array": (list,),
}
_DECIMAL = re.compile(r"-?\d+(\.\d+)?")


class Checker:
    """Checks values against the schemas of one document."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._named: dict[str, Check] = {}
        self._others: dict[int, tuple[Schema, Check]] = {}

    def faults(self, schema: Schema, value: Any, where: str) -> Faults:
        """All that is wrong with a value, each with its place."""
        found: Faults = []
        self._of(schema)(value, where, found)
        return found

    def _of(self, schema: Schema) -> Check:
        reference = schema.get("$ref")
        if reference:
            return self._by_name(reference.rpartition("/")[2])
        if id(schema) not in self._others:
            self._others[id(schema)] = (schema, self._make(schema))
        return self._others[id(schema)][1]

    def _by_name(self, name: str) -> Check:
        """A named schema may refer to itself, so it is made when it is first met."""

        def check(value: Any, where: str, faults: Faults) -> None:
            if name not in self._named:
                self._named[name] = self._make(self._document.schema(name))
            self._named[name](value, where, faults)

        return check

    def _make(self, schema: Schema) -> Check:
        steps = [step for step in (_kind(schema), _among(schema), _form(schema), self._inner(schema)) if step]
        alternatives = [self._of(each) for each in schema.get("anyOf") or schema.get("oneOf") or ()]
        nullable = schema.get("nullable", False)

        def check(value: Any, where: str, faults: Faults) -> None:
            if value is None and nullable:
                return
            before = len(faults)
            for step in steps:
                step(value, where, faults)
                if len(faults) > before:
                    return
            if alternatives:
                _any_of(alternatives, value, where, faults)

        return check

    def _inner(self, schema: Schema) -> Check | None:
        if "items" in schema:
            return _each(self._of(schema["items"]))
        if "properties" in schema or "additionalProperties" in schema:
            return self._fields(schema)
        return None

    def _fields(self, schema: Schema) -> Check:
        known = {name: self._of(inner) for name, inner in schema.get("properties", {}).items()}
        more = schema.get("additionalProperties")
        others = self._of(more) if isinstance(more, dict) else None
        open_ended = more is True or not known
        required = set(schema.get("required", ()))
        kinds = schema.get("properties", {}).get("object", {}).get("enum", ())
        required |= {name for kind in kinds for name in MUST_HAVE.get(kind, "").split() if name in known}

        def check(value: Any, where: str, faults: Faults) -> None:
            if not isinstance(value, dict):
                return
            if value.get("deleted") is not True or "deleted" in known:
                faults.extend(f"{where}.{name} is missing" for name in sorted(required - value.keys()))
            for name, inner in value.items():
                if step := known.get(name) or others:
                    step(inner, f"{where}.{name}", faults)
                elif not open_ended:
                    faults.append(f"{where}.{name} is not in the document")

        return check


def _kind(schema: Schema) -> Check | None:
    kind = schema.get("type")
    if kind is None:
        return None
    types = _TYPES[kind]

    def check(value: Any, where: str, faults: Faults) -> None:
        if not isinstance(value, types) or (isinstance(value, bool) and kind != "boolean"):
            faults.append(f"{where} should be of type {kind}, not {type(value).__name__}")

    return check


def _among(schema: Schema) -> Check | None:
    allowed = schema.get("enum")
    if not allowed:
        return None

    def check(value: Any, where: str, faults: Faults) -> None:
        if value not in allowed:
            faults.append(f"{where} is {value!r}, which is none of {allowed}")

    return check


def _form(schema: Schema) -> Check | None:
    longest, decimal = schema.get("maxLength"), schema.get("format") == "decimal"
    pattern = re.compile(schema["pattern"]) if "pattern" in schema else None
    if not (longest or decimal or pattern):
        return None

    def check(value: Any, where: str, faults: Faults) -> None:
        if not isinstance(value, str):
            return
        if longest and len(value) > longest:
            faults.append(f"{where} is longer than {longest} characters")
        if pattern and not pattern.search(value):
            faults.append(f"{where} is {value!r}, which does not match {pattern.pattern}")
        if decimal and not _DECIMAL.fullmatch(value):
            faults.append(f"{where} is {value!r}, which is no decimal number")

    return check


def _each(step: Check) -> Check:
    def check(value: Any, where: str, faults: Faults) -> None:
        for number, item in enumerate(value):
            step(item, f"{where}[{number}]", faults)

    return check


def _any_of(alternatives: list[Check], value: Any, where: str, faults: Faults) -> None:
    """Add the faults of the alternative that fits best, when none fits."""
    best: Faults | None = None
    for alternative in alternatives:
        found: Faults = []
        alternative(value, where, found)
        if not found:
            return
        if best is None or (len(found), -len(found[0])) < (len(best), -len(best[0])):
            best = found
    faults.extend(best or ())
