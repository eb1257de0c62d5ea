"""How much of what strangers send is read, and where it lies meanwhile.

A view that takes files says so with ``takes_files``; every other request is small, and so is one of nobody.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from typing import IO, Any, TypeVar

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, HttpResponse

from marketplace.web.problems import Problem, answer

View = TypeVar("View", bound=Callable[..., HttpResponse])

_SMALL = 4 << 20
_BESIDE = 1 << 20  # what a form sends beside its file
_MARK = "takes_files"


def takes_files(view: View) -> View:
    """Let a signed-in user send ``view`` a file of up to ``SOURCE_MAX_BYTES``. Stands before other decorators."""
    setattr(view, _MARK, True)
    return view


class BodyLimitMiddleware:
    """Refuses a body that is longer than its view may be sent, before a byte of it is read."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: Any, options: Any
    ) -> HttpResponse | None:
        """The answer to a body that is too long; None lets the request pass."""
        sent = _length(request)
        if sent <= _SMALL:
            return None
        takes = getattr(view, _MARK, False) and request.user.is_authenticated
        limit = settings.SOURCE_MAX_BYTES + _BESIDE if takes else _SMALL
        if sent <= limit:
            return None
        detail = f"{sent:,} bytes were sent; {limit:,} are read here. Nothing was kept. Send a sample of the rows."
        return answer(request, Problem(413, "This is too large", detail))


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


def _length(request: HttpRequest) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0
