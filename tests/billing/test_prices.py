"""The price that a listing shows is what the payment page asks, what the card is charged and what the invoice says."""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from billing.models import Invoice, Purchase
from catalog import publishing
from catalog.models import Listing, Offer
from tests.factories import a_dataset, a_person, a_version
from tests.stripe_world import StripeWorld

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("s3_bucket")]

OFFERS = 100
#: The least and the most that may be asked, and where rounding would be seen.
EDGES = (50, 51, 99, 100, 101, 999, 1_000, 99_999, 100_000, 49_999_999, 50_000_000)
RATES = (0, 5.5, 7, 8.1, 19, 20, 21, 25, 25.5)


@dataclass(frozen=True)
class Asked:
    """What a seller typed, in minor units, and the tax rate where the buyer lives."""

    price: int
    rate: float


def asked() -> list[Asked]:
    """A hundred prices: cents as often as thousands."""
    chance = random.Random(5)
    prices = [*EDGES, *(round(50 * 10 ** chance.uniform(0, 6)) for _ in range(OFFERS - len(EDGES)))]
    return [Asked(price, chance.choice([*RATES, round(chance.uniform(0, 30), 2)])) for price in prices]


def minor(words: str) -> int:
    """An amount as a person reads it: ``€1,234.50`` is 123450."""
    (found,) = re.findall(r"€(\d[\d,]*)\.(\d\d)", words)
    return int("".join(found).replace(",", ""))


@pytest.fixture
def listing() -> Listing:
    """A listing of somebody who may set prices."""
    _, account = a_person("vera")
    dataset = a_dataset(account)
    a_version(dataset)
    found = Listing.objects.create(dataset=dataset, summary="Some numbers.", modality="tabular")
    publishing.put_on_shelf(found)
    return found


def offered(listing: Listing, wishes: list[Asked]) -> None:
    """Type each price into the form, for so many days that no two offers are the same."""
    client = Client()
    client.force_login(listing.dataset.account.memberships.get().user)
    page = reverse("catalog:offers", args=["vera", "numbers"])
    for days, wish in enumerate(wishes, start=1):
        whole, cents = divmod(wish.price, 100)
        form = {"kind": "commercial", "price": f"{whole}.{cents:02}", "days": days, "later_versions": "on"}
        assert client.post(page, form).status_code == 302


def listed() -> dict[UUID, int]:
    """What everybody reads beside each offer; what the page tells programs is the same."""
    page = Client().get(reverse("catalog:dataset", args=["vera", "numbers"])).content.decode()
    found = re.findall(r'name="offer" value="([0-9a-f-]{36})".*?<b>(.*?)</b>', page)
    (told,) = re.findall(r'<script type="application/ld\+json"[^>]*>(.*?)</script>', page, re.DOTALL)
    prices = [f"{offer['priceCurrency']} {offer['price']}" for offer in json.loads(told)["offers"]]
    assert prices == [f"EUR {price.removeprefix('€').replace(',', '')}" for _, price in found]
    return {UUID(offer): minor(price) for offer, price in found}


def test_a_hundred_prices_are_charged_as_they_are_listed(listing: Listing, stripe_world: StripeWorld) -> None:
    wishes = asked()
    offered(listing, wishes)
    shown = listed()
    assert len(shown) == OFFERS
    user, _ = a_person("buyer")
    buyer = Client()
    buyer.force_login(user)
    for offer in Offer.objects.order_by("days"):
        wish = wishes[(offer.days or 0) - 1]
        stripe_world.tax(wish.rate)
        to_page = buyer.post(reverse("billing:buy", args=["vera", "numbers"]), {"offer": str(offer.id)})
        page = stripe_world.visit(to_page["Location"]).text
        (button,) = re.findall(r"<button type=\"submit\">(Pay .*?)</button>", page)
        back = stripe_world.pay(to_page["Location"]).location
        assert back is not None
        purchase = Purchase.objects.get(offer=offer)
        own = buyer.get(back).content.decode()
        invoice = Invoice.objects.get(payment=purchase.payment)
        (intent,) = purchase.payment.intents.all()
        charge = stripe_world.client.v1.charges.retrieve(intent.charge_id)
        tax = round(wish.price - wish.price / (1 + wish.rate / 100))
        amounts = {
            "listed": shown[offer.id],
            "on the payment page": minor(button),
            "charged": charge.amount_captured,
            "on the purchase's page": minor(re.findall(r"<dt>Paid</dt><dd[^>]*><b>(.*?)</b>", own)[0]),
            "invoiced": invoice.gross,
        }
        assert amounts == dict.fromkeys(amounts, wish.price)
        assert abs(invoice.tax - tax) <= 1
    assert sum(charge.amount for charge in stripe_world.client.v1.charges.list().auto_paging_iter()) == sum(
        shown.values()
    )
