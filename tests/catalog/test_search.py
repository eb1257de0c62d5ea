"""Finding datasets: by words, misspelt ones too, by filters with their counts, sorted, page by page."""

from __future__ import annotations

import html
import json
import re
from uuid import UUID

import pyarrow as pa
import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from uuid_utils.compat import uuid7

from catalog import attachments, describing, doctor, offers, publishing, terms
from catalog.models import Dataset, Listing, SearchCell, SearchCount, SearchEntry, Version
from catalog.search import entries, facets, matching
from catalog.search.matching import Count
from generation.quality.profile import TableProfile, finish
from marketplace.accounts.models import Account
from tests.factories import a_dataset, a_version, an_account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("s3_bucket")]


def a_shelf(
    account: Account,
    name: str,
    *,
    title: str = "",
    summary: str = "Some numbers.",
    card: str = "",
    modality: str = "tabular",
    domain: str = "other",
    price: int | None = 0,
    columns: tuple[str, ...] = ("number",),
) -> Listing:
    """A dataset with one version, on the shelf."""
    dataset = Dataset.objects.create(account=account, name=name, title=title or name.replace("-", " ").capitalize())
    listing = Listing.objects.create(dataset=dataset, summary=summary, card=card, modality=modality, domain=domain)
    if price is not None:
        offers.open_offer(listing, terms.standard(terms.Kind.RESEARCH), price=price)
    a_version(dataset, columns=columns)
    publishing.put_on_shelf(listing)
    return listing


def counts() -> dict[str, int]:
    return {row.word: row.listings for row in SearchCount.objects.filter(listings__gt=0)}


def test_what_is_public_has_an_entry_and_is_counted_and_what_is_not_has_none() -> None:
    seller = an_account("seller")
    listing = a_shelf(seller, "numbers", domain="finance")
    a_version(a_dataset(seller, "private"))
    Listing.objects.create(dataset=a_dataset(seller, "draft"), summary="", modality="tabular")
    assert list(SearchEntry.objects.values_list("listing", flat=True)) == [listing.id]
    kept = {
        "modality:tabular": 1,
        "domain:finance": 1,
        "licence:research": 1,
        "price:free": 1,
        "rows:to-10k": 1,
        "unit:row": 1,
        "seller:seller": 1,
        "generator:house/numbers": 1,
    }
    assert counts() == kept
    entries.refresh(listing)
    entries.recount()
    assert counts() == kept
    publishing.close(listing)
    assert not SearchEntry.objects.exists()
    assert not counts()
    assert not SearchCell.objects.filter(listings__gt=0).exists()


def test_a_listing_whose_versions_are_all_yanked_is_not_found_until_there_is_a_new_one() -> None:
    listing = a_shelf(an_account("seller"), "numbers")
    publishing.yank(listing.dataset.versions.get(), "A column is mislabelled.")
    assert not SearchEntry.objects.exists()
    a_version(listing.dataset, columns=("other",))
    assert SearchEntry.objects.get().columns == ["other"]


def test_the_sweep_finds_what_a_verb_did_not_tell_and_the_doctor_names_it() -> None:
    listing = a_shelf(an_account("seller"), "numbers")
    assert not list(doctor.search_finds_what_is_public())
    SearchEntry.objects.all().delete()
    assert next(fault.subject for fault in doctor.search_finds_what_is_public()) == f"listing {listing.id}"
    entries.sweep()
    entries.recount()
    assert not list(doctor.search_finds_what_is_public())
    Listing.objects.filter(id=listing.id).update(state=Listing.State.CLOSED)
    assert [fault.subject for fault in doctor.search_finds_what_is_public()] == [f"listing {listing.id}"]


def found(client: Client, query: str) -> list[str]:
    """The names of the datasets that the page lists, in its order."""
    answer = client.get(f"/search?{query}")
    assert answer.status_code == 200, answer.content.decode()
    return re.findall(r'<h2><a href="/datasets/[a-z-]+/([a-z0-9-]+)">', answer.content.decode())


@pytest.fixture
def shelves() -> dict[str, Listing]:
    """Five listings of two sellers in several domains, kinds and prices."""
    acme, zeta = an_account("acme"), an_account("zeta")
    return {
        "card-payments": a_shelf(
            acme,
            "card-payments",
            title="Card payments with labelled fraud",
            summary="One year of payments by made-up customers.",
            domain="finance",
            columns=("amount", "merchant_category"),
        ),
        "loan-book": a_shelf(
            acme,
            "loan-book",
            title="Loans with repayment",
            card="Includes a few cases of fraud.",
            domain="finance",
            price=15_000,
        ),
        "ward-vitals": a_shelf(zeta, "ward-vitals", domain="health", price=29_000, columns=("pulse", "amount")),
        "metal-defects": a_shelf(
            zeta, "metal-defects", title="Scratches on metal", domain="vision", modality="image", price=90_000
        ),
        "till-rolls": a_shelf(zeta, "till-rolls", domain="retail", price=None),
    }


def page(client: Client, query: str) -> str:
    return client.get(f"/search?{query}").content.decode()


def filters(client: Client, query: str = "") -> dict[str, str]:
    """The counts beside the filters, by facet value."""
    options = re.findall(
        r'id="([a-z]+-[^"]+)" name="([a-z]+)" value="([^"]+)".*?class="n">([^<]+)<', page(client, query)
    )
    return {f"{name}:{value}": count for _, name, value, count in options}


def test_home_browse_and_search_are_one_page(client: Client, shelves: dict[str, Listing]) -> None:
    newest_first = ["till-rolls", "metal-defects", "ward-vitals", "loan-book", "card-payments"]
    assert found(client, "") == newest_first
    assert "5 datasets" in client.get("/").content.decode()
    assert 'action="/search"' in client.get("/").content.decode()


def test_words_are_found_in_title_summary_columns_and_card_by_their_stems(
    client: Client, shelves: dict[str, Listing]
) -> None:
    assert found(client, "q=payment") == ["card-payments"]
    assert found(client, "q=customers") == ["card-payments"]
    assert found(client, "q=merchant+category") == ["card-payments"]
    assert found(client, "q=scratch") == ["metal-defects"]
    assert found(client, "q=%22made-up+customers%22+-loans") == ["card-payments"]
    assert found(client, "q=zeta") == ["till-rolls", "metal-defects", "ward-vitals"]


def test_a_word_in_the_title_counts_more_than_one_in_the_card(client: Client, shelves: dict[str, Listing]) -> None:
    assert found(client, "q=fraud") == ["card-payments", "loan-book"]
    assert found(client, "q=fraud&sort=newest") == ["loan-book", "card-payments"]


def test_matched_words_are_marked_and_found_columns_are_named(client: Client, shelves: dict[str, Listing]) -> None:
    shown = page(client, "q=payment+amounts")
    assert "Card <mark>payments</mark> with labelled fraud" in shown
    assert '<span class="mono"><mark>amount</mark></span>' in shown


def test_what_is_marked_is_escaped_first(client: Client) -> None:
    a_shelf(an_account(), "bold", title="Bold <b>numbers</b> & <script>alert(1)</script>")
    assert found(client, "q=numbers") == ["bold"]
    shown = page(client, "q=numbers")
    assert "&lt;script&gt;" in shown and "<script>alert" not in shown


def test_a_misspelt_word_finds_what_its_nearest_spelling_does(client: Client, shelves: dict[str, Listing]) -> None:
    for words in ("fruad", "frauds", "Fraaud"):
        assert found(client, f"q={words}") == ["card-payments", "loan-book"], words


def test_the_page_says_which_spelling_was_searched_for_and_marks_it(
    client: Client, shelves: dict[str, Listing]
) -> None:
    shown = page(client, "q=paymnets+fraud")
    assert "Nothing is called “paymnets fraud”" in shown
    assert "Datasets for “payments fraud”" in shown
    assert "<mark>payments</mark>" in shown


def test_words_of_listings_that_are_closed_are_not_proposed(client: Client) -> None:
    listing = a_shelf(an_account(), "zebra", title="Zebra crossings")
    a_shelf(an_account("other"), "numbers")
    publishing.close(listing)
    shown = page(client, "q=zebrra")
    assert found(client, "q=zebrra") == []
    assert "zebra" not in shown.lower().replace("zebrra", "")


def test_values_of_one_facet_add_up_and_facets_narrow_each_other(client: Client, shelves: dict[str, Listing]) -> None:
    assert found(client, "domain=finance&domain=health") == ["ward-vitals", "loan-book", "card-payments"]
    assert found(client, "domain=finance&price=free") == ["card-payments"]
    assert found(client, "seller=zeta&modality=tabular") == ["till-rolls", "ward-vitals"]
    assert found(client, "q=amount&domain=health") == ["ward-vitals"]
    assert found(client, "licence=research&seller=zeta") == ["metal-defects", "ward-vitals"]
    assert found(client, "generator=house/numbers&domain=retail") == ["till-rolls"]
    assert found(client, "unit=row&rows=to-10k&price=to-500") == ["ward-vitals", "loan-book"]


def test_counts_of_a_facet_ignore_its_own_choice_and_follow_the_others(
    client: Client, shelves: dict[str, Listing]
) -> None:
    everything = {"domain:finance": "2", "domain:health": "1", "domain:vision": "1", "domain:retail": "1"}
    assert everything.items() <= filters(client).items()
    assert everything.items() <= filters(client, "domain=finance").items()
    both = filters(client, "domain=finance&price=free")
    assert (both["domain:finance"], both["price:free"], both["price:to-500"]) == ("1", "1", "1")
    assert "domain:health" not in both
    assert both["seller:acme"] == "1" and "seller:zeta" not in both
    with_words = filters(client, "q=amount&domain=health")
    assert (with_words["domain:finance"], with_words["domain:health"]) == ("1", "1")
    assert with_words["seller:zeta"] == "1" and "seller:acme" not in with_words
    with_seller = filters(client, "q=amount&seller=zeta&domain=health&domain=finance")
    assert (with_seller["seller:acme"], with_seller["seller:zeta"]) == ("1", "1")
    assert (with_seller["domain:health"], with_seller["domain:finance"]) == ("1", "0")


ONE_OF_EACH = [
    "",
    "q=numbers",
    "q=amount&seller=zeta",
    "q=fraud&domain=finance",
    "seller=zeta",
    "generator=house/numbers",
    "domain=finance",
    "price=free&modality=tabular",
]


def test_each_count_is_what_choosing_it_gives(client: Client, shelves: dict[str, Listing]) -> None:
    for query in ONE_OF_EACH:
        chosen = {part.partition("=")[0] for part in query.split("&") if part}
        for word, count in filters(client, query).items():
            facet, _, value = word.partition(":")
            if facet not in chosen:
                assert len(found(client, f"{query}&{facet}={value}")) == int(count), (query, word)


def test_filters_in_use_are_links_that_take_them_away(client: Client, shelves: dict[str, Listing]) -> None:
    shown = page(client, "q=amount&domain=finance&domain=health&price=free")
    links = re.findall(r'<a href="([^"]+)"><span class="vh">Remove the filter</span> ([^<]+)</a>', shown)
    assert links == [
        ("/search?q=amount&amp;domain=health&amp;price=free", "Finance"),
        ("/search?q=amount&amp;domain=finance&amp;price=free", "Health"),
        ("/search?q=amount&amp;domain=finance&amp;domain=health", "Free"),
    ]


def test_where_nothing_is_found_the_page_says_which_filter_to_drop_and_what_that_gives(
    client: Client, shelves: dict[str, Listing]
) -> None:
    shown = page(client, "q=fraud&domain=finance&price=over-500")
    assert found(client, "q=fraud&domain=finance&price=over-500") == []
    assert "Without “Lowest price: €500 and over”" in shown
    assert 'href="/search?q=fraud&amp;domain=finance">' in shown
    assert "Without “Domain" not in shown
    assert "Order your own" in shown


def test_words_that_every_text_has_find_nothing_and_the_page_says_why(
    client: Client, shelves: dict[str, Listing]
) -> None:
    assert "is in every text" in page(client, "q=the")


def test_a_listing_being_made_is_found_too(client: Client) -> None:
    listing = Listing.objects.create(
        dataset=a_dataset(an_account(), "coming"), summary="Soon.", modality="tabular", domain="health"
    )
    publishing.announce(listing, uuid7())
    assert found(client, "domain=health&q=soon") == ["coming"]


def test_private_draft_closed_and_yanked_datasets_never_appear(client: Client) -> None:
    seller = an_account()
    a_version(a_dataset(seller, "private"))
    Listing.objects.create(dataset=a_dataset(seller, "draft"), summary="Numbers.", modality="tabular")
    publishing.close(a_shelf(seller, "closed"))
    publishing.yank(a_shelf(seller, "yanked").dataset.versions.get(), "A column is mislabelled.")
    for query in ("", "q=number", "seller=acme", "modality=tabular", "sort=price", "generator=house/numbers"):
        assert found(client, query) == []
        assert not filters(client, query).keys() - {"seller:acme", "modality:tabular", "generator:house/numbers"}


@pytest.mark.parametrize(
    "query",
    [
        "sort=cheapest",
        "sort=relevance",
        "domain=astrology",
        "price=1",
        "rows=many",
        "seller=%00",
        "unit=%27%3Bdrop",
        "q=" + "x" * 201,
        "q=a%00b",
        "size=0",
        "cursor=rubbish",
        "&".join(["seller=acme"] * 21),
    ],
)
def test_a_bad_parameter_is_a_400_that_names_it(client: Client, query: str) -> None:
    answer = client.get(f"/search?{query}")
    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.content.decode()


def test_all_bad_parameters_are_named_at_once(client: Client) -> None:
    said = client.get("/search?sort=x&domain=y&price=z").content.decode()
    assert all(f"There is no {what}" in said for what in ("order “x”", "“y”", "“z”"))


@pytest.mark.parametrize(
    "words", ["'", "\\", '"', "a & b | !c", ":*", "<->", "%", "' || 'x", "\u202e", "-", "!!!", "((("]
)
def test_any_words_are_only_words(client: Client, shelves: dict[str, Listing], words: str) -> None:
    assert client.get("/search", {"q": words}).status_code == 200


ORDERS = ["newest", "price", "size", "relevance"]


def test_pages_of_every_order_show_each_dataset_once(client: Client) -> None:
    seller = an_account()
    for number in range(7):
        a_shelf(seller, f"numbers-{number}", price=100 * (number % 3), card="numbers " * (number % 2))
    prices = dict(SearchEntry.objects.values_list("listing__dataset__name", "price"))
    for order in ORDERS:
        for query in ("q=numbers", "q=numbers&modality=tabular&seller=acme"):
            whole = found(client, f"{query}&sort={order}")
            seen = walked(client, f"{query}&sort={order}&size=2")
            assert seen == whole and len(set(seen)) == 7, (order, query)
            if order == "price":
                assert [prices[name] for name in seen] == sorted(prices.values())


def walked(client: Client, query: str) -> list[str]:
    """What all pages of a search list, in turn."""
    seen: list[str] = []
    while query:
        seen += found(client, query)
        onward = re.search(r'rel="next" href="\?([^"]+)"', page(client, query))
        query = html.unescape(onward.group(1)) if onward else ""
    return seen


def test_counts_over_a_thousand_say_so() -> None:
    assert [str(Count(1_000)), str(Count(1_001)), str(Count(37, exact=False))] == ["1,000", "1,000+", "37+"]


def test_what_is_found_beyond_the_limit_is_counted_as_at_least(
    client: Client, shelves: dict[str, Listing], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matching, "COUNTED", 2)
    assert filters(client, "q=numbers")["modality:tabular"].endswith("+")
    assert found(client, "q=numbers&sort=newest&modality=tabular") == ["till-rolls", "ward-vitals", "loan-book"]


@pytest.fixture
def many_listings(monkeypatch: pytest.MonkeyPatch) -> None:
    """120 listings being made, spread evenly over the tiers; "rare" is in 15 of them, "ordinary" in all."""
    monkeypatch.setattr(matching, "COUNTED", 20)
    monkeypatch.setattr(matching, "ENOUGH", 10)
    seller = an_account("seller")
    for number in range(120):
        listing = Listing.objects.create(
            id=UUID(int=uuid7().int & ~0xFF | number * 2),
            dataset=a_dataset(seller, f"numbers-{number}"),
            summary="Ordinary and rare." if number % 8 == 0 else "Ordinary.",
            modality="tabular",
            domain="health" if number % 2 else "finance",
        )
        publishing.announce(listing, uuid7())


@pytest.mark.usefixtures("many_listings")
def test_of_words_that_very_many_listings_have_some_are_read_and_the_page_says_that_there_are_more(
    client: Client,
) -> None:
    assert SearchEntry.objects.filter(tier__lte=4).count() == 32
    for query in ("q=ordinary", "q=ordinary&domain=finance", "q=ordinary&domain=finance&seller=seller"):
        assert '<h2 id="found" aria-live="polite">20+ datasets</h2>' in page(client, query), query
        assert filters(client, query)["modality:tabular"] == "10+", query
    own = filters(client, "q=ordinary&domain=finance&seller=seller")
    assert (own["domain:finance"], own["domain:health"], own["seller:seller"]) == ("5+", "5+", "5+")
    assert len(set(walked(client, "q=ordinary&size=4"))) == 10
    assert len(set(walked(client, "q=ordinary&sort=newest&domain=health&size=50"))) == 60


@pytest.mark.usefixtures("many_listings")
def test_what_is_found_within_the_limit_is_counted_exactly_however_many_listings_there_are(client: Client) -> None:
    assert '<h2 id="found" aria-live="polite">15 datasets</h2>' in page(client, "q=rare")
    assert filters(client, "q=rare")["domain:finance"] == "15"
    assert len(set(walked(client, "q=rare&size=4"))) == 15
    assert filters(client, "q=rare&domain=finance")["domain:finance"] == "15"


def test_the_shelves_take_as_many_queries_for_many_listings_as_for_few(
    client: Client, shelves: dict[str, Listing], django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for query, most in (("", 8), ("domain=finance&price=free", 8), ("q=amount&domain=health", 11)):
        with django_assert_max_num_queries(most):
            found(client, query)


def test_an_offer_that_opens_or_closes_changes_price_and_licences(client: Client) -> None:
    listing = a_shelf(an_account(), "numbers", price=5_000)
    assert filters(client)["price:to-100"] == "1"
    offer = offers.open_offer(listing, terms.standard(terms.Kind.COMMERCIAL), price=60_000)
    assert filters(client)["licence:commercial"] == "1"
    offers.close_offer(listing.offers.exclude(id=offer.id).get())
    counts_now = filters(client)
    assert counts_now["price:over-500"] == "1" and "licence:research" not in counts_now


def test_what_a_seller_says_anew_is_found_and_what_it_said_before_is_not(client: Client) -> None:
    listing = a_shelf(an_account(), "numbers", card="Old words about whales.")
    describing.describe(listing, title="Tides", summary="Heights of water.", card="New words.", domain="retail")
    assert found(client, "q=tides&domain=retail") == ["numbers"]
    assert found(client, "q=whales") == []
    assert "domain:other" not in filters(client)


def test_home_teaches_how_to_read_a_plot_by_one_of_its_own_and_a_search_does_not(client: Client) -> None:
    listing = a_shelf(an_account(), "numbers")
    rows = pa.table({"number": pa.array(range(50), pa.int64())})
    profile = TableProfile(rows.schema)
    profile.add(rows)
    body = json.dumps({"tables": {"default": finish(profile.partial())}}).encode()
    attachments.put(listing.dataset.versions.get(), attachments.store("statistics", body))
    home = client.get("/").content.decode()
    assert "made here, 20 rows" in home and "what it is measured against" in home
    assert "what it is measured against" not in page(client, "q=numbers")


def test_whatever_a_generator_calls_its_columns_and_its_unit_the_shelves_stand(client: Client) -> None:
    a_shelf(an_account(), "odd", columns=("x" * 500, "it's \\ & <b>", "números"))
    entry = SearchEntry.objects.get()
    assert len(entry.columns[0]) == 200
    assert found(client, "q=números") == ["odd"]
    version = Version(layout={"unit": "m²\u2028" * 100}, recipe={"generator": {"name": "house/x"}}, rows=1)
    words = facets.words_of(entry.listing, [], version)
    assert not any(word.startswith("unit:") for word in words)


def test_a_column_is_found_by_the_names_of_its_classes() -> None:
    column = {"name": "objects", "description": "Defects.", "classes": {"list.element.category": ["scratch", "dent"]}}
    read = entries._columns(Version(layout={"tables": [{"schema": [column]}]}))
    assert read == [("objects", "Defects. scratch dent")]
