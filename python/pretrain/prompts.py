"""Prompts as people give them, in the engine's coordinates.

A click is a pixel's centre; a box is x0, y0, x1 + 1, y1 + 1. SAM adds its own 0.5.
"""

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor

from mopeft.sam.decoder import BOX_FIRST, BOX_SECOND, NEGATIVE, PAD, POSITIVE
from mopeft.train.measure import box_of, inner_click


def jittered(rng: Generator, box: np.ndarray) -> np.ndarray:
    """A box drawn by hand: corners off by up to about 10 % of the sides; often exact."""
    if rng.random() < 0.4:
        return box
    side = np.array([box[2] - box[0], box[3] - box[1]] * 2)
    off = np.clip(rng.standard_normal(4) * rng.uniform(0, 0.1), -0.2, 0.2) * side
    return box + np.clip(off, -20, 20).astype(np.float32)


def first_prompt(rng: Generator, mask: np.ndarray, low: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two tokens: points [2, 2] and labels [2]. Half clicks (inner or anywhere), half boxes.

    mask: bool [S, S]; low: the object on the low-res grid, where the inner click is looked for.
    """
    if rng.random() < 0.5:
        return jittered(rng, box_of(mask)).reshape(2, 2), np.array([BOX_FIRST, BOX_SECOND])
    if rng.random() < 0.6 and low.any():
        x, y = inner_click(low)
        k = mask.shape[0] / low.shape[0]
        click = (np.array([x, y]) + 0.5) * k
    else:
        ys, xs = np.nonzero(mask)
        i = int(rng.integers(len(xs)))
        click = np.array([xs[i], ys[i]]) + 0.5
    return np.stack([click, [0, 0]]), np.array([POSITIVE, PAD])


def corrective_click(logits: Tensor, target: Tensor, scale: float, g: torch.Generator) -> tuple[Tensor, Tensor]:
    """A click in the larger error region of each item: points [N, 2], labels [N].

    logits, target: [N, h, w]; scale: input pixels per low-res cell. Without an error the click is a positive one inside the object.
    """
    guess, truth = logits > 0, target > 0.5
    missed, extra = truth & ~guess, guess & ~truth
    n_missed, n_extra = missed.flatten(1).sum(1), extra.flatten(1).sum(1)
    positive = n_missed >= n_extra
    region = torch.where(positive[:, None, None], missed, extra)
    region = torch.where((n_missed + n_extra == 0)[:, None, None], truth, region).flatten(1).float()
    region = torch.where(region.sum(1, keepdim=True) == 0, torch.ones_like(region), region)
    cell = torch.multinomial(region, 1, generator=g)[:, 0]
    width = logits.shape[-1]
    points = (torch.stack([cell % width, cell // width], 1).float() + 0.5) * scale
    return points, torch.where(positive, POSITIVE, NEGATIVE)


def add_click(points: Tensor, labels: Tensor, click: Tensor, sign: Tensor) -> tuple[Tensor, Tensor]:
    """Append a click to two-token prompts: [click, click, pad] or, as SAM orders them, [click, box, box]."""
    is_box = labels[:, 0] == BOX_FIRST
    with_click = torch.stack([points[:, 0], click, torch.zeros_like(click)], 1)
    click_labels = torch.stack([labels[:, 0], sign, torch.full_like(sign, PAD)], 1)
    with_box = torch.cat([click[:, None], points], 1)
    box_labels = torch.cat([sign[:, None], labels], 1)
    return torch.where(is_box[:, None, None], with_box, with_click), torch.where(is_box[:, None], box_labels, click_labels)
