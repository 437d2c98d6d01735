"""The objects of a label map, in the engine's order (`src/data/objects.ts`)."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

EIGHT = np.ones((3, 3))
IGNORED = -1
"""Value of pixels that take no part: neither an object nor background, in no loss, click or IoU."""


@dataclass(frozen=True)
class Region:
    id: int
    area: int
    box: tuple[int, int, int, int]
    """x0, y0, x1 + 1, y1 + 1."""


@dataclass(frozen=True)
class Objects:
    """map [H, W]: 0, the id of a region, or IGNORED; regions largest first."""

    map: np.ndarray
    regions: list[Region]


def _parts(labels: np.ndarray, rule: str) -> np.ndarray:
    """Ids 1, 2, … for every value (`ids`) or every 8-connected patch of one value (`components`)."""
    values = np.flatnonzero(np.bincount(labels.ravel()))
    number = np.zeros(int(values[-1]) + 1, np.int32)
    number[values] = np.arange(len(values)) + int(values[0] != 0)
    compact = number[labels]
    if rule == "ids":
        return compact
    out, count = np.zeros_like(compact), 0
    for value, where in enumerate(ndimage.find_objects(compact), 1):
        if where is None:
            continue
        found, n = ndimage.label(compact[where] == value, EIGHT)
        out[where] += np.where(found > 0, found + count, 0).astype(np.int32)
        count += n
    return out


def find_objects(labels: np.ndarray, rule: str, fewest: float = 0) -> Objects:
    """labels int [H, W], at least 0 or IGNORED; objects of less than `fewest` pixels are left out."""
    parts = _parts(np.maximum(labels, 0), rule)
    areas = np.bincount(parts.ravel())
    first = np.zeros(len(areas), np.int64)
    first[parts.ravel()[::-1]] = np.arange(parts.size)[::-1]
    found = [(i, int(first[i]), int(areas[i])) for i in range(1, len(areas)) if areas[i] and areas[i] >= fewest]
    found.sort(key=lambda part: (-part[2], part[1]))
    boxes = ndimage.find_objects(parts)
    new_id = np.zeros(len(areas), np.int32)
    regions = []
    for k, (part, _, area) in enumerate(found, 1):
        new_id[part] = k
        rows, columns = boxes[part - 1]
        regions.append(Region(k, area, (columns.start, rows.start, columns.stop, rows.stop)))
    return Objects(np.where(labels == IGNORED, IGNORED, new_id[parts]), regions)
