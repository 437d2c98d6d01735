"""The image encoder with the methods' modules (docs/mopeft.md), on pretrain's fast one: relative position as a bias."""

from dataclasses import dataclass, replace
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from pretrain.encoder import Attention, Block, ImageEncoder, from_windows, relative_rows, to_windows

from .gate_forms import FORMS, Asked, GateForm, Prefix
from .methods import METHODS
from .methods.method import Params

GateLayer = dict[str, Tensor]
"""The gates [B] of one block by method."""
FIRST = Asked(torch.zeros(1, dtype=torch.long))
"""Asks for the first dataset."""
RECOMPUTED = 64
"""Side of a grid from which blocks are computed again in the backward."""


@dataclass
class Modules:
    """The modules of one block at work on a batch. gates: filled by `read`; a gate that is there already stays."""

    block: int
    params: Params
    form: GateForm
    asked: Asked
    gates: GateLayer

    def __post_init__(self) -> None:
        present = {name.partition(".")[0] for name in self.params}
        self.methods = [m for m in METHODS.values() if m.id in present]

    def read(self, slot: str, x: Tensor) -> None:
        """Computes the gates that read this slot's output x [B, G, G, C]."""
        for m in self.methods:
            if m.gate_reads == slot and m.id not in self.gates:
                start = f"gate.{m.id}."
                own = {name.removeprefix(start): value for name, value in self.params.items() if name.startswith(start)}
                self.gates[m.id] = self.form.value(x, own, self.asked, f"blocks.{self.block}.{start}")

    def in_windows(self, windows: int) -> "Modules":
        """The same for windows of the images, `windows` of each."""
        return replace(self, gates={m: g.repeat_interleave(windows) for m, g in self.gates.items()})

    def at(self, slot: str, x: Tensor, y: Tensor) -> Tensor:
        """A layer's output y for its input x, with what the methods add."""
        for m in self.methods:
            if slot in m.adds:
                y = y + self.gates[m.id].view(-1, *[1] * (y.dim() - 1)) * m.adds[slot](x, y, self.params)
        return y

    def prefixes(self) -> list[Prefix]:
        return [self.form.prefix(*m.prefix(self.params), self.gates[m.id]) for m in self.methods if m.prefix]


def attention(attn: Attention, u: Tensor, side: int, modules: Modules) -> Tensor:
    """u [B, side², C] -> the same shape. A prefix is P keys and values in front, whose columns have no relative position."""
    b, n, c = u.shape
    heads = attn.heads
    q, k, v = (modules.at(part, u, y) for part, y in zip("qkv", attn.qkv(u).chunk(3, -1), strict=True))

    def split(x: Tensor) -> Tensor:
        return x.reshape(b, -1, heads, c // heads).transpose(1, 2)

    q, k, v = split(q), split(k), split(v)
    grid = q.reshape(b, heads, side, side, -1)
    bias_h = torch.einsum("bhijd,ikd->bhijk", grid, relative_rows(attn.rel_pos_h, side))
    bias_w = torch.einsum("bhijd,jkd->bhijk", grid, relative_rows(attn.rel_pos_w, side))
    bias = (bias_h[..., :, None] + bias_w[..., None, :]).reshape(b, heads, n, n)
    for keys, values, column in modules.prefixes():
        k, v = torch.cat([split(keys), k], 2), torch.cat([split(values), v], 2)
        bias = torch.cat([column.view(b, 1, 1, 1).expand(b, heads, n, keys.shape[1]), bias], -1)
    out = F.scaled_dot_product_attention(q, k, v, attn_mask=bias).transpose(1, 2).reshape(b, n, c)
    return modules.at("proj", out, attn.proj(out))


def run_block(
    block: Block, x: Tensor, index: int, params: Params, form: GateForm, asked: Asked, given: GateLayer | None
) -> tuple[Tensor, GateLayer]:
    """Block `index`: x [B, G, G, C] -> the same shape, and the gates [B]; given gates take the place of the computed ones."""
    b, g, _, c = x.shape
    modules = Modules(index, params, form, asked, {m: g.expand(b) for m, g in (given or {}).items()})
    frozen = block.norm1(x)
    modules.read("norm1", frozen)
    u = modules.at("norm1", x, frozen)
    if block.window:
        windows = to_windows(u, block.window)
        out = attention(block.attn, windows, block.window, modules.in_windows(len(windows) // b))
        out = from_windows(out, block.window, g)
    else:
        out = attention(block.attn, u.view(b, g * g, c), g, modules).view(b, g, g, c)
    x = x + out
    y = modules.at("norm2", x, block.norm2(x))
    inner = modules.at("lin1", y, block.mlp.lin1(y))
    inner = modules.at("gelu", inner, F.gelu(inner))
    f = modules.at("lin2", inner, block.mlp.lin2(inner))
    modules.read("mlp", f)
    return x + modules.at("mlp", y, f), modules.gates


def encode(
    encoder: ImageEncoder, image: Tensor, blocks: list[Params], form: str, given: list[GateLayer] | None = None, asked: Asked = FIRST
) -> tuple[Tensor, list[GateLayer]]:
    """Normalised image [B, 3, S, S] -> embedding [B, G, G, D], gates of every block. blocks: the modules' tensors by block."""
    x = encoder.patch_embed(image)
    x = x + encoder.positions(x.shape[1])
    # A block of 64 × 64 tokens leaves gigabytes for the backward.
    run = partial(checkpoint, run_block, use_reentrant=False) if x.shape[1] >= RECOMPUTED else run_block
    layers = []
    for i, block in enumerate(encoder.blocks):
        x, gates = run(block, x, i, blocks[i], FORMS[form], asked, given[i] if given else None)
        layers.append(gates)
    x = encoder.neck[1](F.linear(x, encoder.neck[0].weight.flatten(1)))
    x = encoder.neck[2](x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    return encoder.neck[3](x), layers
