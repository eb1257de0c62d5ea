"""Hostile buyers, sellers and senders of events: nothing is given that is not paid for, and nothing breaks."""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import stripe
from django.db import connection, transaction
from django.test import Client
from pytest_django import Settings
from uuid_utils.compat import uuid7

from billing import purchases
from billing.models import Event, Invoice, Payment, Purchase, Refund
from billing.settling import settle
from billing.urls import urlpatterns
from catalog import certificates, licensing, offers, publishing, terms
from catalog.models import Delivery, Licence, Offer
from marketplace.accounts import teams
from marketplace.accounts.models import Account, Membership, Role, User
from marketplace.keys import jws, keyring
from marketplace.keys.models import Purpose
from tests.factories import a_dataset, a_listing, a_person, a_version, an_account
from tests.stripe_world import StripeWorld
from tests.stripe_world import stripe_world as stripe_world
from tests.workers import work_off

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("s3_bucket")]

PRICE = 12_100
BUY = "/datasets/works/numbers/buy"
HOOK = "/webhooks/stripe"
EVENT = {"id": "evt_1", "type": "charge.updated", "data": {"object": {"id": "ch_1"}}}


@pytest.fixture
def offer() -> Offer:
    dataset = a_dataset(an_account("works"))
    a_version(dataset)
    offered = a_listing(dataset, price=PRICE)
    publishing.put_on_shelf(offered.listing)
    return offered


@pytest.fixture
def buyer() -> tuple[User, Account]:
    return a_person("buyer")


def browser(user: User | None = None, **options: Any) -> Client:
    """A browser that answers an error as an error, as people see it."""
    client = Client(raise_request_exception=False, **options)
    if user is not None:
        client.force_login(user)
    return client


def bought(buyer: tuple[User, Account], offer: Offer, world: StripeWorld) -> Purchase:
    purchase = purchases.buy(buyer[1], offer, by=buyer[0], key=uuid7())
    assert world.pay(purchases.pay(purchase)).location
    settle(purchase.payment_id)
    return Purchase.objects.select_related("payment", "version__dataset__account").get(id=purchase.id)


def signed(body: str, settings: Settings, *, at: float | None = None, secret: str = "") -> str:
    """What Stripe would write into the header of a body."""
    stamp = int(time.time() if at is None else at)
    with_secret = secret or settings.STRIPE_WEBHOOK_SECRETS[0]
    return str(stripe.WebhookSignature.generate_signature_header(body, with_secret, stamp))


def posted(body: str | bytes, signature: str) -> int:
    answer = browser().post(HOOK, body, content_type="application/json", headers={"Stripe-Signature": signature})
    return answer.status_code


def deep(levels: int = 100_000) -> str:
    return json.dumps(EVENT)[:-1] + f', "more": {"[" * levels}{"]" * levels}}}'


def test_a_body_that_stripe_did_not_sign_lately_is_refused_whatever_it_is(settings: Settings) -> None:
    body = json.dumps(EVENT)
    now = signed(body, settings)
    stamp, digest = now.split(",")
    forged: list[tuple[str | bytes, str]] = [
        (body, signed(body, settings, at=time.time() - 301)),
        (body, signed(body, settings, secret="whsec_another")),
        (body, signed(body, settings, secret=" ")),
        (body, f"{stamp},{digest.replace('v1', 'v0')}"),
        (body, f"{stamp},v1=é"),
        (body, f"t=٣,{digest}"),
        (body, f"t={'9' * 5_000},{digest}"),
        (body, f"t=,{digest}"),
        (body, "," * 10_000),
        (body + " ", now),
        (deep(), now),
        (b"\xff\xfe\x00", now),
        ("", now),
    ]
    assert [posted(*one) for one in forged] == [400] * len(forged)
    assert posted(b" " * (3 << 20), now) in {400, 413}
    assert browser().get(HOOK).status_code == 405
    assert not Event.objects.exists()


def test_a_signed_body_that_is_no_event_is_refused(settings: Settings) -> None:
    bodies = [deep(), "[]", "null", "{}", '{"id": 1}', '{"id": "evt_1", "type": "x", "data": {"object": []}}', "NaN"]
    assert [posted(body, signed(body, settings)) for body in bodies] == [400] * len(bodies)
    assert not Event.objects.exists()


def test_an_event_that_is_replayed_within_its_time_is_one_event(settings: Settings) -> None:
    body = json.dumps(EVENT)
    assert [posted(body, signed(body, settings)) for _ in range(3)] == [200] * 3
    assert Event.objects.count() == 1


def test_what_an_event_says_of_a_payment_is_not_believed(
    offer: Offer, buyer: tuple[User, Account], stripe_world: StripeWorld, settings: Settings
) -> None:
    purchase = purchases.buy(buyer[1], offer, by=buyer[0], key=uuid7())
    purchases.pay(purchase)
    session = purchase.payment.sessions.get().stripe_id
    told = {"id": session, "object": "checkout.session", "status": "complete", "payment_status": "paid"}
    body = json.dumps(EVENT | {"type": "checkout.session.completed", "data": {"object": told}})
    assert posted(body, signed(body, settings)) == 200
    work_off()
    purchase.refresh_from_db()
    assert purchase.state == Purchase.State.AWAITING_PAYMENT
    assert not licensing.may_have(buyer[1], purchase.version)


def known(purchase: Purchase) -> dict[str, str]:
    """What stands for the parameters of billing's addresses: things of the buyer and of the seller."""
    return {
        "owner": "works",
        "name": "numbers",
        "slug": "works",
        "purchase_id": str(purchase.id),
        "payment_id": str(purchase.payment_id),
        "invoice_id": str(Invoice.objects.get().id),
    }


def own_addresses(purchase: Purchase) -> Iterator[str]:
    """Billing's addresses that name something of somebody's."""
    filled = known(purchase)
    for one in urlpatterns:
        route = str(one.pattern)
        if "<" in route and not route.startswith("datasets/"):
            yield "/" + re.sub(r"<\w+:(\w+)>", lambda found: filled.get(found[1], str(uuid7())), route)


def test_what_is_another_accounts_is_not_there_by_any_address_of_billing(
    offer: Offer, buyer: tuple[User, Account], stripe_world: StripeWorld
) -> None:
    purchase = bought(buyer, offer, stripe_world)
    before = list(Payment.objects.values()), list(Purchase.objects.values())
    stranger, nobody = browser(a_person("stranger")[0]), browser()
    answers = [
        (method, address, who, getattr(client, method)(address).status_code)
        for address in own_addresses(purchase)
        for method in ("get", "post")
        for who, client in (("a stranger", stranger), ("nobody", nobody))
    ]
    wrong = [
        answer for answer in answers if answer[3] not in ({404, 405} if answer[2] == "a stranger" else {302, 404, 405})
    ]
    assert wrong == [] and len(answers) > 40
    assert (list(Payment.objects.values()), list(Purchase.objects.values())) == before


def test_no_form_of_billing_is_taken_from_another_site(
    offer: Offer, buyer: tuple[User, Account], stripe_world: StripeWorld
) -> None:
    purchase = bought(buyer, offer, stripe_world)
    client = browser(buyer[0], enforce_csrf_checks=True)
    addresses = [*own_addresses(purchase), BUY, "/billing/profile", "/sell/payouts/begin"]
    assert {client.post(address, {"offer": str(offer.id)}).status_code for address in addresses} <= {403}
    assert Purchase.objects.count() == 1 and not Refund.objects.exists()


def test_a_member_who_may_not_spend_does_not_by_acting_for_the_account(offer: Offer, stripe_world: StripeWorld) -> None:
    owner, member = a_person("owner")[0], a_person("member")[0]
    team = teams.open_organisation(owner, "team", "Team")
    Membership.objects.create(account=team, user=member, role=Role.MEMBER)
    client = browser(member)
    client.post("/account/act-for", {"account": "team"})
    assert client.post(BUY, {"offer": str(offer.id)}).status_code == 403
    assert client.get("/billing").status_code == 403
    assert client.get("/billing/profile").status_code == 403
    assert client.get("/sell/revenue.csv").status_code == 403
    assert client.post("/sell/payouts/begin").status_code == 403
    own = client.get("/account/team").content.decode()
    ids = set(re.findall(r"/account/team/([0-9a-f-]{36})/role", own)) | {str(member.memberships.get(account=team).id)}
    for membership in ids:
        assert client.post(f"/account/team/{membership}/role", {"role": "owner"}).status_code in {403, 404}
    assert member.memberships.get(account=team).role == Role.MEMBER
    # One who leaves stops to act for the account at once, whatever the session says.
    member.memberships.filter(account=team).delete()
    client.post(BUY, {"offer": str(offer.id)})
    assert not Purchase.objects.filter(account=team).exists()


def test_the_buyer_pays_what_was_listed_whatever_is_posted_and_whatever_the_seller_does_meanwhile(
    offer: Offer, buyer: tuple[User, Account], stripe_world: StripeWorld
) -> None:
    fields = {
        "offer": str(offer.id),
        "price": "1",
        "amount": "-5",
        "currency": "JPY",
        "success_url": "https://evil.test",
    }
    page = browser(buyer[0]).post(BUY, fields)["Location"]
    offers.close_offer(offer)
    dearer = offers.open_offer(offer.listing, terms.standard(terms.Kind.COMMERCIAL), price=2 * PRICE)
    publishing.close(offer.listing)
    back = stripe_world.pay(page).location
    assert back is not None and urlsplit(back).netloc == "localhost:8000"
    purchase = Purchase.objects.get()
    settle(purchase.payment_id)
    purchase.refresh_from_db()
    assert [charge.amount for charge in list(stripe_world.client.v1.charges.list().auto_paging_iter())] == [PRICE]
    assert (purchase.state, purchase.offer, dearer.open) == (Purchase.State.FULFILLED, offer, True)
    # What is closed, or is another listing's, is not sold to anybody else.
    other = browser(a_person("other")[0])
    for number in (offer.id, dearer.id):
        assert other.post(BUY, {"offer": str(number)}).status_code in {302, 404, 422}
    assert Purchase.objects.count() == 1


def test_an_offer_of_another_dataset_is_not_bought_by_a_cheaper_ones_address(
    offer: Offer, buyer: tuple[User, Account], stripe_world: StripeWorld
) -> None:
    cheap = a_dataset(an_account("cheap"), "cheap")
    a_version(cheap)
    publishing.put_on_shelf(a_listing(cheap, price=50).listing)
    client = browser(buyer[0])
    assert client.post("/datasets/cheap/cheap/buy", {"offer": str(offer.id)}).status_code == 422
    assert client.post("/datasets/cheap/cheap/acquire", {"offer": str(offer.id)}).status_code == 302
    assert not Purchase.objects.exists() and not Licence.objects.filter(account=buyer[1]).exists()


@pytest.mark.parametrize(
    "price", ["-1", "0.49", "NaN", "Infinity", "-0.01", "1e9", "500000.01", "12.345", "9" * 40, "12,5", "0x10", "\0"]
)
def test_a_price_that_is_none_is_refused_and_opens_no_offer(price: str, stripe_world: StripeWorld) -> None:
    seller, selling = a_person("selling")
    dataset = a_dataset(selling)
    a_version(dataset)
    publishing.put_on_shelf(a_listing(dataset).listing)
    answer = browser(seller).post("/datasets/selling/numbers/offers", {"kind": "research", "price": price})
    assert answer.status_code == 422
    assert Offer.objects.count() == 1


@pytest.mark.parametrize(
    "size", ["0000000010000", "000000001" + "9" * 30, pytest.param("1" * 5_000, id="many"), "-1", "0", "²", "1e2"]
)
def test_a_page_is_never_longer_than_a_page(
    size: str, offer: Offer, buyer: tuple[User, Account], stripe_world: StripeWorld
) -> None:
    client = browser(buyer[0])
    assert {client.get(page, {"size": size}).status_code for page in ("/billing", "/library", "/orders")} == {400}


def test_a_null_byte_in_a_question_breaks_no_page(
    offer: Offer, buyer: tuple[User, Account], stripe_world: StripeWorld
) -> None:
    boss = User.objects.create_superuser("boss@example.com", "correct horse")
    clients = [browser(), browser(buyer[0]), browser(boss)]
    dataset = "/datasets/works/numbers"
    asked = [
        "/?q=%00", "/search?q=a%00b", "/search?domain=%00", "/compare?a=%00&b=%00", f"{dataset}?where=number%3D%00",
        f"{dataset}?config=%00&sort=%00", f"/api/v1{dataset}/rows?split=%00", f"/api/v1{dataset}/filter?where=%00",
        f"/api{dataset}/tree/main?cursor=%00", "/library?cursor=%00", "/money/payments?named=%00",
        "/orders/new/house/none?source=%00",
    ]  # fmt: skip
    answers = [(address, client.get(address).status_code) for address in asked for client in clients]
    assert [answer for answer in answers if answer[1] >= 500] == []


def test_who_gives_back_while_a_file_is_handed_out_gets_one_of_both(
    offer: Offer, buyer: tuple[User, Account], stripe_world: StripeWorld
) -> None:
    purchase = bought(buyer, offer, stripe_world)
    version = purchase.version
    path = version.files.get(sample=False).path
    file = f"/datasets/works/numbers/versions/{version.number}/files/{path}"
    statuses: list[int] = []

    def download() -> None:
        try:
            statuses.append(browser(buyer[0]).get(file).status_code)
        finally:
            connection.close()

    with transaction.atomic():
        # The money is about to go back, and what decides it has been read.
        purchases.give_back(purchase, by=buyer[0])
        thread = threading.Thread(target=download)
        thread.start()
        thread.join(2)
    thread.join(60)
    assert statuses == [403]
    assert not Delivery.objects.exists()
    assert Refund.objects.get().amount == PRICE


def forged(header: dict[str, Any] | list[Any] | str, body: bytes, signature: bytes = b"x" * 64) -> str:
    parts = [json.dumps(header).encode(), body, signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def test_a_certificate_that_we_did_not_sign_is_refused_in_words(
    offer: Offer, buyer: tuple[User, Account], stripe_world: StripeWorld
) -> None:
    bought(buyer, offer, stripe_world)
    token = certificates.of(Licence.objects.get(account=buyer[1])).token
    header, body = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "==")), jws.body(token)
    signature = base64.urlsafe_b64decode(token.split(".")[2] + "==")
    public = keyring.jwks()["keys"][0]
    other = jws.sign(json.loads(body), type=certificates.TYPE, purpose=Purpose.PROVENANCE).token
    tokens = [
        forged(header | {"alg": "none"}, body, b""),
        forged(header | {"alg": "HS256"}, body),
        forged(header | {"jwk": public}, body),
        forged(header | {"kid": "../../etc/passwd"}, body),
        forged(header | {"kid": [header["kid"]]}, body),
        forged(header | {"b64": False, "crit": ["b64"]}, body),
        forged(header | {"crit": 1}, body),
        forged(header | {"crit": None}, body),
        forged(header | {"crit": [1]}, body),
        forged({"alg": "\ud800"}, body),
        forged([header], body),
        forged("header", body),
        forged(header, body.replace(b'"commercial"', b'"unlimited"'), signature),
        other,
        token + "é",
        "." * 19_000,
        "..",
    ]
    client = browser()
    assert client.post("/licences/verify", {"shown": token}).status_code == 200
    answers = [client.post("/licences/verify", {"shown": one}).status_code for one in tokens]
    assert answers == [422] * len(tokens)


@pytest.mark.parametrize(
    "back", ["https://evil.test", "//evil.test", "/\\evil.test", "javascript:alert(1)", "\r\nX: y"]
)
def test_nobody_is_sent_to_another_site(back: str, stripe_world: StripeWorld) -> None:
    client = browser()
    assert client.post("/theme", {"theme": "dark", "next": back})["Location"] == "/"
    fields = {"login": a_person("ann")[0].email, "password": "correct horse", "next": back}
    signed_in = client.post("/accounts/login/", fields)
    assert not signed_in.get("Location", "/").startswith(("http", "//", "/\\", "javascript"))
