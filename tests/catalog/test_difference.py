"""What changed between two versions is computed from what both say of themselves, and shown with both numbers."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from django.db import transaction
from django.test import Client
from scipy.stats import ks_2samp

from catalog import attachments, difference, publishing
from catalog.models import Attachment, Dataset, ShelfState, Version
from catalog.shapes import Difference
from generation.quality.profile import TableProfile, finish
from marketplace.work.models import Piece
from tests.factories import a_dataset, a_listing, a_version, an_account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("s3_bucket")]


def statistics(**columns: Any) -> dict[str, Any]:
    table = pa.table(columns)
    profile = TableProfile(table.schema)
    profile.add(table)
    return {"tables": {"default": finish(profile.partial())}}


def compared(before: Any, after: Any, type_: pa.DataType | None = None) -> dict[str, Any]:
    """The difference of one column, by way of the statistics of both."""
    counted = [
        statistics(number=pa.array(values, type_))["tables"]["default"]["columns"][0] for values in (before, after)
    ]
    found = difference._column("number", [one["type"] for one in counted], counted)
    json.dumps(found, allow_nan=False)
    return found


@pytest.fixture
def dataset() -> Dataset:
    return a_dataset(an_account("seller"))


def with_statistics(version: Version, **columns: Any) -> Version:
    attachments.put(version, attachments.store("statistics", json.dumps(statistics(**columns)).encode()))
    return version


def test_the_distance_of_counted_numbers_is_that_of_scipy() -> None:
    source = np.random.default_rng(7)
    before, after = source.integers(0, 40, 3000), source.integers(4, 60, 2000)
    drift = compared(before, after)["drift"]
    assert drift["measure"] == "Kolmogorov–Smirnov distance" and drift["exact"]
    assert drift["value"] == pytest.approx(ks_2samp(before, after).statistic, abs=1e-6)


def test_the_distance_of_sketched_numbers_lies_near_that_of_scipy() -> None:
    source = np.random.default_rng(7)
    before, after = source.normal(0, 1, 50_000), source.normal(0.5, 1.5, 40_000)
    drift = compared(before, after)["drift"]
    assert not drift["exact"]
    assert drift["value"] == pytest.approx(ks_2samp(before, after).statistic, abs=drift["rank_error"] + 0.01)


def test_equal_columns_do_not_differ_and_disjoint_ones_differ_wholly() -> None:
    values = np.random.default_rng(1).normal(size=5000)
    assert compared(values, values)["drift"]["value"] == 0
    assert compared(values, values + 100)["drift"]["value"] == pytest.approx(1, abs=1e-6)
    assert compared(["a", "b"], ["a", "b"])["drift"]["value"] == 0
    assert compared(["a", "b"], ["c"])["drift"]["value"] == 1


def test_classes_differ_by_half_the_sum_of_the_gaps_between_their_shares() -> None:
    found = compared(["a"] * 6 + ["b"] * 4, ["a"] * 3 + ["b"] * 3 + ["c"] * 4)
    assert found["drift"]["measure"] == "total variation distance"
    assert found["drift"]["value"] == pytest.approx((0.3 + 0.1 + 0.4) / 2)


def test_times_differ_as_numbers_do() -> None:
    start = datetime(2026, 1, 1)  # noqa: DTZ001
    before = [start + timedelta(hours=hour) for hour in range(1000)]
    after = [start + timedelta(hours=hour + 500) for hour in range(1000)]
    assert compared(before, after, pa.timestamp("us"))["drift"]["value"] == pytest.approx(0.5, abs=0.05)
    assert compared(before[:100], after[:100], pa.timestamp("us", "UTC"))["drift"]["value"] == 1
    assert compared(before, after, pa.date32())["drift"]["exact"]


def test_nulls_and_ends_are_told_with_both_numbers() -> None:
    found = compared([1, 2, None, None], [0, 5, 9, None])
    assert found["nulls"] == [0.5, 0.25]
    assert (found["minimum"], found["maximum"]) == ([1, 0], [2, 9])


@pytest.mark.parametrize(
    ("before", "after"), [([None], [1]), ([str(n) for n in range(300)], ["a"]), ([b"a"], [b"b"]), ([[1]], [[2]])]
)
def test_what_cannot_be_measured_says_why(before: Any, after: Any) -> None:
    found = compared(before, after)
    assert found["drift"] is None and found["unmeasured"]


def test_numbers_beyond_all_bounds_are_compared_too() -> None:
    assert compared([float("inf"), 1.0], [1.0, float("nan")])["drift"]["value"] == 0
    assert compared([2**60], [2**60 + 1])["drift"] is not None


def test_the_second_version_is_compared_with_the_first_and_the_first_with_nothing(dataset: Dataset) -> None:
    first = with_statistics(a_version(dataset), number=range(20))
    second = with_statistics(a_version(dataset), number=range(10, 30))
    assert Piece.objects.filter(kind=difference.DIFFERENCE, subject=second.id).exists()
    for version in (first, second):
        difference.make(version)
    assert difference.shown(first) is None
    found = difference.shown(second)
    assert found is not None
    Difference.model_validate(found)
    assert found["against"] == {"number": "1.0.0", "digest": first.digest}
    assert found["rows"] == [20, 20]
    assert found["tables"][0]["columns"][0]["drift"]["value"] == 0.5


def test_the_page_of_versions_shows_the_difference_with_both_numbers(client: Client, dataset: Dataset) -> None:
    with_statistics(a_version(dataset), number=range(20))
    second = with_statistics(a_version(dataset), number=pa.array([*range(10, 29), None]))
    difference.make(second)
    publishing.put_on_shelf(a_listing(dataset).listing)
    page = client.get("/datasets/seller/numbers/versions").content.decode()
    assert "What changed from 1.0.0 to 1.1.0" in page
    assert "0 % → 5 %" in page and "0 → 10" in page and "19 → 28" in page
    assert "What changed" not in client.get("/datasets/seller/numbers/versions/1.0.0/versions").content.decode()
    assert client.get("/datasets/seller/numbers/versions/1.1.0/documents/difference.json").json()["against"]


def test_settings_that_changed_are_named_with_both_values(dataset: Dataset) -> None:
    first, second = a_version(dataset), a_version(dataset)
    first.recipe["parameters"] = {"rate": 0.1, "same": 1, "gone": True}
    second.recipe["parameters"] = {"rate": 0.2, "same": 1, "new": [1]}
    found = difference.between(first, second, None, None)
    assert found["parameters"] == [
        {"name": "rate", "before": 0.1, "after": 0.2},
        {"name": "new", "before": None, "after": [1]},
        {"name": "gone", "before": True, "after": None},
    ]
    assert found["tables"][0]["columns"][0]["unmeasured"] == "one of the versions has no statistics"


def test_columns_that_came_and_went_are_named(dataset: Dataset) -> None:
    first = with_statistics(a_version(dataset, columns=("a", "b")), a=range(20), b=range(20))
    second = with_statistics(a_version(dataset, columns=("b", "c")), b=range(20), c=range(20))
    assert (first.number, second.number) == ("1.0.0", "2.0.0")
    difference.make(second)
    found = difference.shown(second)
    assert found is not None
    states = {column["name"]: column["state"] for column in found["tables"][0]["columns"]}
    assert states == {"a": "removed", "b": "kept", "c": "added"}
    assert [column["name"] for column in found["tables"][0]["columns"]][-1] == "b"


def test_a_withdrawn_version_is_compared_with_nothing(dataset: Dataset) -> None:
    first, second, third = a_version(dataset), a_version(dataset), a_version(dataset)
    ShelfState.objects.filter(version=second).update(state=ShelfState.State.WITHDRAWN)
    assert difference.compared_with(third) == first
    with transaction.atomic():
        difference.make(Version.objects.get(id=second.id))
    assert not Attachment.objects.filter(version=second, kind="difference").exists()
