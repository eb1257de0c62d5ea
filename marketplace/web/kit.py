"""The kit: every part that pages are built of, on one page, for builders to look at. Only on the one-machine stack.

Its numbers are samples drawn from formulas, and the page says so; no page that a buyer sees uses them.
"""

from __future__ import annotations

import hashlib
import math
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from pydantic import BaseModel, ConfigDict, Field

from marketplace.web.plots import Categories, Gauge, Histogram, Rate, ShardCell
from marketplace.web.schema_forms import SchemaForm

_NOON = datetime(2026, 11, 24, 14, 3, tzinfo=UTC)
_COUNTRIES = ("DE", "FR", "ES", "IT", "NL", "PL", "SE", "PT")
_POSTED = (
    "settings.rows=25000000&settings.fraud_share=5&settings.light_elevation.0=26&settings.light_elevation.1=steep"
    "&settings.countries=DE&settings.countries=FR&settings.also=csv&settings.rates.card_testing=0.02&settings.labelled=on"
)


class _Rates(BaseModel):
    """Each pattern has its own rate; together they make the fraud share"""

    model_config = ConfigDict(extra="forbid")
    card_testing: float = Field(0.01, ge=0, le=0.2, description="Many small payments with one card")
    takeover: float = Field(0.002, ge=0, le=0.2, description="An account used by a stranger")


class _Settings(BaseModel):
    """The settings of a generator that does not exist: one of each kind of control."""

    model_config = ConfigDict(extra="forbid")
    rows: int = Field(title="Rows", ge=1_000, le=2_000_000, json_schema_extra={"unit": "rows"})
    fraud_share: float = Field(
        0.0099, title="Fraud share", ge=0.001, le=0.2, description="Share of rows that are fraud"
    )
    countries: list[Literal[_COUNTRIES]] = Field(["DE"], min_length=1, title="Countries")  # type: ignore[valid-type]
    also: Literal["parquet", "csv"] = Field("parquet", title="Also write")
    light_elevation: tuple[float, float] = Field(
        (26, 52), title="Light elevation", json_schema_extra={"unit": "degrees"}
    )
    rates: _Rates = Field(_Rates.model_validate({}), title="Rates")
    merchants: list[str] = Field(
        [], title="Merchants to include", description="Left empty, the generator names its own"
    )
    first_day: str | None = Field(None, title="First day", json_schema_extra={"format": "date"})
    labelled: bool = Field(True, title="With labels")


class _Signup(forms.Form):
    email = forms.EmailField(label="E-mail", help_text="Your name at sign-in. We write to it about your orders.")
    password = forms.CharField(
        label="Password",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 10 characters.",
    )
    kind = forms.ChoiceField(
        label="Account", choices=[("p", "personal"), ("o", "organisation")], widget=forms.RadioSelect
    )
    news = forms.BooleanField(label="Write to me when a generator I use has a new version", required=False)


def kit(request: HttpRequest) -> HttpResponse:
    """Every part with sample data. Raises Http404 anywhere but on the one-machine stack."""
    if not settings.LOCAL_STACK:
        raise Http404
    form = SchemaForm(_Settings.model_json_schema(), prefix="settings").posted(QueryDict(_POSTED))
    return render(request, "web/kit.html", {"form": form, "signup": _signup(), **_plots(), **_progress()})


def _signup() -> forms.Form:
    return _Signup({"email": "name.example.org", "password": "correct horse", "kind": "x"})


def _bell(centre: float, width: float, bins: int, rows: float) -> list[float]:
    return [round(rows * math.exp(-(((n + 0.5) / bins - centre) ** 2) / (2 * width**2))) for n in range(bins)]


def _plots() -> dict[str, Any]:
    amount = Histogram(
        edges=[0.5 * 10 ** (n / 6) for n in range(25)],
        counts=_bell(0.42, 0.13, 24, 90_000),
        reference=_bell(0.43, 0.135, 24, 1_100),
        log=True,
        low="€0.50",
        high="€5,000",
    )
    hour = Histogram(edges=list(range(25)), counts=_bell(0.58, 0.2, 24, 60_000), reference=_bell(0.57, 0.21, 24, 700))
    age = Histogram(edges=list(range(18, 93, 2)), counts=_bell(0.3, 0.2, 37, 52_000))
    names = ("groceries", "fuel", "restaurants", "subscriptions", "clothing", "health", "travel")
    category = Categories(
        items=[(name, round(300_000 * 0.7**n)) for n, name in enumerate(names)],
        reference=[round(3_500 * 0.72**n) for n in range(len(names))],
        other=41_000,
    )
    channel = Categories(items=[("contactless", 610_000), ("chip", 240_000), ("online", 150_000)])
    return {
        "amount": amount,
        "hour": hour,
        "age": age,
        "category": category,
        "channel": channel,
        "heads": [
            ("amount", "float, EUR, log", amount),
            ("hour", "int", hour),
            ("age", "int", age),
            ("category", "class, 8", category),
            ("channel", "class, 3", channel),
        ],
        "columns": [("amount", amount), ("hour", hour), ("category", category), ("age", age)],
        "digest": hashlib.sha256(b"kit").hexdigest(),
        "near": Gauge(0.9, 1, 0.988, 0.996),
        "watched": Gauge(0, 3, 1.97, 0.79, watch=True),
    }


def _progress() -> dict[str, Any]:
    moments = [_NOON + timedelta(seconds=5 * n) for n in range(57)]
    dip = range(20, 28)
    values = [min(131.0, 12.0 + 24 * n) - (17 if n in dip else 3 * (n % 3)) for n in range(57)]
    states: list[ShardCell] = [ShardCell("done", again=n == 38) for n in range(71)]
    states += [ShardCell("run", n / 9) for n in range(8, 0, -1)]
    states += [ShardCell("waiting") for _ in range(41)]
    return {
        "rate": Rate(moments, values, "pictures", [(moments[20], "worker 5 lost")]),
        "shards": states,
        "many_shards": [ShardCell("done" if n < 900 else "waiting") for n in range(1500)],
        "steps": [
            ("past", "Quoted", "14:01:12"),
            ("past", "Held", "14:02:48"),
            ("now", "Making", "since 14:03:00"),
            ("", "Assessing", "about 1 min"),
            ("", "Publishing", "about 20 s"),
            ("", "Charged", "on delivery"),
            ("", "Delivered", "about 14:12"),
        ],
        "states": ["draft", "generating", "delivered", "failed", "yanked"],
        "moment": _NOON,
    }
