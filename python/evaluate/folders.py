"""Data folders: images/ + masks/, with instances/ or labels/ where they exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from scipy import ndimage


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Digits count as numbers: 2 before 10."""
    parts = re.split(r"(\d+)", name)
    return [(0, int(p), "") if p.isdigit() else (1, 0, p) for p in parts if p]


def read_ids(path: Path) -> np.ndarray:
    """A mask file as label ids: at most two values: nonzero is 1; more than two in a grey JPEG: cut at 128."""
    image = Image.open(path)
    if image.mode not in ("L", "I", "I;16", "1", "P"):
        image = image.convert("L")
    ids = np.asarray(image).astype(np.int64)
    if len(np.unique(ids)) <= 2:
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


def objects_of(folder: Path, stem: str, least: float, limit: int) -> list[np.ndarray]:
    """The largest objects of a picture, bool masks, each at least `least` of its area."""

    def find(kind: str) -> Path | None:
        return next((p for p in sorted((folder / kind).glob(f"{stem}.*"))), None) if (folder / kind).is_dir() else None

    instances = find("instances")
    if instances:
        ids = np.asarray(Image.open(instances)).astype(np.int64)
        masks = [ids == k for k in np.unique(ids[ids > 0])]
    else:
        labels, plain = find("labels"), find("masks")
        if labels is None and plain is None:
            return []
        masks = components(np.asarray(Image.open(labels)).astype(np.int64) if labels else read_ids(plain))
    masks = [m for m in masks if m.sum() >= least * m.size]
    return sorted(masks, key=lambda m: (-int(m.sum()), int(m.argmax())))[:limit]


def pictures(folder: Path, limit: int, least: float, objects: int) -> Iterator[tuple[str, np.ndarray, list[np.ndarray]]]:
    """Name, RGB image and objects of the first `limit` pictures by natural name order."""
    paths = sorted((folder / "images").iterdir(), key=lambda p: natural_key(p.name))
    for path in paths[: limit or None]:
        image = ImageOps.exif_transpose(Image.open(path))
        yield path.stem, np.array(image.convert("RGB")), objects_of(folder, path.stem, least, objects)
