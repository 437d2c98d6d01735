"""First prompts and corrective clicks (`src/train/prompts.ts`), and the tokens that SAM makes of them."""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from ..random import Random
from ..sam.decoder import BOX_FIRST, BOX_SECOND, NEGATIVE, PAD, POSITIVE
from .config import TrainConfig
from .objects import Objects, Region

Point = tuple[float, float]


@dataclass
class Prompt:
    """Points in model pixels with their labels, and optionally the two corners of a box."""

    points: list[Point] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    box: tuple[Point, Point] | None = None

    @property
    def is_ambiguous(self) -> bool:
        """Whether this is a single click, which tokens 1 to 3 answer."""
        return len(self.points) == 1 and self.box is None

    def tokens(self) -> tuple[list[Point], list[int]]:
        """The points, then the corners of the box or SAM's padding point."""
        if self.box:
            return [*self.points, *self.box], [*self.labels, BOX_FIRST, BOX_SECOND]
        return [*self.points, (0.0, 0.0)], [*self.labels, PAD]


def tokens_of(prompts: list[Prompt]) -> tuple[Tensor, Tensor]:
    """coords [N, T, 2] and labels [N, T]."""
    pairs = [prompt.tokens() for prompt in prompts]
    return torch.tensor([p for p, _ in pairs]), torch.tensor([q for _, q in pairs])


def first_prompts(config: TrainConfig) -> list[str]:
    """The kinds of first prompts that a run alternates between."""
    asked = {"click": config.clickPrompts, "box": config.boxPrompts, "whole": config.wholePrompts}
    return [kind for kind, is_on in asked.items() if is_on] or ["click"]


def click_prompt(objects: Objects, region: Region, scale: Point, random: Random) -> Prompt:
    """A pixel of the object, each equally likely."""
    x0, y0, x1, y1 = region.box
    ys, xs = np.nonzero(objects.map[y0:y1, x0:x1] == region.id)
    k = random.integer(region.area)
    return Prompt([((x0 + int(xs[k]) + 0.5) * scale[0], (y0 + int(ys[k]) + 0.5) * scale[1])], [POSITIVE])


def box_prompt(box: tuple[float, ...], scale: Point) -> Prompt:
    x0, y0, x1, y1 = box
    return Prompt(box=((x0 * scale[0], y0 * scale[1]), (x1 * scale[0], y1 * scale[1])))


def jittered_box(shape: tuple[int, int], region: Region, jitter: float, random: Random) -> tuple[float, ...]:
    """Each side moved by up to `jitter` of the box's width or height, kept inside the image."""
    h, w = shape
    x0, y0, x1, y1 = region.box

    def moved(at: int, side: int, limit: int) -> float:
        return min(limit, max(0, at + random.range(-jitter, jitter) * side))

    return moved(x0, x1 - x0, w), moved(y0, y1 - y0, h), moved(x1, x1 - x0, w), moved(y1, y1 - y0, h)


def corrective_click(logits: np.ndarray, target: np.ndarray, cell: float, random: Random) -> tuple[Point, int]:
    """A point in the larger error, or in the target if there is no error, and its label; never in an ignored cell.

    logits, target: [h, w], the cells that show the image, ignored ones with a target of -1; cell: the side of a cell in model pixels.
    """
    guess, truth = logits > 0, target > 0.5
    missed, extra = np.argwhere(truth & ~guess), np.argwhere(guess & ~truth & (target >= 0))
    positive = len(missed) >= len(extra)
    wrong = missed if positive else extra
    cells = wrong if len(wrong) else np.argwhere(truth)
    k = random.uint32() % max(1, len(cells))
    y, x = (int(v) for v in cells[k]) if len(cells) else (0, 0)
    return ((x + 0.5) * cell, (y + 0.5) * cell), POSITIVE if positive else NEGATIVE
