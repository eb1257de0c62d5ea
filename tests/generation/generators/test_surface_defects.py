"""Pictures of surfaces: what is labelled is what is there, and no trivial model sees through them."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from generation.generators.image.surface.defects import DEFECTS
from generation.generators.image.surface.scene import run_lengths
from generation.generators.image.surface_defects import generator
from generation.sdk.media import ALGORITHMIC, read_mark
from tests.generation.generators.blocks import job, tables

CLASSES = list(DEFECTS)


def rows(units: int, **params: Any) -> list[dict[str, Any]]:
    of = job(generator, units, **{"size": 128, **params})
    return tables(generator, of, range(units))["default"].to_pylist()  # type: ignore[no-any-return]


def pixels(cell: dict[str, bytes]) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(cell["bytes"])))


def decoded(runs: list[int], size: int) -> NDArray[np.bool_]:
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs).reshape(size, size).T


@pytest.fixture(scope="module")
def many() -> list[dict[str, Any]]:
    return rows(240)


def test_every_column_is_described() -> None:
    schema = generator.layout(job(generator, 10)).tables[0].schema
    assert all(len(column.metadata[b"description"]) > 5 for column in schema)


def test_pictures_have_the_stated_size_and_the_mark(many: list[dict[str, Any]]) -> None:
    for row in many[:40]:
        assert pixels(row["image"]).shape == (row["size"], row["size"], 3)
        assert read_mark(row["image"]["bytes"]) == read_mark(row["mask"]["bytes"]) == ALGORITHMIC


def test_boxes_areas_and_masks_are_the_same_pixels(many: list[dict[str, Any]]) -> None:
    for row in many:
        mask, rebuilt = pixels(row["mask"]), np.zeros((128, 128), np.uint8)
        for one in row["objects"]:
            part = decoded(one["segmentation"], 128)
            assert one["area"] == part.sum()
            ys, xs = np.nonzero(part)
            assert one["bbox"] == [xs.min(), ys.min(), xs.max() - xs.min() + 1, ys.max() - ys.min() + 1]
            rebuilt[part] = CLASSES.index(one["category"]) + 1
        assert np.array_equal(mask, rebuilt)
        assert row["defects"] == len(row["objects"])


def test_run_lengths_begin_outside_and_cover_the_picture() -> None:
    mask = np.zeros((4, 3), np.bool_)
    mask[0, 0] = mask[1, 2] = True
    assert run_lengths(mask) == [0, 1, 8, 1, 2]
    assert sum(run_lengths(~mask)) == 12


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_the_share_without_defects_is_exact(share: float) -> None:
    free = sum(row["defects"] == 0 for row in rows(60, defect_free_share=share))
    assert free == round(share * 60)


def test_only_the_classes_asked_for_appear() -> None:
    seen = {one["category"] for row in rows(30, classes=["hole", "dent"]) for one in row["objects"]}
    assert seen == {"hole", "dent"}


def test_what_is_severe_is_larger_on_average() -> None:
    for category in CLASSES:
        slight = _mean_area(category, severity_from=0.05, severity_to=0.25)
        assert _mean_area(category, severity_from=0.8, severity_to=1.0) > 1.5 * slight, category


def _mean_area(category: str, **ends: float) -> float:
    made = rows(40, classes=[category], most_defects=1, **ends)
    return float(np.mean([one["area"] for row in made for one in row["objects"]]))


def test_a_defect_changes_the_pixels_that_its_mask_covers(many: list[dict[str, Any]]) -> None:
    """Within masks neighbouring pixels differ more, or are darker or lighter, than in the rest of the picture."""
    contrast = []
    for row in many:
        mask, grey = pixels(row["mask"]) > 0, pixels(row["image"]).mean(axis=2)
        if mask.sum() > 30:
            contrast.append(np.abs(grey[mask] - np.median(grey[~mask])).mean() / grey[~mask].std())
    assert np.median(contrast) > 1.2


def test_crude_features_of_a_whole_picture_do_not_tell_defects(many: list[dict[str, Any]]) -> None:
    features, labels = [], []
    for row in many:
        grey = pixels(row["image"]).astype(np.float64)
        features.append([*grey.mean((0, 1)), *grey.std((0, 1)), *np.percentile(grey, [5, 50, 95])])
        labels.append(row["defects"] > 0)
    half = len(many) // 2
    model = HistGradientBoostingClassifier(max_iter=60).fit(features[:half], labels[:half])
    assert roc_auc_score(labels[half:], model.predict_proba(features[half:])[:, 1]) < 0.97


def test_crossed_ranges_are_both_told() -> None:
    problems = generator.check(
        job(generator, 5, severity_from=0.9, severity_to=0.1, elevation_from=50, elevation_to=20)
    )
    assert {problem.field for problem in problems} == {"severity_to", "elevation_to"}
