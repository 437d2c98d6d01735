"""Labelled images, their order and their parts in a run."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..random import Random
from .objects import find_objects

SHARES = {"train": 0.6, "val": 0.15}


@dataclass(frozen=True, eq=False)
class LabelledImage:
    """image uint8 [H, W, 3]; labels int [H, W], from which `rule` finds the objects; classes int [H, W]; both may hold IGNORED.

    side: pixels of the crops in which a model sees it; None: it is seen whole.
    """

    name: str
    image: np.ndarray
    labels: np.ndarray
    rule: str
    classes: np.ndarray
    side: int | None = None


def masks_of(image: LabelledImage, fewest: float, limit: int) -> list[np.ndarray]:
    """The largest objects as bool masks [H, W], each of at least `fewest` pixels: those that are evaluated."""
    objects = find_objects(image.labels, image.rule, fewest)
    return [objects.map == region.id for region in objects.regions[:limit]]


def natural_key(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """Sorts digits as numbers (2 before 10) and ignores case except between equals (`src/data/natural-order.ts`)."""
    parts = re.split(r"(\d+)", name.lower())
    return [(0, int(p), "") if p.isdigit() else (1, 0, p) for p in parts if p], name


def split_counts(n: int) -> tuple[int, int]:
    """How many of n images are for training and for validation."""
    if n <= 2:
        return min(n, 1), int(n == 2)
    val = max(1, int(SHARES["val"] * n + 0.5))
    return min(max(1, int(SHARES["train"] * n + 0.5)), n - val - 1), val


def drawn(n: int, train: int, val: int, seed: int, order: str = "shuffled") -> dict[str, list[int]]:
    """n images in natural order of their names by part (`src/data/split.ts`), each part in that order; the rest is for the test."""
    all_of_them = list(range(n)) if order == "name" else Random(seed, "split").shuffled(range(n))
    parts = {"train": all_of_them[:train], "val": all_of_them[train : train + val], "test": all_of_them[train + val :]}
    return {part: sorted(chosen) for part, chosen in parts.items()}


Split = dict[str, Sequence[LabelledImage]]
"""The images of a dataset for `train`, `val` and `test`."""
