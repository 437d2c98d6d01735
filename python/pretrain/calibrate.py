"""Fit the IoU head alone to what the finished masks are worth.

While masks improve, their predicted IoU lags behind, and the wrong candidate is picked. With everything else
frozen the head sees only the IoU token: its inputs are gathered once (no backward through the model), then
fitted in seconds.
"""

import copy
from pathlib import Path

import torch
from torch import Tensor

from mopeft.files import whole
from mopeft.sam.model import Sam

from .batches import Steps
from .losses import is_single_click, real_iou

FIRST_STEP = 1_000_000


@torch.inference_mode()
def gather(model: Sam, config: dict, run: Path, size: int, images: int) -> tuple[Tensor, Tensor, Tensor]:
    """IoU tokens [N, D], real IoU of the four masks [N, 4], and which of the four each prompt asks for [N, 4]."""
    micro = config["train"]["micro_batches"]
    phase = {"size": size, "whole": 0.7, "batch": 2 * micro, "objects": 8, "steps": FIRST_STEP + images}
    data = Steps({**config, "phases": [phase]}, run)
    caught: list[Tensor] = []
    hook = model.mask_decoder.iou_prediction_head.register_forward_pre_hook(lambda _, args: caught.append(args[0]))
    real, asked = [], []
    for k in range(images // 2):
        batch = data.batch(FIRST_STEP + k, 0).to(model.device)
        embedding = model.image_encoder(batch.image).repeat_interleave(8, 0)
        masks, _ = model.decode(embedding, batch.points, batch.labels, size)
        single = is_single_click(batch.labels)[:, None]
        real.append(real_iou(masks, batch.target))
        asked.append(torch.where(single, *torch.tensor([[0.0, 1.0, 1.0, 1.0], [1.0, 0.0, 0.0, 0.0]], device=model.device)))
    hook.remove()
    return torch.cat(caught).cpu().clone(), torch.cat(real).cpu().clone(), torch.cat(asked).cpu().clone()


def fit(head: torch.nn.Module, tokens: Tensor, real: Tensor, asked: Tensor, epochs: int, seed: int) -> tuple[float, float]:
    """Least squares on the asked masks; a tenth is held back to choose the epoch. Returns errors before, after."""
    n = len(tokens) // 10
    g = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(head.parameters(), lr=1e-3, weight_decay=0.05)

    def error(rows: slice | Tensor) -> Tensor:
        return ((head(tokens[rows]) - real[rows]).square() * asked[rows]).sum() / asked[rows].sum()

    with torch.no_grad():
        first = least = float(error(slice(0, n)))
    best = copy.deepcopy(head.state_dict())
    for _ in range(epochs):
        for rows in (n + torch.randperm(len(tokens) - n, generator=g)).split(128):
            optimizer.zero_grad()
            error(rows).backward()
            optimizer.step()
        with torch.no_grad():
            now = float(error(slice(0, n)))
        if now < least:
            least, best = now, copy.deepcopy(head.state_dict())
    head.load_state_dict(best)
    return first, least


def calibrate(run: Path, size: int, images: int, device: str) -> None:
    """RUN/last.pt -> RUN/calibrated.pt: the same, its averaged weights with a fitted IoU head."""
    torch.set_num_threads(1)
    state = torch.load(run / "last.pt", map_location="cpu", weights_only=True)
    model = Sam(state["config"]["model"])
    model.load_state_dict(state["ema"])
    model.requires_grad_(False).eval()
    tokens, real, asked = gather(model.to(device), state["config"], run, size, images)
    model.cpu()
    head = model.mask_decoder.iou_prediction_head.requires_grad_(True)
    before, after = fit(head, tokens, real, asked, 40, 0)
    print(f"squared error of the predicted IoU on images held back: {before:.4f} before, {after:.4f} after ({len(tokens)} prompts)")
    with whole(run / "calibrated.pt") as path:
        torch.save({**state, "ema": model.state_dict()}, path)
