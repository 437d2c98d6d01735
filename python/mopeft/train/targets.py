"""A mask on the low-res grid (`src/data/low-res-target.ts`): 1 where the mask covers at least half of a cell's area.

A cell of which at least half is ignored takes no part.
"""

from functools import lru_cache

import numpy as np

from .objects import IGNORED

THRESHOLD = 0.5 - 1e-9


@lru_cache(64)
def _shares(n: int, density: float, cells: int) -> np.ndarray:
    """[cells, n]: the share of a cell's side that each pixel covers; density: cells per pixel."""
    start, cell = np.arange(n) * density, np.arange(cells)[:, None]
    end = (np.arange(n) + 1) * density
    return np.clip(np.minimum(end, cell + 1) - np.maximum(start, cell), 0, None)


def low_res(mask: np.ndarray, ignored: np.ndarray, fill: tuple[int, int], size: int, side: int) -> np.ndarray:
    """bool [H, W] each -> float32 [side, side] of 0, 1 and IGNORED; fill: (height, width) of the image in the model's square."""
    return np.where(_covered(ignored, fill, size, side), np.float32(IGNORED), _covered(mask, fill, size, side).astype(np.float32))


def _covered(mask: np.ndarray, fill: tuple[int, int], size: int, side: int) -> np.ndarray:
    """Which cells the mask covers by at least one half, bool [side, side]."""
    h, w = mask.shape
    cell = size / side
    rows, columns = _shares(h, fill[0] / h / cell, side), _shares(w, fill[1] / w / cell, side)
    ys, xs = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if len(ys) == 0:
        return np.zeros((side, side), bool)
    y, x = slice(ys[0], ys[-1] + 1), slice(xs[0], xs[-1] + 1)
    return rows[:, y] @ mask[y, x] @ columns[:, x].T >= THRESHOLD
