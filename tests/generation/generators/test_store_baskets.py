"""Store baskets: keys and sums hold, seasons and promotions work as they are said to."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import pyarrow as pa
import pytest

from generation.generators.tabular.store_baskets import generator
from generation.generators.tabular.store_baskets.assortment import assortment
from tests.generation.generators.blocks import job, tables

BASKETS = 4_000


@dataclass(frozen=True)
class Made:
    """Both tables in pandas."""

    baskets: pd.DataFrame
    lines: pd.DataFrame

    @property
    def joined(self) -> pd.DataFrame:
        return self.lines.merge(self.baskets, on="basket_id", suffixes=("", "_of_basket"))


def make(units: range = range(BASKETS), **params: object) -> Made:
    found = tables(generator, job(generator, 40_000, **params), units)
    return Made(found["baskets"].to_pandas(), found["lines"].to_pandas())


@pytest.fixture(scope="module")
def grocery() -> Made:
    return make(returns=0.05)


def test_blocks_are_valid_and_every_column_is_described() -> None:
    asked = job(generator, 40_000)
    made = tables(generator, asked, range(8_000, 8_400))
    for table in generator.layout(asked).tables:
        made[table.name].validate(full=True)
        assert made[table.name].schema.equals(table.schema, check_metadata=True)
        for column in table.schema:
            assert column.metadata[b"description"] and column.metadata[b"role"], column.name
            assert column.nullable or made[table.name].column(column.name).null_count == 0, column.name
            assert not pa.types.is_dictionary(column.type)


def test_every_line_finds_its_basket_and_no_product_is_in_it_twice(grocery: Made) -> None:
    baskets, lines = grocery.baskets, grocery.lines
    assert list(baskets.basket_id) == list(range(1, BASKETS + 1))
    counts = lines.groupby("basket_id").size()
    assert (counts.reindex(baskets.basket_id).to_numpy() == baskets.lines.to_numpy()).all()
    assert not lines.duplicated(["basket_id", "product_id"]).any()
    assert not lines.duplicated(["basket_id", "line"]).any()


def test_sums_hold_to_the_cent(grocery: Made) -> None:
    lines = grocery.lines
    price = (lines.list_price * (100 - lines.promotion)).round() / 100
    assert (price - lines.unit_price).abs().max() < 1e-9
    assert (lines.quantity * lines.unit_price - lines.amount).abs().max() < 1e-9
    sums = lines.assign(discount=lines.quantity * (lines.list_price - lines.unit_price)).groupby("basket_id")
    baskets = grocery.baskets.set_index("basket_id")
    assert (sums.amount.sum() - baskets.total).abs().max() < 1e-6
    assert (sums.discount.sum() - baskets.discount).abs().max() < 1e-6
    assert (sums.quantity.sum() == baskets.pieces).all()


def test_what_is_brought_back_is_negative_and_what_is_sold_is_not(grocery: Made) -> None:
    joined = grocery.joined
    assert ((joined.quantity < 0) == (joined.kind == "return")).all()
    assert (grocery.baskets.kind == "return").mean() == pytest.approx(0.05, abs=0.012)
    assert set(make(returns=0.0).baskets.kind) == {"sale"}


def test_weekdays_are_those_of_the_dates_and_stores_are_closed_on_sundays(grocery: Made) -> None:
    baskets = grocery.baskets
    assert (baskets.paid_at.dt.day_of_week + 1 == baskets.weekday).all()
    assert 7 not in set(baskets.weekday)
    assert (baskets.weekday == 6).sum() > 1.3 * (baskets.weekday == 2).sum()
    assert 7 in set(make(sundays=True).baskets.weekday)
    assert baskets.paid_at.dt.hour.between(7, 21).all()


def test_products_have_their_seasons_and_no_others_when_none_are_asked_for() -> None:
    def summer(seasons: float) -> float:
        made = make(seasons=seasons).joined
        charcoal = made[made["product"] == "charcoal, 3 kg"]
        return float(charcoal.paid_at.dt.month.isin([6, 7, 8]).mean())

    assert summer(1.0) > 0.7
    assert summer(0.0) == pytest.approx(0.25, abs=0.1)


def test_a_promotion_sells_more_at_a_lower_price(grocery: Made) -> None:
    def share(uplift: float) -> float:
        lines = make(uplift=uplift, promotions=0.3).lines
        return float((lines.promotion > 0).mean())

    assert share(3.0) > 1.4 * share(1.0)
    assert share(1.0) == pytest.approx(0.3, abs=0.05)
    assert set(grocery.lines.promotion) == {0, 10, 20, 30}


def test_products_of_one_occasion_are_bought_together(grocery: Made) -> None:
    products = grocery.lines.groupby("basket_id")["product_id"].agg(set)
    number = dict(zip(assortment("grocery").name, assortment("grocery").number, strict=True))
    flour, sugar, pizza = number["flour, 1 kg"], number["sugar, 1 kg"], number["frozen pizza"]
    with_flour = products[products.map(lambda own: flour in own)]
    lift = with_flour.map(lambda own: sugar in own).mean() / products.map(lambda own: sugar in own).mean()
    unrelated = with_flour.map(lambda own: pizza in own).mean() / products.map(lambda own: pizza in own).mean()
    assert lift > 1.3 * unrelated


def test_the_same_store_is_the_same_in_every_block() -> None:
    one, other = make(range(1_000)).baskets, make(range(20_000, 21_000)).baskets
    traits = ["store_id", "store_size", "region"]
    assert len(pd.concat([one, other])[traits].drop_duplicates()) == 12
    ours = one.merge(other, on="store_id")
    assert (ours.store_size_x == ours.store_size_y).all()


def test_every_kind_of_store_sells_its_own_things() -> None:
    sold = {kind: set(make(range(500), kind=kind).lines.product_id) for kind in ("grocery", "drugstore")}
    sold["home and garden"] = set(make(range(500), kind="home and garden").lines.product_id)
    assert sum(map(len, sold.values())) == len(set.union(*sold.values()))


@pytest.mark.parametrize(
    "params", [{"stores": 1}, {"stores": 500}, {"days": 7}, {"lines": 12}, {"lines": 1.5}, {"promotions": 0.0}]
)
def test_one_basket_alone_can_be_made_at_any_limit(params: dict[str, object]) -> None:
    made = make(range(7, 8), **params)
    assert list(made.baskets.basket_id) == [8]
    assert len(made.lines) == made.baskets.lines[0] >= 1
