"""Data folders decoded once into memory, split as the engine splits them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from evaluate.folders import natural_key, read_ids

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
    image = np.array(ImageOps.exif_transpose(Image.open(path)).convert("RGB"))

    def find(kind: str) -> Path | None:
        return next(iter(sorted((folder / kind).glob(f"{path.stem}.*"))), None) if (folder / kind).is_dir() else None

    instances, labels, masks = find("instances"), find("labels"), find("masks")
    by_class = np.asarray(Image.open(labels)).astype(np.int64) if labels else read_ids(masks) if masks else None
    own = np.asarray(Image.open(instances)).astype(np.int64) if instances else by_class
    if own is None or own.shape != image.shape[:2]:
        return None
    classes = (own > 0).astype(np.int64) if by_class is None else by_class
    return Picture(path.name, image, own, "ids" if instances else "components", classes)


def read_set(folder: Path) -> DataSet:
    paths = sorted((folder / "images").iterdir(), key=lambda p: natural_key(p.name.lower()))
    found = [picture for path in paths if (picture := read_picture(folder, path))]
    return DataSet(folder.name, found)


def masks_of(picture: Picture, least: float, limit: int) -> list[np.ndarray]:
    """The largest objects as bool masks [H, W]: what an evaluation asks for."""
    objects = find_objects(picture.labels, picture.rule, least)
    return [objects.map == region.id for region in objects.regions[:limit]]
