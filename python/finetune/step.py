"""One training step (`src/train/step.ts`): rounds of prompts, SAM's losses, gradients of a batch."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from reference.losses import supervised, terms, total

from .augment import half_up
from .prepare import Prepared
from .prompts import Prompt, corrective_click, tokens_of
from .random import Random
from .tuned import Tuned


@dataclass
class Losses:
    """Means over objects, rounds and pictures; loss = 20·focal + dice + iou."""

    loss: float = 0
    focal: float = 0
    dice: float = 0
    iou: float = 0
    """The smallest |logit| that decided a cell of an error: how far the clicks are from being others."""
    margin: float = field(default=float("inf"), repr=False)


def round_terms(masks: Tensor, iou: Tensor, target: Tensor, single: Tensor) -> Tensor:
    """Focal, dice, iou term [N, 3] of one round: after a single click of the best of tokens 1 to 3, else of token 0.

    masks [N, 4, h, w], iou [N, 4], target [N, h, w], single [N].
    """
    if not single.any():
        return supervised(terms(masks[:, :1], iou[:, :1], target), False)[0]
    each = terms(masks, iou, target)
    return torch.where(single[:, None], supervised(each, True)[0], supervised(each, False)[0])


def answer(masks: Tensor, iou: Tensor, single: Tensor) -> Tensor:
    """The mask that a person sees [N, h, w]: of a single click the candidate with the highest predicted IoU, else token 0."""
    token = torch.where(single, 1 + iou[:, 1:].argmax(1), 0)
    return masks.detach()[torch.arange(len(token)), token]


def shown(maps: Tensor, fill: tuple[int, int], size: int) -> Tensor:
    """The cells [..., h, w] of low-res maps that show the picture; the rest is padding."""
    side = maps.shape[-1]
    rows, columns = (max(1, min(side, half_up(pixels * side / size))) for pixels in fill)
    return maps[..., :rows, :columns]


def lesson(tuned: Tuned, image: Prepared, corrections: int, random: Random) -> tuple[Tensor, Losses]:
    """The loss of all rounds on one picture, and its parts."""
    size, n = tuned.config["image_size"], len(image.prompts)
    tuned.key = None
    with torch.set_grad_enabled(bool(tuned.mopeft.methods)):
        items = tuned.image_encoder(image.input).expand(n, -1, -1, -1)
    prompts = [Prompt(list(p.points), list(p.labels), p.box) for p in image.prompts]
    loss, parts, fed = torch.zeros(()), Losses(), None
    for k in range(corrections + 1):
        coords, labels = tokens_of(prompts)
        single = torch.tensor([p.is_ambiguous for p in prompts])
        has_mask = None if fed is None else torch.ones(n, dtype=torch.bool)
        masks, iou = tuned.decode(items, coords, labels, size, fed, has_mask)
        three = round_terms(masks, iou, image.targets, single)
        loss = loss + total(three).mean() / (corrections + 1)
        means = three.detach().mean(0) / (corrections + 1)
        parts.focal, parts.dice, parts.iou = (a + float(b) for a, b in zip((parts.focal, parts.dice, parts.iou), means, strict=True))
        if k == corrections:
            break
        fed = answer(masks, iou, single)
        parts.margin = min(parts.margin, float(shown(fed, image.fill, size).abs().min()))
        for i, prompt in enumerate(prompts):
            logits, target = (shown(t[i], image.fill, size).cpu().numpy() for t in (fed, image.targets))
            point, label = corrective_click(logits, target, size / image.targets.shape[-1], random)
            prompt.points.append(point)
            prompt.labels.append(label)
    parts.loss = float(loss.detach())
    return loss, parts


def gradients(tuned: Tuned, images: list[Prepared], corrections: int, random: Random) -> Losses:
    """Gradients of a batch, from zero, in the tensors' `.grad`."""
    for tensor in tuned.trained.values():
        tensor.value.grad.zero_()
    sums = Losses()
    for image in images:
        loss, parts = lesson(tuned, image, corrections, random)
        (loss / len(images)).backward()
        for name in ("loss", "focal", "dice", "iou"):
            setattr(sums, name, getattr(sums, name) + getattr(parts, name) / len(images))
        sums.margin = min(sums.margin, parts.margin)
    return sums
