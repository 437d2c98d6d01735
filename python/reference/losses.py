"""Focal, dice and IoU terms, per mask, and AdamW's arithmetic."""

import torch
import torch.nn.functional as F
from torch import Tensor


def terms(logits: Tensor, iou: Tensor, target: Tensor) -> Tensor:
    """logits [N, T, h, w], predicted iou [N, T], target [N, h, w] of 0, 1 and -1 -> focal, dice, iou terms [N, T, 3].

    Cells whose target is -1 take no part; without any that does, all terms are 0.
    """
    n, t = iou.shape
    every = [torch.stack(mask_terms(logits[i, j], iou[i, j], target[i])) for i in range(n) for j in range(t)]
    return torch.stack(every).view(n, t, 3)


def mask_terms(logits: Tensor, iou: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of one mask, logits and target [h, w], as sums over the cells of the object and those of the ground."""
    of_object, of_ground = logits[target == 1], logits[target == 0]
    cells = len(of_object) + len(of_ground)
    if cells == 0:
        return (0 * logits.sum(),) * 2 + (0 * iou,)
    # -log p of a cell's own side is softplus(-x) in the object and softplus(x) in the ground.
    missed = (of_object.neg().sigmoid().square() * F.softplus(-of_object)).sum()
    extra = (of_ground.sigmoid().square() * F.softplus(of_ground)).sum()
    focal = (missed + 3 * extra) / (4 * cells)
    inside, outside = of_object.sigmoid().sum(), of_ground.sigmoid().sum()
    dice = (outside + len(of_object) - inside) / (inside + outside + len(of_object) + 1)
    hits, false_hits = int((of_object > 0).sum()), int((of_ground > 0).sum())
    real = hits / max(1, len(of_object) + false_hits)
    return focal, dice, (iou - real).square()


def supervised(each: Tensor, candidates: bool) -> tuple[Tensor, Tensor]:
    """Terms [N, T, 3] -> the terms that count [N, 3] and the token [N].

    candidates: of tokens 1 to 3 the one with the least 20·focal + dice, and the IoU term is the mean of the
    three; else token 0.
    """
    if not candidates:
        return each[:, 0], torch.zeros(len(each), dtype=torch.long)
    tokens = [min((1, 2, 3), key=lambda token, one=one: (20 * one[token, 0] + one[token, 1]).item()) for one in each]
    rows = [torch.stack([*one[token, :2], sum(one[1:, 2]) / 3]) for one, token in zip(each, tokens, strict=True)]
    return torch.stack(rows), torch.tensor(tokens)


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
