"""What a custom order costs: a generator's tariff, applied to an amount and its settings, line by line.

An amount in proportion is rounded up to the next minor unit, for units and for surcharges by the hundred. What a quote
shows is the sum of its lines, and that is what is charged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from generation.orders.models import Tariff
from generation.runs.models import Generator
from marketplace.accounts.models import User
from marketplace.web.templatetags.units import money, percent, setting, thousands

#: A card is charged no less, in minor units, so a tariff that is not free begins there.
LEAST: Final = 50
#: Nor is it charged more at once.
MOST: Final = 99_999_999
_ALL = 10_000


@dataclass(frozen=True)
class Surcharge:
    """What is added when a setting is ``value`` (a list: has it among its entries), or reaches it if ``at_least``.

    It adds ``amount`` minor units, or ``percent`` basis points of base and units.
    """

    parameter: str
    value: Any
    at_least: bool
    amount: int
    percent: int
    title: str

    def applies(self, parameters: Mapping[str, Any]) -> bool:
        """Is it added for these settings?"""
        given = parameters.get(self.parameter)
        if self.at_least:
            return isinstance(given, int | float) and not isinstance(given, bool) and bool(given >= self.value)
        return _same(given, self.value) or (isinstance(given, list) and any(_same(one, self.value) for one in given))

    def of(self, price: int) -> int:
        """What it adds to ``price`` minor units for base and units."""
        return self.amount + _proportion(price, self.percent, _ALL)

    @property
    def condition(self) -> str:
        """When it is added, in words."""
        return f"{self.parameter} {'is at least' if self.at_least else 'is'} {setting(self.value)}"

    def as_json(self) -> dict[str, Any]:
        """As a tariff's row holds it."""
        when = {"at_least" if self.at_least else "equals": self.value}
        adds = {"percent": self.percent} if self.percent else {"amount": self.amount}
        return {"parameter": self.parameter, **when, **adds, "title": self.title}

    @classmethod
    def from_json(cls, held: Mapping[str, Any]) -> Surcharge:
        """From what a tariff's row holds."""
        at_least = "at_least" in held
        value = held["at_least" if at_least else "equals"]
        return cls(held["parameter"], value, at_least, held.get("amount", 0), held.get("percent", 0), held["title"])


@dataclass(frozen=True)
class Line:
    """One line of a price: what it is for, and how much, in minor units."""

    title: str
    amount: int


@dataclass(frozen=True)
class Breakdown:
    """A price as the lines that add up to it."""

    lines: tuple[Line, ...]

    @property
    def total(self) -> int:
        """The price in minor units."""
        return sum(line.amount for line in self.lines)


FREE: Final = Breakdown(())


def price(tariff: Tariff | None, units: int, parameters: Mapping[str, Any], unit: str = "unit") -> Breakdown:
    """What ``units`` units with these settings cost; nothing without a tariff. Lines of nothing are left out."""
    if tariff is None:
        return FREE
    of_units = _proportion(units, tariff.per_unit, tariff.per_units)
    lines = [Line("Base", tariff.base), Line(f"{units:,} {unit}s", of_units)]
    before = tariff.base + of_units
    lines += [Line(one.title, one.of(before)) for one in surcharges(tariff) if one.applies(parameters)]
    total = sum(line.amount for line in lines)
    lines.append(Line(f"Up to the minimum of {money(tariff.minimum, tariff.currency)}", max(0, tariff.minimum - total)))
    return Breakdown(tuple(line for line in lines if line.amount))


def surcharges(tariff: Tariff) -> tuple[Surcharge, ...]:
    """The surcharges of a tariff, in its order."""
    return tuple(Surcharge.from_json(held) for held in tariff.surcharges)


def newest(generator: Generator) -> Tariff | None:
    """The tariff that holds for new quotes; ``None``: orders are free."""
    return generator.tariffs.newest_first().first()


def set_tariff(
    generator: Generator,
    *,
    base: int = 0,
    per_unit: int = 0,
    per_units: int = 1,
    minimum: int = 0,
    surcharges: Sequence[Surcharge] = (),
    by: User | None = None,
) -> Tariff:
    """Return the tariff that holds from now on; one that says the same as the last is not made again.

    Raises ValueError for one below what a card can be charged, unless it is free altogether.
    """
    said = {
        "currency": settings.CURRENCY,
        "base": base,
        "per_unit": per_unit,
        "per_units": per_units,
        "minimum": minimum,
        "surcharges": [one.as_json() for one in surcharges],
    }
    if (base or per_unit or minimum or surcharges) and max(base, minimum) < LEAST:
        raise ValueError(too_little())
    with transaction.atomic():
        Generator.objects.select_for_update(no_key=True).get(id=generator.id)
        last = newest(generator)
        if last is not None and all(getattr(last, name) == value for name, value in said.items()):
            return last
        number = 1 if last is None else last.number + 1
        return Tariff.objects.create(generator=generator, number=number, set_by=by, **said)


def too_little() -> str:
    """Why a tariff without a minimum is refused."""
    least = money(LEAST, settings.CURRENCY)
    return f"A card is charged {least} or more. Set the minimum, or the base, to at least {least}."


def words(tariff: Tariff | None) -> list[str]:
    """A tariff in sentences, one for each of its parts."""
    if tariff is None or not (tariff.base or tariff.per_unit or tariff.surcharges or tariff.minimum):
        return ["Orders are free."]
    said = [f"{_money(tariff, tariff.base)} for each order."] if tariff.base else []
    if tariff.per_unit:
        per = "unit" if tariff.per_units == 1 else f"{thousands(tariff.per_units)} units, in proportion"
        said.append(f"{_money(tariff, tariff.per_unit)} for every {per}.")
    for one in surcharges(tariff):
        adds = _money(tariff, one.amount) if one.amount else f"{percent(one.percent / _ALL)} of the above"
        said.append(f"{one.title}: {adds} more if {one.condition}.")
    if tariff.minimum:
        said.append(f"At least {_money(tariff, tariff.minimum)}.")
    return said


def _money(tariff: Tariff, amount: int) -> str:
    return money(amount, tariff.currency)


def _proportion(amount: int, per: int, of: int) -> int:
    """``amount * per / of``, rounded up."""
    return -(-amount * per // of)


def _same(one: Any, other: Any) -> bool:
    """Are two JSON values the same? ``true`` is not 1."""
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)
