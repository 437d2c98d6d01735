"""All objects of an image (`src/engine/find`): where a model is asked, and which of its answers are objects."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

import numpy as np

from .fields import Field, Number, Values, parse
from .prompts import Point
from .regions import Box, without_small_regions
from .rounding import half_up

FIND_FIELDS: dict[str, Field] = {
    "points_per_side": Number(32, 1, 256),
    "crop_layers": Number(0, 0, 4),
    "iou": Number(0.88, 0, 1, is_whole=False),
    "stability": Number(0.95, 0, 1, is_whole=False),
    "box_overlap": Number(0.7, 0, 1, is_whole=False),
    "mask_overlap": Number(1, 0, 1, is_whole=False),
    "nesting": Number(1, 0, 1, is_whole=False),
    "min_area": Number(0, 0, 100_000_000),
    "max_area": Number(1, 0, 1, is_whole=False),
    "min_region": Number(0, 0, 1_000_000),
}
"""SAM's own defaults; a test compares them with the engine's, which also learns likeness from labelled images."""
OF_MODELS = {
    "206b160798d3de95261a5d0d009f734f3e3a96cab2d54b3d2b66b1576b364abe": {
        "points_per_side": 16,
        "iou": 0.5,
        "stability": 0.8,
        "max_area": 0.5,
    },
}
"""What suits a base model better, by the hash of its weights: mopeft-sam-tiny."""

OVERLAP = 512 / 1500
"""Share of the shorter side by which crops overlap, as in SAM."""
EDGE_PIXELS, EDGE_SIDE = 20, 1024
"""Pixels to a crop's edge under which a mask is thought to be cut off by it, as in SAM, and the crops for which that was chosen."""


@dataclass(frozen=True)
class FoundObject:
    """An object of an image [H, W] (`shape`).

    box: x0, y0, x1, y1, the last two outside. part: bool, the mask within the box. iou: as the model predicts it. stability: IoU of
    the masks at a threshold 1 higher and 1 lower. point: the click (x, y) that found it.
    """

    shape: tuple[int, int]
    box: Box
    part: np.ndarray
    iou: float
    stability: float
    point: Point

    @property
    def mask(self) -> np.ndarray:
        """[H, W] bool, of the image's own size; made anew each time, since hundreds of them would fill the memory."""
        mask = np.zeros(self.shape, bool)
        x0, y0, x1, y1 = self.box
        mask[y0:y1, x0:x1] = self.part
        return mask

    @property
    def area(self) -> int:
        return int(self.part.sum())


class Crop(NamedTuple):
    """A part of an image that is looked at on its own. edge: pixels to its edge under which a mask is left out."""

    box: Box
    edge: int


class Proposal(NamedTuple):
    """An answer of the model, before any is left out for another."""

    found: FoundObject
    crop: Crop


def find_settings(base_hash: str, given: Values) -> Values:
    """All settings, with the defaults of the base model. AskError that names a wrong one and what is allowed."""
    return parse(FIND_FIELDS, {**OF_MODELS.get(base_hash, {}), **given}, "find_all")


def crops_of(width: int, height: int, scale: int | None, layers: int) -> list[Crop]:
    """SAM's layers of crops, layer i of (2^i)² of them, the whole image first; or, of an adapter that was trained in crops of `scale`
    pixels, a mosaic of those that overlaps as the first layer does."""
    if scale is not None:
        edge = max(1, half_up(EDGE_PIXELS * scale / EDGE_SIDE))
        return [
            Crop((x, y, min(x + scale, width), min(y + scale, height)), edge) for y in starts(height, scale) for x in starts(width, scale)
        ]
    crops = [Crop((0, 0, width, height), EDGE_PIXELS)]
    for layer in range(1, layers + 1):
        count = 2**layer
        overlap = int(OVERLAP * min(width, height) * (2 / count))
        w, h = (math.ceil((overlap * (count - 1) + side) / count) for side in (width, height))
        corners = ((x * (w - overlap), y * (h - overlap)) for x in range(count) for y in range(count))
        # Of an image of few pixels, the last crops of a deep layer are outside.
        crops += [Crop((x, y, min(x + w, width), min(y + h, height)), EDGE_PIXELS) for x, y in corners if x < width and y < height]
    return crops


def starts(length: int, side: int) -> list[int]:
    if length <= side:
        return [0]
    overlap = int(OVERLAP * side)
    count = math.ceil((length - overlap) / (side - overlap))
    # Evenly, so that the last one ends where the image does.
    return [half_up(i * (length - side) / (count - 1)) for i in range(count)]


def grid_points(box: Box, per_side: int) -> Iterator[Point]:
    """Points in the middle of a grid's cells, row by row, in pixels of the image."""
    x0, y0, x1, y1 = box
    places = [(2 * i + 1) / (2 * per_side) for i in range(per_side)]
    return ((x0 + x * (x1 - x0), y0 + y * (y1 - y0)) for y in places for x in places)


def proposed(logits: np.ndarray, crop: Crop, shape: tuple[int, int], threshold: float, iou: float, point: Point) -> Proposal | None:
    """An answer, [h, w] logits at its crop's size; None for one that is empty or that the crop may have cut off."""
    inside = logits > threshold
    if not inside.any():
        return None
    x0, y0, x1, y1 = box_of(inside)
    left, top = crop.box[:2]
    box = x0 + left, y0 + top, x1 + left, y1 + top
    if is_cut_off(box, crop, shape):
        return None
    stability = float((logits > threshold + 1).sum() / (logits > threshold - 1).sum())
    return Proposal(FoundObject(shape, box, inside[y0:y1, x0:x1].copy(), iou, stability, point), crop)


def box_of(mask: np.ndarray) -> Box:
    """The smallest box around a mask that is not empty."""
    (ys,), (xs,) = mask.any(1).nonzero(), mask.any(0).nonzero()
    return int(xs[0]), int(ys[0]), int(xs[-1]) + 1, int(ys[-1]) + 1


def is_cut_off(box: Box, crop: Crop, shape: tuple[int, int]) -> bool:
    """Whether a box ends near an edge of the crop that is not near the image's; its last pixel counts as its end."""
    ends = (box[0], box[1], box[2] - 1, box[3] - 1)
    limits = (0, 0, shape[1], shape[0])
    return any(abs(e - c) <= crop.edge < abs(e - limit) for e, c, limit in zip(ends, crop.box, limits, strict=True))


def select(proposals: Sequence[Proposal], settings: Values) -> list[FoundObject]:
    """The objects among a model's answers, the best first within a crop: SAM's automatic mask generator from the first threshold on."""
    passing = [p for p in proposals if p.found.iou > settings["iou"] and p.found.stability >= settings["stability"]]
    most = settings["box_overlap"]
    crops = dict.fromkeys(p.crop for p in passing)
    of_crops = [without_duplicates([p for p in passing if p.crop == c], lambda p: p.found.iou, proposal_overlap, most) for c in crops]
    # Of what several crops show, the smaller crop shows more detail.
    distinct = without_duplicates([p for some in of_crops for p in some], lambda p: -area_of(p.crop.box), proposal_overlap, most)
    found = with_clean_masks([p.found for p in distinct], settings)
    sized = [f for f in found if settings["min_area"] <= f.area <= settings["max_area"] * math.prod(f.shape)]
    apart = sized if settings["mask_overlap"] == 1 else without_duplicates(sized, lambda f: f.iou, mask_iou, settings["mask_overlap"])
    return apart if settings["nesting"] == 1 else without_duplicates(apart, lambda f: f.iou, nested_share, settings["nesting"])


def with_clean_masks(found: Sequence[FoundObject], settings: Values) -> list[FoundObject]:
    """Without small holes and islands, and without what is a duplicate thereby; of two, one that was clean before stays."""
    if not settings["min_region"]:
        return list(found)
    cleaned = []
    for each in found:
        mask = without_small_regions(each.mask, each.box, int(settings["min_region"]))
        box = x0, y0, x1, y1 = box_of(mask)
        own = replace(each, box=box, part=mask[y0:y1, x0:x1].copy())
        cleaned.append((box == each.box and np.array_equal(own.part, each.part), own))
    kept = without_duplicates(cleaned, lambda c: c[0], lambda a, b: box_iou(a[1].box, b[1].box), settings["box_overlap"])
    return [each for _, each in kept]


T = TypeVar("T")


def without_duplicates(items: Sequence[T], score: Callable[[T], float], overlap: Callable[[T, T], float], most: float) -> list[T]:
    """Non-maximum suppression: the best first (of equal ones the earlier), each unless it overlaps a better one by more than `most`."""
    kept: list[T] = []
    for item in sorted(items, key=score, reverse=True):
        if all(overlap(better, item) <= most for better in kept):
            kept.append(item)
    return kept


def proposal_overlap(a: Proposal, b: Proposal) -> float:
    return box_iou(a.found.box, b.found.box)


def box_iou(a: Box, b: Box) -> float:
    """As SAM measures it: between the centres of their outer pixels, so that a box of one column has no area."""
    width = max(0, min(a[2], b[2]) - 1 - max(a[0], b[0]))
    height = max(0, min(a[3], b[3]) - 1 - max(a[1], b[1]))
    shared = width * height
    inner = sum((x1 - 1 - x0) * (y1 - 1 - y0) for x0, y0, x1, y1 in (a, b)) - shared
    return shared / inner if inner else 0.0


def shared_pixels(a: FoundObject, b: FoundObject) -> int:
    x0, y0, x1, y1 = max(a.box[0], b.box[0]), max(a.box[1], b.box[1]), min(a.box[2], b.box[2]), min(a.box[3], b.box[3])
    if x0 >= x1 or y0 >= y1:
        return 0
    of_a, of_b = (each.part[y0 - each.box[1] : y1 - each.box[1], x0 - each.box[0] : x1 - each.box[0]] for each in (a, b))
    return int((of_a & of_b).sum())


def mask_iou(a: FoundObject, b: FoundObject) -> float:
    shared = shared_pixels(a, b)
    return shared / (a.area + b.area - shared)


def nested_share(a: FoundObject, b: FoundObject) -> float:
    """The share of the smaller of two objects that lies within the other."""
    return shared_pixels(a, b) / min(a.area, b.area)


def area_of(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])
