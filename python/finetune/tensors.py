"""The tensors that a run trains: names, shapes, first values, learning rate group, decay (`src/peft`)."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from pretrain.model import Sam

from .config import Mopeft
from .random import Random

Draw = Callable[[Random], float]

PREFIX_RATE = 50
"""Learned keys and values must grow to the size of the image's own (`src/peft/prefix/prefix.ts`)."""


@dataclass
class Trained:
    """A tensor, its group (`peft`, `gate` or `decoder`) and whether weight decay applies; rate: a factor of the group's learning rate."""

    value: Tensor
    group: str
    decay: bool
    rate: float = 1


class Spec(NamedTuple):
    """draw: what a value is drawn from, None: 0; the rest as for a Trained."""

    shape: tuple[int, ...]
    draw: Draw | None
    decay: bool
    group: str = "peft"
    rate: float = 1


def _specs(mopeft: Mopeft, model: dict) -> dict[str, Spec]:
    """Of one block, by names without `blocks.{i}.`."""
    c = model["hidden_size"]
    sizes = mopeft.sizes(model)
    r, p, m = sizes["rank"], sizes["length"], sizes["bottleneck"]
    bound = 1 / math.sqrt(c)

    def uniform(random: Random) -> float:
        return random.range(-bound, bound)

    def normal(random: Random) -> float:
        return 0.02 * random.normal()

    out: dict[str, Spec] = {}
    if "lora" in mopeft.methods:
        for part in "qv":
            out[f"lora.{part}.A"] = Spec((r, c), uniform, True)
            out[f"lora.{part}.B"] = Spec((c, r), None, True)
    if "prefix" in mopeft.methods:
        out["prefix.K"] = Spec((p, c), normal, True, rate=PREFIX_RATE)
        out["prefix.V"] = Spec((p, c), None, True, rate=PREFIX_RATE)
    if "adapter" in mopeft.methods:
        out["adapter.down.weight"] = Spec((m, c), uniform, True)
        out["adapter.down.bias"] = Spec((m,), uniform, False)
        out["adapter.up.weight"] = Spec((c, m), None, True)
        out["adapter.up.bias"] = Spec((c,), None, False)
    for method in mopeft.methods if mopeft.form != "none" else ():
        out[f"gate.{method}.weight"] = Spec((1, c), normal, False, "gate")
        out[f"gate.{method}.bias"] = Spec((1,), None, False, "gate")
    return out


def module_tensors(mopeft: Mopeft, model: dict, seed: int) -> dict[str, Trained]:
    """The modules' tensors, each drawn from the seed and its own name."""
    out = {}
    for i in range(model["num_hidden_layers"]):
        for own, (shape, draw, decay, group, rate) in _specs(mopeft, model).items():
            name = f"blocks.{i}.{own}"
            value = torch.zeros(shape)
            if draw:
                random = Random(seed, f"init {name}")
                drawn = torch.tensor([draw(random) for _ in range(value.numel())], dtype=torch.float64)
                value = drawn.float().to(value.dtype).view(shape)
            out[name] = Trained(value.requires_grad_(), group, decay, rate)
    return out


def trained_tensors(mopeft: Mopeft, sam: Sam, seed: int) -> dict[str, Trained]:
    """Everything that is trained; the mask decoder's tensors are the model's own, which training changes in place."""
    out = module_tensors(mopeft, sam.config, seed)
    if mopeft.train_decoder:
        for name, p in sam.mask_decoder.named_parameters():
            out[f"mask_decoder.{name}"] = Trained(p.requires_grad_(), "decoder", p.dim() > 1)
    for tensor in out.values():
        tensor.value.grad = torch.zeros_like(tensor.value)
    return out
