"""All that the author of a generator imports.

The contract is one page (``contract``), the randomness one class (``streams``), the common case one
decorator (``simple``), pictures one module (``media``). Nothing here knows of Django, of a database or
of the process it runs in; numpy, pyarrow and pydantic are the only dependencies.
"""

from generation.sdk.contract import (
    Exactness,
    Generator,
    Job,
    Json,
    Keeper,
    Layout,
    Modality,
    Needs,
    Problem,
    Rows,
    Source,
    SourceFacts,
    SourceUse,
    State,
    Table,
    TableFacts,
    Tell,
    WholeSource,
    keeps_rows,
)
from generation.sdk.planted import Cause, Planted, planted_json
from generation.sdk.schema import PICTURE, field
from generation.sdk.simple import generator
from generation.sdk.streams import Streams

__all__ = [
    "PICTURE",
    "Cause",
    "Exactness",
    "Generator",
    "Job",
    "Json",
    "Keeper",
    "Layout",
    "Modality",
    "Needs",
    "Planted",
    "Problem",
    "Rows",
    "Source",
    "SourceFacts",
    "SourceUse",
    "State",
    "Streams",
    "Table",
    "TableFacts",
    "Tell",
    "WholeSource",
    "field",
    "generator",
    "keeps_rows",
    "planted_json",
]
