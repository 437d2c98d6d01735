"""One training step (`src/train/step.ts`): rounds of prompts, SAM's losses, gradients of a batch."""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from mopeft.random import Random
from reference.losses import supervised, terms, total

from .augment import half_up
from .prepare import Prepared
from .prompts import Prompt, corrective_click, tokens_of
from .tuned import Tuned


@dataclass
class Losses:
    """Means over objects, rounds and images; loss = 20·focal + dice + iou."""

    loss: float = 0
    focal: float = 0
    dice: float = 0
    iou: float = 0
    margin: float = field(default=float("inf"), repr=False)
    """The smallest |logit| of the cells that clicks were drawn from: how far rounding is from changing a click."""


def round_terms(masks: Tensor, iou: Tensor, target: Tensor, single: Tensor) -> Tensor:
    """Focal, dice and IoU term [N, 3] of one round: after a single click those of the best of tokens 1 to 3, else of token 0.

    masks [N, 4, h, w], iou [N, 4], target [N, h, w], single [N].
    """
    if not single.any():
        return supervised(terms(masks[:, :1], iou[:, :1], target), False)[0]
    each = terms(masks, iou, target)
    return torch.where(single[:, None], supervised(each, True)[0], supervised(each, False)[0])


def answer(masks: Tensor, iou: Tensor, single: Tensor) -> Tensor:
    """The mask shown to a person [N, h, w]: after a single click the candidate with the highest predicted IoU, else token 0."""
    token = torch.where(single, 1 + iou[:, 1:].argmax(1), 0)
    return masks.detach()[torch.arange(len(token)), token]


def shown(low_res: np.ndarray, fill: tuple[int, int], size: int) -> np.ndarray:
    """The cells [h, w] of a low-res map that show the image; the rest is padding."""
    side = low_res.shape[-1]
    rows, columns = (max(1, min(side, half_up(pixels * side / size))) for pixels in fill)
    return low_res[:rows, :columns]


def batch_loss(tuned: Tuned, images: list[Prepared], corrections: int, random: Random, budget: float = 1) -> tuple[Tensor, Losses]:
    """The loss of all rounds on a batch and its parts: averaged over the objects of an image, then over images.

    As in the engine, a word is drawn for each click beforehand: by image, then round, then object. budget: what gates with a price
    aim at in this step.
    """
    size, rounds = tuned.config["image_size"], corrections + 1
    counts = torch.tensor([len(image.prompts) for image in images])
    draws = [random.ahead(corrections * len(image.prompts)) for image in images]
    items = [(image.fill, draw) for image, draw in zip(images, draws, strict=True) for _ in image.prompts]
    prompts = [Prompt(list(p.points), list(p.labels), p.box) for image in images for p in image.prompts]
    targets = torch.cat([image.targets for image in images])
    weights = (1 / (counts * len(images) * rounds)).to(targets.dtype).repeat_interleave(counts)
    tuned.key = None
    with torch.set_grad_enabled(bool(tuned.mopeft.methods)):
        tuned.dataset = torch.tensor([image.dataset for image in images])
        embeddings = tuned.image_encoder(torch.cat([image.input for image in images])).repeat_interleave(counts, 0)
    tuned.dataset = tuned.dataset.repeat_interleave(counts)
    price = tuned.price(budget)
    loss, parts, fed = torch.zeros(()) if price is None else price, Losses(), None
    for k in range(rounds):
        coords, labels = tokens_of(prompts)
        single = torch.tensor([p.is_ambiguous for p in prompts])
        has_mask = None if fed is None else torch.ones(len(prompts), dtype=torch.bool)
        masks, iou = tuned.decode(embeddings, coords, labels, size, fed, has_mask)
        three = round_terms(masks, iou, targets, single)
        loss = loss + (total(three) * weights).sum()
        means = (three.detach() * weights[:, None]).sum(0).tolist()
        parts.focal, parts.dice, parts.iou = (a + b for a, b in zip((parts.focal, parts.dice, parts.iou), means, strict=True))
        if k == corrections:
            break
        fed = answer(masks, iou, single)
        correct(prompts, fed.cpu().numpy(), targets.cpu().numpy(), items, size, parts)
    # A price takes part in the gradients and not in the losses.
    parts.loss = float((loss if price is None else loss - price).detach())
    return loss, parts


def correct(
    prompts: list[Prompt], logits: np.ndarray, targets: np.ndarray, items: list[tuple[tuple[int, int], Random]], size: int, parts: Losses
) -> None:
    """Adds a corrective click to every prompt. items: for each prompt its image's fill and random stream."""
    for prompt, maps, target, (fill, random) in zip(prompts, logits, targets, items, strict=True):
        seen, wanted = shown(maps, fill, size), shown(target, fill, size)
        parts.margin = min(parts.margin, float(abs(seen).min()))
        point, label = corrective_click(seen, wanted, size / targets.shape[-1], random)
        prompt.points.append(point)
        prompt.labels.append(label)


def gradients(tuned: Tuned, images: list[Prepared], corrections: int, random: Random, budget: float = 1) -> Losses:
    """Sets the tensors' `.grad` to the gradients of a batch."""
    for tensor in tuned.trained.values():
        tensor.value.grad.zero_()
    loss, parts = batch_loss(tuned, images, corrections, random, budget)
    loss.backward()
    return parts
