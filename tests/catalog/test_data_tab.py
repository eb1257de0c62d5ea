"""The data tab: rows by pages, by a condition, in an order; pictures with what is drawn over them; a row alone."""

from __future__ import annotations

import csv
import io
import json
import re
from html import unescape
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from django.test import Client
from django.utils.html import escape

from catalog import attachments, overlays, pages, previews, publishing, relations
from catalog.models import Dataset, Version
from generation.quality.profile import TableProfile, finish
from generation.sdk.media import marked_png
from marketplace import storage
from marketplace.web.plots import Categories
from tests.factories import a_dataset, a_licence, a_listing, a_person, a_version_of, an_account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("s3_bucket")]

ADDRESS = "/datasets/seller/numbers"
PICTURE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
ROWS = pa.table({"number": pa.array(range(200), pa.int64()), "odd": pa.array([n % 2 == 1 for n in range(200)])})


@pytest.fixture
def dataset() -> Dataset:
    return a_dataset(an_account("seller"))


def on_shelf(dataset: Dataset) -> None:
    publishing.put_on_shelf(a_listing(dataset).listing)


def shown(client: Client, address: str = ADDRESS, status: int = 200, **asked: object) -> str:
    answer = client.get(address, asked)
    assert answer.status_code == status
    return answer.content.decode()


def numbers(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'<tr id="row-[a-z]+-(\d+)"', page)]


def with_statistics(version: Version, tables: dict[str, pa.Table]) -> None:
    told = {}
    for name, rows in tables.items():
        profile = TableProfile(rows.schema)
        profile.add(rows)
        told[name] = finish(profile.partial())
    attachments.put(version, attachments.store("statistics", json.dumps({"tables": told}).encode()))


def test_the_sample_is_paged_sorted_and_searched_by_links_and_a_form(client: Client, dataset: Dataset) -> None:
    previews.make(a_version_of(dataset, {"default": [ROWS, ROWS]}))
    on_shelf(dataset)
    page = shown(client)
    assert numbers(page) == list(range(50))
    assert "Rows 0 to 49 of 200 in the free sample; 400 in all with a licence." in page
    following = re.search(r'rel="next" href="([^"#]+)', page)
    assert following is not None
    assert numbers(shown(client, ADDRESS + following[1].replace("&amp;", "&"))) == list(range(50, 100))
    assert numbers(shown(client, offset=150)) == list(range(150, 200))
    ordered = shown(client, sort="-number")
    assert numbers(ordered)[:2] == [199, 198] and 'aria-sort="descending"' in ordered
    found = shown(client, where="number >= 190 and odd = true")
    assert numbers(found) == [191, 193, 195, 197, 199]
    assert "5 of the 200 rows of the free sample; 1 to 5 are shown." in found


def test_a_condition_that_cannot_be_read_is_told_beside_the_form_and_kept_in_it(
    client: Client, dataset: Dataset
) -> None:
    previews.make(a_version_of(dataset, {"default": [ROWS]}))
    on_shelf(dataset)
    page = shown(client, where="nothing > 1 and odd > true")
    assert "“nothing” is no column that can be compared." in page and "odd is true or false" in page
    assert 'value="nothing &gt; 1 and odd &gt; true"' in page and 'aria-invalid="true"' in page


def test_a_licence_holder_pages_through_all_rows(client: Client, dataset: Dataset) -> None:
    version = a_version_of(dataset, {"default": [ROWS, ROWS]})
    previews.make(version)
    user, account = a_person()
    a_licence(account, version)
    client.force_login(user)
    assert "Rows 0 to 49 of 400." in shown(client)
    assert numbers(shown(client, offset=375)) == list(range(375, 400))
    assert shown(client, f"{ADDRESS}/rows/399")


def test_a_row_has_an_address_of_its_own_with_its_neighbours(client: Client, dataset: Dataset) -> None:
    previews.make(a_version_of(dataset, {"default": [ROWS, ROWS]}))
    on_shelf(dataset)
    page = shown(client, f"{ADDRESS}/rows/7")
    assert f'rel="prev" href="{ADDRESS}/rows/6"' in page and f'rel="next" href="{ADDRESS}/rows/8"' in page
    assert ">true<" in page
    api = re.search(r'href="([^"]+)">Row as JSON', page)
    assert api is not None
    assert client.get(api[1].replace("&amp;", "&")).json()["rows"][0]["row"] == {"number": 7, "odd": True}
    last = shown(client, f"{ADDRESS}/rows/199")
    assert 'rel="next"' not in last
    shown(client, f"{ADDRESS}/rows/200", status=404)
    shown(Client(), "/datasets/seller/nothing/rows/1", status=404)


def test_the_share_of_rows_that_repeat_an_earlier_one_is_told(client: Client, dataset: Dataset) -> None:
    rows = pa.table({"number": pa.array([1, 2, 3, 3], pa.int64())})
    version = a_version_of(dataset, {"default": [rows]})
    on_shelf(dataset)
    assert "How many rows repeat an earlier one was not measured." in shown(client)
    with_statistics(version, {"default": rows})
    assert "25 % of the rows repeat an earlier one in every cell." in unescape(shown(client)).replace("\xa0", " ")


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"share": 0, "exact": True}, "No row repeats an earlier one."),
        ({"share": 0, "exact": False, "standard_error": 0.01}, "No row was found that repeats an earlier one."),
        ({"share": 0.25, "exact": False, "standard_error": 0.01}, "About 25 % of the rows repeat"),
    ],
)
def test_an_estimated_share_of_repeated_rows_says_that_it_is_one(told: dict[str, object], words: str) -> None:
    assert words in pages._repeats(told).replace("\xa0", " ")


def test_only_one_configuration_moves_when_it_is_paged(client: Client, dataset: Dataset) -> None:
    tables = {"parts": [ROWS], "measurements": [ROWS]}
    previews.make(a_version_of(dataset, tables))
    on_shelf(dataset)
    page = shown(client, config="measurements", offset=100)
    assert numbers(page) == [*range(50), *range(100, 150)]


def pictures() -> pa.Table:
    import cv2

    _, png = cv2.imencode(".png", np.zeros((8, 16, 3), np.uint8))
    found = [{"category": "dent", "bbox": [1, 2, 3, 4], "area": 5, "segmentation": [10, 2, 6, 3]}]
    object_type = pa.struct(
        [
            ("category", pa.string()),
            ("bbox", pa.list_(pa.int32())),
            ("area", pa.int32()),
            ("segmentation", pa.list_(pa.int32())),
        ]
    )
    fields = [
        pa.field("key", pa.int64()),
        pa.field("objects", pa.list_(object_type)),
        pa.field("image", PICTURE, metadata={"media": "image/png"}),
    ]
    content = {"bytes": marked_png(png.tobytes()), "path": "a.png"}
    columns = [
        pa.array(range(60), pa.int64()),
        pa.array([found] * 60, pa.list_(object_type)),
        pa.array([content] * 60, PICTURE),
    ]
    return pa.table(columns, schema=pa.schema(fields))


def test_pictures_have_their_objects_drawn_over_them_and_switches_without_script(
    client: Client, dataset: Dataset
) -> None:
    made = pictures()
    version = a_version_of(dataset, {"default": [made]})
    previews.make(version)
    with_statistics(version, {"default": made})
    on_shelf(dataset)
    page = shown(client)
    assert ">Pictures</a>" in page
    assert page.count('<rect class="line on-1" x="1.0" y="2.0" width="3.0" height="4.0" />') == 24
    assert page.count('class="mask on-1" d="M1 2v2h1v-2zM2 2v3h1v-3z"') == 24
    assert all(f'id="ov-{switch}"' in page for switch in ("box", "mask", "name"))
    assert "style=" not in page and "onclick" not in page
    alone = shown(client, f"{ADDRESS}/rows/3")
    assert 'viewBox="0 0 16 8"' in alone and "1, 2" in alone and "3 × 4" in alone
    later = shown(client, offset=48)
    assert escape("/api/v1/datasets/seller/numbers/versions/1.0.0/picture?config=default&split=train") in later
    source = re.search(r'<img src="([^"]+picture\?[^"]+)"', later)
    assert source is not None
    address = source[1].replace("&amp;", "&").removeprefix("http://localhost:8000")
    assert client.get(address)["Content-Type"] == "image/png"


@pytest.mark.parametrize(
    "objects", [7, None, [7], [{"category": 1}], [{"category": "a", "bbox": [1, 2]}], [{"bbox": [1, 2, 3, 4]}]]
)
def test_what_has_no_box_is_not_drawn(objects: object) -> None:
    assert overlays.drawn(objects, overlays.Size(8, 8), []) == []


@pytest.mark.parametrize("runs", [[1, "2"], [-1, 2], [60, 60], ["a"]])
def test_runs_of_another_picture_give_no_area(runs: list[object]) -> None:
    found = [{"category": "a", "bbox": [1, 2, 3, 4], "segmentation": runs}]
    assert overlays.drawn(found, overlays.Size(8, 8), ["a"])[0].area == ""


def test_tables_that_refer_to_each_other_are_drawn_and_told(client: Client, dataset: Dataset) -> None:
    schema = [{"name": "part", "type": "int64", "nullable": False}]
    layout = {
        "unit": "part",
        "block": 10,
        "tables": [
            {"name": "parts", "schema": schema, "key": ["part"], "references": {}, "rows": "one"},
            {"name": "sizes", "schema": schema, "key": [], "references": {"part": ["parts", "part"]}, "rows": "many"},
        ],
    }
    rows = pa.table({"part": pa.array([1, 2], pa.int64())})
    a_version_of(dataset, {"parts": [rows], "sizes": [rows]}, layout=layout)
    on_shelf(dataset)
    assert "sizes.part refers to parts.part" in shown(client)
    assert relations.drawing({"tables": [layout["tables"][0]]}) is None  # type: ignore[index]


def test_the_dictionary_is_there_as_csv_and_json_and_tells_what_was_counted(client: Client, dataset: Dataset) -> None:
    described = pa.schema(
        [
            pa.field("number", pa.int64(), metadata={"description": "=1+1", "unit": "mm", "role": "key"}),
            pa.field("odd", pa.bool_()),
        ]
    )
    rows = ROWS.cast(described)
    version = a_version_of(dataset, {"default": [rows]})
    with_statistics(version, {"default": rows})
    on_shelf(dataset)
    base = f"{ADDRESS}/versions/1.0.0"
    told = json.loads(shown(client, f"{base}/dictionary.json"))
    assert told["manifest_sha256"] == version.digest
    number = told["columns"][0]
    assert (number["column"], number["unit"], number["minimum"], number["maximum"]) == ("number", "mm", 0, 199)
    assert (number["distinct"], number["distinct_exact"], number["nulls"]) == (200, True, 0)
    lines = list(csv.DictReader(io.StringIO(shown(client, f"{base}/dictionary.csv"))))
    assert [line["column"] for line in lines] == ["number", "odd"]
    assert lines[0]["description"] == "'=1+1"
    shown(Client(), "/datasets/seller/nothing/versions/1.0.0/dictionary.csv", status=404)


def test_the_quality_report_says_what_was_not_measured(client: Client, dataset: Dataset) -> None:
    version = a_version_of(dataset, {"default": [ROWS]})
    on_shelf(dataset)
    assert "The statistics of this version were not measured." in shown(client, f"{ADDRESS}/statistics")
    with_statistics(version, {"default": ROWS})
    page = shown(client, f"{ADDRESS}/statistics")
    assert "counted over all 200 rows" in page and "not measured" in page and "<svg" in page


def test_exact_figures_of_page_and_api_are_those_that_duckdb_counts(
    client: Client, dataset: Dataset, tmp_path: Path
) -> None:
    random = np.random.default_rng(5)
    parts = [
        pa.table({"amount": pa.array(random.normal(20, 7, 700)), "code": pa.array(random.integers(0, 9, 700))})
        for _ in range(3)
    ]
    version = a_version_of(dataset, {"default": parts})
    with_statistics(version, {"default": pa.concat_tables(parts)})
    on_shelf(dataset)
    for file in version.files.all():
        storage.download(storage.blob_key(file.sha256), tmp_path / f"{file.id}.parquet")
    answer = client.get(f"/api/v1{ADDRESS}/statistics").json()
    for column in answer["statistics"]:
        name, told = column["column_name"], column["column_statistics"]
        counted = duckdb.sql(
            f"SELECT min({name}), max({name}), avg({name}), stddev_samp({name}), count(DISTINCT {name}) "
            f"FROM read_parquet('{tmp_path}/*.parquet')"
        ).fetchall()[0]
        assert [told["min"], told["max"], told["mean"], told["std"]] == pytest.approx(counted[:4], rel=1e-9)
        distinct = column["lookalike"]["distinct"]
        assert distinct["exact"] is (distinct.get("standard_error") is None)
        error = 0 if distinct["exact"] else 5 * distinct["standard_error"] * counted[4]
        assert abs(distinct["value"] - counted[4]) <= error
    page = shown(client, f"{ADDRESS}/statistics")
    for column in answer["statistics"]:
        distinct = column["lookalike"]["distinct"]
        said = f"{distinct['value']:,}" if distinct["exact"] else f"about {distinct['value']:,}"
        assert f'<td class="r">{said}</td>' in page


def test_a_value_with_a_letter_t_is_no_moment() -> None:
    counted = {"values": [{"value": "Toulouse", "count": 3}, {"value": "2026-01-02T03:04:05.678", "count": 1}]}
    plot = pages.plot_of(counted)
    assert isinstance(plot, Categories)
    assert [name for name, _ in plot.items] == ["Toulouse", "2026-01-02 03:04:05"]


ADDRESSES = (
    "/api/v1/datasets/seller/numbers/versions/1.0.0/rows",
    "/api/v1/datasets/seller/numbers/versions/1.0.0/filter?where=number%20%3E%201",
    "/api/v1/datasets/seller/numbers/versions/1.0.0/picture?column=image&row=0",
    f"{ADDRESS}/versions/1.0.0/rows/0",
    f"{ADDRESS}/rows/0",
    f"{ADDRESS}/versions/1.0.0/dictionary.csv",
    f"{ADDRESS}/versions/1.0.0/dictionary.json",
    f"{ADDRESS}/versions/1.0.0?offset=1",
)


@pytest.mark.parametrize("state", ["private", "yanked"])
def test_nothing_of_a_version_that_is_not_shown_is_given_to_a_stranger(
    client: Client, dataset: Dataset, state: str
) -> None:
    version = a_version_of(dataset, {"default": [ROWS, ROWS]})
    if state == "yanked":
        on_shelf(dataset)
        publishing.yank(version, "A column is mislabelled.")
    stranger, _ = a_person("stranger")
    assert {address: client.get(address).status_code for address in ADDRESSES} == dict.fromkeys(ADDRESSES, 404)
    client.force_login(stranger)
    assert {address: client.get(address).status_code for address in ADDRESSES} == dict.fromkeys(ADDRESSES, 404)


def test_beyond_the_sample_no_row_is_given_to_a_stranger_by_any_address(client: Client, dataset: Dataset) -> None:
    version = a_version_of(dataset, {"default": [ROWS, pa.table({"number": [777], "odd": [True]})]})
    previews.make(version)
    on_shelf(dataset)
    for asked in ({"offset": 200}, {"offset": 150, "length": 100}, {"where": "number = 777"}, {"sort": "-number"}):
        call = "filter" if "where" in asked or "sort" in asked else "rows"
        answer = client.get(f"/api/v1{ADDRESS}/{call}", asked)
        assert answer.status_code == 200 and all(row["row"]["number"] != 777 for row in answer.json()["rows"])
        assert ">777<" not in shown(client, **asked)
    shown(client, f"{ADDRESS}/rows/200", status=404)
