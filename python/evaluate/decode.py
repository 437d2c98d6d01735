"""Images and masks by the rules of `src/data/decode`. A file that Pillow would read differently is refused by name."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from mopeft import images
from mopeft.errors import ImageError
from mopeft.train.objects import IGNORED

LOSSY = ("JPEG", "MPO")
MASK_SAMPLES = ("1", "L", "P", "P;1", "P;2", "P;4", "I;16", "I;16B", "I;16N")
"""Pillow's raw modes that keep the values of the file. Grey of 2 or 4 bits is stretched, WhiteIsZero inverted; colours are no labels."""
THRESHOLD = 128
"""Values at or above it are foreground."""
PATCHY = 0.85
"""Of `src/data/decode/antialiased.ts`: pixels of label maps share their neighbours' values more often than smoothed edges do."""


def refusal(path: Path, what: str, cure: str) -> SystemExit:
    return SystemExit(f"{path}: {what}: {cure}")


def opened(path: Path) -> tuple[Image.Image, str]:
    """`images.opened`, with SystemExit for what is not read."""
    try:
        return images.opened(path)
    except ImageError as error:
        raise SystemExit(str(error)) from None


def read_pixels(path: Path) -> np.ndarray:
    """`images.read_pixels`, with SystemExit for what is not read."""
    try:
        return images.read_pixels(path)
    except ImageError as error:
        raise SystemExit(str(error)) from None


def read_mask(path: Path, kind: str, ignored: Collection[int] = ()) -> np.ndarray:
    """A mask upright, int64 [H, W], 0 for background; kind: what its folder holds, `masks`, `labels` or `instances`.

    ignored: values of the file whose pixels take no part; they become -1 and decide nothing about the others.

    `masks`: with one value, or two of which one is the background, all but the background is 1; a JPEG and antialiased grey
    take the threshold 128. All other values are kept, as are those of `labels` and `instances`. SystemExit for a file that
    Pillow reads differently from the engine.
    """
    image, raw = opened(path)
    lossy = image.format in LOSSY
    if raw not in MASK_SAMPLES:
        found = f"its samples are {raw or image.mode}, and 8-bit grey, 16-bit grey and palettes are read as masks"
        raise refusal(path, found, "save it as such a PNG, one number for each class or object")
    if lossy and kind != "masks":
        raise refusal(path, "a JPEG blurs its values, so its labels are lost", "export it as PNG")
    image = ImageOps.exif_transpose(image)
    ids = np.asarray(image).astype(np.int64)
    skipped = np.isin(ids, list(ignored))
    if kind != "masks":
        return np.where(skipped, IGNORED, ids)
    values, background = np.unique(ids[~skipped]), background_of(image, ids)
    if len(values) < 2 or (len(values) == 2 and background in values):
        ids = (ids != background).astype(np.int64)
    elif image.mode == "L" and (lossy or looks_antialiased(np.where(skipped, 0, ids))):
        ids = (ids >= THRESHOLD).astype(np.int64)
    return np.where(skipped, IGNORED, ids)


def background_of(image: Image.Image, ids: np.ndarray) -> int:
    """0, or the index of black if a palette has black only at another index."""
    if image.mode != "P":
        return 0
    colours = np.reshape(image.getpalette("RGB"), (-1, 3))
    values, first = np.unique(ids, return_index=True)
    black = [int(v) for v in values[np.argsort(first)] if v >= len(colours) or not colours[v].any()]
    return black[0] if black and colours[0].any() else 0


def looks_antialiased(grey: np.ndarray) -> bool:
    """Whether a grey mask [H, W] is a two-valued one with smoothed edges, and not labels."""
    top = grey.max()
    if len(np.unique(grey)) < 4 or top < THRESHOLD or grey.min() > 0:
        return False
    return shares_neighbours(grey, (grey > 0) & (grey < top)) < PATCHY


def shares_neighbours(values: np.ndarray, chosen: np.ndarray) -> float:
    """Share of the chosen pixels that have two equal ones or more among their eight neighbours; 1 when none is chosen."""
    if not chosen.any():
        return 1.0
    h, w = values.shape
    around = np.pad(values, 1, constant_values=-1)
    equal = sum((around[y : y + h, x : x + w] == values).astype(np.int8) for y in range(3) for x in range(3)) - 1
    return float((equal[chosen] >= 2).mean())
