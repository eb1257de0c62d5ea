"""Staff keep a seller's money back with reasons, a wish and a date; the seller reads all of it and answers."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from billing.models import PayoutHold
from billing.selling import payout_holds
from billing.selling.payout_holds import HoldMoved
from marketplace.accounts.models import Account, Membership, Role, User
from marketplace.mail.models import Message
from tests.factories import a_person, an_account

pytestmark = [pytest.mark.django_db]

SOON = date(2030, 1, 1)


@pytest.fixture
def boss() -> User:
    return User.objects.create_superuser("boss@example.com", "correct horse")


@pytest.fixture
def seller() -> Account:
    return a_person("ann")[1]


def a_hold(seller: Account, boss: User) -> PayoutHold:
    return payout_holds.place(
        seller, boss, reason="Three <buyers> report it.", evidence_wanted="The sources.", review_by=SOON
    )


def test_a_hold_says_why_and_what_would_lift_it(seller: Account, boss: User) -> None:
    for reason, wanted in (("", "The sources."), ("Buyers report it.", " ")):
        with pytest.raises(ValueError, match="say why"):
            payout_holds.place(seller, boss, reason=reason, evidence_wanted=wanted, review_by=SOON)
    assert not PayoutHold.objects.exists()


def test_owners_and_billing_members_are_told_in_full(seller: Account, boss: User) -> None:
    team = an_account("team")
    for slug, role in (("o", Role.OWNER), ("b", Role.BILLING), ("m", Role.MEMBER)):
        Membership.objects.create(account=team, user=a_person(f"{slug}{slug}{slug}")[0], role=role)
    hold = a_hold(team, boss)
    assert set(Message.objects.values_list("to", flat=True)) == {"ooo@example.com", "bbb@example.com"}
    text = Message.objects.all()[0].text
    for words in ("Three <buyers> report it.", "The sources.", "1 January 2030", f"/sell/payouts/holds/{hold.id}"):
        assert words in text


def test_one_hold_is_in_force_at_a_time(seller: Account, boss: User) -> None:
    hold = a_hold(seller, boss)
    with pytest.raises(HoldMoved, match="in force already"):
        a_hold(seller, boss)
    payout_holds.uphold(hold, boss, "The sources are missing.")
    with pytest.raises(HoldMoved):
        a_hold(seller, boss)
    payout_holds.lift(hold, boss, "They came.")
    a_hold(seller, boss)
    assert PayoutHold.objects.in_force().count() == 1


def test_a_decision_has_reasons_and_a_lifted_hold_is_over(seller: Account, boss: User) -> None:
    hold = a_hold(seller, boss)
    with pytest.raises(ValueError, match="say why"):
        payout_holds.lift(hold, boss, " ")
    hold = payout_holds.uphold(hold, boss, "Not enough.")
    with pytest.raises(HoldMoved, match="upheld already"):
        payout_holds.uphold(hold, boss, "Again.")
    payout_holds.lift(hold, boss, "Enough.")
    with pytest.raises(HoldMoved, match="lifted already"):
        payout_holds.answer(hold, "Late.")
    with pytest.raises(HoldMoved, match="lifted already"):
        payout_holds.lift(hold, boss, "Again.")


def test_the_seller_reads_everything_and_adds_answers(client: Client, seller: Account, boss: User) -> None:
    hold = a_hold(seller, boss)
    client.force_login(User.objects.get(email="ann@example.com"))
    for address in ("/sell/payouts", "/sell/revenue"):
        assert f"/sell/payouts/holds/{hold.id}" in client.get(address).content.decode()
    address = f"/sell/payouts/holds/{hold.id}"
    page = client.get(address).content.decode()
    assert "Three &lt;buyers&gt; report it." in page and "The sources." in page and "1 January 2030" in page
    assert client.post(address, {"answer": ""}).status_code == 422
    for words in ("Here they are.", "And more."):
        assert client.post(address, {"answer": words}).status_code == 302
    hold.refresh_from_db()
    assert hold.answer == "Here they are.\n\nAnd more." and hold.answered_at is not None
    payout_holds.uphold(hold, boss, "One is missing.")
    assert "One is missing." in client.get(address).content.decode()
    payout_holds.lift(hold, boss, "Thanks.")
    page = client.get(address).content.decode()
    assert "Thanks." in page and "Answer it" not in page


def test_a_hold_is_nobody_elses(client: Client, seller: Account, boss: User) -> None:
    hold = a_hold(seller, boss)
    client.force_login(a_person("bea")[0])
    assert client.get(f"/sell/payouts/holds/{hold.id}").status_code == 404
    assert client.get(f"/money/holds/{hold.id}").status_code == 404
    assert client.post(f"/money/holds/{hold.id}", {"decision": "lift", "reasons": "Me."}).status_code == 404
    assert PayoutHold.objects.get().state == "open"


def test_staff_place_and_decide_on_pages(client: Client, seller: Account, boss: User) -> None:
    payout_holds.payables.seller_account(seller)
    client.force_login(boss)
    wrong = client.post("/money/sellers/ann/hold", {"review_by": "2001-01-01"})
    assert wrong.status_code == 422
    assert set(wrong.context["hold_form"].errors) == {"reason", "evidence_wanted", "review_by"}
    assert not PayoutHold.objects.exists()
    day = timezone.now().date() + timedelta(days=7)
    sent = {"reason": "Buyers report it.", "evidence_wanted": "The sources.", "review_by": day.isoformat()}
    assert client.post("/money/sellers/ann/hold", sent).status_code == 302
    hold = PayoutHold.objects.get()
    assert str(hold.id) in client.get("/money/sellers").content.decode()
    assert "in force already" in client.post("/money/sellers/ann/hold", sent, follow=True).content.decode()
    address = f"/money/holds/{hold.id}"
    assert "Buyers report it." in client.get(address).content.decode()
    assert client.post(address, {"decision": "lift"}).status_code == 422
    assert client.post(address, {"decision": "uphold", "reasons": "Not yet."}).status_code == 302
    assert client.post(address, {"decision": "uphold", "reasons": "Not yet."}).status_code == 422
    assert client.post(address, {"decision": "lift", "reasons": "Now."}).status_code == 302
    hold.refresh_from_db()
    assert (hold.state, hold.decided_by) == ("lifted", boss)
    assert client.get("/money/sellers/ann").status_code == 200


def test_a_review_that_is_overdue_is_told_to_staff_once_a_week_and_shown_to_the_seller(
    client: Client, seller: Account, boss: User
) -> None:
    helper, _ = a_person("helper")
    helper.user_permissions.add(Permission.objects.get(codename="change_payouthold"))
    a_person("stranger")
    hold = a_hold(seller, boss)
    client.force_login(seller.memberships.get().user)
    payout_holds.sweep()
    assert not Message.objects.filter(subject__contains="overdue").exists()
    assert "overdue" not in client.get("/sell/payouts").content.decode()
    PayoutHold.objects.update(review_by=timezone.now().date())
    payout_holds.sweep()
    assert not Message.objects.filter(subject__contains="overdue").exists(), "the day itself is in time"
    PayoutHold.objects.update(review_by=timezone.now().date() - timedelta(days=1))
    for _ in range(2):
        payout_holds.sweep()
    told = Message.objects.filter(subject__contains="overdue")
    assert set(told.values_list("to", flat=True)) == {boss.email, helper.email}
    assert told.count() == 2
    assert f"/money/holds/{hold.id}" in told[0].text
    for page in ("/sell/payouts", f"/sell/payouts/holds/{hold.id}"):
        assert "overdue" in client.get(page).content.decode()
    PayoutHold.objects.update(reminded_at=timezone.now() - timedelta(days=8))
    payout_holds.sweep()
    assert told.count() == 4
    payout_holds.uphold(hold, boss, "The sources are missing.")
    PayoutHold.objects.update(reminded_at=None)
    payout_holds.sweep()
    assert told.count() == 4
    assert "overdue" not in client.get("/sell/payouts").content.decode()
