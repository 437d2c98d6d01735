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
    clicks = [numbers(point, 2, "points") for point in items(points, "points")]
    signs = [POSITIVE] * len(clicks) if labels is None else [number(label) for label in items(labels, "labels")]
    if len(signs) != len(clicks):
        raise wrong(f"There are {len(clicks)} points and {len(signs)} labels", "labels", "Give a label for each point")
    if any(sign not in (NEGATIVE, POSITIVE) for sign in signs):
        raise wrong(f"The labels are {labels!r}", "labels", CURES["labels"])
    if any(not (0 <= x <= width and 0 <= y <= height) for x, y in clicks):
        raise wrong(f"A point is outside of the image of {width} × {height} pixels", "points", "Give (x, y) in the image's pixels")
    if box is None:
        if not clicks:
            raise wrong("Nothing is asked", "points", "Give a point or a box")
        return Prompt(clicks, [int(sign) for sign in signs])
    x0, y0, x1, y1 = corners = numbers(box, 4, "box")
    if not (x0 < x1 and y0 < y1):
        raise wrong(
            f"The box {corners} has no area, or ends before it begins", "box", "Give (x0, y0, x1, y1): two corners, no width and height"
        )
    if not (x1 > 0 and y1 > 0 and x0 < width and y0 < height):
        raise wrong(f"The box {corners} is outside of the image of {width} × {height} pixels", "box", CURES["box"])
    return Prompt(clicks, [int(sign) for sign in signs], corners)


CURES = {
    "points": "Give a list of points (x, y), such as [(120, 80)]",
    "labels": "Give a list with 1 for the object and 0 for the background",
    "box": "Give one box as (x0, y0, x1, y1)",
}


def items(values: object, where: str) -> list[object]:
    """What a sequence holds; None holds nothing."""
    try:
        return [] if values is None else list(values)  # type: ignore[call-overload]
    except TypeError:
        raise wrong(f"{values!r} is no list", where, CURES[where]) from None


def number(value: object) -> float:
    """NaN for what is none."""
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, RuntimeError):
        return math.nan


def numbers(values: object, count: int, where: str) -> tuple[float, ...]:
    try:
        found = tuple(map(number, values))  # type: ignore[call-overload]
    except TypeError:
        found = ()
    if len(found) != count or not all(map(math.isfinite, found)):
        raise wrong(f"{values!r} is not {count} numbers", where, CURES[where])
    return found


def wrong(what: str, where: str, cure: str) -> AskError:
    return AskError("prompt/invalid", f"{what}.", where, f"{cure}.")
