"""Data folders decoded once into memory, split as the engine splits them."""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from evaluate.folders import KINDS, LabelledImage, image_files, labelled, read_image
from mopeft.random import Random

SHARES = {"train": 0.6, "val": 0.15}


@dataclass(frozen=True)
class DataSet:
    """The labelled images of a folder in natural order of their names. stamp: see the function `stamp`."""

    key: str
    images: list[LabelledImage]
    stamp: str

    def split(self, seed: int, order: str = "shuffled") -> dict[str, list[LabelledImage]]:
        """`src/data/split.ts`: shares 60, 15 and 25 of the names, shuffled by the seed; each part in natural order."""
        n = len(self.images)
        drawn = list(range(n)) if order == "name" else Random(seed, "split").shuffled(range(n))
        train, val = split_counts(n)
        parts = {"train": drawn[:train], "val": drawn[train : train + val], "test": drawn[train + val :]}
        return {part: [self.images[i] for i in sorted(chosen)] for part, chosen in parts.items()}


def split_counts(n: int) -> tuple[int, int]:
    """How many of n images are for training and for validation."""
    if n <= 2:
        return min(n, 1), int(n == 2)
    val = max(1, int(SHARES["val"] * n + 0.5))
    return min(max(1, int(SHARES["train"] * n + 0.5)), n - val - 1), val


def stamp(folder: Path, ignored: Collection[int] = ()) -> str:
    """A set's name, a short hash of its files' names and sizes, which identify it without decoding an image, and its ignored values."""
    files = [p for kind in ("images", *KINDS) for p in image_files(folder / kind).values()]
    listed = json.dumps([(p.parent.name, p.name, p.stat().st_size) for p in files])
    identity = f"{folder.name} {hashlib.sha256(listed.encode()).hexdigest()[:12]}"
    return f"{identity} without {','.join(map(str, sorted(ignored)))}" if ignored else identity


def distinct(names: Iterable[str]) -> None:
    """SystemExit if two sets have the same name, since a run tells sets apart by it."""
    twice = [name for name, n in Counter(names).items() if n > 1]
    if twice:
        raise SystemExit(f"two sets are named {twice[0]}: rename a folder, or name it once")


def read_set(folder: Path, ignored: Collection[int] = ()) -> DataSet:
    """ignored: values of masks whose pixels take no part. SystemExit if no image is labelled, or a file cannot be used."""
    found = [read_image(path, files, ignored) for path, files in labelled(folder)]
    if not found:
        raise SystemExit(f"{folder} has no labelled image: put images into images/ and files of their names into masks/")
    return DataSet(folder.name, found, stamp(folder, ignored))


def read_sets(folders: list[Path], ignored: Collection[int] = ()) -> list[DataSet]:
    """The sets of a run; their names must differ."""
    distinct(folder.name for folder in folders)
    return [read_set(folder, ignored) for folder in folders]
