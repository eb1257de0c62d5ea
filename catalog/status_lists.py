"""Status lists: for each certificate two bits that say whether it holds (IETF Token Status List).

A list is read from the licences, so it is right the moment a licence moves. It is signed for a day, and the signed
token is kept for as long as what it says is the same, an hour at most.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.cache import cache
from django.db.models.functions import Now
from django.urls import reverse

from catalog.models import Licence, StatusList
from catalog.models.certificate import ENTRIES
from marketplace.keys import jws, keyring
from marketplace.keys.models import Purpose

TYPE = "statuslist+jwt"
MEDIA_TYPE = "application/statuslist+jwt"

VALID, INVALID, SUSPENDED = 0, 1, 2
_BITS = 2
_VALUES = {Licence.State.REVOKED: INVALID, Licence.State.SUSPENDED: SUSPENDED}

_SIGNED_FOR = timedelta(days=1)
_KEPT_SECONDS = 3600


class NotAList(Exception):
    """What should be a status list is none, or none of a size that a list has."""


def address(status_list: StatusList) -> str:
    """Where a status list is, and what it is called."""
    return settings.PUBLIC_URL + reverse("catalog:status-list", args=[status_list.id])


def value_of(state: str) -> int:
    """What a list says of a licence in ``state``. That it is over is said by its certificate's ``exp``."""
    return _VALUES.get(Licence.State(state), VALID)


def token(status_list: StatusList) -> str:
    """The list, signed: what it says is the present state of every licence in it."""
    values = dict(_entries(status_list.id))
    said = hashlib.sha256(repr(sorted(values.items())).encode()).hexdigest()
    key = f"status-list:{status_list.id}:{keyring.current(Purpose.LICENCE).kid}:{said}"
    kept: str | None = cache.get(key)
    if kept is None:
        kept = _sign(status_list, values)
        cache.set(key, kept, _KEPT_SECONDS)
    return kept


def pack(values: Mapping[int, int], entries: int = ENTRIES, bits: int = _BITS) -> str:
    """``lst`` of a status list: entry 0 in the lowest bits of the first byte; what is not named is valid."""
    packed = bytearray(entries * bits // 8)
    for index, value in values.items():
        place, shift = divmod(index * bits, 8)
        packed[place] |= value << shift
    return base64.urlsafe_b64encode(zlib.compress(packed, 9)).rstrip(b"=").decode()


def unpack(lst: str, *, most: int = ENTRIES * _BITS // 8) -> bytes:
    """The bits of ``lst``, inflated no further than to ``most`` bytes. Raises NotAList."""
    inflater = zlib.decompressobj()
    try:
        packed = base64.urlsafe_b64decode(lst + "=" * (-len(lst) % 4))
        found = inflater.decompress(packed, most + 1)
    except (zlib.error, ValueError) as error:
        raise NotAList(f"This is no compressed list: {error}") from error
    if len(found) > most or not inflater.eof:
        raise NotAList(f"The list is longer than {most:,} bytes, or cut off.")
    return found


def value_at(packed: bytes, index: int, bits: int = _BITS) -> int:
    """What a list says of the entry ``index``. Raises NotAList for an entry that it does not have."""
    place, shift = divmod(index * bits, 8)
    if not 0 <= place < len(packed):
        raise NotAList(f"The list has no entry {index}.")
    return packed[place] >> shift & (1 << bits) - 1


def _entries(status_list: UUID) -> Iterable[tuple[int, int]]:
    """Where the list says something else than valid."""
    taken = Licence.objects.taken_away().filter(certificate__status_list=status_list)
    for index, state in taken.values_list("certificate__index", "state").iterator():
        yield index, value_of(state)


def _sign(status_list: StatusList, values: Mapping[int, int]) -> str:
    now: datetime = StatusList.objects.values_list(Now(), flat=True).get(id=status_list.id)
    said: dict[str, Any] = {
        "sub": address(status_list),
        "iat": int(now.timestamp()),
        "exp": int((now + _SIGNED_FOR).timestamp()),
        "ttl": _KEPT_SECONDS,
        "status_list": {"bits": _BITS, "lst": pack(values)},
    }
    return jws.sign(said, type=TYPE, purpose=Purpose.LICENCE).token
