"""The tensors that a run trains: names, shapes, first values, learning rate group, decay (`src/peft`)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from pretrain.model import Sam

from .config import Mopeft
from .gate_forms import FORMS
from .methods import METHODS
from .methods.method import Spec
from .random import Random


@dataclass
class Trained:
    """A tensor with its group (`peft`, `gate` or `decoder`). rate: a factor of the group's learning rate."""

    value: Tensor
    group: str
    decay: bool
    rate: float = 1


def _specs(mopeft: Mopeft, model: dict, block: int) -> dict[str, Spec]:
    """The tensors of one block by their names without `blocks.{i}.`."""
    sizes = {m: METHODS[m].sizes(model) | mopeft.sizes for m in mopeft.methods}
    methods = [METHODS[m] for m in mopeft.methods if METHODS[m].is_in(sizes[m], block)]
    out: dict[str, Spec] = {}
    for method in methods:
        out |= method.tensors(model, sizes[method.id])
    for method in methods:
        out |= {f"gate.{method.id}.{name}": spec for name, spec in FORMS[mopeft.form].tensors(model["hidden_size"], mopeft.sets).items()}
    return out


def module_tensors(mopeft: Mopeft, model: dict, seed: int) -> dict[str, Trained]:
    """The modules' tensors, each drawn from the seed and its own name."""
    out = {}
    for i in range(model["num_hidden_layers"]):
        for own, (shape, draw, decay, group, rate, start) in _specs(mopeft, model, i).items():
            name = f"blocks.{i}.{own}"
            value = torch.zeros(shape)
            if draw:
                random = Random(seed, f"init {name}")
                drawn = torch.tensor([draw(random) for _ in range(value.numel())], dtype=torch.float64)
                value = drawn.float().to(value.dtype).view(shape)
            if start:
                start(value)
            out[name] = Trained(value.requires_grad_(), group, decay, rate)
    return out


PRICE_RATE = -100
"""The multipliers of a price rise where the loss would have them fall: they go against the gradient's way."""
TOKEN_RATE = 10


def shared_tensors(mopeft: Mopeft, model: dict) -> dict[str, Trained]:
    """What belongs to no block: a token for each dataset, and the multipliers of a price."""
    out = {}
    if mopeft.token:
        shape = (mopeft.sets, model["output_channels"])
        out["tokens.dataset"] = Trained(torch.zeros(shape).requires_grad_(), "peft", True, TOKEN_RATE)
    if FORMS[mopeft.form].is_there and mopeft.methods:
        out["gates.price"] = Trained(torch.zeros(2).requires_grad_(), "gate", False, PRICE_RATE)
    return out


def trained_tensors(mopeft: Mopeft, sam: Sam, seed: int) -> dict[str, Trained]:
    """Everything that is trained. Those of the mask decoder are the model's own; training changes them in place."""
    out = module_tensors(mopeft, sam.config, seed) | shared_tensors(mopeft, sam.config)
    if mopeft.train_decoder:
        for name, p in sam.mask_decoder.named_parameters():
            out[f"mask_decoder.{name}"] = Trained(p.requires_grad_(), "decoder", p.dim() > 1)
    for tensor in out.values():
        tensor.value.grad = torch.zeros_like(tensor.value)
    return out
