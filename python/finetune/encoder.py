"""The image encoder with LoRA, Prefix and Adapter (docs/mopeft.md), on pretrain's fast one: relative position as a bias."""

import torch
import torch.nn.functional as F
from torch import Tensor

from pretrain.encoder import Attention, Block, ImageEncoder, from_windows, relative_rows, to_windows

GateLayer = dict[str, Tensor]
Params = dict[str, Tensor]


def gate_of(x: Tensor, params: Params, method: str) -> Tensor:
    """Mean over the tokens of sigmoid(x · w + b): [B, G, G, C] -> [B]; 1 without a gate."""
    weight = params.get(f"gate.{method}.weight")
    if weight is None:
        return torch.ones(len(x))
    return F.linear(x, weight, params[f"gate.{method}.bias"]).sigmoid().mean((1, 2, 3))


def low_rank(u: Tensor, params: Params, part: str) -> Tensor:
    return F.linear(F.linear(u, params[f"lora.{part}.A"]), params[f"lora.{part}.B"])


def attention(attn: Attention, u: Tensor, side: int, params: Params, gates: GateLayer, form: str) -> Tensor:
    """u [B, side², C] with gates [B] -> [B, side², C]. A prefix is P keys and values in front, whose columns have no relative position."""
    b, n, c = u.shape
    heads = attn.heads
    q, k, v = attn.qkv(u).chunk(3, -1)
    if "lora.q.A" in params:
        g = gates["lora"][:, None, None]
        q, v = q + g * low_rank(u, params, "q"), v + g * low_rank(u, params, "v")

    def split(x: Tensor) -> Tensor:
        return x.reshape(b, -1, heads, c // heads).transpose(1, 2)

    q, k, v = split(q), split(k), split(v)
    grid = q.reshape(b, heads, side, side, -1)
    bias_h = torch.einsum("bhijd,ikd->bhijk", grid, relative_rows(attn.rel_pos_h, side))
    bias_w = torch.einsum("bhijd,jkd->bhijk", grid, relative_rows(attn.rel_pos_w, side))
    bias = (bias_h[..., :, None] + bias_w[..., None, :]).reshape(b, heads, n, n)
    if "prefix.K" in params:
        keys, values, g = params["prefix.K"], params["prefix.V"], gates["prefix"]
        column = torch.zeros(b, 1, 1, 1)
        if form == "mass":
            keys, values, column = keys.expand(b, -1, -1), values.expand(b, -1, -1), g.log().view(b, 1, 1, 1)
        else:
            keys, values = g[:, None, None] * keys, g[:, None, None] * values
        k, v = torch.cat([split(keys), k], 2), torch.cat([split(values), v], 2)
        bias = torch.cat([column.expand(b, heads, n, keys.shape[1]), bias], -1)
    out = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
    return attn.proj(out.transpose(1, 2).reshape(b, n, c))


def run_block(block: Block, x: Tensor, params: Params, form: str, given: GateLayer | None) -> tuple[Tensor, GateLayer]:
    """x [B, G, G, C] -> the same shape, and the gates [B]; given gates take the place of the drawn ones."""
    b, g, _, c = x.shape
    u = block.norm1(x)
    has = [m for m, tensor in (("lora", "lora.q.A"), ("prefix", "prefix.K"), ("adapter", "adapter.up.weight")) if tensor in params]
    gates = {m: gate_of(u, params, m) for m in has if m != "adapter"} | (given or {})
    if block.window:
        windows = to_windows(u, block.window)
        each = {m: v.repeat_interleave(len(windows) // b) for m, v in gates.items()}
        out = from_windows(attention(block.attn, windows, block.window, params, each, form), block.window, g)
    else:
        out = attention(block.attn, u.view(b, g * g, c), g, params, gates, form).view(b, g, g, c)
    x = x + out
    f = block.mlp(block.norm2(x))
    if "adapter" in has:
        gates.setdefault("adapter", gate_of(f, params, "adapter"))
        inner = F.gelu(F.linear(f, params["adapter.down.weight"], params["adapter.down.bias"]))
        up = F.linear(inner, params["adapter.up.weight"], params["adapter.up.bias"])
        f = f + gates["adapter"][:, None, None, None] * up
    return x + f, gates


def encode(
    encoder: ImageEncoder, image: Tensor, blocks: list[Params], form: str, given: list[GateLayer] | None = None
) -> tuple[Tensor, list[GateLayer]]:
    """Normalised image [B, 3, S, S] -> embedding [B, G, G, D], gates of every block. blocks: the modules' tensors by block."""
    x = encoder.patch_embed(image)
    x = x + encoder.positions(x.shape[1])
    layers = []
    for i, block in enumerate(encoder.blocks):
        x, gates = run_block(block, x, blocks[i], form, given[i] if given else None)
        layers.append(gates)
    x = encoder.neck[1](F.linear(x, encoder.neck[0].weight.flatten(1)))
    x = encoder.neck[2](x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    return encoder.neck[3](x), layers
