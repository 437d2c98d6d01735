"""SAM's loss of a mask and its predicted IoU (docs/mopeft.md, `src/train/losses.ts`)."""

import torch
import torch.nn.functional as F
from torch import Tensor

FOCAL = 20
"""Weight of the focal loss; dice and IoU have 1."""


def mask_terms(logits: Tensor, iou: Tensor, target: Tensor) -> Tensor:
    """Focal, dice and IoU term [N, T, 3] of logits [N, T, h, w] and predicted IoUs [N, T]; target [N, h, w] of 0, 1 and IGNORED.

    Ignored cells take no part; where all are, the terms are 0.
    """
    is_part = (target >= 0)[:, None].expand_as(logits)
    cells = is_part.sum((2, 3))
    truth = target.clamp(min=0)[:, None].expand_as(logits)
    sure = logits.sigmoid() * is_part
    agreement = sure * truth + (1 - sure) * (1 - truth)
    balance = 0.25 * truth + 0.75 * (1 - truth)
    entropy = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    focal = (balance * (1 - agreement) ** 2 * entropy * is_part).sum((2, 3)) / cells.clamp(min=1)
    dice = 1 - (2 * (sure * truth).sum((2, 3)) + 1) / (sure.sum((2, 3)) + truth.sum((2, 3)) + 1)
    marked, wanted = (logits.detach() > 0) & is_part, truth > 0.5
    real = (marked & wanted).sum((2, 3)) / (marked | wanted).sum((2, 3)).clamp(min=1)
    return torch.stack([focal, dice, (iou - real) ** 2 * (cells > 0)], -1)


def best_of_three(each: Tensor) -> Tensor:
    """Terms [N, 4, 3] of all tokens -> [N, 3]: focal and dice of the candidate that is nearest, the mean IoU term of the three."""
    candidates = each[:, 1:]
    nearest = (FOCAL * candidates[..., 0] + candidates[..., 1]).argmin(1)
    chosen = candidates[torch.arange(len(each)), nearest]
    return torch.stack([chosen[:, 0], chosen[:, 1], candidates[..., 2].mean(1)], -1)


def total(three: Tensor) -> Tensor:
    """[..., 3] -> the loss."""
    return FOCAL * three[..., 0] + three[..., 1] + three[..., 2]
