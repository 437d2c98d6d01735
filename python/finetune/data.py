"""Data folders decoded once into memory, split as the engine splits them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluate.folders import find_labels, natural_key, open_upright, read_ids, read_labels

from .objects import find_objects
from .random import Random

SHARES = {"train": 0.6, "val": 0.15}


@dataclass(frozen=True)
class Picture:
    """image uint8 [H, W, 3], labels int [H, W] whose objects `rule` tells, classes int [H, W]."""

    name: str
    image: np.ndarray
    labels: np.ndarray
    rule: str
    classes: np.ndarray


@dataclass(frozen=True)
class DataSet:
    """The labelled pictures of a folder by natural name order."""

    key: str
    pictures: list[Picture]

    def split(self, seed: int, order: str = "shuffled") -> dict[str, list[Picture]]:
        """`src/data/split.ts`: shares 60, 15 and 25 of the names, shuffled by the seed; each part in natural order."""
        n = len(self.pictures)
        drawn = list(range(n)) if order == "name" else Random(seed, "split").shuffled(range(n))
        train, val = split_counts(n)
        cuts = {"train": drawn[:train], "val": drawn[train : train + val], "test": drawn[train + val :]}
        return {part: [self.pictures[i] for i in sorted(chosen)] for part, chosen in cuts.items()}


def split_counts(n: int) -> tuple[int, int]:
    """Pictures for training and validation of n."""
    if n <= 2:
        return min(n, 1), int(n == 2)
    val = max(1, int(SHARES["val"] * n + 0.5))
    return min(max(1, int(SHARES["train"] * n + 0.5)), n - val - 1), val


def read_picture(folder: Path, path: Path) -> Picture | None:
    """None when the picture has no mask of its size."""
    image = np.array(open_upright(path).convert("RGB"))
    instances, labels, masks = (find_labels(folder, path.stem, kind) for kind in ("instances", "labels", "masks"))
    by_class = read_labels(labels) if labels else read_ids(masks) if masks else None
    own = read_labels(instances) if instances else by_class
    if own is None or own.shape != image.shape[:2]:
        return None
    classes = (own > 0).astype(np.int64) if by_class is None else by_class
    return Picture(path.name, image, own, "ids" if instances else "components", classes)


def read_set(folder: Path) -> DataSet:
    paths = sorted((folder / "images").iterdir(), key=lambda p: natural_key(p.name))
    found = [picture for path in paths if (picture := read_picture(folder, path))]
    return DataSet(folder.name, found)


def masks_of(picture: Picture, least: float, limit: int) -> list[np.ndarray]:
    """The largest objects as bool masks [H, W]: what an evaluation asks for."""
    objects = find_objects(picture.labels, picture.rule, least)
    return [objects.map == region.id for region in objects.regions[:limit]]
