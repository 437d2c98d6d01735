"""What is asked about an image, in its own pixels."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .errors import AskError
from .rounding import half_up
from .sam.decoder import BOX_FIRST, BOX_SECOND, NEGATIVE, PAD, POSITIVE

Point = tuple[float, float]
Region = tuple[int, int, int, int]
"""x0, y0, x1, y1, the last two outside."""


@dataclass(frozen=True)
class Prompt:
    """Points (x, y) with labels, 1 for the object and 0 for the background, and a box (x0, y0, x1, y1)."""

    points: Sequence[Point]
    labels: Sequence[int]
    box: tuple[float, float, float, float] | None = None

    @property
    def is_ambiguous(self) -> bool:
        """Whether this is a single click, which can mean several objects: tokens 1 to 3 answer."""
        return len(self.points) == 1 and self.box is None

    def tokens(self, region: Region, scale: Point) -> tuple[list[Point], list[int]]:
        """Points and labels in model pixels: the clicks, then the corners of the box or SAM's padding point."""

        def moved(x: float, y: float) -> Point:
            return (x - region[0]) * scale[0], (y - region[1]) * scale[1]

        points = [moved(*point) for point in self.points]
        if self.box:
            return [*points, moved(*self.box[:2]), moved(*self.box[2:])], [*self.labels, BOX_FIRST, BOX_SECOND]
        return [*points, (0.0, 0.0)], [*self.labels, PAD]

    def window(self, side: int | None, width: int, height: int) -> Region:
        """What of an image the model sees: all of it, or `side` pixels around the prompt, more where that is larger."""
        if side is None:
            return 0, 0, width, height
        corners = [*self.points, *((self.box[:2], self.box[2:]) if self.box else ())]
        xs, ys = [p[0] for p in corners], [p[1] for p in corners]
        x0, y0, x1, y1 = math.floor(min(xs)), math.floor(min(ys)), math.ceil(max(xs)), math.ceil(max(ys))
        return window_around((x0, y0, x1, y1), side, width, height)


def window_around(box: Region, side: int, width: int, height: int) -> Region:
    """The square of `side` pixels around the middle of a box, or more where the box is larger, moved into the image."""
    x0, y0, x1, y1 = box
    least = max(side, x1 - x0, y1 - y0)

    def along(start: int, end: int, limit: int) -> tuple[int, int]:
        length = min(least, limit)
        moved = max(0, min(half_up((start + end - length) / 2), limit - length))
        return moved, moved + length

    (left, right), (top, bottom) = along(x0, x1, width), along(y0, y1, height)
    return left, top, right, bottom


def prompt_of(points: object, labels: object, box: object, width: int, height: int) -> Prompt:
    """Checked against an image's size. AskError that names what is wrong."""
    clicks = [numbers(point, 2, "points") for point in points]  # type: ignore[attr-defined]
    signs = [POSITIVE] * len(clicks) if labels is None else [int(label) for label in labels]  # type: ignore[attr-defined]
    if len(signs) != len(clicks):
        raise wrong(f"There are {len(clicks)} points and {len(signs)} labels", "labels", "Give a label for each point")
    if any(sign not in (NEGATIVE, POSITIVE) for sign in signs):
        raise wrong(f"The labels are {signs}", "labels", "Give 1 for the object and 0 for the background")
    if any(not (0 <= x <= width and 0 <= y <= height) for x, y in clicks):
        raise wrong(f"A point is outside of the image of {width} × {height} pixels", "points", "Give (x, y) in the image's pixels")
    if box is None:
        if not clicks:
            raise wrong("Nothing is asked", "points", "Give a point or a box")
        return Prompt(clicks, signs)
    x0, y0, x1, y1 = corners = numbers(box, 4, "box")
    if not (x0 < x1 and y0 < y1 and x1 > 0 and y1 > 0 and x0 < width and y0 < height):
        raise wrong(f"The box {corners} has no area in the image of {width} × {height} pixels", "box", "Give (x0, y0, x1, y1)")
    return Prompt(clicks, signs, corners)


def numbers(values: object, count: int, where: str) -> tuple[float, ...]:
    try:
        found = tuple(float(v) for v in values)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        found = ()
    if len(found) != count or not all(map(math.isfinite, found)):
        raise wrong(f"{values!r} is not {count} numbers", where, "Give points as (x, y) and a box as (x0, y0, x1, y1)")
    return found


def wrong(what: str, where: str, cure: str) -> AskError:
    return AskError("prompt/invalid", f"{what}.", where, f"{cure}.")
