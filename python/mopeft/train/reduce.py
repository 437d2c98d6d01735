"""Large images reduced before they are drawn from (`src/data/reduce.ts`, `src/train/image-cache.ts`)."""

import dataclasses
import math

import numpy as np

from ..rounding import half_up
from .images import LabelledImage
from .objects import find_objects


def reduction(shape: tuple[int, ...], size: int, least_crop: float) -> int:
    """By which whole number an image [H, W, …] can be reduced so that the smallest crop keeps the model's pixels."""
    return max(1, math.floor(max(shape[:2]) * least_crop / size))


def reduced(sample: LabelledImage, factor: int) -> LabelledImage:
    """Blocks of factor × factor pixels as one: colours by their rounded mean, labels by the block's middle."""
    if factor <= 1:
        return sample
    h, w = (side // factor for side in sample.image.shape[:2])
    blocks = sample.image[: h * factor, : w * factor].reshape(h, factor, w, factor, 3)
    sums = blocks.sum(axis=(1, 3), dtype=np.int64)
    pixels = factor * factor
    # Objects are found before, so that those that a gap divides stay apart.
    ids = find_objects(sample.labels, sample.rule).map
    middle = factor // 2

    def middles(values: np.ndarray) -> np.ndarray:
        return values[middle : h * factor : factor, middle : w * factor : factor]

    return dataclasses.replace(
        sample,
        image=((sums + pixels // 2) // pixels).astype(np.uint8),
        labels=middles(ids),
        rule="ids",
        classes=middles(sample.classes),
        side=None if sample.side is None else max(1, half_up(sample.side / factor)),
    )
