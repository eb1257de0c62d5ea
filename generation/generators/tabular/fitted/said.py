"""What a buyer says of the columns beside what was understood of them: what each is, its unit, which are sensitive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from generation.generators.tabular.fitted.arrow import ArrowField
from generation.sdk import Problem, TableFacts

#: The name of a column of the source; pages offer those that there are.
Column = Annotated[str, Field(max_length=200, json_schema_extra={"format": "column"})]

#: What becomes of a column, and the kind that says so; ``None``: the kind that its type has.
_KINDS: dict[str, str | None] = {"learnt": None, "key": "key", "left out": "text"}


class Correction(BaseModel):
    """What one column is, where that was understood otherwise, and the unit of its values."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: Column
    made: Literal["learnt", "key", "left out"] | None = Field(
        default=None, description="Learnt from; a key that is made anew; or left out. Not set: as it was understood."
    )
    unit: str = Field(default="", max_length=20, description="The unit of its values, such as EUR or kg.")


class Said(BaseModel):
    """Parameters about columns that concern more than how a table is learnt."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sensitive: list[Column] = Field(
        default=[],
        title="Sensitive columns",
        description="Columns by whose groups the report compares shares and errors, such as sex or origin.",
        max_length=20,
    )
    columns: list[Correction] = Field(
        default=[],
        title="What columns are",
        description="Corrections of what was understood: of each column what it is, and its unit.",
        max_length=1_000,
        json_schema_extra={"format": "corrections"},
    )


def faults_of(said: Said, facts: TableFacts) -> Iterator[Problem]:
    """Yield every fault of what was said against the source's columns and types."""
    names = set(facts.schema.names)
    for name in said.sensitive:
        if name not in names:
            yield Problem("sensitive", f"The source has no column “{name}”.", "Choose from the columns of the source.")
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


def corrected(facts: TableFacts, said: Said) -> TableFacts:
    """Return what is known of the source with what its owner says of its columns."""
    corrections = {correction.column: correction for correction in said.columns}
    fields = [_corrected(field, corrections.get(field.name)) for field in facts.schema]
    return replace(facts, schema=pa.schema(fields))


def with_unit(field: ArrowField, said: Said) -> ArrowField:
    """Return the field of a made column with the unit that was said, if one was."""
    unit = next((correction.unit for correction in said.columns if correction.column == field.name), "")
    return field.with_metadata({**(field.metadata or {}), b"unit": unit.encode()}) if unit else field


def _corrected(field: ArrowField, correction: Correction | None) -> ArrowField:
    if correction is None or correction.made is None:
        return field
    kind = _KINDS[correction.made]
    metadata = {key: value for key, value in (field.metadata or {}).items() if key != b"kind"}
    return field.with_metadata(metadata if kind is None else {**metadata, b"kind": kind.encode()})
