"""The wording of licences: standard terms for each kind of use, a seller's own, and what each answers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import rfc8785

from catalog.models import Terms
from catalog.models.terms import QUESTIONS
from marketplace.accounts.models import Account

Kind = Terms.Kind

#: The kinds of use that an offer can be made for, in the order of what they allow.
OFFERED = (Kind.EVALUATION, Kind.RESEARCH, Kind.COMMERCIAL, Kind.REDISTRIBUTION)


@dataclass(frozen=True)
class Wording:
    """A title, a text, and which of ``QUESTIONS`` are answered with yes."""

    title: str
    text: str
    yes: frozenset[str]

    def __post_init__(self) -> None:
        if unknown := self.yes - QUESTIONS.keys():
            raise ValueError(f"no questions of a licence: {sorted(unknown)}; they are {list(QUESTIONS)}")


@dataclass(frozen=True)
class Standard:
    """The site's own terms for a kind of use. Whoever changes the wording raises the number."""

    number: int
    wording: Wording


_SYNTHETIC = "The data is synthetic; it comes without warranty."

STANDARD: Mapping[str, Standard] = {
    Kind.EVALUATION: Standard(
        1,
        Wording(
            "Evaluation",
            "You may use the data inside your organisation to find out whether it serves you. You may train models on "
            "it for that, and may not use them, or the data, for anything else, nor pass either on. " + _SYNTHETIC,
            frozenset(),
        ),
    ),
    Kind.RESEARCH: Standard(
        1,
        Wording(
            "Research",
            "You may use the data for research and teaching that is not done for profit, publish what you find, and "
            "pass on models trained on it and data derived from it, naming the dataset and its version. You may not "
            "pass on the data itself, whole or in part. " + _SYNTHETIC,
            frozenset({"train_models", "derive", "attribution"}),
        ),
    ),
    Kind.COMMERCIAL: Standard(
        1,
        Wording(
            "Commercial use",
            "You may use the data for any purpose in your organisation and in what it sells: to train models and use "
            "or sell them, to build and test products and hosted services, and to derive other data that you may pass "
            "on. You may not pass on the data itself, whole or in part. " + _SYNTHETIC,
            frozenset({"commercial_use", "hosted_product", "train_models", "derive"}),
        ),
    ),
    Kind.REDISTRIBUTION: Standard(
        1,
        Wording(
            "Redistribution",
            "You may do with the data whatever commercial use allows, and may pass it on, whole or in part, alone or "
            "in something larger, naming the dataset and its version. Those you give it to have the same right. "
            + _SYNTHETIC,
            frozenset(QUESTIONS),
        ),
    ),
    Kind.MADE: Standard(
        1,
        Wording(
            "Made by this account",
            "This account had the data made, from its own settings. It may use it in every way. " + _SYNTHETIC,
            frozenset(QUESTIONS) - {"attribution"},
        ),
    ),
    Kind.ORDERED: Standard(
        1,
        Wording(
            "Made to order",
            "Made to order for this account. You may use the data, and what you derive from it, for any purpose in "
            "your organisation and in what it sells, including to train models. You may not pass on the data itself, "
            "whole or in part. " + _SYNTHETIC,
            frozenset({"commercial_use", "hosted_product", "train_models", "derive"}),
        ),
    ),
    Kind.KEPT: Standard(
        1,
        Wording(
            "Your own rows, added to",
            "Made to order for this account from its own upload, whose rows it holds: these are no synthetic data, and "
            "what you may do with them follows from where you have them. What was made you may use for any purpose in "
            "your organisation and in what it sells. The site passes on neither, to nobody, and destroys both when you "
            "say so. It comes without warranty.",
            frozenset({"commercial_use", "hosted_product", "train_models", "derive"}),
        ),
    ),
}


def standard(kind: str) -> Terms:
    """Return the site's own terms for ``kind``; written down at the first use.

    Raises django.db.IntegrityError when the wording changed and its number did not.
    """
    own = STANDARD[kind]
    return _written(None, kind, own.wording, own.number)


def settle(account: Account, kind: str, wording: Wording) -> Terms:
    """Return the terms of ``kind`` with this wording: the site's own where they say the same, else the account's.

    A wording that the account never used before gets the next number. Called in a transaction.
    """
    if wording == STANDARD[kind].wording:
        return standard(kind)
    Account.objects.select_for_update(no_key=True).get(id=account.id)
    latest = Terms.objects.filter(account=account, kind=kind).order_by("-number").first()
    return _written(account, kind, wording, 1 if latest is None else latest.number + 1)


def _written(account: Account | None, kind: str, wording: Wording, number: int) -> Terms:
    answered = {name: name in wording.yes for name in QUESTIONS}
    said: dict[str, Any] = {"kind": str(kind), "title": wording.title, "text": wording.text, **answered}
    digest = hashlib.sha256(rfc8785.dumps(said)).hexdigest()
    terms, _ = Terms.objects.get_or_create(account=account, sha256=digest, defaults={**said, "number": number})
    return terms
