"""Card transactions in batches of other sizes: the same rows, cut and copied, as another author might yield them."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from generation.generators.tabular.card_transactions.generator import CardTransactions
from generation.sdk import Job, State


class Resliced(CardTransactions):
    """Yields at most ``most`` rows a batch, some of them none; the rows of a block are those of its base."""

    shares = ("generation.generators.tabular.card_transactions",)

    def __init__(self, most: int) -> None:
        self.most = most

    def block(self, job: Job, state: State, units: range) -> Iterator[tuple[str, pa.RecordBatch]]:
        for name, batch in super().block(job, state, units):
            yield name, batch.slice(0, 0)
            for start in range(0, batch.num_rows, self.most):
                yield name, batch.slice(start, self.most)


by_50 = Resliced(50)
by_500 = Resliced(500)
