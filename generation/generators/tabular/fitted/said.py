"""What a buyer says of the columns beside what was understood of them: what each is, its unit, which are sensitive,
which is learned, which tells people apart, and what need not hold between them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from generation.generators.tabular.fitted.arrow import ArrowField
from generation.generators.tabular.fitted.privacy import LEAST_PEOPLE
from generation.generators.tabular.fitted.understanding import PROSE
from generation.sdk import Problem, TableFacts

#: The name of a column of the source; pages offer those that there are.
Column = Annotated[str, Field(max_length=200, json_schema_extra={"format": "column"})]

#: A line of text, as a buyer types it.
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
#: The formula of a relation that was found in the source; pages offer those that there are.
Relation = Annotated[Line, Field(json_schema_extra={"format": "relation"})]

#: What becomes of a column, and the kind that says so; ``None``: the kind that its type has.
_KINDS: dict[str, str | None] = {"learnt": None, "key": "key", "left out": "text"}


class Correction(BaseModel):
    """What one column is, where that was understood otherwise, and the unit of its values."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: Column
    made: Literal["learnt", "key", "left out"] | None = Field(
        default=None,
        description="Learnt from; a key that is made anew; or left out. In the place of a free text that is learnt "
        "from, others are made up, of words that many texts share. Not set: as it was understood.",
    )
    unit: str = Field(default="", max_length=20, description="The unit of its values, such as EUR or kg.")


class Said(BaseModel):
    """What every generator that learns a table may be told of its columns."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: Column | None = Field(
        default=None,
        title="Target",
        description="The column that models will predict, if there is one: what it hangs on is kept best.",
        max_length=200,
    )
    identifier: Column | None = Field(
        default=None,
        title="Identifying column",
        description="The column that tells people apart, if one person has several rows: people are counted, not rows.",
        max_length=200,
    )
    sensitive: list[Column] = Field(
        default=[],
        title="Sensitive columns",
        description="Columns by whose groups the report compares shares and errors, such as sex or origin.",
        max_length=20,
    )
    public: list[Column] = Field(
        default=[],
        title="Public lists of codes",
        description="Columns of codes from a list that anybody may know, such as diagnoses or post codes: all that "
        "occur may stand in what is made, also those of few people. What they occur with stays protected.",
        max_length=50,
    )
    columns: list[Correction] = Field(
        default=[],
        title="What columns are",
        description="Corrections of what was understood: of each column what it is, and its unit.",
        max_length=1_000,
        json_schema_extra={"format": "corrections"},
    )
    ignore_relations: list[Relation] = Field(
        default=[],
        title="Relations not to keep",
        description="Of what was found to hold in the upload, what need not hold in what is made.",
        max_length=200,
    )


def faults_of(said: Said, facts: TableFacts) -> Iterator[Problem]:
    """Yield every fault of what was said against the source's columns, types and relations."""
    names = set(facts.schema.names)
    if said.target is not None and said.target not in names:
        remedy = "Choose a column of the source, or none."
        yield Problem("target", f"The source has no column “{said.target}”.", remedy)
    yield from _faults_of_identifier(said.identifier, facts)
    for name in said.sensitive:
        if name not in names:
            yield Problem("sensitive", f"The source has no column “{name}”.", "Choose from the columns of the source.")
    yield from _faults_of_public(said, facts)
    named = [correction.column for correction in said.columns]
    for name in dict.fromkeys(named):
        if name not in names:
            yield Problem("columns", f"The source has no column “{name}”.", "Choose from the columns of the source.")
        elif named.count(name) > 1:
            yield Problem("columns", f"Column “{name}” is corrected twice.", "Say once what it is.")
    for correction in said.columns:
        if correction.made == "key" and correction.column in names:
            type_ = facts.schema.field(correction.column).type
            if not (pa.types.is_string(type_) or pa.types.is_integer(type_)):
                message = f"Column “{correction.column}” holds neither texts nor whole numbers, so it can be no key."
                yield Problem("columns", message, "Have it learnt, or left out.")
    for formula in sorted(set(said.ignore_relations)):
        if facts.relations is not None and formula not in facts.relations:
            message = f"No relation “{formula}” was found in the source."
            yield Problem("ignore_relations", message, "Choose from those that were found.")


def _faults_of_identifier(identifier: str | None, facts: TableFacts) -> Iterator[Problem]:
    if identifier is None:
        return
    if identifier not in facts.schema.names:
        remedy = "Choose a column of the source, or none if every row is another person."
        yield Problem("identifier", f"The source has no column “{identifier}”.", remedy)
        return
    field = facts.schema.field(identifier)
    if not (pa.types.is_string(field.type) or pa.types.is_integer(field.type)):
        message = f"Column “{identifier}” holds neither texts nor whole numbers, so it cannot identify people."
        yield Problem("identifier", message, "Name the column with people's numbers or codes.")
    elif int((field.metadata or {}).get(b"distinct", b"100")) < LEAST_PEOPLE:
        message = f"Column “{identifier}” tells fewer than {LEAST_PEOPLE} people apart."
        yield Problem("identifier", message, "Upload a table about more people, or name another column.")


def _faults_of_public(said: Said, facts: TableFacts) -> Iterator[Problem]:
    for name in said.public:
        if name not in facts.schema.names:
            yield Problem("public", f"The source has no column “{name}”.", "Choose from the columns of the source.")
            continue
        field = facts.schema.field(name)
        if name in said.sensitive:
            message = f"Column “{name}” is sensitive: who has a rare value of it must not be told."
            yield Problem("public", message, "Name it as one of the two.")
        elif name == said.identifier:
            message = f"Column “{name}” tells people apart, so its values must not be released."
            yield Problem("public", message, "Choose columns of codes that do not stand for people.")
        elif not pa.types.is_string(field.type):
            message = f"Column “{name}” ({field.type}) holds no texts, so it is no list of codes."
            yield Problem("public", message, "Choose columns of texts.")
        elif (field.metadata or {}).get(b"kind") == b"key":
            message = f"Column “{name}” has another value on every row, so it is no list of codes."
            yield Problem("public", message, "Choose columns whose values recur.")


def corrected(facts: TableFacts, said: Said) -> TableFacts:
    """Return what is known of the source with what its owner says of its columns."""
    corrections = {correction.column: correction for correction in said.columns}
    # what few rows share was understood as text; of a list of codes it is a level
    fields = [_of_kind(field, "category") if field.name in said.public else field for field in facts.schema]
    fields = [_corrected(field, corrections.get(field.name)) for field in fields]
    return replace(facts, schema=pa.schema(fields))


def with_unit(field: ArrowField, said: Said) -> ArrowField:
    """Return the field of a made column with the unit that was said, if one was."""
    unit = next((correction.unit for correction in said.columns if correction.column == field.name), "")
    return field.with_metadata({**(field.metadata or {}), b"unit": unit.encode()}) if unit else field


def _corrected(field: ArrowField, correction: Correction | None) -> ArrowField:
    if correction is None or correction.made is None:
        return field
    if correction.made == "learnt" and (field.metadata or {}).get(b"kind") == b"text":
        return _of_kind(field, PROSE)
    return _of_kind(field, _KINDS[correction.made])


def _of_kind(field: ArrowField, kind: str | None) -> ArrowField:
    metadata = {key: value for key, value in (field.metadata or {}).items() if key != b"kind"}
    return field.with_metadata(metadata if kind is None else {**metadata, b"kind": kind.encode()})
