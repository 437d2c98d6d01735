"""The tensors that an adapter trains, by name: shapes, first values, and how they learn."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from .config import MopeftConfig
from .methods.method import Spec
from .random import Random
from .sam.site import Site

PRICE_RATE = -100
"""The multipliers of a price rise where the loss would have them fall: they go against the gradient's way."""
TOKEN_RATE = 10
TOKEN = "tokens.dataset"
PRICE = "gates.price"


def module_specs(config: MopeftConfig, sites: Sequence[Site]) -> dict[str, Spec]:
    """Those of the modules and their gates."""
    out = {}
    for i, site in enumerate(sites):
        methods = config.in_block(i)
        own: dict[str, Spec] = {}
        for method in methods:
            own |= method.tensors(config.methods[method.id], site)
        for method in methods:
            gate = config.form.tensors(site.width, config.dataset_count)
            own |= {f"gate.{method.id}.{name}": spec for name, spec in gate.items()}
        out |= {f"blocks.{i}.{name}": spec for name, spec in own.items()}
    return out


def shared_specs(config: MopeftConfig, channels: int) -> dict[str, Spec]:
    """What belongs to no block: a token [datasets, channels] for each dataset, and the multipliers of a price."""
    out = {}
    if config.token:
        out[TOKEN] = Spec((config.dataset_count, channels), None, True, rate=TOKEN_RATE)
    if config.form.is_there and config.methods:
        out[PRICE] = Spec((2,), None, False, "gate", PRICE_RATE)
    return out


def first_values(specs: Mapping[str, Spec], seed: int) -> dict[str, Tensor]:
    """What training begins with, each tensor drawn from the seed and its own name, as in the engine."""
    return {name: first_value(name, spec, seed) for name, spec in specs.items()}


def first_value(name: str, spec: Spec, seed: int) -> Tensor:
    value = torch.zeros(spec.shape)
    if spec.draw:
        random = Random(seed, f"init {name}")
        drawn = torch.tensor([spec.draw(random) for _ in range(value.numel())], dtype=torch.float64)
        value = drawn.float().to(value.dtype).view(spec.shape)
    if spec.start:
        spec.start(value)
    return value


def by_block(tensors: Mapping[str, Tensor], blocks: int) -> list[dict[str, Tensor]]:
    """Those of modules and gates, by block and by their names without `blocks.{i}.`."""
    return [{n.removeprefix(f"blocks.{i}."): t for n, t in tensors.items() if n.startswith(f"blocks.{i}.")} for i in range(blocks)]
