"""What a request may bring in files: nothing from a stranger, no more than the limit from anybody, and nothing to stay.

Django reads a form with files before any view is asked (its CSRF check needs the form), so this stands before the
handlers that write to disk.
"""

from __future__ import annotations

import tempfile
from typing import IO, Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile, StopUpload
from django.http import HttpRequest

_CUT_OFF = "lookalike.upload_cut_off"
_UNITS = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


class LimitedUploadHandler(FileUploadHandler):
    """Passes on the files of a signed-in user until those of the request together reach ``SOURCE_MAX_BYTES``.

    What is beyond is read and dropped, so that the page can say what was wrong; ``was_cut_off`` tells the view.
    """

    def __init__(self, request: HttpRequest | None = None) -> None:
        super().__init__(request)
        self._seen = 0

    def new_file(self, *args: Any, **options: Any) -> None:
        """Stop reading the request at the first file of somebody who is not signed in."""
        super().new_file(*args, **options)
        if self.request is None or not self.request.user.is_authenticated:
            raise StopUpload(connection_reset=True)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        """Hand a piece on to the next handler, or drop the file."""
        self._seen += len(raw_data)
        if self._seen > settings.SOURCE_MAX_BYTES:
            if self.request is not None:
                self.request.META[_CUT_OFF] = True
            raise SkipFile
        return raw_data

    def file_complete(self, file_size: int) -> UploadedFile[Any] | None:
        """The handlers behind this one make the file."""
        return None


class UnnamedFileHandler(FileUploadHandler):
    """Keeps a file that is sent on disk without a name, so that it is gone with this process, however that ends."""

    _file: IO[bytes] | None = None

    def new_file(self, *args: Any, **options: Any) -> None:
        super().new_file(*args, **options)
        self._file = tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR)  # noqa: SIM115 - lives with the request

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._open.write(raw_data)

    def file_complete(self, file_size: int) -> UploadedFile[bytes]:
        self._open.seek(0)
        return UploadedFile(
            self._open,
            name=self.file_name,
            content_type=self.content_type,
            size=file_size,
            charset=self.charset,
            content_type_extra=self.content_type_extra,
        )

    def upload_interrupted(self) -> None:
        if self._file is not None:
            self._file.close()

    @property
    def _open(self) -> IO[bytes]:
        if self._file is None:
            raise AssertionError("a file begins with new_file")
        return self._file


def was_cut_off(request: HttpRequest) -> bool:
    """Did the request bring more than it may? Its files are gone then."""
    return bool(request.META.get(_CUT_OFF))


def largest_upload() -> str:
    """The most that a request may bring, in words: ``1 GiB``."""
    for size, unit in _UNITS:
        if settings.SOURCE_MAX_BYTES % size == 0:
            return f"{settings.SOURCE_MAX_BYTES // size:,} {unit}"
    return f"{settings.SOURCE_MAX_BYTES:,} bytes"
