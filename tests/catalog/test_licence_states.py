"""A licence is suspended, comes back, is taken away or ends; from that moment it gives what it should and no more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import Error, transaction
from django.test import Client
from django.utils import timezone
from uuid_utils.compat import uuid7

from catalog import licensing, publishing
from catalog.models import Delivery, Licence, LicenceSuspension, Version
from catalog.models.licence_state import NEXT
from marketplace.accounts import tokens
from marketplace.accounts.models import Account, Membership, Role, Scope, User
from marketplace.mail.models import Message
from tests.factories import a_dataset, a_licence, a_listing, a_person, a_version, an_account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("s3_bucket")]

BOUGHT = "data/train-00001-of-00002.parquet"
State = Licence.State


@pytest.fixture
def version() -> Version:
    return a_version(a_dataset(an_account("seller")))


@pytest.fixture
def buyer() -> tuple[User, Account]:
    return a_person("buyer")


@pytest.fixture
def licence(version: Version, buyer: tuple[User, Account]) -> Licence:
    return a_licence(buyer[1], version)


def cause_of(licence: Licence) -> licensing.Cause:
    return licensing.Cause(licence.cause_kind, licence.cause_id)


def state(licence: Licence) -> str:
    return Licence.objects.get(id=licence.id).state


def dispute() -> licensing.Ground:
    return licensing.Ground(LicenceSuspension.Reason.DISPUTE, uuid7())


def refund() -> licensing.Ground:
    return licensing.Ground(LicenceSuspension.Reason.REFUND, uuid7())


def test_a_suspended_licence_gives_nothing_and_gives_again_when_it_is_back(licence: Licence) -> None:
    why = dispute()
    assert licensing.suspend(cause_of(licence), why) == [licence]
    assert not licensing.may_have(licence.account, licence.version)
    assert licensing.restore(cause_of(licence), why) == [licence]
    assert licensing.may_have(licence.account, licence.version)


def test_with_two_reasons_it_comes_back_when_none_is_left(licence: Licence) -> None:
    first, second = dispute(), refund()
    licensing.suspend(cause_of(licence), first)
    assert licensing.suspend(cause_of(licence), second) == []
    assert licensing.restore(cause_of(licence), first) == []
    assert state(licence) == State.SUSPENDED
    assert licensing.restore(cause_of(licence), second) == [licence]
    assert state(licence) == State.IN_FORCE


def test_the_same_reason_twice_is_one_reason(licence: Licence) -> None:
    why = dispute()
    licensing.suspend(cause_of(licence), why)
    assert licensing.suspend(cause_of(licence), why) == []
    assert licensing.restore(cause_of(licence), why) == [licence]
    assert licensing.restore(cause_of(licence), why) == []
    assert licensing.restore(cause_of(licence), refund()) == []
    assert state(licence) == State.IN_FORCE


def test_a_revoked_licence_never_comes_back(licence: Licence) -> None:
    why = dispute()
    licensing.suspend(cause_of(licence), why)
    assert licensing.revoke(cause_of(licence), Licence.Revoked.CHARGED_BACK) == [licence]
    assert licensing.restore(cause_of(licence), why) == []
    assert licensing.suspend(cause_of(licence), refund()) == []
    assert licensing.revoke(cause_of(licence), Licence.Revoked.REFUNDED) == []
    found = Licence.objects.get(id=licence.id)
    assert (found.state, found.revoked_for) == (State.REVOKED, Licence.Revoked.CHARGED_BACK)
    assert not licensing.may_have(licence.account, licence.version)
    assert found.changed_at is not None


def test_granting_again_for_the_same_cause_gives_no_way_around_a_revocation(licence: Licence) -> None:
    licensing.revoke(cause_of(licence), Licence.Revoked.REFUNDED)
    again = a_licence(licence.account, licence.version, cause=(licence.cause_kind, licence.cause_id))
    assert (again, again.state) == (licence, State.REVOKED)


def test_a_free_offer_gives_no_way_around_a_revocation(version: Version) -> None:
    offer = a_listing(version.dataset)
    publishing.put_on_shelf(offer.listing)
    licence = licensing.acquire(an_account("buyer"), offer)
    licensing.revoke(cause_of(licence), Licence.Revoked.REFUNDED)
    with pytest.raises(licensing.NotOffered, match="revoked"):
        licensing.acquire(licence.account, offer)


def test_a_cause_moves_all_its_licences_and_no_other(licence: Licence, version: Version) -> None:
    same = a_licence(an_account("friend"), version, cause=(licence.cause_kind, licence.cause_id))
    other = a_licence(licence.account, version)
    assert set(licensing.revoke(cause_of(licence), Licence.Revoked.REFUNDED)) == {licence, same}
    assert state(other) == State.IN_FORCE
    assert licensing.may_have(licence.account, version)


def test_a_reason_that_is_none_moves_nothing(licence: Licence) -> None:
    with pytest.raises(ValueError, match="no reason"):
        licensing.revoke(cause_of(licence), "whim")
    assert state(licence) == State.IN_FORCE


def test_a_licence_that_is_over_is_marked_and_may_still_be_taken_back_but_not_suspended(licence: Licence) -> None:
    running = a_licence(an_account("other"), licence.version)
    Licence.objects.filter(id=running.id).update(ends_at=timezone.now() + timedelta(days=1))
    Licence.objects.filter(id=licence.id).update(ends_at=timezone.now() - timedelta(seconds=1))
    licensing.expire()
    assert (state(licence), state(running)) == (State.EXPIRED, State.IN_FORCE)
    assert licensing.suspend(cause_of(licence), dispute()) == []
    assert state(licence) == State.EXPIRED
    assert licensing.revoke(cause_of(licence), Licence.Revoked.REFUNDED) == [licence]


@pytest.mark.parametrize(
    ("before", "after"),
    [(before, after) for before in NEXT for after in State.values if after != before and after not in NEXT[before]],
)
def test_the_database_refuses_a_step_that_the_graph_does_not_have(licence: Licence, before: str, after: str) -> None:
    steps = {State.SUSPENDED: [State.SUSPENDED], State.EXPIRED: [State.EXPIRED], State.REVOKED: [State.REVOKED]}
    for step in steps.get(State(before), []):
        revoked_for = Licence.Revoked.REFUNDED if step == State.REVOKED else ""
        Licence.objects.filter(id=licence.id).update(state=step, revoked_for=revoked_for)
    with pytest.raises(Error, match="Invalid transition"), transaction.atomic():
        Licence.objects.filter(id=licence.id).update(state=after, revoked_for="")


def test_the_database_refuses_a_revocation_without_its_reason(licence: Licence) -> None:
    with pytest.raises(Error, match="revoked_says_why"), transaction.atomic():
        Licence.objects.filter(id=licence.id).update(state=State.REVOKED)


def put_on_shelf(version: Version) -> None:
    publishing.put_on_shelf(a_listing(version.dataset).listing)


@pytest.mark.parametrize("public", [True, False])
@pytest.mark.parametrize(
    ("taken", "words"),
    [("suspended", "payment is disputed"), ("revoked", "payment was given back"), ("expired", "It ended on")],
)
def test_where_a_licence_gives_nothing_any_more_every_way_to_the_data_says_why(
    client: Client, licence: Licence, buyer: tuple[User, Account], *, public: bool, taken: str, words: str
) -> None:
    if public:
        put_on_shelf(licence.version)
    issued = tokens.issue(buyer[1], created_by=buyer[0], name="laptop", scopes=[Scope.READ])
    program = {"Authorization": f"Bearer {issued.secret}"}
    if taken == "suspended":
        licensing.suspend(cause_of(licence), dispute())
    elif taken == "revoked":
        licensing.revoke(cause_of(licence), Licence.Revoked.REFUNDED)
    else:  # by the clock alone, before any sweep
        Licence.objects.filter(id=licence.id).update(ends_at=timezone.now() - timedelta(seconds=1))
    client.force_login(buyer[0])
    for where in (f"files/{BOUGHT}", "seed.json"):
        answer = client.get(f"/datasets/seller/numbers/versions/1.0.0/{where}")
        assert answer.status_code == 403
        assert words in answer.content.decode()
    hub = Client().get(f"/datasets/seller/numbers/resolve/main/{BOUGHT}", headers=program)
    assert (hub.status_code, hub["X-Error-Code"]) == (403, "GatedRepo")
    assert words in hub["X-Error-Message"]
    rows = Client().get("/api/v1/datasets/seller/numbers/rows?offset=10", headers=program)
    page = client.get("/datasets/seller/numbers")
    if public:
        assert page.status_code == 200
        assert words in page.content.decode()
        assert not rows.json()["rows"]
    else:
        assert page.status_code == rows.status_code == 403
        assert words in page.content.decode()
        assert words in rows.json()["detail"]
    assert not Delivery.objects.exists()
    other, _ = a_person("other")
    client.force_login(other)
    answer = client.get(f"/datasets/seller/numbers/versions/1.0.0/files/{BOUGHT}")
    assert answer.status_code == (403 if public else 404)
    assert words not in answer.content.decode()


def test_another_licence_to_the_same_version_still_gives_it(
    client: Client, licence: Licence, buyer: tuple[User, Account]
) -> None:
    a_licence(buyer[1], licence.version)
    licensing.revoke(cause_of(licence), Licence.Revoked.REFUNDED)
    client.force_login(buyer[0])
    assert client.get(f"/datasets/seller/numbers/versions/1.0.0/files/{BOUGHT}").status_code == 302


def test_library_and_licence_say_how_it_stands_and_what_to_do(
    client: Client, licence: Licence, buyer: tuple[User, Account]
) -> None:
    client.force_login(buyer[0])
    assert "is suspended" not in client.get(f"/licences/{licence.id}").content.decode()
    licensing.suspend(cause_of(licence), refund())
    assert "suspended" in client.get("/library").content.decode()
    page = client.get(f"/licences/{licence.id}").content.decode()
    assert "payment is being given back" in page
    licensing.revoke(cause_of(licence), Licence.Revoked.REFUNDED)
    page = client.get(f"/licences/{licence.id}").content.decode()
    assert "delete what was downloaded" in page
    over = a_licence(buyer[1], licence.version)
    Licence.objects.filter(id=over.id).update(ends_at=timezone.now() - timedelta(seconds=1))
    assert "expired" in client.get("/library").content.decode()
    assert "is over" in client.get(f"/licences/{over.id}").content.decode()


def letters() -> set[tuple[str, str]]:
    """Who was written to about a licence, and in which words; the box is empty then."""
    written = {(message.to, message.subject) for message in Message.objects.all()}
    Message.objects.all().delete()
    return written


def test_the_holder_is_told_by_mail_of_each_step_and_why(licence: Licence) -> None:
    for name, role in (("pays", Role.BILLING), ("works", Role.MEMBER)):
        Membership.objects.create(account=licence.account, user=a_person(name)[0], role=role)
    everybody, why = ("buyer@example.com", "pays@example.com", "works@example.com"), dispute()
    steps: list[tuple[Callable[[], object], str, str]] = [
        (lambda: licensing.suspend(cause_of(licence), why), "is suspended", "Its payment is disputed."),
        (lambda: licensing.restore(cause_of(licence), why), "is in force again", "may be used as before"),
        (lambda: licensing.revoke(cause_of(licence), Licence.Revoked.REFUNDED), "is revoked", "payment was given back"),
    ]
    for step, title, reason in steps:
        step()
        text = Message.objects.all()[0].text
        assert reason in text
        assert f"/licences/{licence.id}" in text
        assert letters() == {(to, f"The licence to seller/numbers {title}") for to in everybody}
        step()
        assert not Message.objects.exists(), "once"
