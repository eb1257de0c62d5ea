"""Pages by key visit each row exactly once, in order, forward and back, and refuse a cursor that is not theirs."""

from __future__ import annotations

import pytest
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Concat, Length
from django.test import RequestFactory

from marketplace.accounts.models import Account
from marketplace.web.keyset import Page, page, requested_page
from marketplace.web.problems import Problem

pytestmark = pytest.mark.django_db

ORDERS = [
    ("id",),
    ("-created_at", "-id"),
    ("name", "-slug"),
    ("-kind", "name", "id"),
    ("demo", "-name", "slug"),
    ("-shout", "id"),
    ("letters", "-slug"),
]


@pytest.fixture
def rows() -> QuerySet[Account]:
    """23 accounts with many equal names, kinds and moments."""
    kinds = [Account.Kind.PERSONAL, Account.Kind.ORGANISATION]
    Account.objects.bulk_create(
        Account(slug=f"acc-{n:02d}", name=f"Ä name {n % 4}", kind=kinds[n % 2], demo=n % 3 == 0) for n in range(23)
    )
    first = Account.objects.earliest("id").created_at
    Account.objects.filter(slug__lt="acc-11").update(created_at=first)
    return Account.objects.annotate(letters=Length("name"), shout=Concat(F("name"), Value("!")))


def forward(rows: QuerySet[Account], order: tuple[str, ...], size: int) -> list[Page[Account]]:
    pages = [page(rows, order=order, size=size)]
    while pages[-1].next_cursor:
        pages.append(page(rows, order=order, cursor=pages[-1].next_cursor, size=size))
        assert len(pages) <= 24, "the pages do not end"
    return pages


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("size", [1, 4, 22, 23, 100])
def test_each_row_is_visited_once_in_order(rows: QuerySet[Account], order: tuple[str, ...], size: int) -> None:
    pages = forward(rows, order, size)
    assert [row.pk for one in pages for row in one.items] == [row.pk for row in rows.order_by(*order)]
    assert pages[0].previous_cursor is None
    assert all(len(one.items) == size for one in pages[:-1]) and pages[-1].items


@pytest.mark.parametrize("order", ORDERS)
def test_the_way_back_shows_the_same_pages(rows: QuerySet[Account], order: tuple[str, ...]) -> None:
    there = forward(rows, order, 5)
    back = [there[-1]]
    while back[-1].previous_cursor:
        back.append(page(rows, order=order, cursor=back[-1].previous_cursor, size=5))
        assert back[-1].next_cursor
    assert [row.pk for row in back[1].items] == [row.pk for row in there[-2].items]
    assert [row.pk for one in reversed(back) for row in one.items] == [row.pk for one in there for row in one.items]


def test_a_row_that_comes_or_goes_moves_no_other(rows: QuerySet[Account]) -> None:
    first = page(rows, order=("slug",), size=10)
    Account.objects.create(slug="acc-00x", name="late")
    first.items[-1].delete()
    assert first.next_cursor
    assert page(rows, order=("slug",), cursor=first.next_cursor, size=3).items[0].slug == "acc-10"


def test_a_list_without_rows_has_no_other_pages() -> None:
    assert page(Account.objects.all(), order=("id",)) == Page([], None, None)


def test_a_cursor_of_another_order_or_of_nobody_is_a_clear_400(rows: QuerySet[Account]) -> None:
    cursor = page(rows, order=("slug",), size=2).next_cursor or ""
    for foreign in (cursor[:-1] + ("A" if cursor[-1] != "A" else "B"), "rubbish", "a:b", ":", "\0", "é" * 400):
        with pytest.raises(Problem) as raised:
            page(rows, order=("slug",), cursor=foreign)
        assert raised.value.status == 400
        assert raised.value.faults[0].field == "cursor"
    for other in (("name", "slug"), ("-slug",), ("name",)):
        with pytest.raises(Problem):
            page(rows, order=other, cursor=cursor)


@pytest.mark.parametrize("size", ["0", "101", "-1", "x", "1e1", "9" * 5000, "٣"])
def test_a_size_out_of_bounds_is_a_clear_400(rows: QuerySet[Account], size: str) -> None:
    with pytest.raises(Problem) as raised:
        requested_page(RequestFactory().get("/", {"size": size}), rows, order=("slug",))
    assert raised.value.faults[0].field == "size"


def test_the_request_names_the_page(rows: QuerySet[Account]) -> None:
    first = requested_page(RequestFactory().get("/", {"size": "7"}), rows, order=("slug",))
    second = requested_page(
        RequestFactory().get("/", {"size": "7", "cursor": first.next_cursor or ""}), rows, order=("slug",)
    )
    assert [row.slug for row in second.items] == [f"acc-{n:02d}" for n in range(7, 14)]
