"""Box IoU and click IoU of one image, as `mopeft evaluate` defines them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from ..preprocessing import IMAGENET, Preprocessing, input_shape, postprocess, preprocess
from ..sam.decoder import BOX_FIRST, BOX_SECOND, PAD, POSITIVE
from ..sam.model import Sam


def box_of(mask: np.ndarray) -> np.ndarray:
    """x0, y0, x1 + 1, y1 + 1 of a bool mask [H, W]."""
    rows, cols = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return np.array([cols[0], rows[0], cols[-1] + 1, rows[-1] + 1], np.float32)


def inner_click(mask: np.ndarray) -> tuple[int, int]:
    """(x, y) of the pixel farthest from the outside; the image's edge is outside; first in row order."""
    x0, y0, x1, y1 = box_of(mask).astype(int)
    depth = ndimage.distance_transform_edt(np.pad(mask[y0:y1, x0:x1], 1))[1:-1, 1:-1]
    y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    return int(x) + x0, int(y) + y0


@dataclass
class Scores:
    """One entry an object: IoU by box, by click (the candidate ranked first), of the best candidate."""

    box: list[float]
    click: list[float]
    best: list[float]
    picked: list[bool]


def joined(scores: Sequence[Scores]) -> Scores:
    """Those of several crops of an image as its own."""
    boxes, clicks, bests, picked = ([x for s in scores for x in getattr(s, part)] for part in ("box", "click", "best", "picked"))
    return Scores(boxes, clicks, bests, picked)


def measured_masks(objects: list[np.ndarray], ignored: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Objects and ignored pixels at a size of which no side is longer than `most` (`src/train/measured-size.ts`).

    bool [H, W] each -> bool [N, h, w] and [h, w]; an image that is no larger keeps them. A pixel of that size is the object's
    where the object covers at least half of it; if there is none, where it covers most.
    """
    h, w = ignored.shape
    if max(h, w) <= most:
        return np.stack(objects), ignored
    nh, nw = input_shape((h, w), most)
    rows, columns, half = _overlaps(h, nh), _overlaps(w, nw), h * w / 2
    skipped = rows @ ignored @ columns.T >= half
    masks = []
    for mask in objects:
        area = rows @ mask @ columns.T
        covered = (area >= half) & ~skipped
        masks.append(covered if covered.any() else area == area.max())
    return np.stack(masks), skipped


def _overlaps(n: int, to: int) -> np.ndarray:
    """[to, n]: the length that each of n pixels has in each of `to` cells; a pixel is `to` long and a cell n, so all are whole."""
    pixel, cell = np.arange(n), np.arange(to)[:, None]
    return np.clip(np.minimum((pixel + 1) * to, (cell + 1) * n) - np.maximum(pixel * to, cell * n), 0, None).astype(np.float64)


def overlap(logits: Tensor, truth: Tensor, threshold: float, part: Tensor | None = None) -> Tensor:
    """IoU [N, T] of logits [N, T, H, W] > threshold with truth [N, H, W], over the pixels of part [N, H, W] or all."""
    guess, truth = logits > threshold, truth[:, None]
    guess = guess if part is None else guess & part[:, None]
    return (guess & truth).sum((2, 3)) / (guess | truth).sum((2, 3)).clamp(min=1)


def score(model: Sam, image: np.ndarray, objects: list[np.ndarray], size: int) -> Scores:
    """image uint8 [H, W, 3], objects bool [H, W] each; masks are logits > 0."""
    return scores_at(model, image, objects, size, (0.0,))[0]


@torch.inference_mode()
def scores_at(
    model: Sam,
    image: np.ndarray,
    objects: list[np.ndarray],
    size: int,
    thresholds: Sequence[float],
    ignored: np.ndarray | None = None,
    most: int | None = None,
    how: Preprocessing = IMAGENET,
) -> list[Scores]:
    """`score` at each of several thresholds.

    ignored: bool [H, W], pixels that count for neither mask; most: the longest side at which masks are measured, or any.
    """
    h, w = image.shape[:2]
    pixels, fill = preprocess(image, size, how)
    at = {"device": model.device, "dtype": torch.get_default_dtype()}
    embedding = model.image_encoder(pixels.to(**at)).expand(len(objects), -1, -1, -1)
    by = np.array([fill[1] / w, fill[0] / h], np.float32)
    boxes = np.stack([box_of(m).reshape(2, 2) * by for m in objects])
    clicks = np.stack([[(np.array(inner_click(m)) + 0.5) * by, (0, 0)] for m in objects])
    skipped = np.zeros((h, w), bool) if ignored is None else ignored
    masks, skipped = measured_masks(objects, skipped, max(h, w) if most is None else most)
    truth, part = (torch.from_numpy(x).to(model.device) for x in (masks, masks | ~skipped))
    shape = masks.shape[1:]

    def decode(points: np.ndarray, labels: list[int]) -> tuple[Tensor, Tensor]:
        points = torch.from_numpy(points).to(**at)
        return model.decode(embedding, points, torch.tensor(labels, device=model.device).expand(len(objects), -1), size)

    masks, _ = decode(boxes, [BOX_FIRST, BOX_SECOND])
    by_box = postprocess(masks[:, :1], size, fill, shape)
    masks, iou = decode(clicks, [POSITIVE, PAD])
    by_click, token = postprocess(masks[:, 1:], size, fill, shape), iou[:, 1:].argmax(1)
    out = []
    for threshold in thresholds:
        box, real = overlap(by_box, truth, threshold, part)[:, 0], overlap(by_click, truth, threshold, part)
        click, best = real.gather(1, token[:, None])[:, 0], real.max(1).values
        out.append(Scores(box.tolist(), click.tolist(), best.tolist(), (click >= best).tolist()))
    return out
