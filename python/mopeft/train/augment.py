"""One variant of an image and its label maps (`src/data/augment.ts`), with the engine's draws."""

from dataclasses import dataclass

import numpy as np

from ..random import Random
from ..rounding import half_up
from .config import TrainConfig
from .crops import ObjectCrops

CROP_TRIES = 8


@dataclass(frozen=True)
class Variant:
    """image: uint8 [H, W, 3]; tone: what each of the 256 values becomes once the image is resized, None: itself."""

    image: np.ndarray
    maps: list[np.ndarray]
    tone: np.ndarray | None


def _crop(shape: tuple[int, int], labels: np.ndarray, random: Random, least: float) -> tuple[slice, slice]:
    """A window that holds foreground, or the whole image."""
    h, w = shape
    if least < 1:
        for _ in range(CROP_TRIES):
            share = random.range(least, 1)
            cw, ch = max(1, half_up(w * share)), max(1, half_up(h * share))
            x, y = random.integer(w - cw + 1), random.integer(h - ch + 1)
            window = (slice(y, y + ch), slice(x, x + cw))
            if (labels[window] > 0).any():
                return window
    return slice(0, h), slice(0, w)


def _tone(image: np.ndarray, random: Random, brightness: float, contrast: float) -> np.ndarray | None:
    """What each of the 256 values becomes; None: itself."""
    if brightness == 0 and contrast == 0:
        return None
    shift = random.range(-brightness, brightness) * 255
    factor = random.range(1 - contrast, 1 + contrast)
    mean = int(image.sum(dtype=np.int64)) / image.size
    table = (np.arange(256) - mean) * factor + mean + shift
    return np.clip(np.rint(table), 0, 255).astype(np.uint8)


def augment(image: np.ndarray, maps: list[np.ndarray], random: Random, config: TrainConfig, crops: ObjectCrops | None = None) -> Variant:
    """Of image uint8 [H, W, 3] and maps [H, W]; the first map decides which crops hold foreground. crops: where it is not seen whole."""
    shape, least = image.shape[:2], config.minCrop
    window = crops.drawn(shape, random, least) if crops else _crop(shape, maps[0], random, least)
    flip_x, flip_y = (random.chance(0.5), random.chance(0.5)) if config.flips else (False, False)
    turns = random.integer(4) if config.quarterTurns else 0
    tone = _tone(image, random, config.brightness, config.contrast)

    def view(data: np.ndarray) -> np.ndarray:
        out = data[window]
        out = out[:, ::-1] if flip_x else out
        out = out[::-1] if flip_y else out
        return np.ascontiguousarray(np.rot90(out, turns))

    return Variant(view(image), [view(m) for m in maps], tone)
