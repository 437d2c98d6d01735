"""The encoder with LoRA, Prefix and Adapter, gated: the mathematics of the design page, in its plainest form."""

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from segment_anything.modeling.image_encoder import add_decomposed_rel_pos, window_partition, window_unpartition
from torch import Tensor, nn

Params = dict[str, Tensor]


@dataclass(frozen=True)
class Case:
    """What is trained: methods in which blocks, under which gate ("unipelt", "mass" or "none")."""

    methods: tuple[str, ...]
    gate: str = "unipelt"
    blocks: tuple[int, ...] = ()
    activation: str = "gelu"


@dataclass
class Trace:
    embedding: Tensor
    blocks: list[Tensor] = field(default_factory=list)
    gates: dict[str, Tensor] = field(default_factory=dict)


def make_params(c: dict, case: Case, seed: int) -> Params:
    """Random trainable tensors; the ones that begin at zero in training are random here too."""
    g = torch.Generator().manual_seed(seed)
    dim, r, p, m = c["hidden_size"], c["rank"], c["prefix_length"], c["bottleneck"]
    shapes: dict[str, tuple[tuple[int, ...], float]] = {}
    for i in case.blocks:
        one: dict[str, tuple[tuple[int, ...], float]] = {}
        if "lora" in case.methods:
            for side in "qv":
                one |= {f"lora.{side}.A": ((r, dim), dim**-0.5), f"lora.{side}.B": ((dim, r), 0.3)}
        if "prefix" in case.methods:
            one |= {"prefix.K": ((p, dim), 0.5), "prefix.V": ((p, dim), 0.5)}
        if "adapter" in case.methods:
            one |= {"adapter.down.weight": ((m, dim), dim**-0.5), "adapter.down.bias": ((m,), 0.1)}
            one |= {"adapter.up.weight": ((dim, m), m**-0.5), "adapter.up.bias": ((dim,), 0.1)}
        if case.gate != "none":
            for method in case.methods:
                one |= {f"gate.{method}.weight": ((1, dim), 0.3), f"gate.{method}.bias": ((1,), 0.3)}
        shapes |= {f"blocks.{i}.{name}": v for name, v in one.items()}
    return {n: (s * torch.randn(shape, generator=g)).requires_grad_() for n, (shape, s) in shapes.items()}


def gate(x: Tensor, params: Params, prefix: str, method: str) -> Tensor:
    """Mean over the tokens of sigmoid(x · w + b): [B, H, W, C] -> [B]; 1 where there is no gate."""
    weight = params.get(f"{prefix}gate.{method}.weight")
    if weight is None:
        return torch.ones(len(x))
    return (x @ weight[0] + params[f"{prefix}gate.{method}.bias"]).sigmoid().mean((1, 2))


def attention(attn: nn.Module, u: Tensor, params: Params, prefix: str, g_lora: Tensor, g_prefix: Tensor, form: str) -> Tensor:
    """u [B, H, W, C] (a window or the whole grid; one gate value each) -> [B, H, W, C]."""
    b, h, w, c = u.shape
    heads = attn.num_heads
    q, k, v = (u @ attn.qkv.weight.T + attn.qkv.bias).split(c, -1)
    if f"{prefix}lora.q.A" in params:
        scale = g_lora[:, None, None, None]
        q = q + scale * (u @ params[f"{prefix}lora.q.A"].T @ params[f"{prefix}lora.q.B"].T)
        v = v + scale * (u @ params[f"{prefix}lora.v.A"].T @ params[f"{prefix}lora.v.B"].T)

    def split(x: Tensor) -> Tensor:
        return x.reshape(b, -1, heads, c // heads).transpose(1, 2).flatten(0, 1)

    q, k, v = split(q), split(k), split(v)
    scores = (q * attn.scale) @ k.transpose(1, 2)
    scores = add_decomposed_rel_pos(scores, q, attn.rel_pos_h, attn.rel_pos_w, (h, w), (h, w))
    if f"{prefix}prefix.K" in params:
        keys, values = params[f"{prefix}prefix.K"].expand(b, -1, -1), params[f"{prefix}prefix.V"].expand(b, -1, -1)
        g = g_prefix[:, None, None]
        if form != "mass":
            keys, values = g * keys, g * values
        keys, values = split(keys), split(values)
        p = keys.shape[1]
        scores = torch.cat([(q * attn.scale) @ keys.transpose(1, 2), scores], -1)
        v = torch.cat([values, v], 1)
        if form == "mass":
            mass = (scores - scores.amax(-1, keepdim=True)).exp()
            factor = g.repeat_interleave(heads, 0)
            mass = torch.cat([factor * mass[..., :p], mass[..., p:]], -1)
            weights = mass / mass.sum(-1, keepdim=True)
        else:
            weights = scores.softmax(-1)
    else:
        weights = scores.softmax(-1)
    out = (weights @ v).view(b, heads, h, w, -1).permute(0, 2, 3, 1, 4).reshape(b, h, w, c)
    return attn.proj(out)


def encode(encoder: nn.Module, image: Tensor, params: Params, case: Case | None) -> Trace:
    """Normalised image [B, 3, S, S] -> every block's output, the gates, the embedding [B, D, G, G]."""
    trace = Trace(image)
    form = case.gate if case else "none"
    act = F.relu if case and case.activation == "relu" else F.gelu
    x = encoder.patch_embed(image) + encoder.pos_embed
    for i, block in enumerate(encoder.blocks):
        prefix = f"blocks.{i}."
        methods = case.methods if case and i in case.blocks else ()
        u = block.norm1(x)
        gates = {m: gate(u, params, prefix, m) for m in ("lora", "prefix")}
        grid = u.shape[1:3]
        windows, pad = window_partition(u, block.window_size) if block.window_size else (u, None)
        per = len(windows) // len(u)
        g_lora, g_prefix = (gates[m].repeat_interleave(per) for m in ("lora", "prefix"))
        out = attention(block.attn, windows, params, prefix, g_lora, g_prefix, form)
        x = x + (window_unpartition(out, block.window_size, pad, grid) if block.window_size else out)
        f = block.mlp(block.norm2(x))
        if "adapter" in methods:
            gates["adapter"] = gate(f, params, prefix, "adapter")
            inner = act(F.linear(f, params[f"{prefix}adapter.down.weight"], params[f"{prefix}adapter.down.bias"]))
            up = F.linear(inner, params[f"{prefix}adapter.up.weight"], params[f"{prefix}adapter.up.bias"])
            f = f + gates["adapter"][:, None, None, None] * up
        x = x + f
        trace.blocks.append(x)
        trace.gates |= {f"gates.{i}.{m}": gates[m] for m in methods}
    trace.embedding = encoder.neck(x.permute(0, 3, 1, 2))
    return trace
