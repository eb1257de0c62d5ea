"""Forms made from JSON Schema: what is shown can be sent back, and whatever is sent gets an answer."""

from __future__ import annotations

import string
import unicodedata
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any, Literal

import pytest
from django.http import QueryDict
from django.template.loader import render_to_string
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from marketplace.web.problems import Fault
from marketplace.web.schema_faults import faults, quoted
from marketplace.web.schema_forms import BoundForm, SchemaForm, completed
from tests.web.browser import sent_by

Country = Literal["DE", "FR", "ES", "IT"]


class Rates(BaseModel):
    """How often each pattern is planted."""

    model_config = ConfigDict(extra="forbid")
    card_testing: float = Field(0.01, ge=0, le=0.2, title="Card testing", description="Share of payments")
    takeover: float = Field(0.002, gt=0, lt=1)
    seasonal: bool = True


class Parameters(BaseModel):
    """All kinds of settings that a generator is likely to have."""

    model_config = ConfigDict(extra="forbid")
    customers: int = Field(title="Customers", ge=1, le=2_000_000, json_schema_extra={"unit": "customers"})
    transactions: int | None = Field(None, ge=1_000, le=2_000_000, description="Left empty, as many as come about")
    countries: list[Country] = Field(default=["DE"], min_length=1)
    markets: frozenset[Literal[1, 2, 3]] | None = None
    rates: Rates = Rates()
    surcharge: Rates | None = None
    size: Literal[128, 256, 512] = 256
    finish: Literal["brushed", "cast"] | None = None
    light_elevation: tuple[float, float] = (26.0, 52.0)
    steps: tuple[int, int, int] = (1, 2, 3)
    first_day: date = date(2025, 1, 1)
    note: str = ""
    story: str = Field("", max_length=2000)
    label: str | None = None
    words: list[str] = []
    levels: list[float] = []
    weights: dict[str, float] = {}
    labelled: bool = False
    drift: bool | None = None


SCHEMA = Parameters.model_json_schema()
FORM = SchemaForm(SCHEMA, prefix="settings")

# What an <input> can hold: one line, in the composed form of Unicode that the form keeps.
LETTERS = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp"))
LINE = st.text(LETTERS, max_size=30).filter(lambda text: unicodedata.is_normalized("NFC", text))
WORD = st.text(string.ascii_letters + "äß<>&'\"{}%", min_size=1, max_size=12)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)


def some_of(choices: tuple[Any, ...], least: int = 0) -> st.SearchStrategy[list[Any]]:
    """Any choice of several, in the order of the schema, as checkboxes give it."""
    flags = st.lists(st.booleans(), min_size=len(choices), max_size=len(choices))
    chosen = flags.map(lambda on: [choice for choice, flag in zip(choices, on, strict=True) if flag])
    return chosen.filter(lambda values: len(values) >= least)


RATES = st.fixed_dictionaries(
    {
        "card_testing": st.floats(0, 0.2),
        "takeover": st.floats(0, 1, exclude_min=True, exclude_max=True),
        "seasonal": st.booleans(),
    }
)
VALUES = st.fixed_dictionaries(
    {
        "customers": st.integers(1, 2_000_000),
        "transactions": st.none() | st.integers(1_000, 2_000_000),
        "countries": some_of(("DE", "FR", "ES", "IT"), 1),
        "markets": st.none() | some_of((1, 2, 3), 1),
        "rates": RATES,
        "surcharge": st.none() | RATES,
        "size": st.sampled_from([128, 256, 512]),
        "finish": st.sampled_from(["brushed", "cast", None]),
        "light_elevation": st.lists(FLOATS, min_size=2, max_size=2),
        "steps": st.lists(st.integers(-1000, 1000), min_size=3, max_size=3),
        "first_day": st.dates(date(1900, 1, 1)).map(date.isoformat),
        "note": LINE,
        "story": st.lists(LINE, max_size=4).map("\n".join),
        "label": st.none() | LINE.filter(bool),
        "words": st.lists(WORD, max_size=4),
        "levels": st.lists(FLOATS, max_size=4),
        "weights": st.dictionaries(WORD, FLOATS, max_size=4),
        "labelled": st.booleans(),
        "drift": st.sampled_from([True, False, None]),
    }
)


def shown(form: BoundForm) -> str:
    """The form as its page carries it."""
    return render_to_string("web/schema_form.html", {"form": form, "refused": "Nothing was ordered."})


@settings(max_examples=60)
@given(VALUES)
def test_what_the_form_shows_comes_back_as_the_same_value(value: dict[str, Any]) -> None:
    back = FORM.posted(sent_by(shown(FORM.filled(value))))
    assert back.faults == ()
    assert back.value == value
    assert Parameters.model_validate(back.value)


@settings(max_examples=100)
@given(
    st.dictionaries(
        st.sampled_from([f.name for f in FORM.fields] + ["settings.rates.takeover", "x"]), st.lists(st.text())
    )
)
def test_rubbish_gets_an_answer_and_stays_as_typed(sent: dict[str, list[str]]) -> None:
    data = QueryDict(mutable=True)
    for name, texts in sent.items():
        data.setlist(name, texts)
    form = FORM.posted(data)
    page = shown(form)
    assert form.faults, "there is no number of customers in it"
    assert all(fault.message and fault.remedy and fault.code for fault in form.faults)
    typed = sent_by(page)
    for field in FORM.fields:
        if field.kind in {"figure", "text"} and sent.get(field.name):
            kept = unicodedata.normalize("NFC", sent[field.name][-1])
            if "\r" not in kept and "\n" not in kept:
                assert typed[field.name] == kept


@settings(max_examples=60)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_any_json_value_has_faults_or_fits(value: Any) -> None:
    found = faults(SCHEMA, value)
    assert found, "no such value has a number of customers and nothing unknown"
    assert len({fault.field for fault in found}) == len(found)


def test_all_faults_come_at_once_each_at_its_field_with_a_remedy() -> None:
    data = QueryDict(
        "settings.customers=25,000,000&settings.countries=XX&settings.size=300&settings.light_elevation.0=low"
        "&settings.light_elevation.1=3&settings.rates.card_testing=5&settings.rates.takeover=0,05&settings.transactions=2000.5"
        "&settings.weights={"
    )
    form = FORM.posted(data)
    told = {fault.field: f"{fault.message} {fault.remedy}" for fault in form.faults}
    assert told == {
        "customers": "25,000,000 is over the limit of 2,000,000. Use at most 2,000,000.",
        "countries.0": "“XX” is not one of the choices. Choose one of DE, FR, ES, IT.",
        "size": "“300” is not one of the choices. Choose one of 128, 256, 512.",
        "light_elevation.0": "“low” is not a number. Write digits with a decimal point, for example 0.05.",
        "rates.card_testing": "5 is over the limit of 0.2. For 5 %, write 0.05.",
        "rates.takeover": "“0,05” is not a number. Write digits with a decimal point, for example 0.05.",
        "transactions": "2,000.5 is not a whole number. Use 2,000 or 2,001.",
        "weights": "This is not JSON. Write it with double quotes, and with a closing bracket for each opening one.",
    }
    page = shown(form)
    for fault in form.faults:
        assert fault.message in page
    assert 'value="25,000,000"' in page and 'value="0,05"' in page
    assert "8 settings need a change." in " ".join(page.split())


def test_every_line_of_the_summary_leads_to_a_control_of_the_page() -> None:
    form = FORM.posted(QueryDict("settings.light_elevation.1=x&settings.countries=XX&settings.weights=["))
    page = shown(form)
    assert len(form.summary) == len(form.faults)
    for wrong in form.summary:
        assert f'href="#{wrong.id}"' in page
        assert page.count(f'id="{wrong.id}"') == 1


def test_what_a_generator_finds_is_shown_at_its_field_and_what_no_field_shows_comes_first() -> None:
    found = [
        Fault("rates.takeover", "It exceeds card testing.", "Lower it.", "rule"),
        Fault("nowhere", "It is too much.", "Ask for less.", "rule"),
    ]
    form = FORM.filled({"customers": 5}).with_faults(found)
    assert not form.valid
    assert [(wrong.id, wrong.sentence) for wrong in form.summary] == [
        ("", "It is too much. Ask for less."),
        ("f-settings-rates-takeover", "It exceeds card testing. Lower it."),
    ]


def test_hints_say_the_limits_and_units() -> None:
    fields = {field.path: field for field in FORM.fields}
    assert fields[("customers",)].hint == "1 to 2,000,000."
    assert fields[("customers",)].unit == "customers"
    assert fields[("transactions",)].hint == "Left empty, as many as come about. 1,000 to 2,000,000."
    parts = {field.path: field.hint for field in fields[("rates",)].parts}
    assert parts[("rates", "card_testing")] == "Share of payments. 0 to 0.2. Left empty: 0.01."
    assert parts[("rates", "takeover")] == "More than 0 and less than 1. Left empty: 0.002."


def test_what_is_left_out_takes_its_default_also_inside_a_group() -> None:
    value = completed(SCHEMA, {"customers": 3, "rates": {"takeover": 0.5}})
    assert value["rates"] == {"takeover": 0.5, "card_testing": 0.01, "seasonal": True}
    assert value == Parameters(customers=3, rates=Rates(takeover=0.5)).model_dump(mode="json")


@pytest.mark.parametrize("text", ["25 000", "25,000", "25000", " 25000 ", "2.5e4", "25000.0"])
def test_a_whole_number_may_be_written_as_people_write_it(text: str) -> None:
    data = QueryDict(mutable=True)
    data["settings.customers"] = text
    assert FORM.posted(data).value["customers"] == 25_000


@pytest.mark.parametrize("value", [2**53, float("inf"), float("nan"), "a\0b", "\ud800"])
def test_what_no_recipe_can_record_is_a_fault(value: Any) -> None:
    for name in ("transactions", "label"):
        assert name in {fault.field for fault in faults(SCHEMA, {"customers": 1, name: value})}


@pytest.mark.parametrize(
    "deep",
    ["[" * 500 + "]" * 500, '{"a":' * 500 + "1" + "}" * 500, "[" * 34 + "]" * 34],
    ids=["lists", "sets", "one level too many"],
)
def test_what_lies_too_deep_is_a_fault_of_its_setting(deep: str) -> None:
    data = QueryDict(mutable=True)
    data["settings.weights"] = deep
    told = {fault.field: fault.code for fault in FORM.posted(data).faults}
    assert told["weights"] == "depth"


def test_a_schema_that_contains_itself_is_followed_as_deep_as_is_allowed_and_no_deeper() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}, "additionalProperties": False}
    schema = {"$defs": {"node": node}, **node}
    value: dict[str, Any] = {}
    for _ in range(32):
        value = {"next": value}
    assert faults(schema, value) == []
    assert next(fault.code for fault in faults(schema, {"next": value})) == "depth"


@pytest.mark.parametrize("name", ["\\ud800", "\\u0000", "a\\udfffb"])
def test_a_name_that_cannot_be_stored_is_a_fault_that_can_be_shown(name: str) -> None:
    data = QueryDict(mutable=True)
    data["settings.weights"] = f'{{"{name}": 1, "fine": 2}}'
    form = FORM.posted(data)
    assert {fault.field: fault.code for fault in form.faults}["weights"] == "unstorable"
    assert shown(form).encode()


def test_what_is_quoted_can_be_written() -> None:
    assert quoted("a\ud800") == "“a\\ud800”"


@pytest.mark.parametrize("value", [1, 1.5, True, "text", [1, 2], [[1]], [{"a": 1}], {"a": 1}, None], ids=repr)
def test_a_value_of_another_type_than_the_field_holds_leaves_the_field_to_be_filled(value: Any) -> None:
    for name in SCHEMA["properties"]:
        form = FORM.filled({"customers": 3, name: value})
        assert shown(form)
    assert not FORM.encode(
        {"countries": 1, "light_elevation": 1, "surcharge": [1], "words": 5, "drift": 1, "note": [1]}
    )


def test_what_is_typed_is_kept_in_one_form_of_unicode() -> None:
    data = QueryDict(mutable=True)
    data["settings.note"] = "cafe\u0301"
    assert FORM.posted(data).value["note"] == "caf\u00e9"


def test_a_schema_that_refers_to_somewhere_else_is_refused_and_nothing_is_fetched() -> None:
    asked: list[str] = []

    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

    with HTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/schema"
        schema = {"type": "object", "properties": {"x": {"$ref": address}}}
        with pytest.raises(ValueError, match="which is not in it"):
            faults(schema, {"x": 1})
        assert SchemaForm(schema).fields[0].kind == "json"
        server.shutdown()
    assert asked == []


@pytest.mark.parametrize("schema", [{"type": "array"}, {"type": "object", "properties": 3}, {"type": "nonsense"}])
def test_what_describes_no_object_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"schema|Schema"):
        SchemaForm(schema)


def test_a_schema_that_contains_itself_ends_in_a_box_for_json() -> None:
    node: dict[str, Any] = {
        "type": "object",
        "properties": {"next": {"$ref": "#/$defs/node"}, "name": {"type": "string"}},
    }
    schema = {"$defs": {"node": node}, **node}
    page = shown(SchemaForm(schema).filled({}))
    assert "<textarea" in page


def test_what_was_typed_comes_back_as_text() -> None:
    hostile = '"><script>alert(1)</script>'
    data = QueryDict(mutable=True)
    for field in FORM.fields:
        data[field.name] = hostile
        for part in field.parts:
            data[part.name] = hostile
    page = shown(FORM.posted(data))
    assert "<script" not in page
    assert sent_by(page)["settings.label"] == hostile


def test_titles_and_descriptions_of_a_stranger_are_text() -> None:
    schema = {
        "type": "object",
        "properties": {
            '"><script>': {
                "type": "string",
                "title": "<b>x</b>",
                "description": "<img src=x>",
                "unit": "<i>",
                "enum": ["<a>", '"'],
            }
        },
    }
    page = shown(SchemaForm(schema).posted(QueryDict("x=1")))
    assert not any(tag in page for tag in ("<script", "<b>", "<img", "<i>", "<a>"))
