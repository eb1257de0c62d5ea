"""The quality report of a version: a page drawn from the document alone, its twin, two measures on the shelf."""

from __future__ import annotations

import json
import re
from typing import Any

import pyarrow as pa
import pytest
from django.test import Client

from catalog import publishing, quality
from catalog.models import Version
from marketplace.accounts.models import Account, User
from tests.factories import a_dataset, a_licence, a_listing, a_person, a_version_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("s3_bucket")]

ADDRESS = "/datasets/maker/people"
HOSTILE = "<script>alert(1)</script>"


def figure(
    value: float | None, *, low: float | None = None, high: float | None = None, why: str = ""
) -> dict[str, Any]:
    return {
        "value": value,
        "interval": None if low is None else [low, high],
        "yardsticks": {"holdout": 0.98, "copy": 1.0, "independent": 0.71},
        "why": why,
    }


def column(name: str, shape: float | None) -> dict[str, Any]:
    return {
        "name": name,
        "kind": "number",
        "measure": "KSComplement",
        "shape": figure(shape),
        "missing": {"fitted": 0.05, "holdout": 0.04, "made": 0.06},
        "coverage": figure(0.97),
        "covered": figure(0.995),
    }


def pair(one: str, other: str, value: float | None) -> dict[str, Any]:
    return {
        "columns": [one, other],
        "measure": "CorrelationSimilarity",
        "value": value,
        "holdout": 0.985,
        "fitted": 0.6,
        "made": 0.55,
        "counted": True,
    }


def attack(name: str, risk: float, column: str | None = None, *, low: float = -0.01) -> dict[str, Any]:
    return {
        "attack": name,
        "column": column,
        "attacks": {"tried": 3000, "succeeded": 17},
        "control": {"tried": 3000, "succeeded": 15},
        "risk": figure(risk, low=low, high=risk + 0.02, why="The tables allow 800 attacks only."),
        "chance": 0.4,
    }


def a_group(ward: str, *, made: int) -> dict[str, Any]:
    return {"columns": ["ward"], "group": [ward], "people": 14, "made": made, "expected": 7.78}


def a_table(names: tuple[str, ...] = ("age", "salary", HOSTILE)) -> dict[str, Any]:
    return {
        "rows": {"fitted": 9000, "holdout": 1000, "made": 5000, "judged": 1000},
        "left_out": ["person"],
        "likeness": {
            **{name: figure(0.973) for name in ("overall", "shapes", "trends", "correlations", "missing_together")},
            "columns": [column(name, 0.99 - place * 0.0002) for place, name in enumerate(names)],
            "pairs": [pair(names[0], name, 0.9) for name in names[1:]],
            "pairs_of": len(names) - 1,
            "detection": {
                "rows": 1000,
                "boosted": {"fitted": figure(0.52, low=0.5, high=0.54), "holdout": figure(0.57)},
                "linear": {"fitted": figure(0.5), "holdout": figure(0.5)},
                "warning": None,
            },
        },
        "usefulness": {
            "target": "salary",
            "chosen": "It can be learnt best.",
            "measure": "area",
            **{name: figure(0.91) for name in ("real", "made", "ratio", "importances_alike")},
            "gap": figure(-0.0004),
            "mixes": [{"made": share / 5, "score": 0.9 + share / 100, "interval": None} for share in range(6)],
            "best": {"made": 0.6, "beyond_noise": False, "why": ""},
            "importances": [{"column": "age", "real": 0.2, "made": -0.0001}],
        },
        "privacy": {
            "closest": {"share": figure(0.503, low=0.49, high=0.515), "distance": figure(1.2)},
            "copies": {"share": figure(0.001), "surplus": figure(0.0)},
            "memorised": {"rare_levels": figure(0), "repeated": figure(0), "extremes": figure(2), "columns": []},
            "membership_area": figure(0.501),
            "attacks": [attack("linkability", 0.003), attack("inference", 0.01, "salary"), attack("own", 0.0)],
            "level": "holdout",
            "findings": ["one value of age that fewer than 10 people hold"],
            "verdict": "As private as the hold-out.",
            "refused": None,
            "not_tested": [],
        },
        "fairness": {
            "target": "salary",
            "positive": "salary is high",
            "columns": [
                {
                    "column": "age",
                    "groups": [
                        {
                            "group": "lowest quarter",
                            "share": figure(0.26),
                            "outcome": figure(0.11),
                            "fitted": {"share": 0.25, "outcome": 0.1},
                            "tested": 250,
                            "real": {"selection_rate": 0.08},
                            "made": {"selection_rate": 0.07},
                        }
                    ],
                    "measures": {
                        "outcome_difference": {"real": 0.2, "made": 0.3, "growth": figure(0.1, low=0.05, high=0.15)}
                    },
                }
            ],
            "warnings": ["salary hangs more on age than in the real table"],
            "counter": {"independent": ["salary", "age"]},
            "verdict": "A bias grew.",
            "not_tested": [],
        },
        "groups": {
            "rows": {"fitted": 9000, "made": 5000},
            "sets": 6,
            "sets_of": 9,
            "reached": figure(0.94),
            "bands": [
                {"from": 10, "to": 19, "groups": 12, "reached": 10, "expected": 9.6, "made": 71, "asked": 88.4},
                {"from": 1000, "to": None, "groups": 3, "reached": 3, "expected": 3, "made": 4900, "asked": 4911.0},
            ],
            "smallest": [a_group("tiny ward", made=1)],
            "missing": [a_group("lost ward", made=0)],
            "thin": [],
            "verdict": "Of 15 groups of 10 people or more 13 are in what was made.",
        },
        "cost": {
            "changed": ["salary", "age"],
            "target": "salary",
            "measure": "area",
            **{name: figure(0.87) for name in ("real", "weighed", "made")},
            "wish": figure(0.031, low=0.02, high=0.04),
            "lost": figure(0.035, low=0.02, high=0.05),
            "independent": [
                {
                    "target": "salary",
                    "sensitive": "age",
                    "positive": "salary is high",
                    "strength": {"real": 0.312, "made": figure(0.021)},
                    "gap": {"real": 0.2, "made": figure(0.01)},
                    "groups": [{"group": "lowest quarter", "real": 0.1, "made": 0.22}],
                    "words": "",
                }
            ],
            "verdict": "That costs 0.031.",
        },
        "relations": [
            {"formula": "rent = flat + heat", "column": "rent", "drawn": 0.991, "recomputed": 0.987, "kept": False},
            {"formula": "tax = 0.2 × salary", "column": "tax", "drawn": 0.98, "recomputed": 0.91, "kept": True},
            {"formula": "band follows from tax", "column": "band", "kept": True, "held_on": 0.621},
            {"formula": "city follows from code", "column": "city", "kept": False, "looked_up": True},
        ],
        "rests_on": [{"figures": "Detection", "rows": "1,000 of each table"}],
        "not_tested": ["Values inside longer texts were not looked at."],
        "verdict": {
            "likeness": "As alike as withheld rows.",
            "privacy": "As private as withheld rows.",
            "groups": "Of 15 groups of 10 people or more 13 are in what was made.",
            "cost": "That costs 0.031.",
        },
        "refused": None,
    }


def a_report(**tables: dict[str, Any]) -> bytes:
    return json.dumps({"schema": "lookalike/quality/1", "tables": tables or {"default": a_table()}}).encode()


@pytest.fixture
def maker() -> tuple[User, Account]:
    return a_person("maker")


def a_judged_version(account: Account, report: bytes | None = None, *, listed: bool = True) -> Version:
    dataset = a_dataset(account, "people")
    rows = pa.table({"age": pa.array(range(20)), "salary": pa.array(range(20))})
    version = a_version_of(dataset, {"default": [rows]}, quality=report or a_report())
    if listed:
        publishing.put_on_shelf(a_listing(dataset).listing)
    return version


def shown(client: Client, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status
    return answer.content.decode()


def test_every_figure_stands_beside_its_yardsticks_with_what_it_means(
    client: Client, maker: tuple[User, Account]
) -> None:
    a_judged_version(maker[1])
    page = shown(client, f"{ADDRESS}/quality")
    for told in (
        "As alike as withheld rows.",
        "As private as withheld rows.",
        "5,000 made rows against 9,000 that were learnt from and 1,000 that were withheld",
        "withheld rows 0.980 · a copy 1.000 · columns shuffled 0.710",
        "49 % to 51.5 %",
        "Half is even: nothing was memorised.",
        "17 of 3,000 attacks succeeded; on strangers 15 of 3,000. The tables allow 800 attacks only.",
        "Guessing a column: salary",
        "One value of age that fewer than 10 people hold.",
        "Values inside longer texts were not looked at.",
        "Empty: 6 % of cells, 5 % in the table learnt from.",
        "age × salary",
        "What a model makes of salary is the question here. It can be learnt best.",
        "best at 60 %",
        "What each model looks at",
        "By age",
        "+0.100 (+0.050 to +0.150)",
        "Salary hangs more on age than in the real table.",
        "Settings that would counter it: ",
        "13 are in what was made",
        "ward lost ward",
        "1,000 and more",
        "salary from age",
        "0.312",
        "That costs 0.031.",
        "rent = flat + heat",
        "1 held on every row, 1 looked up, 2 left as drawn",
        "62.1 % of rows keep it",
        "1,000 of each table",
    ):
        assert told in page, told
    assert page.count("<svg") > 15
    assert "style=" not in page
    assert HOSTILE not in page and "&lt;script&gt;" in page


def test_what_a_buyer_decides_by_comes_first_and_the_rest_is_folded(
    client: Client, maker: tuple[User, Account]
) -> None:
    a_judged_version(maker[1])
    page = shown(client, f"{ADDRESS}/quality")
    short = page[page.index("In short") : page.index("Judged on the platform")]
    for told in (
        "Likeness",
        "0.973",
        "Usefulness",
        "Privacy",
        "50.3 %",
        "Fairness",
        "Rare groups",
        "94 %",
        "What it cost",
    ):
        assert told in short, told
    unfolded = re.sub(r"<details.*?</details>", "", page, flags=re.DOTALL)
    for folded in ("Linking", "Guessing a column: salary", "What each model looks at", "Map of pairs", "Extremes"):
        assert folded in page and folded not in unfolded, folded
    assert "3 attacks; none gained more than on strangers beyond chance" in page


def test_the_attack_that_surely_gained_most_is_named(client: Client, maker: tuple[User, Account]) -> None:
    table = a_table()
    # Of the second, where nearly everybody is guessed, the estimate is large and says nothing.
    sure, unsure = attack("inference", 0.05, "salary", low=0.03), attack("inference", 0.87, "age", low=-0.2)
    table["privacy"]["attacks"] = [attack("linkability", 0.003), unsure, sure]
    a_judged_version(maker[1], a_report(default=table))
    page = shown(client, f"{ADDRESS}/quality")
    assert "3 attacks; the most was gained by guessing a column of salary: 5 % more than on strangers" in page


def test_a_report_of_an_earlier_release_is_still_shown(client: Client, maker: tuple[User, Account]) -> None:
    earlier = {
        name: part for name, part in a_table().items() if name not in ("groups", "cost", "relations", "rests_on")
    }
    a_judged_version(maker[1], a_report(default=earlier))
    page = shown(client, f"{ADDRESS}/quality")
    assert "As alike as withheld rows." in page and "What it cost" not in page


def test_the_twin_of_the_page_is_the_document_as_it_was_stored(client: Client, maker: tuple[User, Account]) -> None:
    a_judged_version(maker[1])
    for base in (ADDRESS, f"{ADDRESS}/versions/1.0.0"):
        assert client.get(f"{base}/quality.json").content == a_report()
        asked = client.get(f"{base}/quality", headers={"Accept": "application/json"})
        assert asked.content == a_report()
        assert "Accept" in asked["Vary"]
        assert f'href="{base}/quality.json"' in shown(client, f"{base}/quality")


def test_of_a_private_version_the_report_is_for_those_who_may_look_at_it(
    client: Client, maker: tuple[User, Account]
) -> None:
    version = a_judged_version(maker[1], listed=False)
    user, buyer = a_person("ann")
    client.force_login(user)
    for address in (f"{ADDRESS}/quality", f"{ADDRESS}/quality.json", f"{ADDRESS}/versions/1.0.0/quality"):
        shown(client, address, status=404)
    a_licence(buyer, version)
    for address in (f"{ADDRESS}/quality", f"{ADDRESS}/quality.json", f"{ADDRESS}/versions/1.0.0/quality"):
        shown(client, address)


def test_what_was_learnt_from_nothing_has_no_report_and_says_why(client: Client, maker: tuple[User, Account]) -> None:
    dataset = a_dataset(maker[1], "people")
    a_version_of(dataset, {"default": [pa.table({"age": [1, 2]})]})
    publishing.put_on_shelf(a_listing(dataset).listing)
    assert "There is no source to be like" in shown(client, f"{ADDRESS}/quality")
    shown(client, f"{ADDRESS}/quality.json", status=404)


def test_a_report_on_a_thousand_columns_stays_under_a_megabyte(client: Client, maker: tuple[User, Account]) -> None:
    names = tuple(f"a rather long name of column {number}" for number in range(1000))
    a_judged_version(maker[1], a_report(default=a_table(names)))
    page = shown(client, f"{ADDRESS}/quality")
    assert len(page.encode()) < 1_000_000
    assert "800 more columns" in page
    assert page.index(names[-1]) < page.index(names[-2]), "the least alike comes first"


def test_shelf_and_listing_show_two_measures_of_the_worst_table(client: Client, maker: tuple[User, Account]) -> None:
    worse = a_table()
    worse["likeness"]["overall"]["value"] = 0.912
    worse["privacy"]["closest"]["share"]["value"] = 0.61
    version = a_judged_version(maker[1], a_report(default=a_table(), visits=worse))
    assert version.measures == {
        "likeness": {"value": 0.912, "holdout": 0.98},
        "closeness": {"value": 0.61, "holdout": 0.98},
    }
    for address in ("/", ADDRESS):
        page = shown(client, address)
        assert "0.912" in page and "61 %" in page


def test_what_could_not_be_measured_says_so() -> None:
    table = a_table()
    table["likeness"]["overall"] = figure(None, why="There is nothing to measure it on.")
    table["privacy"] |= {"closest": None, "copies": None, "memorised": None, "membership_area": None, "attacks": []}
    document = json.loads(a_report(default=table))
    assert quality.measures(document) == {}
    [report] = quality.reports(document)
    first = report.sections[0].figures[0]
    assert (first.value, first.gauge) == ("not measured", None)
    assert first.meaning.endswith("There is nothing to measure it on.")


def test_a_table_of_which_nothing_could_be_measured_says_so(client: Client, maker: tuple[User, Account]) -> None:
    why = "Nothing was measured: it takes 20 rows of each table and a column to compare."
    nothing = dict.fromkeys(("likeness", "usefulness", "privacy", "fairness"))
    table = a_table() | nothing | {"not_tested": [why], "verdict": dict.fromkeys(nothing, why)}
    assert a_judged_version(maker[1], a_report(default=table)).measures == {}
    assert shown(client, f"{ADDRESS}/quality").count(why) == 1


def test_of_filled_columns_each_is_shown_with_how_well_known_cells_were_met() -> None:
    figures = quality.filled_cells(
        {
            "filled": {
                "age": {"filled": 1_200, "tried": 90, "correlation": -0.25},
                "ward": {"filled": 7, "tried": 120, "agreement": 0.61, "by_commonest": 0.5},
                "cost": {"filled": 3, "tried": 12, "correlation": None},
            }
        }
    )
    assert [(one.name, one.value, one.mono) for one in figures] == [
        ("age", "-0.250", True),
        ("ward", "61 %", True),
        ("cost", "not measured", True),
    ]
    assert figures[0].meaning.startswith("1,200 cells were filled.") and "90 known ones" in figures[0].meaning
    assert figures[0].gauge and figures[0].gauge.low == -0.25
    assert figures[1].beside == "always the commonest value 50 %"
    assert figures[2].gauge is None and "Too few known ones" in figures[2].meaning
    assert quality.filled_cells({"planted": []}) == []
