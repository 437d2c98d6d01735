"""The tensors of a run, with how they learn: learning rate group, decay (`src/peft`)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..config import MopeftConfig
from ..sam.model import Sam
from ..tensors import first_value, module_specs, shared_specs


@dataclass
class Trained:
    """A tensor with its group (`peft`, `gate` or `decoder`). rate: a factor of the group's learning rate."""

    value: Tensor
    group: str
    decay: bool
    rate: float = 1


def trained_tensors(config: MopeftConfig, sam: Sam, seed: int) -> dict[str, Trained]:
    """Everything that is trained. Those of the mask decoder are the model's own; training changes them in place."""
    specs = module_specs(config, sam.image_encoder.sites) | shared_specs(config, sam.config["output_channels"])
    out = {name: Trained(first_value(name, spec, seed).requires_grad_(), spec.group, spec.decay, spec.rate) for name, spec in specs.items()}
    if config.train_decoder:
        for name, p in sam.mask_decoder.named_parameters():
            out[f"mask_decoder.{name}"] = Trained(p.requires_grad_(), "decoder", p.dim() > 1)
    for tensor in out.values():
        tensor.value.grad = torch.zeros_like(tensor.value)
    return out
