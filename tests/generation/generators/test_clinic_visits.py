"""Clinic visits: keys hold, what is measured follows diagnosis and age, and what is missing is missing together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from generation.generators.tabular.clinic_visits import generator
from generation.generators.tabular.clinic_visits.diagnoses import DIAGNOSES, LABORATORY
from tests.generation.generators.blocks import job, tables

PATIENTS = 2_000
SIGNS = ["temperature", "systolic", "diastolic", "heart_rate", "oxygen"]


@dataclass(frozen=True)
class Made:
    """Both tables in pandas."""

    patients: pd.DataFrame
    visits: pd.DataFrame


def make(units: range = range(PATIENTS), **params: object) -> Made:
    found = tables(generator, job(generator, 20_000, **params), units)
    return Made(found["patients"].to_pandas(), found["visits"].to_pandas())


@pytest.fixture(scope="module")
def hospital() -> Made:
    return make(setting="hospital")


def test_blocks_are_valid_and_every_column_is_described() -> None:
    asked = job(generator, 20_000)
    made = tables(generator, asked, range(4_000, 4_300))
    for table in generator.layout(asked).tables:
        made[table.name].validate(full=True)
        assert made[table.name].schema.equals(table.schema, check_metadata=True)
        for column in table.schema:
            assert column.metadata[b"description"] and column.metadata[b"role"], column.name
            assert column.nullable or made[table.name].column(column.name).null_count == 0, column.name
            assert not pa.types.is_dictionary(column.type)


def test_every_visit_finds_its_patient_and_they_are_counted_by_day(hospital: Made) -> None:
    patients, visits = hospital.patients, hospital.visits
    assert list(patients.patient_id) == list(range(1, PATIENTS + 1))
    counts = visits.groupby("patient_id").size()
    assert (counts.reindex(patients.patient_id).to_numpy() == patients.visits.to_numpy()).all()
    for _, own in visits.groupby("patient_id"):
        assert list(own.visit) == list(range(1, len(own) + 1))
        assert own.day.is_monotonic_increasing
    born = visits.merge(patients, on="patient_id", suffixes=("", "_first"))
    assert (born.age - born.age_first).between(0, 1).all()


def test_diagnoses_keep_to_sex_and_condition(hospital: Made) -> None:
    both = hospital.visits.merge(hospital.patients, on="patient_id")
    of = {one.code: one for one in DIAGNOSES}
    for code, own in both.groupby("code"):
        if of[code].only:
            assert set(own.sex) == {of[code].only}
        if of[code].needs:
            assert own[of[code].needs].all()
        assert set(own.diagnosis) == {of[code].name}
    assert set(both.code) == set(of)


def test_what_is_measured_follows_diagnosis_age_and_condition(hospital: Made) -> None:
    visits = hospital.visits
    mean = visits.groupby("code")[SIGNS].mean()
    nothing = mean.loc["FAC-10"]
    assert mean.loc["RES-40"].temperature > nothing.temperature + 1
    assert mean.loc["RES-40"].oxygen < nothing.oxygen - 3
    assert mean.loc["CIR-20"].heart_rate > nothing.heart_rate + 15
    assert visits[visits.age > 70].systolic.mean() > visits[visits.age.between(18, 35)].systolic.mean() + 8
    assert visits.systolic.corr(visits.diastolic) > 0.6
    assert (visits.systolic.dropna() > visits.diastolic.dropna()).all()
    troponin = visits[visits.laboratory == "troponin"].groupby("code").laboratory_value.median()
    assert troponin["CIR-50"] > 20 * troponin["CIR-40"]


def test_what_was_not_measured_is_missing_together(hospital: Made) -> None:
    visits = hospital.visits
    absent = visits[SIGNS].isna()
    assert (absent.all(axis=1) == absent.any(axis=1)).all()
    share = absent.systolic.groupby(visits.department).mean()
    assert share["emergency"] < 0.05 < share["general medicine"] < share["dermatology"]
    laboratory = visits[["laboratory", "laboratory_value", "laboratory_unit"]].isna()
    assert (laboratory.all(axis=1) == laboratory.any(axis=1)).all()
    units = visits.dropna(subset="laboratory").groupby("laboratory").laboratory_unit.unique()
    assert {name: list(unit) for name, unit in units.items()} == {
        name: [unit] for name, (unit, _, _) in LABORATORY.items()
    }
    assert make(not_measured=0.0).visits.systolic.notna().all()


def test_graver_diagnoses_lead_to_a_bed_and_a_practice_has_none(hospital: Made) -> None:
    admitted = (hospital.visits.outcome == "admitted").groupby(hospital.visits.code).mean()
    assert admitted["INJ-30"] > 0.9 and admitted["CIR-50"] > 0.9
    assert admitted["FAC-10"] == 0 and admitted["INJ-10"] < 0.1
    practice = make(setting="primary care").visits
    assert set(practice.outcome) == {"sent home", "follow-up", "referred"}
    assert (practice.day.map(date.weekday) < 5).all()


def test_a_patient_who_came_again_within_thirty_days_is_marked_and_the_unknown_is_null(hospital: Made) -> None:
    visits = hospital.visits
    end = date(2025, 12, 31)
    following = visits.groupby("patient_id").day.shift(-1)
    for day, after, said in zip(visits.day, following, visits.returned, strict=True):
        back = isinstance(after, date) and (after - day).days <= 30
        known = back or (end - day).days >= 30
        assert said == back if known else said is None


def test_infections_follow_the_winter_that_was_asked_for() -> None:
    def cold_share(winter: float) -> float:
        visits = make(winter=winter).visits
        influenza = visits[visits.code == "RES-30"].day.map(lambda day: day.month)
        return float(influenza.isin([12, 1, 2]).mean())

    assert cold_share(2.0) > 0.55 > cold_share(1.0) > 0.38
    assert cold_share(0.0) == pytest.approx(0.25, abs=0.06)


def test_the_mean_age_is_the_one_that_was_asked_for_and_the_sick_come_more_often() -> None:
    for age in (30, 60):
        assert make(mean_age=age).patients.age.mean() == pytest.approx(age, abs=1.5)
    patients = make(visits=5.0).patients
    healthy = patients[~(patients.hypertension | patients.diabetes | patients.asthma)]
    adults = healthy[healthy.age.between(35, 55)]
    assert adults.visits.mean() == pytest.approx(5.0, abs=0.6)
    assert patients[patients.diabetes].visits.mean() > 1.5 * adults.visits.mean()


@pytest.mark.parametrize("params", [{"days": 60}, {"days": 1825, "visits": 15}, {"visits": 1}, {"mean_age": 75}])
def test_one_patient_alone_can_be_made_at_any_limit(params: dict[str, object]) -> None:
    made = make(range(7, 8), **params)
    assert list(made.patients.patient_id) == [8]
    assert len(made.visits) == made.patients.visits[0] >= 1
    assert np.isfinite(made.patients[["height", "weight"]].to_numpy()).all()
