"""Card transactions: exact totals, equal bytes in any order, a plausible world, five patterns that behave as named."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import average_precision_score
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

from generation.generators.tabular.card_transactions import generator
from generation.generators.tabular.card_transactions.geography import distance_km, unit_vectors
from generation.generators.tabular.card_transactions.parameters import Parameters
from generation.sdk import Job, Json, Streams

SEED = bytes(range(16))
PATTERNS = ("card_testing", "account_takeover", "merchant_collusion", "unusual_travel", "bust_out")
NO_FRAUD = dict.fromkeys(PATTERNS, 0.0)


@dataclass(frozen=True)
class Made:
    """A whole dataset: its table in pandas and its answer key."""

    rows: pd.DataFrame
    key: Any


def job(units: int, seed: bytes = SEED, **parameters: Any) -> Job:
    return Job(Parameters(**parameters), units, Streams(seed))


def ranges(of: Job) -> list[range]:
    block = max(1, min(generator.layout(of).block, of.units // 100))
    return [range(first, min(first + block, of.units)) for first in range(0, of.units, block)]


def prepared(of: Job) -> Any:
    return generator.prepare(of, None, lambda share, what: None)


def batches(of: Job, blocks: list[range]) -> list[pa.RecordBatch]:
    state = prepared(of)
    return [batch for units in blocks for _, batch in generator.block(of, state, units)]


def make(of: Job) -> Made:
    table = pa.Table.from_batches(batches(of, ranges(of)))
    key: Json = generator.answer_key(of, prepared(of))
    return Made(table.to_pandas(), key)


def digest(batch: pa.RecordBatch) -> str:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return hashlib.sha256(sink.getvalue()).hexdigest()


@pytest.fixture(scope="module")
def made() -> Made:
    """3,000 customers, each pattern a few times commoner than by default, so that every property can be measured."""
    return make(
        job(3000, card_testing=0.02, account_takeover=0.02, merchant_collusion=0.02, unusual_travel=0.02, bust_out=0.02)
    )


@pytest.fixture(scope="module")
def genuine(made: Made) -> pd.DataFrame:
    return made.rows[~made.rows.is_fraud]


def of_pattern(made: Made, name: str) -> pd.DataFrame:
    rows = made.rows[made.rows.fraud_pattern == name]
    assert len(rows) > 0
    return rows


# The table


def test_every_column_is_described_and_has_a_role() -> None:
    (table,) = generator.layout(job(100)).tables
    for column in table.schema:
        assert column.metadata[b"description"], column.name
        assert column.metadata[b"role"], column.name
    assert table.schema.field("amount_eur").metadata[b"unit"] == b"EUR"
    assert table.key == ("transaction_id",)


def test_columns_are_plain_and_batches_are_valid() -> None:
    asked = job(300)
    (table,) = generator.layout(asked).tables
    for batch in batches(asked, ranges(asked)[:20]):
        batch.validate(full=True)
        assert batch.schema.equals(table.schema, check_metadata=True)
        for column in batch.schema:
            assert column.nullable or batch.column(column.name).null_count == 0, column.name
            assert not pa.types.is_dictionary(column.type)


def test_no_column_but_the_optional_ones_is_constant(made: Made) -> None:
    assert [name for name in made.rows if made.rows[name].nunique(dropna=False) < 2] == []


# Exact totals


@pytest.mark.parametrize(("units", "transactions"), [(1, 200), (7, 1013), (99, 7919), (1001, 30_011), (2500, 4001)])
def test_the_number_of_rows_is_exact_for_odd_numbers(units: int, transactions: int) -> None:
    fraud = NO_FRAUD if transactions < 2 * units else {}
    made = make(job(units, transactions=transactions, **fraud))
    assert len(made.rows) == transactions
    assert made.rows.customer_id.nunique() == units
    assert sorted(made.rows.transaction_id) == list(range(1, transactions + 1))


shares = st.floats(0.0, 0.2)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    units=st.integers(1, 300),
    more=st.integers(0, 5000),
    days=st.integers(28, 730),
    start=st.dates(date(2000, 1, 1), date(2099, 12, 31)),
    fraud=st.tuples(shares, shares, shares, shares, shares),
    countries=st.lists(st.sampled_from(["DE", "US", "IE", "PL", "CH"]), min_size=1, unique=True),
    seed=st.binary(min_size=16, max_size=16),
)
@example(1, 0, 28, date(2024, 2, 2), (0.2, 0.2, 0.2, 0.2, 0.2), ["IE"], SEED)
@example(3, 0, 28, date(2024, 2, 2), (0.0, 0.0, 0.0, 0.2, 0.0), ["US"], SEED)
def test_totals_are_exact_whatever_is_asked(
    units: int,
    more: int,
    days: int,
    start: date,
    fraud: tuple[float, ...],
    countries: list[str],
    seed: bytes,
) -> None:
    parameters = {
        "days": days,
        "start": start,
        "countries": tuple(countries),
        **dict(zip(PATTERNS, fraud, strict=True)),
    }
    least = least_transactions(units, parameters)
    asked = job(units, seed, transactions=least + more, **parameters)
    if generator.check(asked):
        assert more > 0  # too many for so few customers and days
        return
    made = make(asked)
    rows = made.rows
    assert len(rows) == least + more
    assert rows.customer_id.nunique() == units
    assert (rows.groupby("customer_id").is_fraud.agg(lambda labels: (~labels).sum()) >= 1).all()
    assert rows.transaction_id.is_unique
    first = pd.Timestamp(start)
    assert rows.timestamp.between(first, first + pd.Timedelta(days=days), inclusive="left").all()
    for name, share in zip(PATTERNS, fraud, strict=True):
        told = made.key["patterns"][name]
        planted = rows[rows.fraud_pattern == name]
        assert len(planted) == told["transactions"]
        assert planted.customer_id.nunique() == told["customers"]
        assert abs(told["customers"] - share * units) <= 1.0


def least_transactions(units: int, parameters: dict[str, Any]) -> int:
    (problem,) = generator.check(job(units, transactions=1, **parameters)) or (None,)
    return 1 if problem is None else int(problem.remedy.split()[2])


def test_shares_of_customers_are_exact(made: Made) -> None:
    attacked = made.rows[made.rows.is_fraud].groupby("fraud_pattern").customer_id.nunique()
    assert attacked.to_dict() == dict.fromkeys(PATTERNS, 60)


def test_a_customer_suffers_one_pattern_at_most(made: Made) -> None:
    assert made.rows[made.rows.is_fraud].groupby("customer_id").fraud_pattern.nunique().max() == 1


def test_the_answer_key_counts_what_is_there(made: Made) -> None:
    key = made.key
    assert key["transactions"] == len(made.rows) == key["genuine_transactions"] + key["fraudulent_transactions"]
    assert key["fraudulent_transactions"] == made.rows.is_fraud.sum()
    for name in PATTERNS:
        told, rows = key["patterns"][name], made.rows[made.rows.fraud_pattern == name]
        fewest, most = told["transactions_per_customer"]
        assert told["transactions"] == len(rows)
        assert rows.groupby("customer_id").size().between(fewest, most).all()
        assert set(told["columns_that_tell"]) <= set(made.rows.columns)
        assert told["how"]


# The same wherever and whenever it is made


def test_blocks_are_equal_in_any_order_and_alone() -> None:
    asked = job(900, transactions=40_003)
    blocks = ranges(asked)
    forward = [digest(batch) for batch in batches(asked, blocks)]
    backward = [digest(batch) for batch in batches(asked, blocks[::-1])][::-1]
    alone = [digest(batch) for units in blocks[40:44] for batch in batches(asked, [units])]
    assert forward == backward
    assert forward[40:44] == alone
    assert len(set(forward)) == len(forward)


def test_another_seed_gives_other_rows() -> None:
    blocks = ranges(job(300))[:3]
    ours, theirs = batches(job(300), blocks), batches(job(300, b"\x01" * 16), blocks)
    assert not {digest(batch) for batch in ours} & {digest(batch) for batch in theirs}


def test_no_row_lies_outside_the_customers_of_its_block_and_rows_are_in_order() -> None:
    asked = job(1500)
    state = prepared(asked)
    for units in ranges(asked)[::9]:
        for _, batch in generator.block(asked, state, units):
            rows = batch.to_pandas()
            assert set(rows.customer_id) == set(units)
            assert rows.customer_id.is_monotonic_increasing
            assert (rows.timestamp.diff()[rows.customer_id.diff() == 0] >= pd.Timedelta(0)).all()
            assert (rows.sequence == rows.groupby("customer_id").cumcount() + 1).all()


def test_a_block_near_the_end_is_as_large_as_the_first() -> None:
    asked = job(200_000, transactions=10_000_000)
    assert generator.check(asked) == []
    blocks = ranges(asked)
    first, late = batches(asked, [blocks[0], blocks[-2]])  # the last one is what is left
    assert 0.9 < late.num_rows / first.num_rows < 1.1


def test_the_shared_world_is_bounded() -> None:
    small, large = (
        sum(array.nbytes for array in prepared(job(units)).values()) for units in (1_000_000, 1_000_000_000)
    )
    assert small == large < 16_000_000


# A plausible world


def test_nights_are_quiet_and_each_category_has_its_hours(genuine: pd.DataFrame) -> None:
    bought = genuine[genuine.channel != "recurring"]
    hours = bought.timestamp.dt.hour
    assert hours.between(1, 4).mean() < 0.03
    by_category = bought.groupby("merchant_category").timestamp.agg(lambda times: times.dt.hour.median())
    assert by_category["bakeries"] < by_category["restaurants"] < by_category["bars"]
    transport = hours[bought.merchant_category == "local transport"]
    assert transport.isin([7, 8, 17]).mean() > 2.0 * 3.0 / 24.0


def test_weeks_have_their_rhythm(genuine: pd.DataFrame) -> None:
    shops = genuine[genuine.merchant_category.isin(["groceries", "clothing", "department stores"])]
    weekdays = shops.timestamp.dt.day_of_week.value_counts(normalize=True)
    assert weekdays[5] > 1.3 / 7.0
    assert weekdays[6] < 0.8 / 7.0


def test_december_sells_more_than_february(genuine: pd.DataFrame) -> None:
    shops = genuine[genuine.merchant_category.isin(["clothing", "electronics", "books", "online marketplaces"])]
    per_day = shops.groupby(shops.timestamp.dt.month).size() / pd.Series({12: 31, 2: 28})
    assert per_day[12] > 1.25 * per_day[2]


@pytest.mark.parametrize(
    ("category", "least", "most"),
    [("bakeries", 3, 8), ("groceries", 18, 36), ("fuel", 40, 70), ("electronics", 60, 150), ("streaming", 7, 16)],
)
def test_amounts_suit_their_category(genuine: pd.DataFrame, category: str, least: float, most: float) -> None:
    assert least < genuine.amount_eur[genuine.merchant_category == category].median() < most


def test_amounts_end_as_prices_do(genuine: pd.DataFrame) -> None:
    cents = (genuine.amount * 100.0).round().astype(int) % 100
    shops = genuine.merchant_category.isin(["clothing", "electronics", "online marketplaces"])
    assert (cents[shops] == 99).mean() > 0.25
    groceries = cents[genuine.merchant_category == "groceries"]
    assert groceries.value_counts(normalize=True).max() < 0.03
    cash = genuine.amount[genuine.channel == "atm"]
    assert (cash % 10 == 0).all()
    assert ((genuine.amount * 100.0).round() / 100.0 == genuine.amount).all()


def test_who_earns_more_spends_more_and_is_declined_less(genuine: pd.DataFrame) -> None:
    bands = genuine.groupby("income_band").agg(spent=("amount_eur", "median"), approved=("approved", "mean"))
    assert bands.spent["high"] > 1.3 * bands.spent["low"]
    assert bands.approved["high"] > bands.approved["low"]


def test_the_young_play_and_the_old_draw_cash(genuine: pd.DataFrame) -> None:
    share = pd.crosstab(genuine.age_band, genuine.merchant_category, normalize="index")
    assert share["digital games"]["18-24"] > 4 * share["digital games"]["65+"]
    assert share["cash machines"]["65+"] > 2 * share["cash machines"]["18-24"]


def test_the_currency_is_that_of_the_place_and_euros_follow_the_fixed_rates(made: Made) -> None:
    rows = made.rows
    shown = rows[rows.distance_from_home.notna()]
    assert shown.groupby("merchant_country").currency.nunique().max() == 1
    assert set(shown.currency[shown.merchant_country == "PL"]) == {"PLN"}
    rate = rows.currency.map(made.key["euro_rates"])
    assert np.allclose(rows.amount_eur, rows.amount / rate, atol=0.00501)


def test_places_are_null_exactly_when_the_card_was_not_presented(made: Made) -> None:
    rows = made.rows
    presented = ~rows.channel.isin(["online", "recurring"])
    for column in ("merchant_latitude", "merchant_longitude", "distance_from_home"):
        assert (rows[column].notna() == presented).all()
    online = rows.channel == "online"
    assert (rows.device_id.notna() == online).all()
    assert (rows.ip_country.notna() == online).all()
    assert (rows.decline_reason.isna() == rows.approved).all()


def test_people_live_near_where_they_shop_and_travel_sometimes(genuine: pd.DataFrame) -> None:
    distance = genuine.distance_from_home.dropna()
    assert distance.median() < 20.0
    assert 0.01 < (distance > 500.0).mean() < 0.10


def test_honest_cards_hardly_ever_travel_faster_than_people(genuine: pd.DataFrame) -> None:
    shown = genuine[genuine.distance_from_home.notna()]
    speed = speeds(shown.iloc[:-1], shown.iloc[1:])[(shown.customer_id.diff() == 0).to_numpy()[1:]]
    assert (speed > 1000.0).mean() < 0.003


def test_bills_return_monthly_at_one_merchant_with_one_card(genuine: pd.DataFrame) -> None:
    bills = genuine[(genuine.channel == "recurring") & (genuine.merchant_category == "streaming")]
    by_contract = bills.groupby(["customer_id", "merchant_id", "card_id"]).timestamp
    gaps = by_contract.diff().dropna().dt.days
    assert len(gaps) > 500
    assert gaps.between(27, 31).mean() > 0.95
    assert len(bills) / bills.groupby(["customer_id", "merchant_id"]).ngroups > 6


def test_the_share_of_honest_declines_is_as_asked(genuine: pd.DataFrame) -> None:
    assert (~genuine.approved).mean() == pytest.approx(0.03, abs=0.002)
    assert make(job(200, declines=0.0, **NO_FRAUD)).rows.approved.all()


def test_a_wrong_pin_needs_a_pin_and_a_security_code_the_net(made: Made) -> None:
    reasons = made.rows.groupby("decline_reason").channel.unique()
    assert set(reasons["wrong PIN"]) <= {"chip", "magstripe", "atm"}
    assert set(reasons["wrong security code"]) == {"online"}


def test_popular_merchants_are_few_and_most_are_visited_rarely(genuine: pd.DataFrame) -> None:
    visits = genuine[genuine.channel != "recurring"].merchant_id.value_counts()
    assert visits.iloc[: len(visits) // 10].sum() > 0.35 * visits.sum()
    assert visits.iloc[0] < 0.02 * visits.sum()


def test_customers_differ_in_how_often_they_pay(made: Made) -> None:
    rows = made.rows.groupby("customer_id").size()
    assert rows.std() > 0.4 * rows.mean()


def test_customers_live_in_the_countries_asked() -> None:
    rows = make(job(200, countries=("US", "CA"), **NO_FRAUD)).rows
    assert set(rows.home_country) == {"US", "CA"}
    assert set(rows.currency[rows.channel == "recurring"]) == {"USD", "CAD"}


# The planted patterns


def test_card_testing_is_a_burst_of_tiny_online_sums_mostly_declined_then_a_large_one(made: Made) -> None:
    rows = of_pattern(made, "card_testing")
    assert set(rows.channel) == {"online"}
    assert (rows.groupby("customer_id").card_id.nunique() == 1).all()
    last = rows.groupby("customer_id").sequence.transform("max") == rows.sequence
    tried, taken = rows[~last], rows[last]
    assert tried.amount_eur.median() < 3.0
    assert tried.amount_eur.quantile(0.99) < 15.0
    assert taken.amount_eur.median() > 100.0
    assert 0.5 < (~tried.approved).mean() < 0.75
    assert taken.approved.mean() > 0.5
    assert (tried.groupby("customer_id").merchant_id.nunique() <= 3).all()
    assert set(tried.merchant_id) <= set(made.key["tested_merchants"])
    lasted = tried.groupby("customer_id").timestamp.agg(lambda times: times.max() - times.min())
    assert lasted.median() < pd.Timedelta(hours=1)


def test_account_takeover_is_much_money_in_hours_from_a_new_device_elsewhere(made: Made) -> None:
    rows, honest = of_pattern(made, "account_takeover"), made.rows[~made.rows.is_fraud]
    assert set(rows.channel) == {"online"}
    online = honest[honest.channel == "online"]
    assert rows.amount_eur.median() > 3.0 * online.amount_eur.median()
    lasted = rows.groupby("customer_id").timestamp.agg(lambda times: times.max() - times.min())
    assert lasted.max() <= pd.Timedelta(hours=16)
    known = set(zip(online.customer_id, online.device_id, strict=True))
    new = [pair not in known for pair in zip(rows.customer_id, rows.device_id, strict=True)]
    assert 0.75 < np.mean(new) < 1.0
    assert (rows.ip_country != rows.home_country).mean() > 0.5
    assert (online.ip_country != online.home_country).mean() < 0.1


def test_merchant_collusion_is_round_sums_of_shared_cards_at_the_rings_merchants(made: Made) -> None:
    rows, honest = of_pattern(made, "merchant_collusion"), made.rows[~made.rows.is_fraud]
    rings = made.key["rings"]
    ring_of = {merchant["merchant_id"]: number for number, ring in enumerate(rings) for merchant in ring["merchants"]}
    ring = rows.merchant_id.map(ring_of)
    assert ring.notna().all()
    assert (ring.groupby(rows.customer_id).nunique() == 1).all()
    assert (rows.amount % 10 == 0).all()
    first = pd.to_datetime(ring.map(lambda number: rings[int(number)]["first_day"]))
    last = pd.to_datetime(ring.map(lambda number: rings[int(number)]["last_day"]))
    assert (rows.timestamp >= first).all()
    assert (rows.timestamp < last + pd.Timedelta(days=1)).all()
    assert (rows.groupby("card_id").merchant_id.nunique() >= 3).all()
    assert rows.groupby("merchant_id").customer_id.nunique().min() >= 2
    assert sum(each["participants"] for each in rings) == rows.customer_id.nunique()
    assert honest.merchant_id.isin(set(rows.merchant_id)).sum() > 0


def test_unusual_travel_is_faster_than_anybody_can_travel(made: Made) -> None:
    rows, honest = of_pattern(made, "unusual_travel"), made.rows[~made.rows.is_fraud]
    assert (rows.distance_from_home > 1300.0).all()
    first = rows.drop_duplicates("customer_id")
    pairs = first.merge(honest[honest.merchant_category == "groceries"], on="card_id", suffixes=("", "_home"))
    pairs = pairs[(pairs.distance_from_home_home < 100.0) & (pairs.timestamp_home <= pairs.timestamp)]
    home = pairs[["timestamp_home", "merchant_latitude_home", "merchant_longitude_home"]]
    home.columns = home.columns.str.removesuffix("_home")
    fastest = pd.Series(speeds(home, pairs), pairs.customer_id).groupby(level=0).max()
    assert len(fastest) == first.customer_id.nunique()
    assert (fastest > 950.0).all()


def test_a_bust_out_rises_exhausts_the_limit_and_is_followed_by_nothing(made: Made) -> None:
    rows, honest = of_pattern(made, "bust_out"), made.rows[~made.rows.is_fraud]
    own = honest[honest.customer_id.isin(rows.customer_id)]
    by_customer = rows.groupby("customer_id")
    assert (by_customer.timestamp.max() > own.groupby("customer_id").timestamp.max()).all()
    lasted = by_customer.timestamp.agg(lambda times: times.max() - times.min())
    assert lasted.max() < pd.Timedelta(hours=84)
    limit = by_customer.card_limit.first()
    assert (by_customer.amount_eur.sum() > 0.85 * limit).all()
    assert (rows[rows.approved].groupby("customer_id").amount_eur.sum() <= 1.02 * limit).all()
    assert set(rows.decline_reason.dropna()) == {"limit exceeded"}
    assert set(rows.card_type) == {"credit"}
    first, end = own.timestamp.min(), by_customer.timestamp.min()
    age = (own.timestamp - first) / (own.customer_id.map(end) - first)
    assert (age > 0.5).mean() > 0.6
    assert own.amount_eur[age > 0.75].mean() > 1.2 * own.amount_eur[age < 0.25].mean()


def speeds(before: pd.DataFrame, after: pd.DataFrame) -> np.ndarray:
    """Kilometres an hour between two presentations of a card, at least a minute apart."""
    places = ["merchant_latitude", "merchant_longitude"]
    kilometres = distance_km(unit_vectors(before[places].to_numpy(float)), unit_vectors(after[places].to_numpy(float)))
    seconds = (after.timestamp.to_numpy() - before.timestamp.to_numpy()) / np.timedelta64(1, "s")
    return np.asarray(kilometres / (np.maximum(seconds, 60.0) / 3600.0))


# Worth modelling: not trivial, not hopeless


def test_no_single_column_gives_fraud_away(made: Made) -> None:
    rows = made.rows
    label, held_out = rows.is_fraud.to_numpy(), (rows.customer_id % 3 == 0).to_numpy()
    columns = [name for name in rows if name not in ("is_fraud", "fraud_pattern")]
    precision = {}
    for name in columns:
        values = numbers(rows[name])
        tree = DecisionTreeClassifier(max_depth=4, min_samples_leaf=20, random_state=0)
        tree.fit(values[~held_out], label[~held_out])
        precision[name] = average_precision_score(label[held_out], tree.predict_proba(values[held_out])[:, 1])
    assert max(precision.values()) < 0.65, precision
    assert sum(value > 0.3 for value in precision.values()) <= 2, precision


def numbers(column: pd.Series) -> np.ndarray:
    """One column as a feature: numbers as they are, words and dates by their order."""
    if not pd.api.types.is_numeric_dtype(column):
        column = column.astype("category").cat.codes
    return column.astype(float).fillna(-1.0).to_numpy()[:, None]


def test_a_small_model_with_ordinary_features_finds_a_good_part_of_the_fraud(made: Made) -> None:
    rows = made.rows
    label, held_out = rows.is_fraud.to_numpy(), (rows.customer_id % 3 == 0).to_numpy()
    device = rows.groupby(["customer_id", "device_id"]).transaction_id.transform("size").fillna(0.0)
    usual = rows.groupby("customer_id").amount_eur.transform("median")
    features = np.column_stack(
        [
            rows.amount_eur,
            rows.amount_eur / usual,
            rows.seconds_since_previous.fillna(1e7),
            -rows.groupby("customer_id").timestamp.diff(-1).dt.total_seconds().fillna(-1e7),
            rows.distance_from_home.fillna(-1.0),
            rows.merchant_category_code,
            numbers(rows.channel),
            rows.approved,
            rows.ip_country.notna() & (rows.ip_country != rows.home_country),
            device,
            rows.amount_eur / rows.card_limit,
            rows.amount % 10 == 0,
        ]
    ).astype(float)
    with threadpool_limits(1):
        model = HistGradientBoostingClassifier(max_iter=50, max_leaf_nodes=15, random_state=0)
        model.fit(features[~held_out], label[~held_out])
    found = average_precision_score(label[held_out], model.predict_proba(features[held_out])[:, 1])
    assert 0.5 < found < 0.97


# Faults


def test_too_few_transactions_are_refused_with_the_least_number() -> None:
    asked = job(1000, transactions=999)
    (problem,) = generator.check(asked)
    assert problem.field == "transactions"
    least = least_transactions(1000, {})
    assert str(least) in problem.remedy
    assert generator.check(job(1000, transactions=least)) == []
    assert len(generator.check(job(1000, transactions=least - 1))) == 1


def test_too_many_transactions_for_a_customer_are_refused() -> None:
    (problem,) = generator.check(job(10, transactions=28 * 10 * 10 + 1, days=28))
    assert problem.field == "transactions"
    assert "more than 10 a day" in problem.message


def test_shares_beyond_one_are_refused_at_every_field_that_takes_part() -> None:
    problems = generator.check(job(100, card_testing=0.6, bust_out=0.5, account_takeover=0.0))
    assert {problem.field for problem in problems} == {
        "card_testing",
        "merchant_collusion",
        "unusual_travel",
        "bust_out",
    }
    assert all("add up to" in problem.message for problem in problems)


def test_all_faults_are_told_at_once() -> None:
    problems = generator.check(job(100, card_testing=0.9, bust_out=0.9, transactions=5))
    assert {"transactions", "card_testing", "bust_out"} <= {problem.field for problem in problems}


@pytest.mark.parametrize("units", [1, 2, 3, 50, 100_000_000])
def test_the_defaults_suit_any_number_of_customers(units: int) -> None:
    assert generator.check(job(units)) == []


def test_shares_that_add_up_to_one_suit_any_number_of_customers() -> None:
    for units in range(1, 40):
        assert generator.check(job(units, **dict.fromkeys(PATTERNS, 0.2))) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"transactions": 0},
        {"countries": ()},
        {"countries": ("DE", "DE")},
        {"countries": ("XX",)},
        {"days": 27},
        {"days": 731},
        {"bust_out": -0.1},
        {"declines": 0.31},
        {"start": "1999-12-31"},
        {"colour": "red"},
    ],
)
def test_parameters_out_of_their_limits_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Parameters(**wrong)


def test_every_parameter_has_a_title_and_a_description_for_the_form() -> None:
    for name, described in Parameters.model_json_schema()["properties"].items():
        assert described["title"], name
        assert described["description"], name
