"""Who holds a licence is told of a new version: once, as text and HTML, and of nothing that is not theirs to know."""

from __future__ import annotations

from collections import Counter
from typing import cast

import pytest
from django.conf import settings
from django.core import mail
from django.core.mail import EmailMultiAlternatives

from catalog import news, publishing
from catalog.models import Dataset, Listing, Version, VersionNews
from marketplace.accounts.models import Account, Membership, Role, User
from marketplace.work.faults import PlatformFault
from marketplace.work.models import Piece
from tests.factories import a_dataset, a_licence, a_listing, a_person, a_version, an_account
from tests.workers import work_off

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("s3_bucket")]


def sold() -> Version:
    """The first version of a dataset that is on the shelf."""
    dataset = a_dataset(an_account())
    version = a_version(dataset)
    a_listing(dataset)
    publishing.put_on_shelf(Listing.objects.get(dataset=dataset))
    work_off()
    return version


def letters() -> dict[str, EmailMultiAlternatives]:
    """What was sent, by address; nobody got two."""
    counts = Counter(address for letter in mail.outbox for address in letter.to)
    assert set(counts.values()) <= {1}
    return {letter.to[0]: cast("EmailMultiAlternatives", letter) for letter in mail.outbox}


def lab_of(*emails: str) -> Account:
    lab = an_account("lab")
    for email, role in zip(emails, (Role.OWNER, Role.MEMBER, Role.BILLING), strict=True):
        user, _ = a_person(email.partition("@")[0])
        Membership.objects.create(account=lab, user=user, role=role)
    return lab


def test_a_holder_whose_licence_includes_it_is_told_so_in_text_and_html() -> None:
    version = sold()
    _, ann = a_person("ann")
    a_licence(ann, version, later_versions=True)
    a_licence(ann, version)
    later = a_version(version.dataset)
    work_off()
    [letter] = letters().values()
    assert (letter.to, letter.subject) == (["ann@example.com"], f"Numbers: version {later.number} is there")
    [alternative] = letter.alternatives
    html = str(alternative[0])
    for body in (str(letter.body), html):
        assert "Your licence includes it." in body and "20 rows" in body
        assert f"{settings.PUBLIC_URL}/datasets/acme/numbers/versions/{later.number}" in body
    assert alternative[1] == "text/html"
    assert "<script" not in html and "style=" not in html


def test_a_holder_whose_licence_ends_with_its_version_is_told_that_too() -> None:
    version = sold()
    _, ann = a_person("ann")
    a_licence(ann, version)
    a_version(version.dataset)
    work_off()
    assert "does not include later versions" in str(letters()["ann@example.com"].body)


def test_owners_and_members_of_an_organisation_are_told_and_the_seller_is_not() -> None:
    version = sold()
    lab = lab_of("ann@example.com", "bob@example.com", "cem@example.com")
    seller, _ = a_person("sue")
    Membership.objects.create(account=version.dataset.account, user=seller, role=Role.OWNER)
    User.objects.filter(email="bob@example.com").update(is_active=False)
    a_licence(lab, version, later_versions=True)
    a_version(version.dataset)
    work_off()
    assert set(letters()) == {"ann@example.com"}


def test_nobody_is_told_when_nobody_holds_a_licence() -> None:
    version = sold()
    a_version(version.dataset)
    assert not VersionNews.objects.exists()
    work_off()
    assert not mail.outbox


def test_of_what_is_not_shown_only_those_are_told_who_may_have_it() -> None:
    version = sold()
    _, ann = a_person("ann")
    _, bob = a_person("bob")
    a_licence(ann, version, later_versions=True)
    a_licence(bob, version)
    publishing.close(Listing.objects.get(dataset=version.dataset))
    a_version(version.dataset)
    work_off()
    assert set(letters()) == {"ann@example.com"}


def test_nobody_is_told_of_what_was_taken_back_meanwhile() -> None:
    version = sold()
    _, ann = a_person("ann")
    a_licence(ann, version, later_versions=True)
    publishing.yank(a_version(version.dataset), "A column is wrong.")
    work_off()
    assert not mail.outbox
    assert VersionNews.objects.get().ended_at is not None


def test_many_holders_are_told_page_by_page_each_of_them_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(news, "_PAGE", 3)
    version = sold()
    people = [a_person(f"person-{number}")[1] for number in range(6)]
    for account in people:
        a_licence(account, version, later_versions=True)
    later = a_version(version.dataset)
    work_off()
    assert len(letters()) == 6
    assert Piece.objects.filter(kind=news.TELL, subject=later.id, state=Piece.State.DONE).count() == 3
    assert VersionNews.objects.get(version=later).ended_at is not None


def test_a_round_that_is_given_up_has_an_end() -> None:
    version = sold()
    _, ann = a_person("ann")
    a_licence(ann, version)
    later = a_version(version.dataset)
    news.give_up(later.id, PlatformFault("No."))
    assert VersionNews.objects.get(version=later).ended_at is not None
    work_off()
    assert not mail.outbox


def test_an_order_s_dataset_tells_its_holder_nothing_at_publishing() -> None:
    _, ann = a_person("ann")
    dataset: Dataset = a_dataset(ann)
    a_version(dataset, licensed_to_owner=False)
    work_off()
    assert not mail.outbox
