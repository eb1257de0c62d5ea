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
)
from generation.sdk.schema import PICTURE, field
from generation.sdk.simple import generator
from generation.sdk.streams import Streams

__all__ = [
    "PICTURE",
    "Exactness",
    "Generator",
    "Job",
    "Json",
    "Layout",
    "Modality",
    "Needs",
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
    "field",
    "generator",
]
