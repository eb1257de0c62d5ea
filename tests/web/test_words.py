"""Filters and tags: numbers as people read them, the marks of states, Django's forms in the house's manner."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django import forms
from django.template import Context, Template
from hypothesis import given
from hypothesis import strategies as st

from marketplace.web.templatetags import units
from marketplace.web.templatetags.states import state_mark


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1 kB"),
        (21_600_000, "21.6 MB"),
        (361_482_113, "361 MB"),
        (999_999, "1 MB"),
        (9_800_000_000, "9.8 GB"),
        ("12", "12 bytes"),
        ("rubbish", ""),
        (None, ""),
        (float("nan"), ""),
        (True, ""),
    ],
)
def test_bytes_have_three_figures_and_a_unit(value: Any, words: str) -> None:
    assert units.bytes_(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "none"),
        ([], "none"),
        (False, "no"),
        (365, "365"),
        (0.004, "0.004"),
        ("2025-01-01", "2025-01-01"),
        (["DE", "FR"], "DE, FR"),
        ({"from": 1, "to": [2, 3000]}, "from 1, to 2, 3,000"),
    ],
)
def test_settings_are_told_without_the_signs_of_a_program(value: Any, words: str) -> None:
    assert units.setting(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "0 s"),
        (0.42, "0.4 s"),
        (9.96, "10 s"),
        (59.6, "1 min"),
        (174, "2 min 54 s"),
        (3600, "1 h"),
        (11_100, "3 h 5 min"),
        (timedelta(days=1, hours=4), "1 day 4 h"),
        (187_200, "2 days 4 h"),
        (-1, ""),
        ("x", ""),
    ],
)
def test_durations_have_their_two_largest_units(value: Any, words: str) -> None:
    assert units.duration(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "0"),
        (1_000_000, "1,000,000"),
        (-1234, "-1,234"),
        (0.0099, "0.0099"),
        (1234.5678, "1,234.57"),
        (0.1 + 0.2, "0.3"),
        (2.0, "2"),
        (1e20, "1e+20"),
        (1e-9, "1e-09"),
        (2**70, f"{2**70:,}"),
        ("1234", "1,234"),
        (999999.5, "1,000,000"),
        (None, ""),
    ],
)
def test_thousands_are_set_apart(value: Any, words: str) -> None:
    assert units.thousands(value) == words


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0, "0 %"),
        (0.0099, "0.99 %"),
        (0.62, "62 %"),
        (0.307, "30.7 %"),
        (1, "100 %"),
        (0.00001, "under 0.01 %"),
        (0.99999, "over 99.99 %"),
        (0.9991, "99.91 %"),
        ("x", ""),
    ],
)
def test_a_share_is_never_rounded_to_none_or_all(share: Any, words: str) -> None:
    assert units.percent(share) == words


@given(st.floats(allow_nan=True) | st.integers() | st.text() | st.none())
def test_no_figure_breaks_a_page(value: Any) -> None:
    for written in (units.bytes_, units.duration, units.thousands, units.percent, units.short_digest, units.utc):
        assert isinstance(written(value), str)


@given(st.floats(1e-6, 1e14))
def test_a_number_in_words_is_that_number_to_six_figures(value: float) -> None:
    assert float(units.thousands(value).replace(",", "")) == pytest.approx(value, rel=1e-5)


def test_moments_are_told_in_utc() -> None:
    moment = datetime(2026, 11, 24, 15, 1, tzinfo=timezone(timedelta(hours=1)))
    assert units.utc(moment) == '<time datetime="2026-11-24T14:01:00Z">24 November 2026, 14:01 UTC</time>'
    assert "14:01:00</time>" in units.utc_clock(moment)
    assert units.utc(datetime(2026, 1, 2, 3, 4, tzinfo=UTC)).endswith("2 January 2026, 03:04 UTC</time>")


def test_a_digest_is_cut_in_the_middle() -> None:
    assert units.short_digest("a5b658b37b52" + "0" * 45 + "9000edb") == "a5b658b37b52…9000edb"
    assert units.short_digest("short") == "short"


def test_a_state_has_a_shape_and_a_word() -> None:
    assert state_mark("in_production") == '<span class="state warn half">in production</span>'
    assert state_mark("delivered") == '<span class="state ok done">delivered</span>'
    assert state_mark("failed", "<b>") == '<span class="state bad cross">&lt;b&gt;</span>'
    assert "idle" in state_mark("never heard of")
    with pytest.raises(ValueError, match="marks are"):
        state_mark("draft", mark="triangle")


class Entry(forms.Form):
    email = forms.EmailField(label="E-mail", help_text="Where we write to.")
    kind = forms.ChoiceField(choices=[("a", "<b>"), ("c", "C")], widget=forms.RadioSelect)
    agree = forms.BooleanField()
    next = forms.CharField(widget=forms.HiddenInput, required=False)


def shown(form: forms.Form) -> str:
    return Template("{% load fields %}{% form_errors form %}{% fields form %}").render(Context({"form": form}))


def test_a_form_without_faults_has_no_summary_and_ties_hints_to_controls() -> None:
    page = shown(Entry())
    assert "need" not in page and 'role="alert"' not in page
    assert 'aria-describedby="id_email_helptext"' in page and 'id="id_email_helptext"' in page
    assert "&lt;b&gt;" in page and "<b>" not in page


def test_faults_are_summed_up_with_links_and_tied_to_their_controls() -> None:
    page = shown(Entry({"email": "x<i>", "kind": "q"}))
    assert "3 entries need a change" in page
    assert 'href="#id_email"' in page and 'aria-describedby="id_email_helptext id_email_error"' in page
    assert 'id="id_email_error"' in page and 'aria-invalid="true"' in page
    assert 'value="x&lt;i&gt;"' in page, "what was typed is kept"


def test_every_link_of_the_summary_leads_somewhere() -> None:
    page = shown(Entry({}))
    for target in page.split('href="#')[1:]:
        assert f'id="{target.split(chr(34))[0]}"' in page
