"""Reading rules: from a line of text to what it says, without knowing any table.

A name or value of one word is written as it is; in double quotes it may have spaces and signs; in single quotes it is a
value even where a column has that name. Case counts in names and values, not in the words of the language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Sign = Literal["=", "≠", "<", "≤", ">", "≥"]

_SIGNS: dict[str, Sign] = {
    "=": "=", "==": "=", "!=": "≠", "<>": "≠", "≠": "≠", "<": "<", "<=": "≤", "≤": "≤", ">": ">", ">=": "≥", "≥": "≥",
}  # fmt: skip
_TOKEN = re.compile(r"""\s*("(?:[^"]|"")*"|'(?:[^']|'')*'|<=|>=|!=|<>|==|[=<>≤≥≠(),]|[^\s=<>!≤≥≠(),"']+)""")
_BRACKETS = frozenset("(),")
_JOINING = frozenset({"and", "if", "then", "in", "is"})
_LONGEST = 2_000

_HOW = "Write a column, one of = ≠ < ≤ > ≥, and a value or another column, for example: age >= 18."


class NotUnderstood(ValueError):
    """A line says nothing that can be checked: what is wrong with it, and how to write it."""

    def __init__(self, message: str, remedy: str = _HOW) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


@dataclass(frozen=True)
class Name:
    """What was written for a column or a value; ``quoted`` in single quotes it is a value for sure."""

    text: str
    quoted: bool = False


@dataclass(frozen=True)
class Comparison:
    """A column compared with a value or with another column."""

    column: str
    sign: Sign
    other: Name


@dataclass(frozen=True)
class Among:
    """A column has one of some values, or (not ``inside``) another one."""

    column: str
    values: tuple[str, ...]
    inside: bool = True


@dataclass(frozen=True)
class Presence:
    """A column has a value, or has none."""

    column: str
    known: bool


Test: TypeAlias = Comparison | Among | Presence


@dataclass(frozen=True)
class Rule:
    """What every row keeps: ``then``, where ``when`` is true; or that no two rows have one value in ``unique``."""

    text: str
    then: tuple[Test, ...] = ()
    when: tuple[Test, ...] = ()
    unique: str | None = None


def read_rule(text: str) -> Rule:
    """Read one rule. Raises ``NotUnderstood``."""
    words = _Words(text)
    unique = words.unique()
    if unique is not None:
        return Rule(text.strip(), unique=unique)
    if words.take("if"):
        when = tuple(words.tests())
        words.need("then")
        then = tuple(words.tests())
        words.end()
        return Rule(text.strip(), then, when)
    then = tuple(words.tests())
    words.end()
    return Rule(text.strip(), then)


def read_tests(text: str) -> tuple[Test, ...]:
    """Read tests joined by ``and``. Raises ``NotUnderstood``."""
    words = _Words(text)
    tests = tuple(words.tests())
    words.end()
    return tests


def read_names(text: str, between: str) -> tuple[str, str]:
    """Read the names of two columns with a word ``between`` them. Raises ``NotUnderstood``."""
    words = _Words(text)
    first = words.column()
    words.need(between)
    second = words.column()
    words.end()
    return first, second


def columns_in(tests: Sequence[Test]) -> list[str]:
    """The columns that stand on the left of ``tests``, each once."""
    return list(dict.fromkeys(test.column for test in tests))


class _Words:
    """The words of a line, taken one after the other."""

    def __init__(self, text: str) -> None:
        if len(text) > _LONGEST:
            raise NotUnderstood(f"The line has {len(text):,} characters.", f"Write at most {_LONGEST:,}.")
        self._tokens = list(_tokens(text))
        if not self._tokens:
            raise NotUnderstood("The line is empty.")
        self._at = 0

    def take(self, word: str) -> bool:
        """Take ``word`` if it is the next one."""
        if self._next().lower() != word:
            return False
        self._at += 1
        return True

    def need(self, word: str) -> None:
        if not self.take(word):
            raise NotUnderstood(f"“{word}” is missing {self._place()}.")

    def end(self) -> None:
        if self._next():
            raise NotUnderstood(f"“{self._next()}” is too much.", "Join several tests with “and”.")

    def unique(self) -> str | None:
        """Take the whole line when it says that a column is unique, before or behind its name; return that name."""
        if self.take("unique"):
            name = self.column()
        elif [token.lower() for token in self._tokens[1:]] == ["is", "unique"]:
            name = self.column()
            self._at += 2
        else:
            return None
        self.end()
        return name

    def tests(self) -> Iterator[Test]:
        yield self._test()
        while self.take("and"):
            yield self._test()

    def column(self) -> str:
        token = self._any("a column")
        if token.startswith("'"):
            raise NotUnderstood(f"{token} is a value; the name of a column is due.", "Use double quotes for names.")
        return _unquoted(token)

    def _test(self) -> Test:
        column = self.column()
        if self.take("is"):
            if self.take("missing"):
                return Presence(column, known=False)
            if self.take("known"):
                return Presence(column, known=True)
            raise NotUnderstood(
                "After “is” stands “known” or “missing”, or “unique” as all that a rule says.",
                "Compare values with a sign such as =, for example: age = 3.",
            )
        if self.take("in"):
            return Among(column, tuple(self._listed()))
        if self.take("not"):
            self.need("in")
            return Among(column, tuple(self._listed()), inside=False)
        sign = _SIGNS.get(self._next())
        if sign is None:
            raise NotUnderstood(f"A sign such as = or <= is missing {self._place()}.")
        self._at += 1
        token = self._any("a value or a column")
        return Comparison(column, sign, Name(_unquoted(token), token.startswith("'")))

    def _listed(self) -> Iterator[str]:
        self.need("(")
        yield _unquoted(self._any("a value"))
        while self.take(","):
            yield _unquoted(self._any("a value"))
        self.need(")")

    def _any(self, what: str) -> str:
        token = self._next()
        if not token or token in _SIGNS or token in _BRACKETS or token.lower() in _JOINING:
            raise NotUnderstood(f"{what.capitalize()} is missing {self._place()}.")
        self._at += 1
        return token

    def _next(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _place(self) -> str:
        return f"before “{self._next()}”" if self._next() else "at the end"


def _tokens(text: str) -> Iterator[str]:
    at = 0
    rest = text.rstrip()
    while at < len(rest):
        found = _TOKEN.match(rest, at)
        if found is None:
            unread = rest[at:].strip()
            open_ = unread[0] in "\"'"
            remedy = "Close each quotation mark." if open_ else "Put names and values with signs in double quotes."
            raise NotUnderstood(f"“{unread[:40]}” cannot be read.", remedy)
        yield found[1]
        at = found.end()


def _unquoted(token: str) -> str:
    if token[0] in "\"'":
        return token[1:-1].replace(token[0] * 2, token[0])
    return token
