"""Data folders decoded once into memory, split as the engine splits them."""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from evaluate.folders import KINDS, image_files, labelled, read_image
from mopeft.train.config import TrainConfig
from mopeft.train.images import LabelledImage, Split, drawn, split_counts


@dataclass(frozen=True)
class DataSet:
    """The labelled images of a folder in natural order of their names. stamp: see the function `stamp`."""

    key: str
    images: list[LabelledImage]
    stamp: str

    def split(self, seed: int, order: str = "shuffled") -> Split:
        """`src/data/split.ts`: shares 60, 15 and 25 of the names, shuffled by the seed; each part in natural order."""
        n = len(self.images)
        parts = drawn(n, *split_counts(n), seed, order)
        return {part: [self.images[i] for i in chosen] for part, chosen in parts.items()}


def splits_of(sets: Iterable[DataSet], config: TrainConfig) -> dict[str, Split]:
    """By set."""
    return {s.key: s.split(config.seed, config.splitOrder) for s in sets}


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
