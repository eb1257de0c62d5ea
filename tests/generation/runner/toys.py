"""Small generators for tests: one that behaves, with every kind of column, and one for each way to misbehave."""

from __future__ import annotations

import io
import os
import signal
import struct
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from generation.runner import frames
from generation.sdk import (
    PICTURE,
    Job,
    Json,
    Layout,
    Needs,
    Problem,
    Source,
    State,
    Table,
    Tell,
    field,
    generator,
)


class Parameters(BaseModel):
    """What the toys can be asked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    batch: int = Field(1000, ge=1, description="Rows in a batch; changes nothing of what is made.")
    visits: int = Field(3, ge=0, le=10_000, description="Visits of a person on average.")
    pictures: bool = Field(default=False, description="Whether people have a picture.")
    way: str = Field("", description="How to misbehave.")


PEOPLE = pa.schema(
    [
        field("person", pa.int64(), "Number of the person.", role="key"),
        field("portrait", PICTURE, "Portrait.", role="media", media="image/png", nullable=True),
        field("height", pa.float64(), "Height.", unit="cm", role="measure"),
        field("town", pa.string(), "Town.", role="place", nullable=True),
        field("born", pa.date32(), "Date of birth.", role="time"),
        field("smokes", pa.bool_(), "Whether the person smokes."),
        field("scores", pa.list_(pa.float32()), "Scores of tests."),
    ]
)
VISITS = pa.schema(
    [
        field("person", pa.int64(), "Whose visit it was.", role="reference"),
        field("number", pa.int32(), "Number of the visit.", role="key"),
        field("at", pa.timestamp("us"), "When it was.", role="time"),
        field(
            "findings",
            pa.list_(pa.struct([pa.field("code", pa.string()), pa.field("size", pa.float64())])),
            "What was found.",
            nullable=True,
        ),
    ]
)


class Clinic:
    """People, one row each, and their visits, any number each; exact totals; keeps to its contract."""

    name = "toy-clinic"
    version = "1.0.0"
    title = "Toy clinic"
    summary = "People and their visits."
    modality = "tabular"
    Parameters = Parameters
    source = "none"
    exact = "everywhere"
    shares = ()

    def check(self, job: Job) -> list[Problem]:
        if job.params.visits and job.params.pictures and job.units > 1_000_000:
            return [Problem("units", "Too many portraits.", "Ask for fewer.")]
        return []

    def layout(self, job: Job) -> Layout:
        people = Table("people", PEOPLE, key=("person",))
        visits = Table(
            "visits", VISITS, key=("person", "number"), references={"person": ("people", "person")}, rows="many"
        )
        return Layout("person", 1000, (people, visits))

    def needs(self, job: Job) -> Needs:
        return Needs(256, 64, seconds_per_block=0.05)

    def prepare(self, job: Job, source: Source | None, tell: Tell) -> State:
        tell(0.5, "naming towns")
        rng = job.streams.rng("towns")
        towns = [f"Town {n}" for n in rng.permutation(40)]
        return {"towns": pa.table({"town": towns}), "weights": rng.dirichlet(np.ones(40)), "share": 0.25}

    def block(self, job: Job, state: State, units: range) -> Iterator[tuple[str, pa.RecordBatch]]:
        people = self._people(job, state, units)
        visits = self._visits(job, units)
        for name, table in (("people", people), ("visits", visits)):
            for batch in table.combine_chunks().to_batches(max_chunksize=job.params.batch):
                yield name, batch

    def answer_key(self, job: Job, state: State) -> Json:
        return {"smokers": state["share"]}

    def _people(self, job: Job, state: State, units: range) -> pa.Table:
        rng = job.streams.rng("people", units.start)
        n = len(units)
        towns = state["towns"]["town"].take(rng.choice(40, n, p=state["weights"]))
        scores = pa.ListArray.from_arrays(np.arange(n + 1) * 2, rng.random(2 * n, np.float32))
        columns = {
            "person": job.streams.permute("person", units, job.units),
            "portrait": pa.array([self._portrait(rng) if job.params.pictures else None for _ in units], PICTURE),
            "height": rng.normal(170, 10, n),
            "town": pa.chunked_array(towns).combine_chunks() if n else towns,
            "born": pa.array(rng.integers(0, 20_000, n), pa.int32()).cast(pa.date32()),
            "smokes": rng.random(n) < state["share"],
            "scores": scores,
        }
        return pa.table(columns, schema=PEOPLE)

    def _portrait(self, rng: np.random.Generator) -> dict[str, bytes | str | None]:
        from PIL import Image

        file = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8)).save(file, "PNG")
        return {"bytes": file.getvalue(), "path": None}

    def _visits(self, job: Job, units: range) -> pa.Table:
        rng = job.streams.rng("visits", units.start)
        _, counts = job.streams.splits("visits", job.units * job.params.visits, job.units, units)
        n = int(counts.sum())
        findings = [
            None if rng.random() < 0.1 else [{"code": f"C{rng.integers(5)}", "size": rng.random()}] * rng.integers(3)
            for _ in range(n)
        ]
        columns = {
            "person": np.repeat(job.streams.permute("person", units, job.units), counts),
            "number": np.concatenate([np.arange(count) for count in counts]).astype(np.int32),
            "at": rng.integers(1_500_000_000_000_000, 1_700_000_000_000_000, n),
            "findings": findings,
        }
        return pa.table({k: pa.array(v, VISITS.field(k).type) for k, v in columns.items()}, schema=VISITS)


clinic = Clinic()


class Coin(BaseModel):
    """A coin."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    share: float = Field(0.5, ge=0, le=1, description="Share of heads.")


@generator(
    name="toy-coins",
    version="1.0.0",
    title="Coins",
    summary="Tosses of a coin.",
    parameters=Coin,
    schema=pa.schema([field("toss", pa.int64(), "Number of the toss."), field("heads", pa.bool_(), "Whether heads.")]),
)
def coins(params: Coin, units: range, rng: np.random.Generator) -> pa.RecordBatch:
    """Toss a coin for each unit."""
    return pa.record_batch({"toss": np.arange(units.start, units.stop), "heads": rng.random(len(units)) < params.share})


class Crook(Clinic):
    """Breaks its contract in the way that its parameter ``way`` names; keeps to it where there is none."""

    name = "toy-crook"
    source = "optional"

    def check(self, job: Job) -> list[Problem]:
        if job.params.way == "sleep in check":
            time.sleep(600)
        if job.params.way == "check of no sense":
            frames.send(3, frames.Kind.ANSWER, b'{"ok":{"problems":[7]}}')
        if job.params.way == "check of no JSON":
            frames.send(3, frames.Kind.ANSWER, b"{")
        if job.params.way == "check of a list":
            frames.send(3, frames.Kind.ANSWER, b"[]")
        if job.params.way == "check without end":
            frames.send(3, frames.Kind.ANSWER, b'{"ok":' + b"[" * 200_000)
        if job.params.way == "check of infinities":
            frames.send(3, frames.Kind.ANSWER, b'{"ok":{"problems":[],"layout":Infinity}}')
        if job.params.way == "check of half a character":
            frames.send(3, frames.Kind.ANSWER, b'{"fault":{"owner":"seller","message":"\\ud800"}}')
        if job.params.way == "check that blames the buyer":
            frames.send(3, frames.Kind.ANSWER, b'{"fault":{"owner":"buyer","message":"It was not me."}}')
        return []

    def layout(self, job: Job) -> Layout:
        honest = super().layout(job)
        people, visits = honest.tables
        match job.params.way:
            case "no table":
                return replace(honest, tables=())
            case "table named as a path":
                return replace(honest, tables=(replace(people, name="../people"), visits))
            case "dictionary column":
                column = pa.field("town", pa.dictionary(pa.int32(), pa.string()))
                return replace(honest, tables=(Table("people", pa.schema([column]), key=("nobody",)),))
            case "interval column":
                column = pa.field("span", pa.month_day_nano_interval())
                return replace(honest, tables=(Table("people", pa.schema([column])),))
        return honest

    def needs(self, job: Job) -> Needs:
        honest = super().needs(job)
        return replace(honest, seconds_per_block=float("nan")) if job.params.way == "endless needs" else honest

    def prepare(self, job: Job, source: Source | None, tell: Tell) -> State:
        prepared = dict(super().prepare(job, source, tell))
        if source is not None and job.params.way == "quote the source":
            rows = next(source.batches("default")).to_pylist()
            sys.stderr.write(f"{rows}\n")
            raise ValueError(f"these rows are odd: {rows}")
        return {**prepared, **_prepared(job.params.way)}

    def block(self, job: Job, state: State, units: range) -> Iterator[tuple[str, pa.RecordBatch]]:
        way = job.params.way
        honest = super().block(job, state, units)
        if units.start == 0:
            yield from honest
            return
        first, *others = honest
        yield from _instead(way, *first)
        yield from others

    def answer_key(self, job: Job, state: State) -> Json:
        if job.params.way == "answer key of no JSON":
            return {"share": np.int64(1)}  # type: ignore[dict-item]
        if job.params.way == "rich state":
            return {name: _told_of(state[name]) for name in ("2020-large", "scalar", "columns", "nothing")}
        return super().answer_key(job, state)


def _told_of(member: object) -> Json:
    """What a member of a state is, as far as JSON can say it."""
    if isinstance(member, pa.Table):
        return [str(member.schema), member.num_rows, member["text"][69_999].as_py()[:3]]
    if isinstance(member, np.ndarray):
        return [str(member.dtype), list(member.shape), member.tolist(), bool(member.flags.writeable)]
    return [repr(member)]


def _prepared(way: str) -> dict[str, object]:
    """What ``prepare`` returns beside what it should."""
    match way:
        case "state of objects":
            return {"bad": np.array([object()])}
        case "state named as a path":
            return {"../bad": 1}
        case "state of nothing known":
            return {"bad": {1, 2}}
        case "large state":
            return {"bad": np.zeros(4 << 20, np.int64)}
        case "rich state":
            return {
                "2020-large": pa.table({"text": ["x" * 1_000] * 70_000}),
                "scalar": np.array(2.5),
                "columns": np.asfortranarray(np.arange(6).reshape(2, 3)),
                "nothing": None,
            }
        case "sleep in prepare":
            time.sleep(600)
        case "forged state file":
            frames.send(3, frames.Kind.STATE_FILE, b"../../escaped.json")
            frames.send(3, frames.Kind.STATE_BYTES, b"1")
        case "progress of no sense":
            os.write(4, b"{}\n")
        case "progress beyond all bounds":
            os.write(4, b'{"share":1' + b"0" * 400 + b',"what":""}\n')
    return {}


def _instead(way: str, name: str, batch: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
    """What comes in the second block in the place of its first batch. People have columns as in ``PEOPLE``."""
    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    match way:
        case "raise":
            raise KeyError("no such town")
        case "exit":
            os._exit(3)
        case "sys.exit":
            sys.exit("I give up.")
        case "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "sleep":
            time.sleep(600)
        case "memory":
            columns["height"] = pa.array(np.ones(1 << 28))
        case "arrow memory":
            pa.allocate_buffer(1 << 31)
        case "large file in scratch":
            with open("large", "wb") as file:  # noqa: PTH123
                file.write(bytes(3 << 20))
        case "rows without end":
            while True:
                yield "visits", pa.RecordBatch.from_pylist([], VISITS)
        case "unknown table":
            name = "nobody"
        case "table instead of a batch":
            yield name, pa.Table.from_batches([batch])  # type: ignore[misc]
        case "other type":
            columns["height"] = columns["height"].cast(pa.float32())
        case "row too few":
            batch = batch.slice(1)
            columns = dict(zip(batch.schema.names, batch.columns, strict=True))
        case "row too many":
            yield name, batch.slice(0, 1)
        case "bad offsets":
            buffers = [None, pa.py_buffer(np.array([0, 1 << 30] * (len(batch) // 2 + 1), np.int32)), pa.py_buffer(b"x")]
            columns["town"] = pa.Array.from_buffers(pa.string(), len(batch), buffers)
        case "picture cut short":
            columns["portrait"] = pa.array([{"bytes": b"\x89PNG\r\n\x1a\n", "path": "a.png"}] * len(batch), PICTURE)
        case "frame of no kind":
            os.write(3, b"\xee" * 64)
        case "frame of no Arrow":
            frames.send(3, frames.Kind.BATCHES, b"not Arrow", table=0)
        case "frame of no table":
            frames.send(3, frames.Kind.BATCHES, b"", table=7)
        case "frame without end":
            os.write(3, frames.HEADER.pack(frames.Kind.BATCHES, 0, 1 << 60))
        case "state among rows":
            frames.send(3, frames.Kind.STATE_FILE, b"a.json")
        case "block out of turn":
            frames.send(3, frames.Kind.BLOCK_DONE, struct.pack("<Q", 77))
        case "block of no number":
            frames.send(3, frames.Kind.BLOCK_DONE, b"1")
        case "answer of no JSON":
            frames.send(3, frames.Kind.ANSWER, b"{")
        case "text with a NUL byte":
            columns["town"] = pa.array(["U\0lm"] * len(batch))
        case "usage without end":
            frames.send(3, frames.Kind.ANSWER, b'{"ok":{"usage":{"cpu_seconds":1e999,"peak_bytes":1}}}')
        case "answer too early":
            frames.send(3, frames.Kind.ANSWER, b'{"ok":{"usage":{"cpu_seconds":0.1,"peak_bytes":1}}}')
        case "answer of no sense":
            frames.send(3, frames.Kind.ANSWER, b'[{"fault": 1}]')
        case "usage of no sense":
            yield name, batch
            frames.send(3, frames.Kind.BLOCK_DONE, struct.pack("<Q", 1))
            frames.send(3, frames.Kind.ANSWER, b'{"ok":{"usage":{}}}')
    yield name, pa.record_batch(columns)


crook = Crook()
