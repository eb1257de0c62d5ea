"""The kinds of documents that the catalogue computes itself."""

from pydantic import TypeAdapter

from catalog import previews
from catalog.attachments import AttachmentKind, register
from catalog.shapes import Preview

register(
    AttachmentKind("preview", "First rows", "1", "application/json", TypeAdapter(Preview), work=previews.PREVIEW),
)
