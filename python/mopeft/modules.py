"""The modules at work in an image encoder (docs/mopeft.md)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from .config import MopeftConfig
from .gate_forms import Asked, GateForm, Prefix
from .methods.method import Add, Method, Params
from .sam.site import Site

GateLayer = dict[str, Tensor]
"""The gates [B] of one block by method."""
RECOMPUTED = 64
"""Side of a grid from which blocks are computed again in the backward."""


class Placed(NamedTuple):
    """A method in a block. factor: of what it adds, beside its gate."""

    method: Method
    adds: Mapping[str, Add]
    factor: float


def placed_in(config: MopeftConfig, sites: Sequence[Site]) -> list[list[Placed]]:
    """By block."""

    def place(method: Method, site: Site) -> Placed:
        values = config.methods[method.id]
        return Placed(method, method.adds(values, site), 1 if config.form.is_gated else method.ungated(values))

    return [[place(method, site) for method in config.in_block(i)] for i, site in enumerate(sites)]


@dataclass
class Modules:
    """The hooks of one block, at work on a batch. gates: filled by `read`; a gate that is there already stays."""

    block: int
    placed: Sequence[Placed]
    params: Params
    form: GateForm
    asked: Asked
    gates: GateLayer

    def read(self, slot: str, x: Tensor) -> None:
        for method, *_ in self.placed:
            if method.gate_reads == slot and method.id not in self.gates:
                start = f"gate.{method.id}."
                own = {name.removeprefix(start): value for name, value in self.params.items() if name.startswith(start)}
                self.gates[method.id] = self.form.value(x, own, self.asked, f"blocks.{self.block}.{start}")

    def in_windows(self, windows: int) -> "Modules":
        return replace(self, gates={m: g.repeat_interleave(windows) for m, g in self.gates.items()})

    def at(self, slot: str, x: Tensor, y: Tensor) -> Tensor:
        for method, adds, factor in self.placed:
            if slot in adds:
                gate = self.gates[method.id] if factor == 1 else factor * self.gates[method.id]
                y = y + gate.view(-1, *[1] * (y.dim() - 1)) * adds[slot](x, y, self.params)
        return y

    def padding(self, bias: Tensor) -> Tensor:
        """As in the engine: what norm1 and its changes make of zeros where the gate is the same for all images."""
        if self.form.is_by_image or self.form.is_by_dataset:
            return bias
        once = replace(self, gates={m: g[:1] for m, g in self.gates.items()})
        return once.at("norm1", torch.zeros_like(bias)[None], bias[None])[0]

    def prefixes(self) -> list[Prefix]:
        return [self.form.prefix(*m.prefix(self.params), self.gates[m.id]) for m, *_ in self.placed if m.prefix]


def encode(
    encoder: nn.Module,
    image: Tensor,
    config: MopeftConfig,
    blocks: Sequence[Params],
    asked: Asked,
    given: Sequence[GateLayer] | None = None,
) -> tuple[Tensor, list[GateLayer]]:
    """Normalised image [B, 3, S, S] -> embedding [B, G, G, D], gates of every block.

    blocks: the modules' tensors by block; given: gates that take the place of the computed ones.
    """
    placed = placed_in(config, encoder.sites)
    layers: list[GateLayer] = []

    def run(i: int, block: nn.Module, x: Tensor) -> Tensor:
        before = {m: g.expand(len(x)) for m, g in (given[i] if given else {}).items()}

        def work(x: Tensor) -> tuple[Tensor, GateLayer]:
            hooks = Modules(i, placed[i], blocks[i], config.form, asked, dict(before))
            return block(x, hooks), hooks.gates

        # A block of 64 × 64 tokens leaves gigabytes for the backward.
        is_recomputed = torch.is_grad_enabled() and x.shape[1] >= RECOMPUTED
        x, gates = checkpoint(work, x, use_reentrant=False) if is_recomputed else work(x)
        layers.append(gates)
        return x

    return encoder(image, run), layers
