"""The loss of one micro-batch: first prompts, a corrective round, the helper task."""

import torch
from torch import Tensor

from mopeft.sam.model import Sam

from .batches import Batch
from .losses import Helper, is_single_click, round_loss
from .prompts import add_click, corrective_click


def objective(model: Sam, helper: Helper, batch: Batch, phase: dict, g: torch.Generator, bf16: bool) -> dict[str, Tensor]:
    """Losses by name; `loss` is their weighted sum. g (on the CPU) decides the corrective round; bf16: autocast."""
    size, count, device = phase["size"], phase["objects"], batch.image.device
    with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        embedding = model.image_encoder(batch.image)
        items = embedding.repeat_interleave(count, 0)
        masks, iou = model.decode(items, batch.points, batch.labels, size)
    single = is_single_click(batch.labels)
    first, token = round_loss(masks.float(), iou.float(), batch.target, single, phase)
    out = {"first": first, "helper": helper(embedding.float(), batch.label)}
    out["loss"] = first + phase["aux"] * out["helper"]
    if torch.rand((), generator=g).item() < phase["rounds"]:
        logits = masks.detach().float()[torch.arange(len(token), device=device), token]
        where = g if device.type == "cpu" else torch.Generator(device).manual_seed(g.initial_seed())
        click, sign = corrective_click(logits, batch.target, size / logits.shape[-1], where)
        points, labels = add_click(batch.points, batch.labels, click, sign)
        fed = (torch.rand(len(token), generator=g) < 0.75).to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            masks, iou = model.decode(items, points, labels, size, logits, fed)
        out["second"], _ = round_loss(masks.float(), iou.float(), batch.target, torch.zeros_like(single), phase)
        out["loss"] = out["loss"] + out["second"]
    return out
