"""One training step (`src/train/step.ts`): rounds of prompts, SAM's losses, gradients of a batch."""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from ..random import Random
from ..rounding import half_up
from .losses import best_of_three, mask_terms, total
from .prepare import Prepared
from .prompts import Prompt, corrective_click, tokens_of
from .team import ALONE, Team
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

    def plus(self, other: "Losses") -> "Losses":
        sums = (self.loss + other.loss, self.focal + other.focal, self.dice + other.dice, self.iou + other.iou)
        return Losses(*sums, min(self.margin, other.margin))

    def plus_all(self, team: Team) -> "Losses":
        """The sums over a team's processes."""
        total = Losses()
        for values in team.gather((self.loss, self.focal, self.dice, self.iou, self.margin)):
            total = total.plus(Losses(*values))
        return total


def round_terms(masks: Tensor, iou: Tensor, target: Tensor, single: Tensor) -> Tensor:
    """Focal, dice and IoU term [N, 3] of one round: after a single click those of the best of tokens 1 to 3, else of token 0.

    masks [N, 4, h, w], iou [N, 4], target [N, h, w], single [N].
    """
    if not single.any():
        return mask_terms(masks[:, :1], iou[:, :1], target)[:, 0]
    each = mask_terms(masks, iou, target)
    return torch.where(single[:, None], best_of_three(each), each[:, 0])


def answer(masks: Tensor, iou: Tensor, single: Tensor) -> Tensor:
    """The mask shown to a person [N, h, w]: after a single click the candidate with the highest predicted IoU, else token 0."""
    token = torch.where(single, 1 + iou[:, 1:].argmax(1), 0)
    return masks.detach()[torch.arange(len(token)), token]


def shown(low_res: np.ndarray, fill: tuple[int, int], size: int) -> np.ndarray:
    """The cells [h, w] of a low-res map that show the image; the rest is padding."""
    side = low_res.shape[-1]
    rows, columns = (max(1, min(side, half_up(pixels * side / size))) for pixels in fill)
    return low_res[:rows, :columns]


@dataclass(frozen=True)
class Pass:
    """Images that go through the model together. draws: for each the stream of its corrective clicks; of: images of the whole batch."""

    images: list[Prepared]
    draws: list[Random]
    of: int


def passes_of(images: list[Prepared], corrections: int, random: Random, share: slice, size: int) -> list[Pass]:
    """This process's share of a batch in passes of up to `size` images.

    As in the engine, a word is drawn for each click beforehand: by image, then round, then object; those of other shares as well.
    """
    draws = [random.ahead(corrections * len(image.prompts)) for image in images]
    own, own_draws = images[share], draws[share]
    starts = range(0, len(own), size)
    return [Pass(own[i : i + size], own_draws[i : i + size], len(images)) for i in starts]


def pass_loss(tuned: Tuned, batch: Pass, corrections: int) -> tuple[Tensor, Losses]:
    """The loss of all rounds on a pass and its parts: averaged over the objects of an image, then over the batch's images."""
    size, rounds, images = tuned.config["image_size"], corrections + 1, batch.images
    counts = torch.tensor([len(image.prompts) for image in images])
    items = [(image.fill, draw) for image, draw in zip(images, batch.draws, strict=True) for _ in image.prompts]
    prompts = [Prompt(list(p.points), list(p.labels), p.box) for image in images for p in image.prompts]
    targets = torch.cat([image.targets for image in images])
    weights = (1 / (counts * batch.of * rounds)).to(targets.dtype).repeat_interleave(counts)
    tuned.key = None
    with torch.set_grad_enabled(bool(tuned.modules_config.methods)):
        tuned.dataset = torch.tensor([image.dataset for image in images])
        embeddings = tuned.image_encoder(torch.cat([image.input for image in images])).repeat_interleave(counts, 0)
    tuned.dataset = tuned.dataset.repeat_interleave(counts)
    loss, parts, fed = torch.zeros(()), Losses(), None
    for k in range(rounds):
        coords, labels = tokens_of(prompts)
        single = torch.tensor([p.is_ambiguous for p in prompts])
        has_mask = None if fed is None else torch.ones(len(prompts), dtype=torch.bool)
        masks, iou = tuned.decode(embeddings, coords, labels, size, fed, has_mask)
        masks, iou = masks.to(targets.dtype), iou.to(targets.dtype)
        three = round_terms(masks, iou, targets, single)
        loss = loss + (total(three) * weights).sum()
        means = (three.detach() * weights[:, None]).sum(0).tolist()
        parts.focal, parts.dice, parts.iou = (a + b for a, b in zip((parts.focal, parts.dice, parts.iou), means, strict=True))
        if k == corrections:
            break
        fed = answer(masks, iou, single)
        correct(prompts, fed.cpu().numpy(), targets.cpu().numpy(), items, size, parts)
    parts.loss = float(loss.detach())
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


def gradients(
    tuned: Tuned,
    images: list[Prepared],
    corrections: int,
    random: Random,
    budget: float = 1,
    team: Team = ALONE,
    size: int | None = None,
) -> Losses:
    """Sets the tensors' `.grad` to the gradients of a batch, summed over a team's processes.

    budget: what gates with a price aim at in this step. size: images that go through the model at a time; all, if left out.
    """
    for tensor in tuned.trained.values():
        tensor.value.grad.zero_()
    parts = Losses()
    for batch in passes_of(images, corrections, random, team.share(len(images)), size or len(images)):
        with team.arithmetic():
            loss, own = pass_loss(tuned, batch, corrections)
        loss.backward()
        parts = parts.plus(own)
    price = tuned.price(budget) if team.is_first else None
    if price is not None:  # it takes part in the gradients and not in the losses
        price.backward()
    team.add([tensor.value.grad for tensor in tuned.trained.values()])
    return parts.plus_all(team)
