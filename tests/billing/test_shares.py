"""Who gets which part of a payment: nothing is lost to rounding, however it is given back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from billing.books.shares import Shares, refunded, shares

prices = st.integers(1, 10_000_000)


@given(gross=prices, data=st.data(), commission=st.integers(0, 10_000))
def test_the_parts_of_a_payment_are_all_of_it(gross: int, data: st.DataObject, commission: int) -> None:
    tax = data.draw(st.integers(0, gross))
    parts = shares(gross, tax, commission)
    assert parts.tax + parts.commission + parts.seller == gross
    assert min(parts.tax, parts.commission, parts.seller) >= 0


@given(gross=prices, data=st.data(), commission=st.integers(0, 10_000))
def test_refunds_in_any_number_of_pieces_return_each_part_to_the_cent(
    gross: int, data: st.DataObject, commission: int
) -> None:
    tax = data.draw(st.integers(0, gross))
    whole = shares(gross, tax, commission)
    cuts = sorted(data.draw(st.sets(st.integers(1, gross), max_size=8)) | {gross})
    given_back, before = Shares(0, 0, 0), 0
    for total in cuts:
        piece = refunded(whole, gross, total) - refunded(whole, gross, before)
        assert piece.tax + piece.commission + piece.seller == total - before
        given_back = Shares(
            given_back.tax + piece.tax, given_back.commission + piece.commission, given_back.seller + piece.seller
        )
        before = total
    assert given_back == whole


def test_the_commission_is_of_what_is_left_after_tax_and_a_fraction_is_the_sellers() -> None:
    assert shares(12_100, 2_100, 1_500) == Shares(2_100, 1_500, 8_500)
    assert shares(99, 0, 1_500) == Shares(0, 14, 85)
