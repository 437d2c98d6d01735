"""Holes and islands of masks (`src/engine/find/regions.ts`)."""

import numpy as np

Box = tuple[int, int, int, int]
"""x0, y0, x1, y1, the last two outside."""


def without_small_regions(mask: np.ndarray, box: Box, least: int) -> np.ndarray:
    """A mask [H, W] bool whose object lies in `box`, with holes of fewer pixels filled and then parts of fewer removed, the largest
    excepted. Neighbours are 8-connected, for background too."""
    height, width = mask.shape
    # With a margin of background, in which everything outside is connected.
    x0, y0, x1, y1 = max(0, box[0] - 1), max(0, box[1] - 1), min(width, box[2] + 1), min(height, box[3] + 1)
    part = mask[y0:y1, x0:x1].copy()
    background = parts(~part)
    areas = np.bincount(background.ravel())
    # What lies outside belongs to the background at the margin.
    columns = x1 - x0
    for corner, pixels in (((0, 0), x0 * height + y0 * columns), ((-1, -1), (width - x1) * height + (height - y1) * columns)):
        areas[background[corner]] += pixels
    part |= (areas < least)[background] & ~part
    objects = parts(part)
    areas = np.bincount(objects.ravel())
    areas[0] = 0
    areas[areas.argmax()] = least
    part &= (areas >= least)[objects]
    cleaned = np.zeros_like(mask)
    cleaned[y0:y1, x0:x1] = part
    return cleaned


def parts(mask: np.ndarray) -> np.ndarray:
    """Numbers 1, 2, … of the 8-connected parts of a mask [H, W] bool, by their first pixels; 0 elsewhere."""
    numbers = np.zeros(mask.shape, np.int64)
    numbers[mask] = np.arange(1, mask.sum() + 1)
    pairs = [
        (numbers[:, 1:], numbers[:, :-1]),
        (numbers[1:], numbers[:-1]),
        (numbers[1:, 1:], numbers[:-1, :-1]),
        (numbers[1:, :-1], numbers[:-1, 1:]),
    ]
    a, b = (np.concatenate([pair[side].ravel() for pair in pairs]) for side in (0, 1))
    touching = (a > 0) & (b > 0)
    a, b = a[touching], b[touching]
    first = np.arange(mask.sum() + 1)
    while not np.array_equal(first[a], first[b]):
        least = np.minimum(first[a], first[b])
        np.minimum.at(first, first[a], least)
        np.minimum.at(first, first[b], least)
        while not np.array_equal(first, first[first]):
            first = first[first]
    return np.unique(first, return_inverse=True)[1].reshape(-1)[numbers]
