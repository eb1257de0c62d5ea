"""``card-transactions`` as the platform sees it: checks, layout, needs, the shared world, a block, the answer key."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
from pydantic import BaseModel

from generation.generators.tabular.card_transactions import answers, customers, fraud, genuine, table, world
from generation.generators.tabular.card_transactions.parameters import Parameters
from generation.generators.tabular.card_transactions.plan import Plan, plan
from generation.generators.tabular.card_transactions.rows import Rows
from generation.generators.tabular.card_transactions.world import World
from generation.sdk import Exactness, Job, Json, Layout, Modality, Needs, Problem, Source, SourceUse, State, Table, Tell

_ROWS_PER_BLOCK = 60_000
_LARGEST_BLOCK = 4096  # customers
_MOST_PER_DAY = 10  # transactions of a customer, on average


class CardTransactions:
    """Histories of card payments, a unit being a customer; the number of transactions is exact."""

    name = "card-transactions"
    version = "1.1.0"
    title = "Card transactions with labelled fraud"
    summary = (
        "Payments of customers with their cards, merchants, places, hours and habits, declines and monthly bills; "
        "card testing, account takeover, merchant collusion, unusual travel and bust-out planted at exact rates."
    )
    modality: Modality = "tabular"
    Parameters: type[BaseModel] = Parameters
    source: SourceUse = "none"
    exact: Exactness = "runtime"
    shares: tuple[str, ...] = ()

    def check(self, job: Job) -> list[Problem]:
        """Return the faults that concern several parameters, or the parameters and the number of customers."""
        parameters, totals = _asked(job)
        return [*_shares_beyond_one(parameters, totals), *_impossible_numbers(parameters, totals)]

    def layout(self, job: Job) -> Layout:
        """Return one table; blocks of about 60,000 rows."""
        _, totals = _asked(job)
        mean = max(1, -(-totals.transactions // totals.customers))
        block = max(1, min(_LARGEST_BLOCK, _ROWS_PER_BLOCK // mean))
        return Layout("customer", block, (Table("default", table.SCHEMA, key=("transaction_id",), rows="many"),))

    def needs(self, job: Job) -> Needs:
        """Return the needs of a block, which do not grow with the dataset."""
        return Needs(memory_mib=512, scratch_mib=64, seconds_per_block=0.25, prepare_seconds=1.0)

    def prepare(self, job: Job, source: Source | None, tell: Tell) -> State:
        """Build the merchants, rings and calendars that all customers share."""
        parameters, totals = _asked(job)
        built = world.build(parameters, totals, job.streams.rng("world"))
        tell(1.0, f"{len(built.merchant_id)} merchants")
        return built.to_state()

    def block(self, job: Job, state: State, units: range) -> Iterator[tuple[str, pa.RecordBatch]]:
        """Yield the transactions of the customers ``units`` in one batch, by customer and time."""
        parameters, totals = _asked(job)
        shared = World.from_state(state)
        people = customers.draw(shared, totals, job.streams, units)
        rng = job.streams.rng("genuine", units.start)
        activity = genuine.ends(shared, people, rng)
        everyday, bills = genuine.make(shared, people, activity, parameters.declines, rng)
        planted = fraud.make(shared, people, totals, activity, everyday, job.streams.rng("fraud", units.start))
        rows = Rows.join([everyday, bills, *planted])
        yield "default", table.make(parameters, shared, people, totals, job.streams, rows)

    def answer_key(self, job: Job, state: State) -> Json:
        """Return what was planted: exact totals, rings, windows, causes."""
        parameters, totals = _asked(job)
        return answers.answer_key(parameters, totals, World.from_state(state))


def _asked(job: Job) -> tuple[Parameters, Plan]:
    if not isinstance(job.params, Parameters):
        raise TypeError(f"card-transactions takes its own Parameters, not {type(job.params).__name__}")
    return job.params, plan(job.params, job.units)


def _shares_beyond_one(parameters: Parameters, totals: Plan) -> Iterator[Problem]:
    shares = {planted.name: getattr(parameters, planted.name) for planted in totals.planted}
    total = sum(shares.values())
    if total > 1.0 + 1e-9:
        for name, share in shares.items():
            if share > 0.0:
                yield Problem(
                    name,
                    f"the shares of the five patterns add up to {total:.4g}; a customer suffers one pattern at most",
                    "lower the shares until they add up to 1 or less",
                )


def _impossible_numbers(parameters: Parameters, totals: Plan) -> Iterator[Problem]:
    asked, customers = totals.transactions, totals.customers
    least = customers + totals.fraudulent
    if asked < least:
        yield Problem(
            "transactions",
            f"{asked} transactions are too few: {customers} customers need one genuine transaction each, and the "
            f"planted fraud {totals.fraudulent}",
            f"ask for {least} transactions or more, or for fewer customers or less fraud",
        )
    most = _MOST_PER_DAY * parameters.days * customers
    if asked > most:
        yield Problem(
            "transactions",
            f"{asked} transactions are more than {_MOST_PER_DAY} a day for each of {customers} customers over "
            f"{parameters.days} days",
            f"ask for {most} transactions or fewer, or for more customers or days",
        )
