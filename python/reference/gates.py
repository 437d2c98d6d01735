"""Gate forms in their plainest form (docs/mopeft.md). They import nothing of `finetune`."""

import math

import torch
from torch import Tensor

OFF_IS_OFF = ("mass", "task", "hard", "budget")
"""Forms whose gate weighs a prefix's columns inside the softmax, so that 0 is the frozen block."""


def gate(form: str, x: Tensor, t: dict[str, Tensor], dataset: Tensor, u: Tensor | None) -> Tensor:
    """x [B, H, W, C], the gate's tensors by their last names, each image's dataset [B], a step's draw or None -> [B]."""
    if not t:
        return torch.ones(len(x))
    if form in ("unipelt", "mass"):
        return (x @ t["weight"][0] + t["bias"]).sigmoid().mean((1, 2))
    if form == "task":
        return torch.stack([1 / (1 + torch.exp(-t["theta"][0] - t["phi"][d])) for d in dataset.tolist()])
    if form == "budget":
        return t["open"].repeat(len(x))
    if u is None:
        return (t["alpha"] > 0).to(x.dtype).repeat(len(x))
    s = 1 / (1 + torch.exp(-(torch.log(u / (1 - u)) + t["alpha"]) * 1.5))
    return torch.minimum(torch.ones(()), torch.maximum(torch.zeros(()), 1.2 * s - 0.1)).repeat(len(x))


def price(t: dict[str, Tensor], sizes: dict[str, int], budget: float) -> Tensor:
    """What `hard` adds to the loss. t: λ [2] as `gates.price`, each gate's α; sizes: by a gate's α the parameters of its module."""
    kept = sum(n / (1 + torch.exp(-t[name] + math.log(0.1 / 1.1) / 1.5)) for name, n in sizes.items()) / sum(sizes.values())
    over = torch.clamp(kept - budget, min=0)
    return t["gates.price"][0] * over.sum() + t["gates.price"][1] * (over**2).sum()


def shapes(form: str, width: int, datasets: int) -> dict[str, tuple[int, ...]]:
    """The tensors of one gate."""
    return {
        "none": {},
        "unipelt": {"weight": (1, width), "bias": (1,)},
        "mass": {"weight": (1, width), "bias": (1,)},
        "task": {"theta": (1,), "phi": (datasets,)},
        "hard": {"alpha": (1,)},
        "budget": {"open": (1,)},
    }[form]
