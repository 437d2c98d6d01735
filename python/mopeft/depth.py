"""Samples of more than 8 bits as 8 (`src/data/decode/depth.ts`)."""

import math

import numpy as np

LOW, HIGH = 0.1, 99.9
"""The percentiles of all values of an image that become 0 and 255."""


def stretched(values: np.ndarray) -> np.ndarray:
    """uint16 of any shape -> uint8, by the image's own percentiles."""
    sums = np.cumsum(np.bincount(values.ravel(), minlength=65_536))
    low, high = (int(np.searchsorted(sums, max(1, math.ceil(values.size * share / 100)))) for share in (LOW, HIGH))
    return to_eight(values.astype(np.float64), low, high)


def to_eight(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """`low` and `high` become 0 and 255."""
    scaled = (np.nan_to_num(values) - low) * (255 / (high - low) if high > low else 0)
    return np.clip(np.floor(scaled + 0.5), 0, 255).astype(np.uint8)
