"""The generator: patients first, then how often and when they come, then everything that hangs on the diagnosis."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from generation.generators.tabular.clinic_visits.diagnoses import (
    CHAPTERS,
    CONDITIONS,
    DIAGNOSES,
    LABORATORY,
    column,
)
from generation.sdk import Cause, Planted, Table, field, generator

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_MOST_VISITS = 60
_RETURN_DAYS = 30
_SEXES = np.array(["female", "male"])
_OUTCOMES = np.array(["sent home", "follow-up", "referred", "admitted"])
#: What becomes of the gravely ill: a practice has no beds.
_SERIOUS: dict[str, str] = {"primary care": "referred", "hospital": "admitted"}


class Parameters(BaseModel):
    """Who comes, to what kind of clinic, and how well the files are kept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    setting: Literal["primary care", "hospital"] = Field(
        "primary care",
        title="Setting",
        description="A practice sees colds, backs and check-ups; a hospital graver things, also at weekends.",
    )
    first_day: date = Field(
        date(2025, 1, 1),
        title="First day",
        description="The day on which the period begins.",
        ge=date(2000, 1, 1),
        le=date(2099, 12, 31),
    )
    days: int = Field(
        365, title="Days", description="Length of the period in days; every visit falls within it.", ge=60, le=1825
    )
    visits: float = Field(
        4.0,
        title="Visits a patient",
        description="Mean number of visits of a healthy adult in the period, the first included; the old and the "
        f"chronically ill come more often, nobody more than {_MOST_VISITS} times.",
        ge=1,
        le=15,
    )
    mean_age: float = Field(46.0, title="Mean age", description="Mean age of the patients, in years.", ge=20, le=75)
    smokers: float = Field(
        0.2, title="Smokers", description="The share of adults who smoke; expected, not exact.", ge=0, le=1
    )
    winter: float = Field(
        1.0,
        title="Winter",
        description="How strongly infections follow the seasons of the north: 0 not at all, 1 usual, 2 a hard winter.",
        ge=0,
        le=2,
    )
    not_measured: float = Field(
        0.12,
        title="Visits without measurements",
        description="The share of visits at which no vital sign was written down; all are then missing together. "
        "It is doubled for skin, bones and muscles, and almost nothing in an emergency.",
        ge=0,
        le=0.45,
    )


PATIENTS = pa.schema(
    [
        field("patient_id", pa.int64(), "Number of the patient, unique.", role="key"),
        field("sex", pa.string(), "female or male.", role="sensitive"),
        field("age", pa.int16(), "Age on the first day of the period, in years.", role="sensitive", unit="a"),
        field("height", pa.float32(), "Height.", role="measure", unit="cm"),
        field("weight", pa.float32(), "Weight.", role="measure", unit="kg"),
        field("smoker", pa.bool_(), "Does the patient smoke? False for everybody under 16."),
        field("hypertension", pa.bool_(), "Lasting condition: high blood pressure."),
        field("diabetes", pa.bool_(), "Lasting condition: type 2 diabetes."),
        field("asthma", pa.bool_(), "Lasting condition: asthma."),
        field("visits", pa.int16(), "Number of visits in the period.", role="measure"),
    ]
)
VISITS = pa.schema(
    [
        field("patient_id", pa.int64(), "The patient who came.", role="reference"),
        field("visit", pa.int16(), "Number of the visit among the patient's, from 1, by day.", role="key"),
        field("day", pa.date32(), "Day of the visit.", role="time"),
        field("age", pa.int16(), "Age of the patient on that day, in years.", role="sensitive", unit="a"),
        field("department", pa.string(), "Department that the diagnosis belongs to."),
        field("code", pa.string(), f"Main diagnosis, in codes made up for this generator: {CHAPTERS}.", role="label"),
        field("diagnosis", pa.string(), "The main diagnosis in words."),
        field("temperature", pa.float32(), "Body temperature.", role="measure", unit="°C", nullable=True),
        field("systolic", pa.int16(), "Upper blood pressure.", role="measure", unit="mmHg", nullable=True),
        field("diastolic", pa.int16(), "Lower blood pressure.", role="measure", unit="mmHg", nullable=True),
        field("heart_rate", pa.int16(), "Heart rate.", role="measure", unit="1/min", nullable=True),
        field("oxygen", pa.int16(), "Oxygen saturation of the blood.", role="measure", unit="%", nullable=True),
        field("laboratory", pa.string(), "What was measured in the laboratory; null for nothing.", nullable=True),
        field("laboratory_value", pa.float64(), "Its value, in the unit beside it.", role="measure", nullable=True),
        field("laboratory_unit", pa.string(), "Unit of the laboratory value.", nullable=True),
        field("medicine", pa.string(), "Medicine that was prescribed; null for none.", nullable=True),
        field("outcome", pa.string(), "sent home, follow-up, referred or admitted.", role="label"),
        field(
            "returned",
            pa.bool_(),
            f"Did the patient come again within {_RETURN_DAYS} days? Null if the period ends before that is known.",
            role="label",
            nullable=True,
        ),
    ]
)


def _planted(params: Parameters) -> list[Planted]:
    """Who smokes, at a share; and who gets a bed or is referred, which hangs on diagnosis, age and signs."""
    serious = _SERIOUS[params.setting]
    signs = ("code", "diagnosis", "age", "oxygen", "heart_rate", "temperature")
    return [
        Planted(
            "patients",
            "smoker",
            (Cause("true", share=_share_of_smokers(params), columns=("age", "hypertension")),),
            nothing=("false",),
        ),
        Planted(
            "visits",
            "outcome",
            (Cause(serious, columns=signs),),
            nothing=tuple(outcome for outcome in _OUTCOMES.tolist() if outcome != serious),
            unit="patient_id",
        ),
    ]


@generator(
    name="clinic-visits",
    version="1.1.0",
    title="Patients and visits of a clinic",
    summary="Patients with their lasting conditions, and each visit with its diagnosis, vital signs, laboratory value, "
    "medicine and outcome, which hang together; what was not measured is missing together.",
    parameters=Parameters,
    tables=[
        Table("patients", PATIENTS, key=("patient_id",)),
        Table(
            "visits",
            VISITS,
            key=("patient_id", "visit"),
            references={"patient_id": ("patients", "patient_id")},
            rows="many",
        ),
    ],
    unit="patient",
    block=2_000,
    seconds_per_block=0.15,
    planted=_planted,
)
def clinic_visits(params: Parameters, units: range, rng: np.random.Generator) -> dict[str, pa.RecordBatch]:
    patients = _patients(params, units, rng)
    patients["visits"] = _numbers_of_visits(params, patients, rng)
    visits = _visits(params, patients, rng)
    return {"patients": _batch(patients, PATIENTS), "visits": _batch(visits, VISITS)}


def _patients(params: Parameters, units: range, rng: np.random.Generator) -> dict[str, Any]:
    n = len(units)
    male = rng.random(n) < 0.47
    age = _ages(params, n, rng)
    grown = np.clip(age / 18.0, 0.0, 1.0)
    height = (52.0 + 113.0 * grown**0.75 + np.where(male, 12.5 * grown, 0.0)) * rng.normal(1.0, 0.038, n)
    bmi = (16.2 + 8.6 * grown + 0.045 * np.clip(age - 18, 0, 50)) * np.exp(rng.normal(0.0, 0.15, n))
    smoker = rng.random(n) < _smoking(params, age)
    weighty = (bmi - 26.0) / 5.0
    hypertension = rng.random(n) < _logistic((age - 66) / 11 + 0.6 * weighty + 0.25 * smoker)
    diabetes = (age >= 30) & (rng.random(n) < _logistic((age - 92) / 15 + 0.8 * weighty + 0.7 * hypertension))
    asthma = rng.random(n) < np.where(age < 18, 0.1, 0.06) * np.where(smoker, 1.4, 1.0)
    return {
        "patient_id": np.arange(units.start, units.stop) + 1,
        "sex": _SEXES[male.astype(np.int8)],
        "age": age,
        "height": height.round(1),
        "weight": (bmi * (height / 100.0) ** 2).round(1),
        "smoker": smoker,
        "hypertension": hypertension,
        "diabetes": diabetes,
        "asthma": asthma,
    }


def _ages(params: Parameters, n: int, rng: np.random.Generator) -> Ints:
    """Ages from 0 to 100 with the mean asked for: a beta distribution, wide as those of a waiting room are."""
    return np.floor(101.0 * rng.beta(*_age_shape(params), n)).astype(np.int64).clip(0, 100)


def _age_shape(params: Parameters) -> tuple[float, float]:
    share = params.mean_age / 100.0
    return 3.2 * share, 3.2 * (1.0 - share)


def _smoking(params: Parameters, age: Ints) -> Floats:
    """How likely somebody of this age is to smoke."""
    return np.asarray(params.smokers * np.where(age < 16, 0.0, np.where(age > 65, 0.6, 1.08))).clip(0.0, 1.0)


@cache
def _share_of_smokers(params: Parameters) -> float:
    """The share of all patients that may be expected to smoke: over the ages, by the density of their shares of 101."""
    first, second = _age_shape(params)
    # Places are denser towards both ends, where the density may have no bound.
    place = (1.0 - np.cos(np.pi * (np.arange(200_000) + 0.5) / 200_000)) / 2.0
    weights = place ** (first - 0.5) * (1.0 - place) ** (second - 0.5)
    return float(np.average(_smoking(params, np.floor(101.0 * place).astype(np.int64)), weights=weights))


def _numbers_of_visits(params: Parameters, patients: dict[str, Any], rng: np.random.Generator) -> Ints:
    """The first visit, and then as many as a patient's own rate gives."""
    age = patients["age"]
    burden = 0.28 * patients["hypertension"] + 0.45 * patients["diabetes"] + 0.35 * patients["asthma"]
    rate = (params.visits - 1.0) * np.exp(0.011 * (age - 45) + burden + 0.45 * (age < 5))
    rate *= rng.gamma(2.2, 1.0 / 2.2, len(age))
    return np.asarray(np.minimum(1 + rng.poisson(rate), _MOST_VISITS))


def _visits(params: Parameters, patients: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    counts = patients["visits"]
    who = np.repeat(np.arange(len(counts)), counts)
    n = len(who)
    day = np.searchsorted(_days(params), rng.random(n), side="right").clip(0, params.days - 1)
    day = day[np.lexsort((day, who))]
    first = np.r_[True, who[1:] != who[:-1]]
    begins = np.repeat(np.flatnonzero(first), counts)
    age = patients["age"][who] + day // 365
    date_of = np.datetime64(params.first_day, "D") + day.astype("timedelta64[D]")
    found = _diagnoses(params, patients, who, age, date_of, rng)
    signs = _vital_signs(patients, who, age, found, rng)
    departments = column("department")[found]
    absent = rng.random(n) < _not_measured(params, departments)
    visits: dict[str, Any] = {
        "patient_id": patients["patient_id"][who],
        "visit": np.arange(n) - begins + 1,
        "day": date_of,
        "age": age,
        "department": departments,
        "code": column("code")[found],
        "diagnosis": column("name")[found],
        "medicine": _medicines(found, rng),
        "outcome": _outcomes(params, age, signs, found, rng),
        "returned": _returned(params, who, day),
    }
    visits |= _laboratory(patients, who, age, found, rng)
    return visits | {name: pa.array(values, VISITS.field(name).type, mask=absent) for name, values in signs.items()}


@cache
def _days(params: Parameters) -> Floats:
    """How much of all visits has happened by the end of each day: fewer at weekends, none there in a practice."""
    weekdays = (np.datetime64(params.first_day, "D") + np.arange(params.days)).astype(np.int64) + 3
    usual = [1.25, 1.08, 0.95, 1.0, 0.9]
    weekend = [0.0, 0.0] if params.setting == "primary care" else [0.55, 0.5]
    weights = np.array([*usual, *weekend])[weekdays % 7]
    return np.asarray(np.cumsum(weights) / weights.sum())


def _diagnoses(
    params: Parameters, patients: dict[str, Any], who: Ints, age: Ints, day: NDArray[Any], rng: np.random.Generator
) -> Ints:
    """Which diagnosis each visit has, an index of DIAGNOSES, by setting, age, sex, condition and season."""
    base = column("primary" if params.setting == "primary care" else "hospital").astype(np.float64)
    middle, spread = column("age"), column("spread")
    weights = base * np.where(middle > 0, np.exp(-0.5 * ((age[:, None] - middle) / spread) ** 2), 0.6)
    of_year = (day - day.astype("datetime64[Y]")).astype(np.int64)
    cold = np.cos(2 * np.pi * (of_year - 20) / 365.25)
    weights *= np.exp(np.log(2.0) * params.winter * column("winter") * cold[:, None])
    for condition in CONDITIONS:
        has = patients[condition][who]
        weights[:, column("needs") == condition] *= np.where(has, 4.0, 0.0)[:, None]
    for sex in _SEXES:
        weights[:, column("only") == sex] *= (patients["sex"][who] == sex)[:, None]
    breathing = np.char.startswith(column("code"), "RES")
    weights[:, breathing] *= np.where(patients["smoker"][who], 1.5, 1.0)[:, None]
    reached = np.cumsum(weights, axis=1)
    drawn = rng.random(len(who)) * reached[:, -1]
    return np.asarray((reached <= drawn[:, None]).sum(axis=1).clip(0, len(DIAGNOSES) - 1))


def _vital_signs(
    patients: dict[str, Any], who: Ints, age: Ints, found: Ints, rng: np.random.Generator
) -> dict[str, NDArray[Any]]:
    """Temperature, blood pressures, heart rate and oxygen: the person's own level, the diagnosis, the moment."""
    n, m = len(who), len(patients["age"])
    own_pressure, own_rate = rng.normal(0, 8.0, m)[who], rng.normal(0, 7.0, m)[who]
    bmi = patients["weight"] / (patients["height"] / 100.0) ** 2
    degree = rng.gamma(4.0, 0.25, n)  # how strongly the illness shows at this visit
    temperature = 36.6 + rng.normal(0, 0.25, n) + column("temperature")[found] * degree
    systolic = 96.0 + 18.0 * np.clip(age / 18.0, 0, 1) + 0.32 * np.clip(age - 18, 0, 70) + own_pressure
    systolic += 0.7 * (bmi[who] - 25.0).clip(-5, 15) + 11.0 * patients["hypertension"][who]
    systolic += column("systolic")[found] * degree + rng.normal(0, 6.5, n)
    diastolic = 0.42 * systolic + 25.0 - 0.12 * np.clip(age - 55, 0, 50) + rng.normal(0, 5.0, n)
    rate = 72.0 + 55.0 * np.exp(-age / 5.0) + own_rate + 7.5 * (temperature - 36.6)
    rate += column("heart_rate")[found] * degree + 3.0 * patients["smoker"][who] + rng.normal(0, 5.0, n)
    oxygen = 98.1 - 0.012 * age - 0.6 * patients["smoker"][who] + column("oxygen")[found] * degree
    oxygen += rng.normal(0, 0.8, n)
    return {
        "temperature": temperature.round(1).clip(34.5, 42.0),
        "systolic": systolic.round().clip(65, 240).astype(np.int16),
        "diastolic": np.minimum(diastolic.round().clip(35, 140), systolic.round().clip(65, 240) - 12).astype(np.int16),
        "heart_rate": rate.round().clip(38, 210).astype(np.int16),
        "oxygen": oxygen.round().clip(70, 100).astype(np.int16),
    }


def _laboratory(
    patients: dict[str, Any], who: Ints, age: Ints, found: Ints, rng: np.random.Generator
) -> dict[str, pa.Array]:
    """What was measured, its value and unit, or nulls; graver things are looked into more often."""
    asked = column("laboratory")[found]
    taken = (asked != "") & (rng.random(len(who)) < 0.55 + 0.45 * column("grave")[found])
    usual = {"": (0.0, 0.0)} | {name: (np.log(middle), spread) for name, (_, middle, spread) in LABORATORY.items()}
    middle, spread = np.array([usual[name] for name in asked]).reshape(-1, 2).T
    middle = middle + column("level")[found]
    male = patients["sex"][who] == "male"
    middle += np.where((asked == "creatinine") | (asked == "haemoglobin"), np.where(male, 0.08, -0.05), 0.0)
    middle += np.where(asked == "creatinine", 0.004 * np.clip(age - 50, 0, 50), 0.0)
    value = np.exp(middle + spread * rng.normal(0, 1, len(who))).round(1)
    unit = np.array([LABORATORY[name][0] if name else "" for name in asked])
    columns = {"laboratory": asked, "laboratory_value": value, "laboratory_unit": unit}
    return {name: pa.array(values, VISITS.field(name).type, mask=~taken) for name, values in columns.items()}


def _medicines(found: Ints, rng: np.random.Generator) -> list[str | None]:
    """A medicine of the diagnosis, the first more often than the others, at most visits."""
    drawn = rng.random(len(found))
    choices = [one.medicines for one in DIAGNOSES]
    return [
        choices[diagnosis][int(at / 0.85 * (2 if at > 0.55 else 1)) % len(choices[diagnosis])]
        if choices[diagnosis] and at < 0.85
        else None
        for diagnosis, at in zip(found.tolist(), drawn.tolist(), strict=True)
    ]


def _outcomes(
    params: Parameters, age: Ints, signs: dict[str, NDArray[Any]], found: Ints, rng: np.random.Generator
) -> NDArray[Any]:
    """What follows: graver diagnoses, age and bad signs lead to a bed; a practice has none and refers."""
    grave = column("grave")[found]
    worse = 0.28 * (95.0 - signs["oxygen"]).clip(0, 12) + 0.03 * (signs["heart_rate"] - 100.0).clip(0, 60)
    worse += 0.5 * (signs["temperature"] - 38.5).clip(0, 3)
    score = 6.5 * (grave - 0.52) + 0.018 * (age - 55) + worse
    serious = rng.random(len(found)) < _logistic(score) * (grave > 0)
    again = rng.random(len(found)) < 0.15 + 0.4 * np.char.endswith(column("name")[found], "follow-up") + 0.25 * grave
    return np.where(serious, _SERIOUS[params.setting], _OUTCOMES[np.where(again, 1, 0)])


def _returned(params: Parameters, who: Ints, day: Ints) -> pa.Array:
    """Whether the next visit of the same patient was within thirty days; null where the period ends too early."""
    next_day = np.r_[day[1:], 0]
    same = np.r_[who[1:] == who[:-1], False]
    back = same & (next_day - day <= _RETURN_DAYS)
    return pa.array(back, mask=~back & (day + _RETURN_DAYS >= params.days))


def _not_measured(params: Parameters, departments: NDArray[Any]) -> Floats:
    doubled = np.isin(departments, ["dermatology", "orthopaedics"])
    seldom = np.isin(departments, ["emergency", "cardiology"])
    return np.asarray(params.not_measured * np.where(doubled, 2.0, np.where(seldom, 0.15, 1.0)))


def _logistic(score: NDArray[Any]) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-score)))


def _batch(columns: dict[str, Any], schema: pa.Schema) -> pa.RecordBatch:
    arrays = [
        values if isinstance(values := columns[one.name], pa.Array) else pa.array(values, one.type) for one in schema
    ]
    return pa.RecordBatch.from_arrays(
        [array if array.type == one.type else array.cast(one.type) for array, one in zip(arrays, schema, strict=True)],
        schema=schema,
    )
