"""The kinds of documents that the catalogue computes itself."""

from pydantic import TypeAdapter

from catalog import difference, previews
from catalog.attachments import AttachmentKind, register
from catalog.shapes import Difference, Preview

register(
    AttachmentKind("preview", "First rows", "1", "application/json", TypeAdapter(Preview), work=previews.PREVIEW),
)
register(
    AttachmentKind(
        "difference",
        "Compared with the version before",
        "1",
        "application/json",
        TypeAdapter(Difference),
        work=difference.DIFFERENCE,
        of_two=True,
    ),
)
