"""Data folders: images/ + masks/, with instances/ or labels/ where they exist."""

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from scipy import ndimage


def natural_key(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """Digits count as numbers, 2 before 10; case only between equals (`src/data/natural-order.ts`)."""
    parts = re.split(r"(\d+)", name.lower())
    return [(0, int(p), "") if p.isdigit() else (1, 0, p) for p in parts if p], name


def open_upright(path: Path) -> Image.Image:
    """A picture or a mask, turned as its EXIF orientation says."""
    return ImageOps.exif_transpose(Image.open(path))


def read_labels(path: Path) -> np.ndarray:
    """A file of ids as it is, int [H, W]."""
    return np.asarray(open_upright(path)).astype(np.int64)


def read_ids(path: Path) -> np.ndarray:
    """A mask file as label ids: one value, or two of which one is 0: nonzero is 1; more in a grey JPEG: cut at 128."""
    image = open_upright(path)
    if image.mode not in ("L", "I", "I;16", "1", "P"):
        image = image.convert("L")
    ids = np.asarray(image).astype(np.int64)
    values = np.unique(ids)
    if len(values) == 1 or (len(values) == 2 and 0 in values):
        return (ids != 0).astype(np.int64)
    if path.suffix.lower() in (".jpg", ".jpeg"):
        return (ids >= 128).astype(np.int64)
    return ids


def components(ids: np.ndarray) -> list[np.ndarray]:
    """8-connected components of every label, as bool masks."""
    out = []
    for label in np.unique(ids[ids > 0]):
        parts, n = ndimage.label(ids == label, np.ones((3, 3)))
        out += [parts == k for k in range(1, n + 1)]
    return out


def find_labels(folder: Path, stem: str, kind: str) -> Path | None:
    """The file of that name in `instances`, `labels` or `masks`."""
    return next(iter(sorted((folder / kind).glob(f"{stem}.*"))), None) if (folder / kind).is_dir() else None


def objects_of(folder: Path, stem: str, least: float, limit: int) -> list[np.ndarray] | None:
    """The largest objects of a picture, bool masks, each at least `least` of its area; None without labels."""
    instances, labels, plain = (find_labels(folder, stem, kind) for kind in ("instances", "labels", "masks"))
    if instances:
        ids = read_labels(instances)
        masks = [ids == k for k in np.unique(ids[ids > 0])]
    elif labels or plain:
        masks = components(read_labels(labels) if labels else read_ids(plain))
    else:
        return None
    masks = [m for m in masks if m.sum() >= least * m.size]
    return sorted(masks, key=lambda m: (-int(m.sum()), int(m.argmax())))[:limit]


def pictures(folder: Path, limit: int, least: float, objects: int) -> Iterator[tuple[str, np.ndarray, list[np.ndarray]]]:
    """Name, RGB image and objects of the first `limit` labelled pictures by natural name order; 0 takes all."""
    paths = sorted((folder / "images").iterdir(), key=lambda p: natural_key(p.name))
    labelled = ((path, found) for path in paths if (found := objects_of(folder, path.stem, least, objects)) is not None)
    for path, found in islice(labelled, limit or None):
        yield path.stem, np.array(open_upright(path).convert("RGB")), found
