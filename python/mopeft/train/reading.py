"""Masks by the reading of their dataset (docs/formats.md, `src/data/reading/apply.ts`): files to labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image, ImageOps
from scipy import ndimage

from ..errors import TrainError
from ..images import opened, refusal
from .objects import IGNORED

TRANSPARENT = 16_777_216
REACH = 3
"""Pixels around one that say which levels it may be of."""
EXACT = ("1", "L", "L;2", "L;4", "LA", "P", "P;1", "P;2", "P;4", "I;16", "I;16B", "I;16N", "RGB", "RGBA")
"""Raw modes whose values are known here."""
STRETCH = {"L;2": 85, "L;4": 17}
"""What Pillow multiplies greys of fewer bits by."""


@dataclass(frozen=True)
class Reading:
    """As `dataset.json` has it; NaN for its `nan`."""

    samples: str
    background: float | None
    ignored: Sequence[float]
    levels: Sequence[float] | None
    threshold: float | None
    meaning: str
    zero_label: int
    transparent_under: int | None
    class_step: int | None = None

    @classmethod
    def of(cls, record: object, where: str) -> "Reading":
        def number(value: object) -> float:
            return float("nan") if value == "nan" else value  # type: ignore[return-value]

        def numbers(values: object) -> list[float] | None:
            return None if values is None else [number(v) for v in values]  # type: ignore[union-attr]

        try:
            assert isinstance(record, Mapping)
            return cls(
                str(record["samples"]),
                None if record["background"] is None else number(record["background"]),
                numbers(record["ignored"]) or [],
                numbers(record["levels"]),
                None if record["threshold"] is None else number(record["threshold"]),
                str(record["meaning"]),
                int(record["zeroLabel"]),
                record["transparentUnder"],
                record.get("classStep"),
            )
        except (AssertionError, KeyError, TypeError, ValueError) as error:
            what = f"The reading of its masks is damaged ({error})."
            raise TrainError("data/damaged", what, where, "Export the project again.") from error


def labelled_reading(samples: str, meaning: str) -> Reading:
    """Of masks that were made by labelling in the studio."""
    is_grey = samples == "grey"
    return Reading(samples, 0, [65535 if is_grey else TRANSPARENT], None, None, meaning, 0, None if is_grey else 128)


def read_labels(data: bytes, reading: Reading, where: str, turn: int = 1) -> np.ndarray:
    """A mask's file -> int64 [H, W]: 0 background, IGNORED, else labels. turn: EXIF orientation of an image that is turned and not it.

    ImageError, TrainError `data/…` that name the file.
    """
    image, raw = opened(BytesIO(data), where)
    if raw not in EXACT and image.format not in ("JPEG", "MPO", "WEBP"):
        raise refusal(where, f"masks of samples {raw or image.mode} are not read here", "save it as an 8-bit PNG, and import it again")
    is_lossy = image.format in ("JPEG", "MPO")
    if is_lossy and reading.levels is None and reading.threshold is None:
        raise refusal(where, "a JPEG blurs its values, so its labels are lost", "export it from the original as PNG")
    upright = ImageOps.exif_transpose(image)
    if turn > 1:
        upright = upright.transpose(TURNS[turn])
    values = values_of(upright, raw, reading, where)
    if reading.threshold is not None:
        return split(values, reading)
    return labels(snap(values, reading) if reading.levels is not None else values, reading, where)


TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def values_of(image: Image.Image, raw: str, reading: Reading, where: str) -> np.ndarray:
    """The mask's value of every pixel [H, W]."""
    samples = np.asarray(image).astype(np.int64)
    palette = np.reshape(image.getpalette("RGB") or [], (-1, 3)) if image.mode == "P" else None
    bands = samples[..., None] if samples.ndim == 2 else samples
    has_alpha = image.mode in ("LA", "RGBA")
    colours = bands[..., :-1] if has_alpha else bands
    match reading.samples:
        case "palette":
            return bands[..., 0] // STRETCH.get(raw, 1)
        case "grey" if palette is not None:
            return padded(palette)[bands[..., 0], 0]
        case "grey":
            return bands[..., 0] // STRETCH.get(raw, 1)
        case "alpha":
            return bands[..., -1] if has_alpha else np.full(bands.shape[:2], 255)
        case "colour":
            if palette is not None:
                rgb = padded(palette)[bands[..., 0]]
            else:
                eight = colours >> 8 if "16" in raw else colours * (255 if raw == "1" else 1)
                rgb = np.broadcast_to(eight, (*eight.shape[:2], 3)) if eight.shape[2] == 1 else eight
            found = (rgb[..., 0] << 16) | (rgb[..., 1] << 8) | rgb[..., 2]
            if reading.transparent_under is not None and has_alpha:
                found = np.where(bands[..., -1] < reading.transparent_under, TRANSPARENT, found)
            return found
        case "channels":
            if colours.shape[2] < 2:
                raise refusal(where, "this mask has one channel, while the dataset has one for each class", "export all masks alike")
            return np.where(bands.max(2) > 0, bands.argmax(2) + 1, 0)
    raise TrainError("data/damaged", f"Its samples are {reading.samples!r}.", where, "Update the package mopeft.")


def padded(palette: np.ndarray) -> np.ndarray:
    """256 colours, those that the file has not being black."""
    out = np.zeros((256, 3), np.int64)
    out[: len(palette)] = palette[:256]
    return out


def split(values: np.ndarray, reading: Reading) -> np.ndarray:
    """The side of a threshold without the background is 1, or that of its class."""
    is_above = reading.background is None or reading.background < reading.threshold
    others = [int(v) for v in reading.levels or () if v != reading.background]
    label = 1 if reading.meaning == "foreground" else max([1, *others])
    chosen = values >= reading.threshold if is_above else values < reading.threshold
    return np.where(np.isin(values, reading.ignored), IGNORED, np.where(chosen, label, 0))


def classes_of_ids(ids: np.ndarray, step: int | None) -> np.ndarray:
    """The classes that numbers of objects say, or foreground; see `classStep`."""
    classes = np.minimum(ids, 1) if step is None else np.where(ids < step, ids, ids // step)
    return np.where(ids <= 0, ids, classes)


def labels(values: np.ndarray, reading: Reading, where: str) -> np.ndarray:
    out = np.ones_like(values) if reading.meaning == "foreground" else np.where(values == 0, reading.zero_label, values)
    out = np.where(np.isin(values, reading.ignored), IGNORED, out)
    out = out if reading.background is None else np.where(values == reading.background, 0, out)
    if (out < IGNORED).any():
        raise refusal(where, "this mask holds numbers that are no labels", "export it with whole numbers from 1")
    return out


def snap(values: np.ndarray, reading: Reading) -> np.ndarray:
    """Every value as one of the levels.

    A transition between two levels passes others on its way, so a pixel that is no even area itself takes the nearest of the levels
    that fill even areas around it.
    """
    levels = np.array(reading.levels, np.int64)
    apart = np.stack([distance(values, int(level), reading.samples) for level in levels])
    nearest = apart.argmin(0)
    window = np.ones((3, 3), bool)
    core = np.zeros(values.shape, bool)
    around = np.zeros((len(levels), *values.shape), bool)
    for k in range(len(levels)):
        own = ndimage.binary_erosion(nearest == k, window, border_value=1)
        core |= own
        around[k] = ndimage.maximum_filter(own, 2 * REACH + 1, mode="constant", cval=0)
    is_open = ~core & (around.sum(0) > 1) & ~np.take_along_axis(around, nearest[None], 0)[0]
    among = np.where(around, apart, np.inf).argmin(0)
    return levels[np.where(is_open, among, nearest)]


def distance(values: np.ndarray, level: int, samples: str) -> np.ndarray:
    if samples != "colour":
        return abs(values - level).astype(np.float64)
    clear = (values == TRANSPARENT) | (level == TRANSPARENT)
    squares = sum(((values >> shift & 255) - (level >> shift & 255)) ** 2 for shift in (16, 8, 0))
    return np.where(clear, np.where(values == level, 0, 1e18), squares.astype(np.float64))
