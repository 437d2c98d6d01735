"""Mask losses, the choice among the three candidates, and the helper task of the first phases."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mopeft.sam.decoder import POSITIVE


def mask_losses(logits: Tensor, target: Tensor, bce: float, focal: float) -> Tensor:
    """bce·BCE + focal·focal(α 0.25, γ 2) + dice(smooth 1), per mask: [N, T, h, w], [N, h, w] -> [N, T]."""
    t = target[:, None].expand_as(logits)
    ce = F.binary_cross_entropy_with_logits(logits, t, reduction="none")
    p = logits.sigmoid()
    right = p * t + (1 - p) * (1 - t)
    alpha = 0.25 * t + 0.75 * (1 - t)
    pixel = (bce * ce + focal * alpha * (1 - right).square() * ce).mean((2, 3))
    dice = 1 - (2 * (p * t).sum((2, 3)) + 1) / (p.sum((2, 3)) + t.sum((2, 3)) + 1)
    return pixel + dice


@torch.no_grad()
def real_iou(logits: Tensor, target: Tensor) -> Tensor:
    """IoU of the thresholded masks with the target: [N, T, h, w], [N, h, w] -> [N, T]."""
    guess, truth = logits > 0, (target > 0.5)[:, None]
    return (guess & truth).sum((2, 3)) / (guess | truth).sum((2, 3)).clamp(min=1)


def is_single_click(labels: Tensor) -> Tensor:
    """[N, P] -> [N]: one positive click and nothing else."""
    return (labels[:, 0] == POSITIVE) & (labels[:, 1] < 0)


def round_loss(masks: Tensor, iou: Tensor, target: Tensor, single: Tensor, phase: dict) -> tuple[Tensor, Tensor]:
    """Loss of one round and the chosen token of each item [N].

    masks [N, 4, h, w], iou [N, 4]. Single clicks: the best of tokens 1..3; else token 0.
    """
    each = mask_losses(masks, target, phase["bce"], phase["focal"])
    best = 1 + each[:, 1:].argmin(1)
    token = torch.where(single, best, 0)
    chosen = each.gather(1, token[:, None])[:, 0]
    spread = torch.where(single, 0.05 * each[:, 1:].mean(1), 0)
    off = (iou - real_iou(masks, target)).square()
    ranking = torch.where(single, off[:, 1:].mean(1), off[:, 0])
    return (chosen + spread + phase.get("ranking", 1.0) * ranking).mean(), token


class Helper(nn.Module):
    """Reads the embedding alone: is this cell on an object, and are two near cells on the same one?

    It gives the encoder a signal before the decoder is of use. It is not part of the model.
    """

    shifts = ((0, 1), (1, 0), (0, 4), (4, 0))

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.maps = nn.Linear(dim, 16 * (1 + len(self.shifts)))

    def forward(self, embedding: Tensor, label: Tensor) -> Tensor:
        """embedding [B, G, G, D], label [B, 4G, 4G] -> loss."""
        b, g, _, _ = embedding.shape
        maps = self.maps(embedding).view(b, g, g, 4, 4, -1).transpose(2, 3).reshape(b, 4 * g, 4 * g, -1)
        loss = F.binary_cross_entropy_with_logits(maps[..., 0], (label > 0).float())
        for i, (dy, dx) in enumerate(self.shifts):
            h, w = 4 * g - dy, 4 * g - dx
            apart = (label[:, dy:, dx:] != label[:, :h, :w]).float()
            loss = loss + F.binary_cross_entropy_with_logits(maps[:, :h, :w, 1 + i], apart, 1 + 4 * apart)
        return loss / (1 + len(self.shifts))
