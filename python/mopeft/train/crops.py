"""The crops in which a run sees large images at their own scale (`src/data/crops.ts`, `src/data/augment.ts`)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..prompts import Region as Window
from ..prompts import window_around
from ..random import Random
from ..rounding import half_up
from .images import LabelledImage
from .objects import Region, find_objects

EDGE = 0.2
"""Share of a crop's side that its object's middle keeps from its edges."""

Slices = tuple[slice, slice]
"""Rows and columns."""


def seen_shape(shape: tuple[int, ...], side: int | None) -> tuple[int, int]:
    """In which size a model sees an image [H, W, …]: its own, or that of a crop."""
    h, w = shape[:2]
    return (h, w) if side is None else (min(h, side), min(w, side))


def slices_of(window: Window) -> Slices:
    x0, y0, x1, y1 = window
    return slice(y0, y1), slice(x0, x1)


@dataclass(frozen=True)
class ObjectCrops:
    """Crops around objects. side: pixels of the largest; objects: those that are large enough to be cropped to."""

    side: int
    objects: Sequence[Region]

    def drawn(self, shape: tuple[int, int], random: Random, least: float) -> Slices:
        """One in which the middle of an object lies anywhere but near the edges. least: share of `side` that the smallest has."""
        h, w = shape
        length = max(1, half_up(self.side * random.range(least, 1)))
        at = random.integer(max(1, len(self.objects)))
        x0, y0, x1, y1 = self.objects[at].box if self.objects else (0, 0, w, h)

        def along(middle: float, limit: int) -> slice:
            own = min(length, limit)
            start = max(0, min(limit - own, half_up(middle - own * random.range(EDGE, 1 - EDGE))))
            return slice(start, start + own)

        columns = along((x0 + x1) / 2, w)
        return along((y0 + y1) / 2, h), columns


@dataclass(frozen=True, eq=False)
class View:
    """What a model sees of an image at once. crop: None for the whole image; masks: of the objects that it is asked for there."""

    crop: LabelledImage | None
    masks: list[np.ndarray]


def views_of(image: LabelledImage, fewest: float, limit: int) -> list[View]:
    """The views in which the largest objects are evaluated, each of at least `fewest` pixels; none where there is none."""
    objects = find_objects(image.labels, image.rule, fewest)
    chosen = objects.regions[:limit]
    if image.side is None:
        return [View(None, [objects.map == region.id for region in chosen])] if chosen else []
    views = []
    for window, regions in object_windows(chosen, image.side, image.labels.shape):
        at = slices_of(window)
        crop = replace(image, image=image.image[at], labels=image.labels[at], classes=image.classes[at])
        views.append(View(crop, [objects.map[at] == region.id for region in regions]))
    return views


def object_windows(regions: Sequence[Region], side: int, shape: tuple[int, int]) -> list[tuple[Window, list[Region]]]:
    """Each object in the crop around it; those that lie in the crop of an earlier one share it. A larger object has a larger crop."""
    h, w = shape
    found: list[tuple[Window, list[Region]]] = []
    for region in regions:
        known = next((own for window, own in found if is_inside(region.box, window)), None)
        if known is None:
            found.append((window_around(region.box, side, w, h), [region]))
        else:
            known.append(region)
    return found


def is_inside(inner: Window, outer: Window) -> bool:
    return inner[0] >= outer[0] and inner[1] >= outer[1] and inner[2] <= outer[2] and inner[3] <= outer[3]
