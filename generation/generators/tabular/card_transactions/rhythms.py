"""When people pay: hours of the day, days of the week, seasons and pay days, as tables that invert a distribution.

A table holds, for ``TABLE`` equal steps of probability, the value reached: drawing a value is one random index.
"""

from __future__ import annotations

import datetime

import numpy as np
from numpy.typing import NDArray

from generation.generators.tabular.card_transactions.categories import Rhythm

TABLE = 1 << 15
MINUTES_PER_DAY = 1440
SECONDS_PER_DAY = 86_400

#: Days of the month on which salaries arrive; each customer has one of them.
PAY_DAYS = (1, 15, 25, 28)

# Peaks of a day as (hour, width in hours, weight): on working days, on Saturday and Sunday.
_Peaks = tuple[tuple[float, float, float], ...]
_HOURS: dict[Rhythm, tuple[_Peaks, _Peaks]] = {
    Rhythm.GROCERIES: (((8.2, 1.2, 1.5), (12.3, 1.5, 2.0), (17.8, 1.5, 4.5)), ((10.8, 1.6, 4.0), (15.5, 2.0, 3.0))),
    Rhythm.MEALS: (((12.6, 0.8, 4.0), (19.5, 1.4, 4.0)), ((13.2, 1.2, 3.0), (20.0, 1.4, 5.0), (0.5, 1.0, 0.3))),
    Rhythm.NIGHTLIFE: (((18.5, 1.5, 2.0), (21.5, 1.8, 4.0)), ((20.5, 2.0, 3.0), (23.4, 1.6, 4.0), (2.0, 1.2, 1.0))),
    Rhythm.COMMUTING: (((8.0, 0.8, 4.5), (13.0, 2.5, 2.0), (17.4, 1.1, 4.0)), ((12.0, 2.5, 3.0), (17.5, 2.5, 3.0))),
    Rhythm.ERRANDS: (((8.5, 1.3, 2.0), (13.0, 2.2, 2.5), (17.5, 1.5, 3.5)), ((11.5, 1.8, 4.0), (16.0, 2.0, 2.0))),
    Rhythm.SHOPPING: (((12.5, 1.6, 2.5), (17.4, 1.5, 4.0)), ((12.0, 1.8, 4.0), (15.7, 1.7, 4.0))),
    Rhythm.LEISURE: (((13.0, 3.0, 2.0), (19.2, 1.8, 4.0)), ((14.5, 2.8, 4.0), (19.5, 1.8, 3.5))),
    Rhythm.CASH: (((10.5, 1.8, 2.5), (13.0, 2.0, 2.0), (17.5, 1.8, 3.0)), ((11.5, 2.0, 4.0), (21.5, 2.0, 1.5))),
    Rhythm.ONLINE: (((12.6, 1.4, 1.5), (17.0, 3.0, 2.5), (20.9, 1.4, 5.0)), ((11.5, 2.2, 3.0), (20.5, 2.0, 4.0))),
}
#: Share of a day's visits that fall evenly over the 24 hours: what is open at night.
_NIGHT: dict[Rhythm, float] = {Rhythm.ONLINE: 0.06, Rhythm.CASH: 0.03, Rhythm.ERRANDS: 0.03, Rhythm.NIGHTLIFE: 0.02}

_WEEK: dict[Rhythm, tuple[float, ...]] = {  # from Monday
    Rhythm.GROCERIES: (0.95, 0.92, 0.97, 1.05, 1.30, 1.50, 0.40),
    Rhythm.MEALS: (0.80, 0.85, 0.92, 1.02, 1.30, 1.40, 1.00),
    Rhythm.NIGHTLIFE: (0.45, 0.50, 0.65, 0.95, 1.80, 2.00, 0.75),
    Rhythm.COMMUTING: (1.25, 1.25, 1.25, 1.20, 1.15, 0.55, 0.35),
    Rhythm.ERRANDS: (1.10, 1.02, 1.00, 1.05, 1.25, 1.15, 0.40),
    Rhythm.SHOPPING: (0.80, 0.80, 0.85, 0.95, 1.20, 1.85, 0.50),
    Rhythm.LEISURE: (0.80, 0.80, 0.85, 0.95, 1.20, 1.35, 1.15),
    Rhythm.CASH: (1.05, 0.95, 0.95, 1.05, 1.40, 1.20, 0.45),
    Rhythm.ONLINE: (1.08, 1.02, 1.00, 0.98, 0.92, 0.90, 1.12),
}
_YEAR: dict[Rhythm, tuple[float, ...]] = {  # from January
    Rhythm.SHOPPING: (0.92, 0.82, 0.92, 0.96, 0.98, 0.98, 1.00, 0.92, 0.98, 1.00, 1.22, 1.55),
    Rhythm.ONLINE: (1.00, 0.92, 0.96, 0.94, 0.93, 0.92, 0.95, 0.90, 0.97, 1.00, 1.32, 1.35),
    Rhythm.LEISURE: (0.78, 0.84, 0.92, 1.04, 1.10, 1.16, 1.30, 1.26, 1.02, 0.96, 0.80, 0.95),
    Rhythm.NIGHTLIFE: (0.86, 0.94, 0.96, 1.00, 1.06, 1.08, 1.06, 1.00, 1.00, 1.00, 0.98, 1.20),
    Rhythm.COMMUTING: (1.02, 1.02, 1.06, 1.00, 1.02, 1.00, 0.88, 0.78, 1.06, 1.08, 1.08, 0.90),
    Rhythm.GROCERIES: (0.97, 0.97, 1.00, 1.00, 1.00, 0.99, 0.96, 0.95, 0.99, 1.00, 1.02, 1.14),
}
_PAY_DAY_LIFT: dict[Rhythm, float] = {Rhythm.SHOPPING: 0.40, Rhythm.CASH: 0.55, Rhythm.ONLINE: 0.22, Rhythm.MEALS: 0.15}
_OTHER_PAY_DAY_LIFT = 0.08


def calendar(start: datetime.date, days: int) -> list[datetime.date]:
    """Return the days of the period."""
    return [start + datetime.timedelta(days=i) for i in range(days)]


def day_table(start: datetime.date, days: int) -> NDArray[np.int16]:
    """Return days of the period by (rhythm, pay day of the customer, step of probability), (9, 4, ``TABLE``)."""
    dates = calendar(start, days)
    weekday = np.array([day.weekday() for day in dates])
    month = np.array([day.month - 1 for day in dates])
    table = np.empty((len(Rhythm), len(PAY_DAYS), TABLE), np.int16)
    for rhythm in Rhythm:
        weights = np.array(_WEEK[rhythm])[weekday] * np.array(_YEAR.get(rhythm, (1.0,) * 12))[month]
        for number, pay_day in enumerate(PAY_DAYS):
            since = np.array([(day.day - pay_day) % 30 for day in dates])
            lift = 1.0 + _PAY_DAY_LIFT.get(rhythm, _OTHER_PAY_DAY_LIFT) * np.exp(-since / 3.0)
            table[rhythm, number] = _inverse(weights * lift)
    return table


def minute_table() -> NDArray[np.int16]:
    """Return minutes of the day by (rhythm, weekend or not, step of probability), (9, 2, ``TABLE``)."""
    hours = (np.arange(MINUTES_PER_DAY) + 0.5) / 60.0
    table = np.empty((len(Rhythm), 2, TABLE), np.int16)
    for rhythm in Rhythm:
        for weekend in (0, 1):
            density = np.zeros(MINUTES_PER_DAY)
            for peak, width, weight in _HOURS[rhythm][weekend]:
                apart = np.abs(hours - peak)
                apart = np.minimum(apart, 24.0 - apart)
                density += weight / width * np.exp(-0.5 * (apart / width) ** 2)
            night = _NIGHT.get(rhythm, 0.004)
            density = (1.0 - night) * density / density.sum() + night / MINUTES_PER_DAY
            table[rhythm, weekend] = _inverse(density)
    return table


def persona_table(shares: NDArray[np.float64]) -> NDArray[np.int8]:
    """Return categories by (persona, step of probability) for ``shares`` of (personas, categories)."""
    return np.stack([_inverse(row) for row in shares]).astype(np.int8)


def weekends(start: datetime.date, days: int) -> NDArray[np.int8]:
    """Return 1 for each Saturday and Sunday of the period, else 0."""
    return np.array([day.weekday() >= 5 for day in calendar(start, days)], dtype=np.int8)


def month_starts(start: datetime.date, days: int) -> NDArray[np.int16]:
    """Return, for each month whose first 28 days lie within the period, the day of the period on which it begins."""
    firsts = [i for i, day in enumerate(calendar(start, days)) if day.day == 1 and i + 28 <= days]
    return np.array(firsts, dtype=np.int16)


def days_to_pay(start: datetime.date, days: int) -> NDArray[np.int8]:
    """Return, by (pay day, day of the period), how many days of a 30-day month are left until the next salary."""
    dates = calendar(start, days)
    return np.array([[(pay_day - day.day) % 30 for day in dates] for pay_day in PAY_DAYS], dtype=np.int8)


def _inverse(weights: NDArray[np.float64]) -> NDArray[np.int64]:
    cumulative = np.cumsum(weights) / weights.sum()
    steps = (np.arange(TABLE) + 0.5) / TABLE
    return np.minimum(np.searchsorted(cumulative, steps), len(weights) - 1)
