"""Two hundred requests at a time, over HTTP, through the real web server: one purchase, one charge, one licence."""

from __future__ import annotations

import http.client
import secrets
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse
from uuid_utils.compat import uuid7

from billing.books import ledger
from billing.models import CheckoutSession, Event, Invoice, Payment, Purchase, Transaction
from catalog import publishing
from catalog.models import Licence, Offer
from marketplace.accounts.models import User
from marketplace.doctor import checks
from marketplace.local.processes import Child, accepts, free_port
from marketplace.work.models import Piece
from tests.factories import a_dataset, a_listing, a_person, a_version, an_account
from tests.stripe_world import StripeWorld
from tests.workers import Workers, environment, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("s3_bucket")]

MANY = 200
PRICE = 12_100


@dataclass(frozen=True)
class Answered:
    """What one request was answered."""

    status: int
    location: str


@dataclass(frozen=True)
class Site:
    """The running site, and somebody who is signed in there."""

    port: int
    children: Mapping[str, Child]
    cookies: str
    token: str

    def get(self, path: str) -> Answered:
        """Open a page."""
        return self._ask("GET", path)

    def post(self, path: str, **fields: str) -> Answered:
        """Send a form."""
        return self._ask("POST", path, urlencode({"csrfmiddlewaretoken": self.token, **fields}))

    def _ask(self, method: str, path: str, body: str = "") -> Answered:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        headers = {"Cookie": self.cookies, "Content-Type": "application/x-www-form-urlencoded"}
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        response.read()
        connection.close()
        return Answered(response.status, response.headers.get("Location", ""))


@pytest.fixture
def buyer() -> User:
    return a_person("buyer")[0]


@pytest.fixture
def offer() -> Offer:
    dataset = a_dataset(an_account("seller"))
    a_version(dataset)
    offered = a_listing(dataset, price=PRICE)
    publishing.put_on_shelf(offered.listing)
    return offered


@pytest.fixture
def site(buyer: User, stripe_world: StripeWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """The site as the stack starts it, and a worker; both know the world that events come from."""
    port = free_port(0)
    address = f"http://127.0.0.1:{port}"
    monkeypatch.setenv("PUBLIC_URL", address)
    monkeypatch.setenv("STRIPE_API_KEY", stripe_world.key)
    monkeypatch.setenv("WORK_LEASE_SECONDS", "60")  # whoever waits for the payment's lock is not thought dead
    command = [
        *(str(Path(sys.executable).with_name("granian")), "--interface", "wsgi", "--host", "127.0.0.1"),
        *("--port", str(port), "--workers", "2", "--blocking-threads", "8", "--log-level", "warning"),
        "marketplace.wsgi:application",
    ]
    web = Child("web", command, environment(), tmp_path / "web.log", healthy=lambda: accepts(port))
    working = Workers(tmp_path)
    try:
        web.start()
        working.start("interactive", "interactive,housekeeping", 2)
        working.start_beat()
        web.wait_until_healthy(240)
        working.wait()
        stripe_world.listen(f"{address}/webhooks/stripe")
        yield Site(port, {"web": web, **working.children}, *_signed_in(buyer))
    finally:
        stripe_world.deliver(paused=True)
        working.stop()
        web.stop()


def _signed_in(user: User) -> tuple[str, str]:
    """Cookies of somebody who is signed in, and the token that their forms carry."""
    client, token = Client(), secrets.token_hex(16)
    client.force_login(user)
    return f"sessionid={client.cookies['sessionid'].value}; csrftoken={token}", token


def at_once(ask: Callable[[int], Answered], times: int = MANY) -> Counter[Answered]:
    """Ask so many times at the same moment, each by a connection of its own; count the answers."""
    together = Barrier(times)

    def asked(number: int) -> Answered:
        together.wait(240)
        return ask(number)

    with ThreadPoolExecutor(times) as people:
        return Counter(people.map(asked, range(times)))


def wait_for_work(children: Mapping[str, Child]) -> None:
    """Wait until a worker has looked into every event that came, and they have all come."""

    def done() -> bool:
        unfinished = Piece.objects.unfinished().filter(kind__startswith="billing.")
        return Event.objects.count() >= 3 and not unfinished.exists()

    until(done, seconds=240, what="the end of the work", logs=children)


def faults_of_money() -> list[str]:
    """What the doctor finds."""
    return [
        f"{fault.subject}: {fault.message}"
        for check in checks()
        if check.name.startswith("billing.")
        for fault in check.function()
    ]


def test_two_hundred_requests_with_one_key_are_one_purchase_one_charge_and_one_licence(
    site: Site, offer: Offer, stripe_world: StripeWorld
) -> None:
    stripe_world.tax(21)
    key, buying = str(uuid7()), reverse("billing:buy", args=["seller", "numbers"])

    answers = at_once(lambda number: site.post(buying, offer=str(offer.id), key=key))

    assert sum(answers.values()) == MANY
    ((to_page, _),) = answers.items()
    assert to_page.status == 303
    purchase = Purchase.objects.get()
    assert str(purchase.key) == key
    assert CheckoutSession.objects.get().url == to_page.location
    pages = list(stripe_world.client.v1.checkout.sessions.list().auto_paging_iter())
    assert [page.url for page in pages] == [to_page.location]
    assert len(list(stripe_world.client.v1.customers.list().auto_paging_iter())) == 1

    # Who pays comes back by two hundred reloads while Stripe tells of it, each event twice.
    stripe_world.deliver(paused=False, duplicate=100)
    assert stripe_world.pay(to_page.location).location
    back = f"{reverse('billing:purchase', args=[purchase.id])}?back=paid"
    assert at_once(lambda number: site.get(back)) == {Answered(200, ""): MANY}
    wait_for_work(site.children)

    purchase.refresh_from_db()
    assert purchase.state == Purchase.State.FULFILLED
    assert [charge.amount for charge in list(stripe_world.client.v1.charges.list().auto_paging_iter())] == [PRICE]
    assert Licence.objects.filter(cause_kind=Licence.Cause.PURCHASE).count() == 1
    assert [payment.captured for payment in Payment.objects.all()] == [PRICE]
    assert Transaction.objects.filter(key__startswith="capture:").count() == 1
    assert Invoice.objects.count() == 1
    assert sum(ledger.trial_balance().values()) == 0
    assert faults_of_money() == []


@pytest.mark.slow
def test_two_hundred_requests_with_keys_of_their_own_are_one_purchase_while_it_is_not_paid(
    site: Site, offer: Offer, stripe_world: StripeWorld
) -> None:
    buying = reverse("billing:buy", args=["seller", "numbers"])
    answers = at_once(lambda number: site.post(buying, offer=str(offer.id), key=str(uuid7())))
    assert [(answer.status, count) for answer, count in answers.items()] == [(303, MANY)]
    assert Purchase.objects.count() == Payment.objects.count() == 1
    assert len(list(stripe_world.client.v1.checkout.sessions.list().auto_paging_iter())) == 1
