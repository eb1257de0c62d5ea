"""Without a licence in force no address of the site, the API or the hub gives data.

Every address has a row here; one that is added without a row fails the first test. Tried are a dataset with a price and
one that was ordered, by those who have none, have another one, and had this one: before their money went back they were
given the data at these very addresses, so that what a cache or a link kept would show.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from itertools import product
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from uuid_utils.compat import uuid7

from billing import purchases, refunds
from billing.models import BillingProfile, Event, Invoice, Payment, Purchase, Reconciliation, Refund
from billing.selling import payout_holds
from billing.settling import settle
from catalog import previews, problem_reports, publishing
from catalog.models import Licence, Offer, Review, Version
from generation.orders import tariffs
from generation.orders.models import Order
from generation.runs import registry, sources
from generation.runs.models import DriftCheck, Making, Source
from marketplace import storage
from marketplace.accounts import teams, tokens
from marketplace.accounts.models import Account, Scope, User
from tests.billing.selling import charge_of
from tests.factories import a_dataset, a_listing, a_person, a_version, a_version_of, an_account
from tests.generation import marks
from tests.generation.orders.flow import draft
from tests.stripe_world import StripeWorld
from tests.stripe_world import stripe_world as stripe_world
from tests.workers import work_off

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("s3_bucket")]


@dataclass(frozen=True)
class Row:
    """What an address may give. ``data``: all of it to who holds a licence; ``sample``: the free sample to everybody.

    ``fill`` names what stands for a parameter that means another thing than elsewhere.
    """

    data: bool = False
    sample: bool = False
    queries: tuple[str, ...] = ("",)
    form: tuple[tuple[str, str], ...] = ()
    fill: Mapping[str, str] = field(default_factory=dict)


NOTHING: Final = Row()
GENERATOR: Final = Row(fill={"owner": "house", "name": "generator"})
#: Rows beyond the free sample, by place and by what they hold.
ROWS: Final = ("", "?offset=0&length=100", "?offset=20&length=20", "?columns=mark", "?where=number%3E=0&length=100")
PAGES: Final = ("", "?offset=20", "?where=number+%3E=+20", "?sort=-number")
CELLS: Final = ("?column=image&row=0", "?column=image&row=30", "?column=mark&row=30")
OFFER: Final = (("offer", "{offer}"),)

_DATASET: Final = "datasets/<slug:owner>/<slug:name>"
_VERSION: Final = f"{_DATASET}/versions/<str:number>"
_API: Final = "api/v1/datasets/<slug:owner>/<slug:name>"
_API_VERSION: Final = f"{_API}/versions/<str:number>"
_HUB: Final = "api/datasets/<slug:owner>/<slug:name>"

TABLE: Final[Mapping[str, Row]] = {
    # A dataset's pages, and what is fetched from them.
    _DATASET: Row(sample=True, queries=PAGES),
    f"{_DATASET}/rows/<int:place>": Row(data=True, sample=True),
    f"{_DATASET}/acquire": Row(form=OFFER),
    f"{_DATASET}/buy": Row(form=OFFER),
    f"{_DATASET}/offers": NOTHING,
    f"{_DATASET}/offers/<uuid:offer>/close": NOTHING,
    **{
        f"{_DATASET}/{tab}": NOTHING
        for tab in ("quality", "quality.json", "provenance", "load", "files", "versions", "problems")
    },
    f"{_DATASET}/statistics": Row(sample=True),
    f"{_DATASET}/resolve/<str:revision>/<path:path>": Row(data=True, sample=True, queries=("", "?download=true")),
    _VERSION: Row(sample=True, queries=PAGES),
    f"{_VERSION}/files/<path:path>": Row(data=True, sample=True),
    f"{_VERSION}/seed.json": Row(data=True),
    f"{_VERSION}/rows/<int:place>": Row(data=True, sample=True),
    f"{_VERSION}/documents/<slug:kind>.json": Row(sample=True),
    f"{_VERSION}/statistics": Row(sample=True),
    **{
        f"{_VERSION}/{name}": NOTHING
        for name in (
            "manifest.json", "SHA256SUMS", "dictionary.csv", "dictionary.json", "croissant.json", "CITATION.cff",
            "citation.bib", "problems/report", "withdraw", "quality", "quality.json", "provenance", "load", "files",
            "versions", "problems", "destroy", "drift",
        )
    },
    "pictures/<uuid:version_id>/<slug:sha256>": Row(sample=True),
    # The API.
    **{f"{base}/rows": Row(data=True, sample=True, queries=ROWS) for base in (_API, _API_VERSION)},
    **{f"{base}/filter": Row(sample=True, queries=ROWS) for base in (_API, _API_VERSION)},
    **{f"{base}/first-rows": Row(data=True, sample=True) for base in (_API, _API_VERSION)},
    **{f"{base}/{name}": NOTHING for base in (_API, _API_VERSION) for name in ("statistics", "size", "splits")},
    f"{_API_VERSION}/picture": Row(data=True, sample=True, queries=CELLS),
    **dict.fromkeys((f"{_API_VERSION}/drift", f"{_API_VERSION}/drift-checks"), NOTHING),
    "api/v1/drift-checks/<uuid:check_id>": NOTHING,
    "api/v1/licences/<uuid:licence_id>/status": NOTHING,
    # The hub.
    **{f"{_HUB}{rest}": NOTHING for rest in ("", "/refs", "/revision/<str:revision>", "/tree/<str:revision>")},
    f"{_HUB}/tree/<str:revision>/<path:path>": Row(queries=("", "?recursive=true")),
    f"{_HUB}/paths-info/<str:revision>": Row(form=(("paths", "{path}"), ("expand", "true"))),
    "api/datasets/<path:rest>": NOTHING,
    "api/whoami-v2": NOTHING,
    # The shelf, and what an account holds.
    "": NOTHING,
    **dict.fromkeys(("search", "compare", "library", "licences/verify"), NOTHING),
    "licences/verify/<uuid:licence_id>": NOTHING,
    **{f"licences/<uuid:licence_id>{rest}": NOTHING for rest in ("", "/certificate.jwt", "/licence.pdf")},
    "status-lists/<uuid:list_id>": NOTHING,
    "terms/<uuid:terms_id>": NOTHING,
    # Moderation, for staff.
    "problems/<uuid:report_id>": Row(form=(("text", "Let me see."),)),
    "moderation": NOTHING,
    "moderation/<uuid:review_id>": NOTHING,
    "moderation/<uuid:review_id>/pictures/<slug:sha256>": NOTHING,
    # Selling: an account's own datasets.
    "sell": NOTHING,
    "sell/new": NOTHING,
    "sell/new/<slug:owner>/<slug:name>": GENERATOR,
    "sell/makings/<uuid:making_id>": NOTHING,
    "sell/makings/<uuid:making_id>/state": NOTHING,
    **{
        f"sell/datasets/<slug:name>{rest}": NOTHING
        for rest in (
            "", "/state", "/edit", "/version", "/publish", "/close", "/appeal", "/cancel", "/yank/<str:number>"
        )
    },
    # Generators and runs.
    "generators": NOTHING,
    "generators/<slug:owner>/<slug:name>": GENERATOR,
    "generators/<slug:owner>/<slug:name>/<str:number>": GENERATOR,
    "runs/<uuid:run_id>/progress": NOTHING,
    "replays/<uuid:version_id>": NOTHING,
    **{
        f"drift-checks/<uuid:check_id>{rest}": NOTHING
        for rest in ("", "/state", "/report.json", "/receipt.jwt", "/forget")
    },
    **dict.fromkeys(("runtimes/<slug:digest>", "build-types/run/v1", "builders/house/v1"), NOTHING),
    # Money.
    **{f"purchases/<uuid:purchase_id>{rest}": NOTHING for rest in ("", "/state", "/pay", "/cancel", "/give-back")},
    **dict.fromkeys(("billing", "billing/profile"), NOTHING),
    **dict.fromkeys(("invoices/<uuid:invoice_id>", "invoices/<uuid:invoice_id>.pdf"), NOTHING),
    **{
        f"money{rest}": NOTHING
        for rest in (
            "", "/payments", "/payments/<uuid:payment_id>", "/events", "/events/<uuid:event_id>/replay", "/disputes",
            "/tax-ids", "/tax-ids/<uuid:profile_id>/confirm", "/days", "/days/<uuid:reconciliation_id>", "/sellers",
            "/sellers/<slug:slug>", "/sellers/<slug:slug>/commission", "/sellers/<slug:slug>/hold",
            "/sellers/<slug:slug>/open-another", "/holds/<uuid:hold_id>",
        )
    },
    **{
        f"sell/{rest}": NOTHING
        for rest in (
            "revenue", "revenue.csv", "payouts", "payouts/begin", "payouts/again", "payouts/back",
            "payouts/holds/<uuid:hold_id>",
        )
    },
    "webhooks/stripe": NOTHING,
    # Orders.
    "orders": NOTHING,
    "orders/new/<slug:owner>/<slug:name>": Row(
        fill=GENERATOR.fill, queries=("", "?source={source_id}"), form=(("units", "40"), ("test_share", "0"))
    ),
    "orders/new/<slug:owner>/<slug:name>/upload": GENERATOR,
    "orders/tariffs/<slug:owner>/<slug:name>": GENERATOR,
    "orders/tariffs/<slug:owner>/<slug:name>/words": GENERATOR,
    "orders/sources/<uuid:source_id>": NOTHING,
    **{
        f"orders/<uuid:order_id>{rest}": NOTHING
        for rest in ("", "/state", "/place", "/pay", "/paid", "/cancel", "/again")
    },
    "orders/<uuid:order_id>/probe/<slug:sha256>": Row(fill={"sha256": "probe_sha256"}),
    # People and their accounts.
    "account": NOTHING,
    "account/act-for": Row(form=(("account", "{slug}"),)),
    "account/tokens": NOTHING,
    "account/tokens/<uuid:token_id>/revoke": NOTHING,
    **{
        f"account/team{rest}": NOTHING
        for rest in (
            "", "/invite", "/leave", "/invitations/<uuid:invitation_id>/withdraw", "/<uuid:membership_id>/role",
            "/<uuid:membership_id>/remove",
        )
    },
    "account/organisations/new": NOTHING,
    "invitations/<str:secret>": NOTHING,
    # What is the same for everybody.
    **dict.fromkeys(("theme", "kit", "favicon.ico", ".well-known/jwks.json", "healthz"), NOTHING),
}  # fmt: skip

#: Addresses that others made, by how they begin: why they need no row each, and some that are tried all the same.
GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    # Django's admin asks its one question, is this active staff, before any of its pages.
    "staff/": ("/staff/", "/staff/catalog/version/", "/staff/catalog/file/", "/staff/generation_runs/run/"),
    # allauth knows of people and their secrets, and nothing of datasets.
    "accounts/": ("/accounts/login/", "/accounts/email/"),
}


def routes(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    for one in patterns:
        route = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from routes(one.url_patterns, route)
        else:
            yield route


def test_every_address_has_a_row_and_every_row_an_address() -> None:
    known = {route for route in routes(get_resolver().url_patterns) if not route.startswith(tuple(GROUPS))}
    assert known - set(TABLE) == set(), "say in TABLE what these addresses give, and to whom"
    assert set(TABLE) - known == set(), "these addresses are gone"


@dataclass
class Things:
    """What recognises data: rows by their marks, files and pictures by key, digest and bytes."""

    marks: set[bytes] = field(default_factory=set)
    pictures: set[bytes] = field(default_factory=set)
    keys: set[bytes] = field(default_factory=set)

    def of_file(self, sha256: str) -> Things:
        """Add what a Parquet file holds."""
        content = storage.read_blob(sha256)
        found = pq.read_table(pa.BufferReader(content))
        self.marks |= {mark.encode() for mark in found["mark"].to_pylist()}
        self.pictures |= {picture["bytes"] for picture in found["image"].to_pylist()}
        self.keys.add(storage.blob_key(sha256).encode())
        return self

    def seen_in(self, told: bytes, body: bytes) -> list[str]:
        """What of it an answer shows."""
        found = [f"the key {key.decode()}" for key in self.keys if key in told]
        found += [mark.decode() for mark in sorted(set(re.findall(rb"mark-[0-9a-f]{16}", told)) & self.marks)[:1]]
        return found + ["a picture"] * (body in self.pictures)


@dataclass(frozen=True)
class Reader:
    """Somebody who asks, signed in or with a token in a header."""

    name: str
    user: User | None = None
    scheme: str = ""

    @cached_property
    def client(self) -> Client:
        """A browser, or a program, that keeps what it was sent."""
        client = Client(raise_request_exception=False)
        if self.user is not None and not self.scheme:
            client.force_login(self.user)
        return client

    @cached_property
    def headers(self) -> dict[str, str]:
        """What a program shows."""
        if self.user is None or not self.scheme:
            return {}
        account = Account.objects.of(self.user).get()
        secret = tokens.issue(account, created_by=self.user, name="laptop", scopes=[Scope.READ]).secret
        shown = secret if self.scheme == "Bearer" else base64.b64encode(f"any:{secret}".encode()).decode()
        return {"Authorization": f"{self.scheme} {shown}"}

    def ask(self, method: str, address: str, form: Mapping[str, str] | None = None) -> Answer:
        """Ask, and let nothing come of it."""
        client, headers = self.client, self.headers
        with transaction.atomic():
            response = getattr(client, method)(address, form or {}, headers=headers)
            answer = Answer(response)
            transaction.set_rollback(True)
        return answer

    def __str__(self) -> str:
        return f"{self.name} ({self.scheme or 'browser'})"


class Answer:
    """All that an answer tells, in its head and in its body."""

    def __init__(self, response: HttpResponse | StreamingHttpResponse) -> None:
        self.status = response.status_code
        self.picture = response.headers.get("Content-Type", "").startswith("image/")
        self.body = b"".join(response) if isinstance(response, StreamingHttpResponse) else response.content
        self.told = "\n".join(response.headers.values()).encode("latin-1", "replace") + b"\n" + self.body


@dataclass
class Market:
    """A dataset with a price and one that was ordered; who has them, and what is known of all of it."""

    world: StripeWorld
    buyer: User
    other: User
    disputing: User
    stranger: User
    subjects: list[dict[str, tuple[str, ...]]]
    sold: list[Payment]
    disputed: Payment
    #: What everybody may have, what needs a licence, and what is the buyer's alone, licence or not.
    given: Things
    kept: Things
    probed: Things
    #: Digests of what is not shown to everybody.
    private: set[bytes]


def fields(row: Row, subject: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    first = {name: values[0] for name, values in subject.items()}
    return {name: value.format_map(first) for name, value in row.form}


def addresses(route: str, row: Row, subject: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The route with every value that its parameters have, and with every query."""
    names = re.findall(r"<\w+:(\w+)>", route)
    found = []
    for values in product(*(subject[row.fill.get(name, name)] for name in names)):
        filled = dict(zip(names, values, strict=True))
        address = "/" + re.sub(r"<\w+:(\w+)>", lambda parameter: filled[parameter[1]], route)  # noqa: B023
        found += [address + query.format_map({"source_id": subject["source_id"][0]}) for query in row.queries]
    return found


def requests(market: Market) -> list[tuple[str, str, Row, dict[str, str]]]:
    """Method, address, its row and form: each address once, and of each route and dataset one with a form as well."""
    groups = {address[1:]: NOTHING for tried in GROUPS.values() for address in tried}
    found: dict[tuple[str, str], tuple[Row, dict[str, str]]] = {}
    for (route, row), subject in product({**TABLE, **groups}.items(), market.subjects):
        asked = addresses(route, row, subject)
        found |= {("get", address): (row, {}) for address in asked}
        found["post", asked[0]] = (row, fields(row, subject))
    return [(method, address, row, form) for (method, address), (row, form) in found.items()]


def bought(user: User, offer: Offer, world: StripeWorld) -> Purchase:
    """A licence paid for on Stripe's page."""
    purchase = purchases.buy(Account.objects.of(user).get(), offer, by=user, key=uuid7())
    assert world.pay(purchases.pay(purchase)).location
    settle(purchase.payment_id)
    return Purchase.objects.select_related("payment", "version").get(id=purchase.id)


def ordered(user: User, world: StripeWorld) -> Order:
    """An order that was paid for and delivered."""
    house = Account.objects.filter(slug="house").first() or an_account("house")
    tariffs.set_tariff(registry.register("tests.generation.marks:marks", house).generator, base=900)
    client = Client()
    client.force_login(user)
    order = draft(client, "marks", units="40")
    page = client.post(f"/orders/{order.id}/place")
    assert page.status_code == 303, order.problems
    assert world.pay(page["Location"]).status == 303
    client.get(f"/orders/{order.id}/paid")
    work_off()
    order = Order.objects.select_related("run__dataset__account", "payment", "probe").get(id=order.id)
    assert order.state == Order.State.DELIVERED, (order.state, order.unmet)
    return order


def listed(seller: Account) -> tuple[Version, Offer]:
    """A dataset on the shelf: of forty rows the first twenty are the free sample."""
    dataset = a_dataset(seller, "listed")
    random = np.random.default_rng(7)
    parts = [pa.Table.from_batches([marks.rows(range(first, first + 20), random)]) for first in (0, 20)]
    version = a_version_of(dataset, {"default": parts})
    previews.make(version)
    offer = a_listing(dataset, price=12_100)
    publishing.put_on_shelf(offer.listing)
    return version, offer


def pictures_at(things: Things) -> tuple[str, ...]:
    """The address of each of some pictures, were it stored."""
    return tuple(hashlib.sha256(picture).hexdigest() for picture in sorted(things.pictures)[:1])


@pytest.fixture
def market(stripe_world: StripeWorld) -> Market:
    seller, selling = a_person("maker")
    buyer, other, disputing, stranger = (a_person(name)[0] for name in ("buyer", "other", "disputing", "stranger"))
    version, offer = listed(selling)
    another = a_dataset(selling, "another")
    a_version(another)
    offer_of_another = a_listing(another, price=500)
    publishing.put_on_shelf(offer_of_another.listing)
    order = ordered(buyer, stripe_world)
    run, probe, held = order.run, order.probe, order.payment
    assert run is not None and probe is not None and held is not None
    purchase, disputed = bought(buyer, offer, stripe_world), bought(disputing, offer, stripe_world)
    bought(other, offer_of_another, stripe_world)
    delivered = Version.objects.select_related("dataset__account", "disclosure").get(run=run.id)
    hear(stripe_world)
    free, paid = (version.files.get(sample=sample) for sample in (True, False))
    given, kept, probed = Things().of_file(free.sha256), Things().of_file(paid.sha256), Things()
    for file in delivered.files.all():
        kept.of_file(file.sha256)
    source = sources.receive(
        Account.objects.of(buyer).get(), SimpleUploadedFile("people.csv", b"age,city\n41,mark-0123456789abcdef\n")
    )
    probed.marks |= {b"mark-0123456789abcdef", *re.findall(rb"mark-[0-9a-f]{16}", repr(probe.preview).encode())}
    kept.keys |= {version.disclosure.key.encode(), delivered.disclosure.key.encode(), source.key.encode()}
    common = {
        **ids(seller, selling, buyer, version, order, purchase, source),
        "offer": (str(offer.id),),
        "terms_id": (str(offer.terms_id),),
    }
    subjects = [
        {**common, **named(version), "sha256": pictures_at(given) + pictures_at(kept), "path": (paid.path, free.path)},
        {**common, **named(delivered), "sha256": preview_pictures(delivered), "run_id": (str(run.id),)},
    ]
    private = {delivered.digest.encode(), *(file.sha256.encode() for file in delivered.files.all())}
    return Market(
        world=stripe_world,
        buyer=buyer,
        other=other,
        disputing=disputing,
        stranger=stranger,
        subjects=subjects,
        sold=[purchase.payment, held],
        disputed=disputed.payment,
        given=given,
        kept=kept,
        probed=probed,
        private=private,
    )


def hear(world: StripeWorld) -> None:
    """Post the events that wait, as Stripe does."""
    for event in world.events():
        Client().post(
            "/webhooks/stripe", event.body, content_type="application/json", HTTP_STRIPE_SIGNATURE=event.signature
        )
    work_off()


def preview_pictures(version: Version) -> tuple[str, ...]:
    """The pictures of a version's preview."""
    return tuple(version.pictures.order_by("sha256").values_list("sha256", flat=True)[:2])


def named(version: Version) -> dict[str, tuple[str, ...]]:
    """What stands for the parameters that name a version."""
    licence = Licence.objects.exclude(cause_kind=Licence.Cause.MADE).filter(version=version).order_by("granted_at")[0]
    return {
        "owner": (version.dataset.account.slug,),
        "name": (version.dataset.name,),
        "number": (version.number,),
        "revision": ("main", version.commit),
        "path": tuple(version.files.order_by("-path").values_list("path", flat=True)),
        "place": ("0", "30"),
        "version_id": (str(version.id),),
        "run_id": (str(version.run),),
        "licence_id": (str(licence.id),),
        "list_id": (str(licence.certificate.status_list_id),),
        "rest": (f"{version.dataset.account.slug}/{version.dataset.name}/parquet/default/train/0.parquet",),
        "kind": ("preview", "statistics"),
    }


def ids(
    seller: User, selling: Account, buyer: User, version: Version, order: Order, purchase: Purchase, source: Source
) -> dict[str, tuple[str, ...]]:
    """What stands for the parameters that name something else: real things, of those who have or sell the data."""
    account = purchase.account
    staff = User.objects.create_user("staff@example.com", "correct horse", is_staff=True)
    organisation = teams.open_organisation(seller, "sellers", "Sellers")
    hold = payout_holds.place(selling, staff, reason="Look.", evidence_wanted="A paper.", review_by=date(2100, 1, 1))
    making = Making.objects.create(
        account=selling, dataset=version.dataset, generator=order.generator, parameters={}, units=40, splits=[]
    )
    report = problem_reports.report(version, account=account, by=buyer, title="Rows", text="They repeat.")
    profile = BillingProfile.objects.create(
        account=account, legal_name="A", address="1 Street", city="Ulm", country="DE", tax_id="DE136695976"
    )
    check = DriftCheck.objects.create(
        account=account, version=version, kind=DriftCheck.Kind.TABLE, table="default", name="mine.csv", bytes=1,
        state=DriftCheck.State.FAILED, ended_at=timezone.now(),
    )  # fmt: skip
    found: dict[str, Any] = {
        "check_id": check.id,
        "token_id": tokens.issue(selling, created_by=seller, name="mill", scopes=[Scope.READ]).token.id,
        "invitation_id": teams.invite(organisation, "x@example.com", "member", by=seller).id,
        "membership_id": seller.memberships.get(account=selling).id,
        "secret": "none",
        "report_id": report.id,
        "review_id": Review.objects.create(listing=version.dataset.listing).id,
        "making_id": making.id,
        "digest": order.run.runtime_id if order.run else None,
        "purchase_id": purchase.id,
        "invoice_id": Invoice.objects.filter(payment=purchase.payment)[0].id,
        "payment_id": purchase.payment_id,
        "event_id": Event.objects.order_by("id")[0].id,
        "profile_id": profile.id,
        "reconciliation_id": Reconciliation.objects.create(day=date(2026, 1, 1)).id,
        "hold_id": hold.id,
        "slug": selling.slug,
        "source_id": source.id,
        "order_id": order.id,
        "house": "house",
        "generator": "marks",
        "probe_sha256": re.findall(r"[0-9a-f]{64}", repr(order.probe and order.probe.preview))[0],
    }
    return {name: (str(value),) for name, value in found.items()}


def give_back(market: Market) -> None:
    """All money goes back to the buyer, and a bank takes back what another one paid."""
    for payment in market.sold:
        refunds.ask(payment, payment.captured, reason=Refund.Reason.STAFF)
    work_off()
    market.world.dispute(charge_of(market.disputed))
    settle(market.disputed.id)
    work_off()
    assert {licence.state for licence in Licence.objects.filter(account__memberships__user=market.buyer)} == {
        Licence.State.REVOKED
    }
    assert Licence.objects.get(account__memberships__user=market.disputing).state == Licence.State.SUSPENDED


def leaks(market: Market, reader: Reader, row: Row, answer: Answer) -> list[str]:
    """What ``reader`` was told and should not have been."""
    own = reader.user == market.buyer
    found = market.kept.seen_in(answer.told, answer.body)
    if not own:
        found += market.probed.seen_in(answer.told, answer.body)
        found += [f"the digest {digest.decode()}" for digest in market.private if digest in answer.told]
    if not row.sample:
        found += [f"{what} of the free sample" for what in market.given.seen_in(answer.told, answer.body)]
    if answer.picture and answer.status == 200 and answer.body not in market.given.pictures and not own:
        found.append("a picture that nobody was given")
    if answer.status >= 500 or answer.status == 429:
        found.append(f"answered {answer.status}")
    return found


def test_what_a_licence_gives_is_given_by_no_address_to_anybody_without_one_in_force(market: Market) -> None:
    buyers = [Reader("the buyer", market.buyer), Reader("the buyer", market.buyer, "Bearer")]
    blind = []
    for route, row in TABLE.items():
        for subject in market.subjects if row.data else ():
            asked = addresses(route, row, subject)
            for reader in buyers if "/rows/" not in route else buyers[:1]:
                answers = [reader.ask("get", address) for address in asked]
                if not any(market.kept.seen_in(answer.told, answer.body) for answer in answers):
                    blind.append(f"{asked[0]} by {reader}: {[answer.status for answer in answers]}")
    assert not blind, "Here the buyer does not get what was paid for:\n" + "\n".join(blind)
    give_back(market)
    readers = [
        Reader("anybody"),
        Reader("a stranger", market.stranger),
        Reader("a stranger", market.stranger, "Basic"),
        Reader("who bought something else", market.other),
        Reader("who bought something else", market.other, "Bearer"),
        Reader("whose bank took the money back", market.disputing),
        Reader("whose bank took the money back", market.disputing, "Basic"),
        *buyers,
    ]
    for reader in readers[1:]:
        assert reader.ask("get", "/api/whoami-v2" if reader.scheme else "/library").status == 200, reader
    found = []
    for reader, (method, address, row, form) in product(readers, requests(market)):
        if reader.scheme and not (method == "get" and (row.data or address.startswith("/api/"))):
            continue  # a header gives nothing elsewhere
        answer = reader.ask(method, address, form)
        found += [f"{method} {address} as {reader}: {what}" for what in leaks(market, reader, row, answer)]
    assert not found, f"{len(found)} leaks:\n" + "\n".join(found[:200])
