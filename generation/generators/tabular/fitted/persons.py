"""Names, addresses and e-mail addresses of nobody, for columns whose words too few people share to be used.

Surnames and streets are put together from syllables; the domains are those that RFC 2606 keeps free for examples.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from generation.generators.tabular.fitted.arrow import ArrowArray, pc

_GIVEN = (
    "Ada Amir Anna Anton Aisha Bela Ben Carla Chen Clara David Dora Elena Emil Eva Farid Felix Grace Hana Hugo Ida "
    "Igor Ines Ivan Jana Jonas Julia Kamal Karin Kofi Lara Leo Lina Lucas Maria Marta Mei Milan Mina Nadia Nils Nora "
    "Olga Omar Oskar Paula Petra Priya Rafael Rosa Ruth Samir Sara Simon Sofia Tara Theo Tomas Vera Viktor Wanda Yara"
)
_FIRST = (
    "Al Bar Ber Bol Cal Car Dal Del Dor Ebn Fal Fen Gar Gol Har Hel Holt Ing Jar Kal Kor Lam Lin Mar Mel Mor Nor Ol "
    "Pel Quin Ral Rom Sal Sand Sel Tal Tor Ul Val Wal Wen Yar Zel"
)
_LAST = (
    "ano bach berg born by dal den el eri field ford gren hart ides iko ini ley lund man mark mont nik off owski quist "
    "ras rick roth sen ski son stad stein sund ton vik well wood worth zer"
)
_INITIALS = "A B C D E F G H I J K L M N O P R S T V W"
_WAYS = "Street Road Lane Avenue Way"
_DOMAINS = "example.com example.net example.org"
_LOOKS = 0.8  # of the texts, from which on all of them are taken for what these are

_NAME = r"^\p{Lu}[\p{L}'’.-]*( (\p{Lu}|de|la|van|von)[\p{L}'’.-]*){1,3}$"
_EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
_ADDRESS = r"^(\d+[a-zA-Z]?,? \p{L}[\p{L}'’. -]*|\p{L}[\p{L}'’. -]* \d+[a-zA-Z]?)(,.*)?$"
_NUMBER = r"^[+(]?[\d(][\d ()/.-]*$"


def are_names(texts: ArrowArray) -> bool:
    """Whether texts look like names of people: two to four words that begin with capitals."""
    return _look_like(texts, _NAME)


def are_emails(texts: ArrowArray) -> bool:
    """Whether texts look like e-mail addresses."""
    return _look_like(texts, _EMAIL)


def are_addresses(texts: ArrowArray) -> bool:
    """Whether texts look like a street and a number, whichever comes first."""
    return _look_like(texts, _ADDRESS)


def are_numbers(texts: ArrowArray) -> bool:
    """Whether texts look like telephone numbers, or other digits in groups."""
    return _look_like(texts, _NUMBER)


def _look_like(texts: ArrowArray, pattern: str) -> bool:
    if not len(texts):
        return False
    return bool(pc.mean(pc.cast(pc.match_substring_regex(texts, pattern), pa.float64())).as_py() >= _LOOKS)


class Names:
    """A given name and a surname, every third with an initial between them."""

    def make(self, amount: int, rng: np.random.Generator) -> ArrowArray:
        """Return ``amount`` names, not all different."""
        initials = np.where(rng.random(amount) < 1 / 3, _chosen(_INITIALS, amount, rng), "")
        middle = np.where(initials == "", " ", np.char.add(np.char.add(" ", initials), ". "))
        return pa.array(_joined(_chosen(_GIVEN, amount, rng), middle, _surnames(amount, rng)))


class Emails:
    """A name at a domain that belongs to nobody."""

    def make(self, amount: int, rng: np.random.Generator) -> ArrowArray:
        """Return ``amount`` addresses, not all different."""
        numbers = rng.integers(1, 100, amount).astype(str)
        names = np.char.lower(_joined(_chosen(_GIVEN, amount, rng), ".", _surnames(amount, rng), numbers))
        return pa.array(_joined(names, "@", _chosen(_DOMAINS, amount, rng)))


class Addresses:
    """A number and a street."""

    def make(self, amount: int, rng: np.random.Generator) -> ArrowArray:
        """Return ``amount`` addresses, not all different."""
        numbers = rng.integers(1, 200, amount).astype(str)
        return pa.array(_joined(numbers, " ", _surnames(amount, rng), " ", _chosen(_WAYS, amount, rng)))


def _surnames(amount: int, rng: np.random.Generator) -> np.ndarray:
    return np.char.add(_chosen(_FIRST, amount, rng), _chosen(_LAST, amount, rng))


def _chosen(words: str, amount: int, rng: np.random.Generator) -> np.ndarray:
    several = np.array(words.split())
    return several[rng.integers(0, len(several), amount)]


def _joined(*parts: np.ndarray | str) -> np.ndarray:
    whole = np.array("")
    for part in parts:
        whole = np.char.add(whole, part)
    return whole
