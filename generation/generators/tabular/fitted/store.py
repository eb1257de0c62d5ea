"""The fitted state as plain data: tables, arrays and JSON, read back without copying."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pyarrow as pa

from generation.generators.tabular.fitted.cells import Cells
from generation.generators.tabular.fitted.features import Bins, Feature, Levels
from generation.generators.tabular.fitted.trees import Forest
from generation.sdk import Json, State

#: Raised when the form changes; states of all released forms can be opened.
FORM = 1


@dataclass(frozen=True)
class Model:
    """What was learned: an entry for each column, its features, the forest of each feature, and their order."""

    columns: list[Mapping[str, Any]]
    streams: list[str]
    features: list[Feature]
    forests: list[Forest]
    order: list[int]
    cells: Cells


def to_state(model: Model) -> State:
    """Return the model as plain data."""
    bins = [one.values for one in model.features if isinstance(one.values, Bins)]
    levels = [one.values for one in model.features if isinstance(one.values, Levels)]
    leaves = np.concatenate([*(one.leaves for one in model.forests), np.empty(0, np.int32)])
    plan = {
        "form": FORM,
        "columns": model.columns,
        "order": model.order,
        "first": list(model.cells.of),
        "features": [_feature_json(*one) for one in zip(model.streams, model.features, strict=True)],
        "forests": [_forest_json(one) for one in model.forests],
    }
    return {
        "plan": cast(Json, plan),
        "bins": pa.table({"low": _joined([one.low for one in bins]), "high": _joined([one.high for one in bins])}),
        "roundness": np.concatenate([*(one.roundness for one in bins), np.empty((0, 9), np.uint8)]),
        "levels": _levels_table(levels),
        "nodes": np.concatenate([*(one.nodes for one in model.forests), np.empty((0, 4), np.int32)]),
        "slices": np.concatenate([*(one.slices for one in model.forests), np.empty((0, 2), np.int32)]),
        "leaves": leaves.astype(np.uint16) if leaves.max(initial=0) < 1 << 16 else leaves,
        "lookups": _joined([one.lookup for one in model.forests]).astype(np.uint8),
        "terms": _joined([one.terms.ravel() for one in model.forests]).astype(np.float32),
        "edges": _joined([one.edges.ravel() for one in model.forests]).astype(np.float32),
        "cells": model.cells.codes,
        "cell_shares": model.cells.shares,
    }


def _joined(arrays: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate(arrays) if arrays else np.empty(0)


def _levels_table(levels: Sequence[Levels]) -> pa.Table:
    names = [one.names for one in levels]
    ends = [np.concatenate([np.full(one.common, np.nan), one.ends]) for one in levels]
    return pa.table(
        {"name": pa.chunked_array(names, pa.string()), "end": pa.array(_joined(ends), pa.float64(), from_pandas=True)}
    ).combine_chunks()


def _feature_json(stream: str, feature: Feature) -> dict[str, Json]:
    values = feature.values
    told: dict[str, Json] = {"stream": stream, "nullable": feature.nullable, "ordered": feature.ordered}
    if isinstance(values, Bins):
        return {**told, "size": len(values)}
    return {**told, "size": len(values.names), "common": values.common, "pools": values.pools}


def _forest_json(forest: Forest) -> dict[str, Json]:
    return {
        "leader": forest.leader,
        "nodes": len(forest.nodes),
        "leaves": len(forest.leaves),
        "lookup": len(forest.lookup),
        "roots": forest.roots.tolist(),
        "term_column": forest.term_column.tolist(),
        "term_offset": forest.term_offset.tolist(),
        "terms": list(forest.terms.shape),
        "edges": list(forest.edges.shape),
    }


def from_state(state: State) -> Model:
    """Return the model that ``to_state`` wrote. Raises ``ValueError`` for a form that is not known here."""
    plan = cast(Mapping[str, Any], state["plan"])
    if plan.get("form") != FORM:
        raise ValueError(f"this release opens fitted states of form {FORM}, not {plan.get('form')}")
    cells = Cells(tuple(plan["first"]), _array(state["cells"]), _array(state["cell_shares"]))
    return Model(
        columns=plan["columns"],
        streams=[one["stream"] for one in plan["features"]],
        features=list(_features(plan["features"], state)),
        forests=list(_forests(plan["forests"], state)),
        order=plan["order"],
        cells=cells,
    )


def _features(told: Sequence[Mapping[str, Any]], state: State) -> Iterator[Feature]:
    bins, levels = cast(pa.Table, state["bins"]), cast(pa.Table, state["levels"])
    low, high = (_column(bins, name) for name in ("low", "high"))
    roundness = _array(state["roundness"])
    names, ends = levels.column("name").combine_chunks(), _column(levels, "end")
    bin_, level = 0, 0
    for one in told:
        size = one["size"]
        if one["ordered"]:
            at = slice(bin_, bin_ + size)
            yield Feature(Bins(low[at], high[at], roundness[at]), one["nullable"])
            bin_ += size
        else:
            made = ends[level + one["common"] : level + size]
            yield Feature(Levels(names.slice(level, size), one["common"], one["pools"], made), one["nullable"])
            level += size


def _forests(told: Sequence[Mapping[str, Any]], state: State) -> Iterator[Forest]:
    nodes, slices, leaves, lookups, terms, edges = (
        _array(state[name]) for name in ("nodes", "slices", "leaves", "lookups", "terms", "edges")
    )
    node = leaf = lookup = term = edge = 0
    for one in told:
        terms_here, edges_here = int(np.prod(one["terms"])), int(np.prod(one["edges"]))
        yield Forest(
            leader=one["leader"],
            nodes=nodes[node : node + one["nodes"]],
            slices=slices[node : node + one["nodes"]],
            lookup=lookups[lookup : lookup + one["lookup"]],
            roots=_read_only(np.array(one["roots"], np.int32)),
            leaves=leaves[leaf : leaf + one["leaves"]],
            term_column=_read_only(np.array(one["term_column"], np.int32)),
            term_offset=_read_only(np.array(one["term_offset"], np.int32)),
            terms=terms[term : term + terms_here].reshape(one["terms"]),
            edges=edges[edge : edge + edges_here].reshape(one["edges"]),
        )
        node, leaf, lookup = node + one["nodes"], leaf + one["leaves"], lookup + one["lookup"]
        term, edge = term + terms_here, edge + edges_here


def _column(table: pa.Table, name: str) -> np.ndarray:
    return _read_only(table.column(name).to_numpy())


def _array(value: object) -> np.ndarray:
    return _read_only(np.asarray(value))


def _read_only(array: np.ndarray) -> np.ndarray:
    """Return a view that cannot be written to, whatever the array can: compiled loops know it by that."""
    view = array.view()
    view.setflags(write=False)
    return view
