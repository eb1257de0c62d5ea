"""A status list says of every certificate, in two bits, how its licence stands now; and tells nothing else."""

from __future__ import annotations

import base64
import tracemalloc
import zlib

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import KeySet
from uuid_utils.compat import uuid7

from catalog import certificates, licensing, status_lists
from catalog.models import Certificate, Licence, LicenceSuspension, StatusList
from catalog.models.certificate import ENTRIES
from marketplace.keys import keyring
from tests.factories import a_dataset, a_licence, a_version, an_account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("s3_bucket")]


@pytest.fixture
def licence() -> Licence:
    return a_licence(an_account("buyer"), a_version(a_dataset(an_account())))


def cause_of(licence: Licence) -> licensing.Cause:
    return licensing.Cause(licence.cause_kind, licence.cause_id)


def listed(client: Client, licence: Licence) -> int:
    """What the list says of the licence to somebody who fetches it from the address in the certificate."""
    status = certificates.claims(certificates.of(licence))["status"]["status_list"]
    answer = client.get(status["uri"].removeprefix("http://localhost:8000"))
    assert answer["Content-Type"] == "application/statuslist+jwt"
    keys = KeySet.import_key_set(keyring.jwks())
    token = jwt.decode(answer.content.decode(), keys, algorithms=["Ed25519"])
    assert token.header["typ"] == "statuslist+jwt"
    assert token.claims["sub"] == status["uri"]
    assert token.claims["exp"] - token.claims["iat"] == 86_400
    assert (token.claims["ttl"], token.claims["status_list"]["bits"]) == (3600, 2)
    packed = zlib.decompress(base64.urlsafe_b64decode(token.claims["status_list"]["lst"] + "=="))
    assert len(packed) == ENTRIES // 4
    return packed[status["idx"] // 4] >> 2 * (status["idx"] % 4) & 3


def test_the_list_follows_the_licence_at_once(client: Client, licence: Licence) -> None:
    dispute = licensing.Ground(LicenceSuspension.Reason.DISPUTE, uuid7())
    seen = [listed(client, licence)]
    licensing.suspend(cause_of(licence), dispute)
    seen.append(listed(client, licence))
    licensing.restore(cause_of(licence), dispute)
    seen.append(listed(client, licence))
    licensing.revoke(cause_of(licence), Licence.Revoked.REFUNDED)
    seen.append(listed(client, licence))
    assert seen == [0, 2, 0, 1]


def test_a_list_that_says_the_same_is_the_same_token_and_is_not_sent_again(client: Client, licence: Licence) -> None:
    address = f"/status-lists/{certificates.of(licence).status_list_id}"
    first = client.get(address)
    assert client.get(address).content == first.content
    assert client.get(address, headers={"If-None-Match": first["ETag"]}).status_code == 304
    licensing.revoke(cause_of(licence), Licence.Revoked.REFUNDED)
    assert client.get(address, headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_a_list_that_does_not_exist_is_not_found(client: Client) -> None:
    assert client.get(f"/status-lists/{uuid7()}").status_code == 404


def test_places_are_drawn_and_never_given_twice(licence: Licence, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = certificates.of(licence).index
    drawn = iter([taken, taken, 7 if taken != 7 else 8])
    monkeypatch.setattr(certificates.secrets, "randbelow", lambda most: next(drawn))
    other = a_licence(licence.account, licence.version)
    assert certificates.of(other).index in {7, 8}
    assert Certificate.objects.filter(licence=other).count() == 1


def test_when_a_list_is_half_full_the_next_one_begins(licence: Licence, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "_FULL", Certificate.objects.count())
    other = a_licence(licence.account, licence.version)
    assert StatusList.objects.count() == 2
    assert certificates.of(other).status_list_id != certificates.of(licence).status_list_id


@given(values=st.dictionaries(st.integers(0, ENTRIES - 1), st.integers(0, 3), max_size=20))
def test_what_was_packed_is_read(values: dict[int, int]) -> None:
    packed = status_lists.unpack(status_lists.pack(values))
    for index in {*values, 0, ENTRIES - 1}:
        assert status_lists.value_at(packed, index) == values.get(index, 0)


def test_the_vector_of_the_draft_is_read_and_written() -> None:
    bits = [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]
    packed = status_lists.unpack("eNrbuRgAAhcBXQ")
    assert [status_lists.value_at(packed, index, bits=1) for index in range(16)] == bits
    again = status_lists.pack(dict(enumerate(bits)), entries=16, bits=1)
    assert status_lists.unpack(again) == packed


def test_a_list_that_would_fill_the_memory_is_refused() -> None:
    bomb = zlib.compressobj(9)
    inflated = b"".join(bomb.compress(bytes(1 << 20)) for _ in range(64)) + bomb.flush()
    lst = base64.urlsafe_b64encode(inflated).decode()
    tracemalloc.start()
    with pytest.raises(status_lists.NotAList, match="longer"):
        status_lists.unpack(lst)
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()


@pytest.mark.parametrize("lst", ["", "!!!", "AAAA", "eNrbuRg"])
def test_what_is_no_list_is_refused(lst: str) -> None:
    with pytest.raises(status_lists.NotAList):
        status_lists.unpack(lst)


def test_an_entry_that_a_list_does_not_have_is_refused() -> None:
    packed = status_lists.unpack(status_lists.pack({}))
    for index in (-1, ENTRIES):
        with pytest.raises(status_lists.NotAList):
            status_lists.value_at(packed, index)
