"""Focal, dice and IoU terms, per mask, and AdamW's arithmetic."""

import torch
import torch.nn.functional as F
from torch import Tensor


def terms(logits: Tensor, iou: Tensor, target: Tensor) -> Tensor:
    """logits [N, T, h, w], predicted iou [N, T], target [N, h, w] -> focal, dice, iou terms [N, T, 3].

    Cells whose target is -1 take no part; without any that does, all terms are 0.
    """
    part = (target >= 0)[:, None].expand_as(logits)
    count = part.sum((2, 3))
    t = target.clamp(min=0)[:, None].expand_as(logits)
    p = logits.sigmoid() * part
    right = p * t + (1 - p) * (1 - t)
    alpha = 0.25 * t + 0.75 * (1 - t)
    bce = F.binary_cross_entropy_with_logits(logits, t, reduction="none")
    focal = (alpha * (1 - right) ** 2 * bce * part).sum((2, 3)) / count.clamp(min=1)
    dice = 1 - (2 * (p * t).sum((2, 3)) + 1) / (p.sum((2, 3)) + t.sum((2, 3)) + 1)
    guess, truth = (logits.detach() > 0) & part, t > 0.5
    real = (guess & truth).sum((2, 3)) / (guess | truth).sum((2, 3)).clamp(min=1)
    return torch.stack([focal, dice, (iou - real) ** 2 * (count > 0)], -1)


def supervised(each: Tensor, candidates: bool) -> tuple[Tensor, Tensor]:
    """Terms [N, T, 3] -> the terms that count [N, 3] and the token [N].

    candidates: of tokens 1 to 3 the one with the least 20·focal + dice, and the IoU term is the mean of the
    three; else token 0.
    """
    if not candidates:
        return each[:, 0], torch.zeros(len(each), dtype=torch.long)
    mask_loss = 20 * each[:, 1:, 0] + each[:, 1:, 1]
    token = 1 + mask_loss.argmin(1)
    chosen = each[torch.arange(len(each)), token]
    return torch.stack([chosen[:, 0], chosen[:, 1], each[:, 1:, 2].mean(1)], -1), token


def total(three: Tensor) -> Tensor:
    """[..., 3] -> 20·focal + dice + iou."""
    return 20 * three[..., 0] + three[..., 1] + three[..., 2]


def adamw(params: dict[str, Tensor], o: dict) -> dict[str, Tensor]:
    """The tensors after o["steps"] steps that all use the current gradient, decay on every tensor."""
    out = {}
    for name, p in params.items():
        x, g, m, v = p.detach().clone(), p.grad, torch.zeros_like(p), torch.zeros_like(p)
        for t in range(1, o["steps"] + 1):
            m = o["beta1"] * m + (1 - o["beta1"]) * g
            v = o["beta2"] * v + (1 - o["beta2"]) * g * g
            x = x - o["lr"] * o["weight_decay"] * x
            x = x - o["lr"] * (m / (1 - o["beta1"] ** t)) / ((v / (1 - o["beta2"] ** t)).sqrt() + o["eps"])
        out[name] = x.detach()
    return out
