"""The shapes of the documents about a version, as pages and programs read them."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, NonNegativeInt, PositiveInt, model_validator

#: A value of a column: times and integers beyond 2**53 are text.
Figure = bool | int | float | str
Share = Annotated[float, Field(ge=0, le=1)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Shape(BaseModel):
    """A document that says what it holds; members that a newer writer adds are kept."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)


class Distinct(Shape):
    """How many different values there are, counted or estimated with a relative standard error."""

    value: NonNegativeInt
    exact: bool
    standard_error: Annotated[float, Field(gt=0, lt=0.1)] | None = None

    @model_validator(mode="after")
    def _estimates_have_an_error(self) -> Distinct:
        if self.exact != (self.standard_error is None):
            raise ValueError("what is estimated has a standard error, what is exact has none")
        return self


class Occurrence(Shape):
    """A value and how often it is there."""

    value: Figure
    count: PositiveInt


class Ranked(Shape):
    """Figures that were counted, or estimated within an error of rank."""

    exact: bool
    rank_error: Annotated[float, Field(ge=0, lt=0.1)]

    @model_validator(mode="after")
    def _estimates_have_an_error(self) -> Ranked:
        if self.exact != (self.rank_error == 0):
            raise ValueError("what is estimated has an error of rank, what is exact has none")
        return self


class Quantiles(Ranked):
    """Values by the share of all that lies below them."""

    at: list[tuple[Share, Figure]]


class Histogram(Ranked):
    """Counts between edges that are equally far apart."""

    edges: list[Figure]
    counts: list[NonNegativeInt]

    @model_validator(mode="after")
    def _each_count_lies_between_two_edges(self) -> Histogram:
        if len(self.edges) != len(self.counts) + 1:
            raise ValueError(f"{len(self.edges)} edges do not bound {len(self.counts)} counts")
        return self


class ColumnStatistics(Shape):
    """What was counted in one column, or in a part of one; ``generation.quality.profile`` says what is there when."""

    name: str
    type: str
    kind: Literal["number", "time", "boolean", "text", "list", "struct", "picture", "bytes"]
    count: NonNegativeInt
    nulls: NonNegativeInt
    nan: NonNegativeInt = 0
    infinite: NonNegativeInt = 0
    minimum: Figure | None = None
    maximum: Figure | None = None
    mean: Figure | None = None
    deviation: float | None = None
    distinct: Distinct | None = None
    values: list[Occurrence] | None = None
    quantiles: Quantiles | None = None
    histogram: Histogram | None = None
    parts: list[ColumnStatistics] = []


class Duplicates(Shape):
    """The share of rows that repeat an earlier one in every cell, counted or estimated with a standard error."""

    share: Share
    exact: bool
    standard_error: Annotated[float, Field(gt=0, lt=0.1)] | None = None

    @model_validator(mode="after")
    def _estimates_have_an_error(self) -> Duplicates:
        if self.exact != (self.standard_error is None):
            raise ValueError("what is estimated has a standard error, what is exact has none")
        return self


class RuleHeld(Shape):
    """A rule that was promised of every row: on how many it was checked, and on how many it held."""

    rule: str
    rows: Annotated[int, Field(ge=0)]
    held: Annotated[int, Field(ge=0)]


class TableStatistics(Shape):
    """What was counted over all rows of one configuration; ``duplicates`` are not measured where they are missing."""

    schema_: Literal["lookalike/statistics/1"] = Field(alias="schema")
    rows: NonNegativeInt
    duplicates: Duplicates | None = None
    rules: list[RuleHeld] = []
    columns: Annotated[list[ColumnStatistics], Field(min_length=1)]


class Statistics(Shape):
    """What was counted over all rows: one entry a configuration."""

    tables: Annotated[dict[str, TableStatistics], Field(min_length=1)]


class PreviewColumn(Shape):
    """A column of a preview: its name, Arrow type in words, and what the generator says of it."""

    name: str
    type: str
    description: str = ""
    role: str = ""
    unit: str | None = None
    media: str | None = None


class PreviewTable(Shape):
    """The first rows of one configuration; a picture cell is ``{"picture": sha256, "media": …}``."""

    name: str
    split: str
    columns: list[PreviewColumn]
    rows: list[list[Any]]


class Preview(Shape):
    """The first rows of each configuration, from the free sample."""

    tables: list[PreviewTable]


class Drift(Shape):
    """How far one distribution lies from another, 0 to 1; ``rank_error`` says how far estimated ranks may be off."""

    measure: Literal["Kolmogorov–Smirnov distance", "total variation distance"]
    value: Share
    exact: bool
    rank_error: Annotated[float, Field(ge=0, lt=0.2)] = 0.0


#: What was before, and what is now; ``None`` where there is none.
Whole = tuple[NonNegativeInt | None, NonNegativeInt | None]
Shares = tuple[Share | None, Share | None]
Words = tuple[str | None, str | None]
Figures = tuple[Figure | None, Figure | None]
Presence = Literal["kept", "added", "removed", "changed"]


class Setting(Shape):
    """A parameter whose value is not the same."""

    name: str
    before: Any = None
    after: Any = None


class ColumnDifference(Shape):
    """A column in both versions, or in one; ``unmeasured`` says why there is no drift."""

    name: str
    state: Presence
    type: Words
    nulls: Shares = (None, None)
    minimum: Figures = (None, None)
    maximum: Figures = (None, None)
    mean: Figures = (None, None)
    drift: Drift | None = None
    unmeasured: str = ""


class TableDifference(Shape):
    """A configuration in both versions, or in one."""

    name: str
    state: Presence
    rows: Whole
    columns: list[ColumnDifference]


class Named(Shape):
    """A version by number and digest."""

    number: str
    digest: Sha256


class Difference(Shape):
    """What is not the same as in an earlier version, computed from recipes, layouts and statistics."""

    schema_: Literal["lookalike/difference/1"] = Field(alias="schema")
    against: Named
    generator: Words
    generator_digest: Words
    parameters: list[Setting]
    units: Whole
    rows: Whole
    bytes: Whole
    tables: list[TableDifference]


class RowsJudged(Shape):
    """How many rows of each side were looked at, and ``judged`` of them with the costlier measures."""

    fitted: NonNegativeInt
    holdout: NonNegativeInt
    made: NonNegativeInt
    judged: NonNegativeInt


class TableQuality(Shape):
    """How one made table stands beside the one it was learnt from; a section is ``None`` where nothing was measured.

    Of a simulated table there is ``answer_key`` alone: {"planted": [what was found of each], "findings": [sentence…]}.
    What stands in a section is said where it is computed, in ``generation.quality.judge``. ``verdict`` has a sentence
    for each section, ``not_tested`` one for each thing that was not looked at, ``refused`` why the table must not be
    published.
    """

    rows: RowsJudged
    left_out: list[str]
    likeness: dict[str, Any] | None
    usefulness: dict[str, Any] | None
    privacy: dict[str, Any] | None
    fairness: dict[str, Any] | None
    answer_key: dict[str, Any] | None = None
    groups: dict[str, Any] | None = None
    cost: dict[str, Any] | None = None
    relations: list[dict[str, Any]] = []
    rests_on: list[dict[str, str]] = []
    not_tested: list[str]
    verdict: dict[str, str]
    refused: str | None


class FilledColumn(Shape):
    """How many cells of a column were filled, and how known cells of withheld rows were met when drawn in the same way.

    Of numbers and times the ``correlation`` of drawn with true ones; of levels the ``agreement``, and that of the
    commonest level. ``None`` where too few were ``tried``.
    """

    filled: NonNegativeInt
    tried: NonNegativeInt
    correlation: float | None = None
    agreement: float | None = None
    by_commonest: float | None = None


class Quality(Shape):
    """What the judge found of each table that was learnt from a source, or in which something was planted."""

    schema_: Literal["lookalike/quality/1"] = Field(alias="schema")
    tables: dict[str, TableQuality]


class Sides(Shape):
    """A count of each of two sides that are compared."""

    before: NonNegativeInt
    after: NonNegativeInt


class NamedSides(Shape):
    """Columns of each of two sides."""

    before: list[str]
    after: list[str]


class ColumnDrift(Shape):
    """How far a column moved: population stability index, distances, and the chance of so much by chance alone."""

    column: str
    kind: Literal["number", "time", "category"]
    index: Annotated[float, Field(ge=0)]
    distance: Share
    transport: Annotated[float, Field(ge=0)] | None
    missing: Sides
    chance: Share
    moved: Literal["much", "little", "hardly", "no"]


class DriftPlot(Shape):
    """Both distributions of a column as shares of levels, or of bins; open bins lie beyond the outer edges, too."""

    column: str
    kind: Literal["number", "time", "category"]
    levels: list[str] | None = None
    edges: list[float] | None = None
    open: bool = False
    before: list[Share]
    after: list[Share]

    @model_validator(mode="after")
    def _each_share_has_its_place(self) -> DriftPlot:
        bins = len(self.edges) + (1 if self.open else -1) if self.edges is not None else len(self.levels or ())
        if not len(self.before) == len(self.after) == bins:
            raise ValueError(f"{len(self.before)} and {len(self.after)} shares do not belong to {bins} places")
        return self


class TableDrift(Shape):
    """How one table differs from another; ``verdict`` has a sentence for columns, for both together, for a model."""

    rows: Sides
    columns: list[ColumnDrift]
    only: NamedSides
    not_compared: list[str]
    together: dict[str, Any] | None
    model: dict[str, Any] | None
    verdict: dict[Literal["columns", "together", "model"], str]
    plots: list[DriftPlot]


class Drifted(Shape):
    """How far what lies before has moved: by configuration. ``against`` is the earlier version, where there is one."""

    schema_: Literal["lookalike/drift/1"] = Field(alias="schema")
    against: Named | None = None
    tables: dict[str, TableDrift]


class Digests(Shape):
    sha256: Sha256


class Subject(Shape):
    """A thing that a statement is about, by name and digest."""

    name: str
    digest: Digests


class Statement(Shape):
    """An in-toto Statement v1."""

    type_: Literal["https://in-toto.io/Statement/v1"] = Field(alias="_type")
    subject: Annotated[list[Subject], Field(min_length=1)]


class BuildDefinition(Shape):
    """What was asked and how it was made, as the page of the build type explains it."""

    build_type: str = Field(alias="buildType")
    external_parameters: dict[str, Any] = Field(alias="externalParameters")
    internal_parameters: dict[str, Any] = Field(alias="internalParameters")


class Builder(Shape):
    id: str


class RunDetails(Shape):
    """Who made it. There is no clock here."""

    builder: Builder


class Provenance(Shape):
    """The predicate of SLSA Provenance v1."""

    build_definition: BuildDefinition = Field(alias="buildDefinition")
    run_details: RunDetails = Field(alias="runDetails")


class ProvenanceStatement(Statement):
    """How a version was made."""

    predicate_type: Literal["https://slsa.dev/provenance/v1"] = Field(alias="predicateType")
    predicate: Provenance


class ReplayedFile(Shape):
    """A file that was made again, and how it came out."""

    path: str
    outcome: Literal["same digest", "same values", "different"]


class Replay(Shape):
    """How the files of a version came out when they were made again."""

    runtime: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
    same_runtime: bool = Field(alias="sameRuntime")
    files: Annotated[list[ReplayedFile], Field(min_length=1)]
    words: Annotated[str, Field(min_length=1)]


class ReplayStatement(Statement):
    """That a version was made again, and compared."""

    predicate_type: Annotated[str, Field(alias="predicateType", pattern=r"/predicates/replay/v1$")]
    predicate: Replay


class Signature(Shape):
    """Who signed, and the signature in base64."""

    keyid: str
    sig: str


StatementT = TypeVar("StatementT", bound=Statement)


def _opened(payload: Any) -> Any:
    """The JSON that a payload holds in base64."""
    try:
        return json.loads(base64.b64decode(payload, validate=True))
    except (binascii.Error, TypeError, ValueError) as error:
        raise ValueError(f"the payload is no JSON in base64: {error}") from error


class Envelope(Shape, Generic[StatementT]):
    """A signed statement: DSSE. The shape says nothing of the signature; whoever relies on it verifies first."""

    payload_type: Literal["application/vnd.in-toto+json"] = Field(alias="payloadType")
    payload: Annotated[StatementT, BeforeValidator(_opened)]
    signatures: Annotated[list[Signature], Field(min_length=1)]


class ProvenanceEnvelope(Envelope[ProvenanceStatement]):
    """Signed provenance of a version."""


class ReplayEnvelope(Envelope[ReplayStatement]):
    """Signed report of a replay."""
