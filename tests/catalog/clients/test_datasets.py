"""``datasets`` loads what is licensed: each version and configuration, whole and streamed, pictures as pictures."""

from __future__ import annotations

import pytest

from tests.catalog.clients.conftest import Hub

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("clients")]


def test_datasets_loads_each_version_whole_and_streamed(hub: Hub) -> None:
    told = hub.python(
        """
from datasets import load_dataset
newest, first = load_dataset("acme/payments"), load_dataset("acme/payments", revision="1.0.0")
streamed = load_dataset("acme/payments", revision="1.0.0", split="test", streaming=True)
told = {
    "newest": {split: rows.num_rows for split, rows in newest.items()},
    "first": {split: rows.num_rows for split, rows in first.items()},
    "same": list(streamed.take(40)) == list(first["test"].take(40)),
}
""",
        token=hub.shelved.holder,
    )
    assert told["first"] == hub.shelved.rows["acme/payments 1.0.0"]
    assert told["newest"] == hub.shelved.rows["acme/payments 1.1.0"]
    assert told["same"]


def test_datasets_loads_pictures_as_pictures_and_labels_with_their_names(hub: Hub) -> None:
    told = hub.python(
        """
from datasets import load_dataset
rows = load_dataset("acme/defects", split="train")
streamed = load_dataset("acme/defects", split="train", streaming=True)
category = rows.features["objects"].feature["category"]
objects = [one for row in rows.select_columns("objects") for one in row["objects"]]
told = {
    "rows": rows.num_rows,
    "picture": [type(rows[0]["image"]).__mro__[1].__name__, rows[0]["image"].size, rows[0]["mask"].size],
    "streamed": next(iter(streamed))["image"].size,
    "streamed category": str(streamed.features["objects"].feature["category"]) == str(category),
    "names": category.names,
    "labels": sorted({category.int2str(one["category"]) for one in objects}),
    "alloy": rows.features["alloy"].int2str(rows[0]["alloy"]),
}
""",
        token=hub.shelved.holder,
    )
    assert told["picture"] == ["ImageFile", [256, 256], [256, 256]]
    assert told["streamed"] == [256, 256]
    assert told["streamed category"]
    assert told["names"] == ["scratch", "dent", "stain", "hole"]
    assert set(told["labels"]) <= set(told["names"])
    assert told["rows"] == hub.shelved.rows["acme/defects 1.0.0"]["train"]


def test_datasets_loads_each_configuration(hub: Hub) -> None:
    told = hub.python(
        """
from datasets import get_dataset_config_names, get_dataset_split_names, load_dataset
names = get_dataset_config_names("acme/reports")
told = {name: [get_dataset_split_names("acme/reports", name), load_dataset("acme/reports", name)["train"].column_names]
        for name in names}
""",
        token=hub.shelved.holder,
    )
    assert {name: splits for name, (splits, _) in told.items()} == {
        "parts": ["train", "test"],
        "measurements": ["train", "test"],
    }
    assert "image" in told["parts"][1] and "within_tolerance" in told["measurements"][1]


def test_datasets_tells_a_missing_licence_from_a_missing_dataset_and_loads_the_free_sample(hub: Hub) -> None:
    told = hub.python(
        """
import datasets, huggingface_hub
from datasets import load_dataset
def error(*args, **more):
    try:
        load_dataset(*args, **more)
    except Exception as raised:
        chain, found = raised, []
        while chain is not None:
            found.append([type(chain).__name__, str(chain)])
            chain = chain.__cause__ or chain.__context__
        return found
told = {
    "gated": error("acme/payments"),
    "streamed": error("acme/payments", split="train", streaming=True),
    "private": error("acme/secret"),
    "unknown": error("acme/unknown"),
    "revision": error("acme/payments", revision="9.0.0"),
    "sample": load_dataset("acme/payments", data_files="data/train-00000-*.parquet", split="train").num_rows,
}
""",
        token=hub.shelved.stranger,
    )
    kinds = {case: [kind for kind, _ in errors] for case, errors in told.items() if case not in {"sample", "streamed"}}
    assert "GatedRepoError" in kinds["gated"], told["gated"]
    assert any(f"{hub.address}/datasets/acme/payments" in words for _, words in told["gated"])
    assert kinds["private"][0] == kinds["unknown"][0] == "DatasetNotFoundError"
    assert told["private"][0][1].replace("secret", "unknown") == told["unknown"][0][1]
    assert kinds["revision"][0] == "DatasetNotFoundError"
    assert 0 < told["sample"] < hub.shelved.rows["acme/payments 1.1.0"]["train"]
