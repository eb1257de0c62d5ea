"""Organisations: who is in one, how one comes in, and that one never is without an owner."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from marketplace.accounts import teams, tokens
from marketplace.accounts.models import Account, ApiToken, Invitation, Membership, Role, Scope, User
from marketplace.mail.models import Message
from tests.accounts.pages import assert_whole
from tests.factories import a_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(client: Client) -> User:
    """The owner of the organisation ``lab``, signed in and acting for it."""
    user, _ = a_person("ann")
    client.force_login(user)
    answer = client.post("/account/organisations/new", {"slug": "lab", "name": "The lab"})
    assert answer.status_code == 302
    return user


@pytest.fixture
def lab(ann: User) -> Account:
    return Account.objects.get(slug="lab")


def _link() -> str:
    (found,) = set(re.findall(r"/invitations/\S+", Message.objects.get().text))
    return found


def test_whoever_opens_an_organisation_owns_it_and_acts_for_it(client: Client, ann: User, lab: Account) -> None:
    assert lab.kind == Account.Kind.ORGANISATION
    assert lab.memberships.get().role == Role.OWNER
    page = assert_whole(client.get("/account/team"))
    assert "Team of The lab" in page and "ann@example.com" in page


def test_all_faults_of_a_new_organisation_are_told_at_once(client: Client, ann: User) -> None:
    response = client.post("/account/organisations/new", {"slug": "LAB!", "name": ""})
    assert response.status_code == 422
    assert set(response.context["form"].errors) == {"slug", "name"}
    taken = client.post("/account/organisations/new", {"slug": "lab", "name": "Another"})
    assert "taken" in str(taken.context["form"].errors["slug"])
    assert Account.objects.filter(kind=Account.Kind.ORGANISATION).count() == 1


def test_an_invited_person_joins_by_the_link_that_was_mailed(client: Client, ann: User, lab: Account) -> None:
    assert client.post("/account/team/invite", {"email": "Bea@example.com", "role": "billing"}).status_code == 302
    message = Message.objects.get()
    assert message.to == "bea@example.com" and _link() in message.html
    bea, _ = a_person("bea")
    guest = Client()
    guest.force_login(bea)
    assert "ann@example.com" in assert_whole(guest.get(_link()))
    assert not lab.memberships.filter(user=bea).exists()  # looking at a link joins nobody
    assert guest.post(_link()).status_code == 302
    assert lab.memberships.get(user=bea).role == Role.BILLING
    assert "Team of The lab" in guest.get("/account/team").content.decode()
    assert guest.post(_link()).status_code == 404


def test_an_invitation_ends_when_it_is_withdrawn_runs_out_or_another_one_is_sent(lab: Account, ann: User) -> None:
    first = teams.invite(lab, "bea@example.com", Role.MEMBER, by=ann)
    second = teams.invite(lab, "bea@example.com", Role.OWNER, by=ann)
    assert list(Invitation.objects.open()) == [second]
    bea, _ = a_person("bea")
    with pytest.raises(teams.TeamRefused, match="open no more"):
        teams.accept(first, bea)
    Invitation.objects.filter(id=second.id).update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(teams.TeamRefused):
        teams.accept(second, bea)
    third = teams.invite(lab, "bea@example.com", Role.MEMBER, by=ann)
    teams.withdraw(third)
    with pytest.raises(teams.TeamRefused):
        teams.accept(third, bea)
    assert not lab.memberships.filter(user=bea).exists()


def test_members_and_overlong_addresses_are_not_invited_nor_to_a_personal_account(
    client: Client, ann: User, lab: Account
) -> None:
    response = client.post("/account/team/invite", {"email": "ann@example.com", "role": "member"})
    assert response.status_code == 422 and "member of lab already" in str(response.context["form"].errors["email"])
    response = client.post("/account/team/invite", {"email": "x" * 300 + "@a.de", "role": "member"})
    assert response.status_code == 422 and "at most 254" in str(response.context["form"].errors["email"])
    client.post("/account/act-for", {"account": "ann"})
    assert client.post("/account/team/invite", {"email": "bea@example.com", "role": "member"}).status_code == 422
    assert not Message.objects.exists()


def test_only_owners_change_the_team(client: Client, ann: User, lab: Account) -> None:
    bea, _ = a_person("bea")
    member = Membership.objects.create(account=lab, user=bea, role=Role.MEMBER)
    owner = lab.memberships.get(user=ann)
    other = Client()
    other.force_login(bea)
    other.post("/account/act-for", {"account": "lab"})
    assert other.post("/account/team/invite", {"email": "cem@example.com", "role": "owner"}).status_code == 403
    assert other.post(f"/account/team/{member.id}/role", {"role": "owner"}).status_code == 403
    assert other.post(f"/account/team/{owner.id}/remove").status_code == 403
    assert client.post(f"/account/team/{member.id}/role", {"role": "billing"}).status_code == 302
    member.refresh_from_db()
    assert member.role == Role.BILLING


def test_the_last_owner_stays_owner_and_stays(client: Client, ann: User, lab: Account) -> None:
    owner = lab.memberships.get(user=ann)
    client.post(f"/account/team/{owner.id}/role", {"role": "member"})
    client.post("/account/team/leave")
    owner.refresh_from_db()
    assert owner.role == Role.OWNER
    bea, _ = a_person("bea")
    Membership.objects.create(account=lab, user=bea, role=Role.OWNER)
    client.post("/account/team/leave")
    assert not lab.memberships.filter(user=ann).exists()


def test_tokens_end_with_the_membership_of_whoever_made_them(lab: Account, ann: User) -> None:
    bea, own = a_person("bea")
    member = Membership.objects.create(account=lab, user=bea)
    issued = tokens.issue(lab, created_by=bea, name="laptop", scopes=[Scope.READ])
    elsewhere = tokens.issue(own, created_by=bea, name="laptop", scopes=[Scope.READ])
    teams.remove(member)
    assert tokens.authenticate(issued.secret) is None
    assert tokens.authenticate(elsewhere.secret) is not None


def test_a_token_is_shown_once_and_ends_when_it_is_revoked(client: Client, ann: User, lab: Account) -> None:
    page = assert_whole(client.post("/account/tokens", {"name": "notebook", "days": "30"}))
    (secret,) = re.findall(r"lk_[\w-]+", page)
    found = tokens.authenticate(secret)
    assert found is not None and found.account == lab and found.expires_at is not None
    assert secret not in client.get("/account/tokens").content.decode()
    stranger = Client()
    stranger.force_login(a_person("bea")[0])
    assert stranger.post(f"/account/tokens/{found.id}/revoke").status_code == 404
    assert client.post(f"/account/tokens/{found.id}/revoke").status_code == 302
    assert tokens.authenticate(secret) is None


def test_a_token_without_a_name_is_not_made(client: Client, ann: User) -> None:
    response = client.post("/account/tokens", {"name": " ", "days": "7000"})
    assert response.status_code == 422
    assert set(response.context["form"].errors) == {"name", "days"}
    assert not ApiToken.objects.exists()
