"""The encoder with gated modules: the mathematics of docs/mopeft.md in its plainest form."""

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from segment_anything.modeling.image_encoder import add_decomposed_rel_pos, window_partition, window_unpartition
from torch import Tensor, nn

from .gates import OFF_IS_OFF, gate
from .gates import shapes as gate_shapes
from .methods import METHODS
from .methods.method import Method, Params


@dataclass(frozen=True)
class Case:
    """What is trained: methods in which blocks, under which gate form of `gates.py`, for how many datasets.

    dataset: of each image its own; token: whether each dataset has a token beside the prompt's; budget: of the form `hard`.
    """

    methods: tuple[str, ...]
    gate: str = "unipelt"
    blocks: tuple[int, ...] = ()
    activation: str = "gelu"
    datasets: int = 1
    dataset: tuple[int, ...] = ()
    token: bool = False
    budget: float | None = None


@dataclass
class Trace:
    embedding: Tensor
    blocks: list[Tensor] = field(default_factory=list)
    gates: dict[str, Tensor] = field(default_factory=dict)
    intermediate: Tensor | None = None
    """What HQ-SAM's decoder reads besides: the first global block's output [B, G, G, C], in a TinyViT the last stage's input but one."""
    high_res: tuple[Tensor, Tensor] | None = None
    """What SAM 2's decoder reads besides: features of finer grids, [B, 4G, 4G, D/8] and [B, 2G, 2G, D/4]."""

    def beside(self, images: slice) -> dict:
        """What a decoder reads besides the embeddings of some of the images, by the names of `decode`'s arguments."""
        return {
            "intermediate": None if self.intermediate is None else self.intermediate[images],
            "high_res": None if self.high_res is None else tuple(x[images] for x in self.high_res),
        }


@dataclass
class Module:
    """A method in one block: its tensors and its gate, [B] or [windows]."""

    method: Method
    tensors: Params
    gate: Tensor


def site_configs(c: dict) -> list[dict]:
    """The config as each block with modules sees it: those of a TinyViT, of a Hiera and of a pruned ViT have widths of their own."""
    if "embed_dims" in c:
        stages = zip(c["embed_dims"][1:], c["depths"][1:], strict=True)
    elif "blocks_per_stage" in c:
        first, *later = c["blocks_per_stage"]
        # The first block of a later stage changes the width and has no modules.
        stages = zip(c["embed_dim_per_stage"], (first, *(depth - 1 for depth in later)), strict=True)
    else:
        own = c.get("block_sizes", [{}] * c["num_hidden_layers"])
        return [{"attention_width": c["hidden_size"], **c, **sizes} for sizes in own]
    widths = [dim for dim, depth in stages for _ in range(depth)]
    return [{**c, "hidden_size": dim, "attention_width": dim, "mlp_dim": int(dim * c["mlp_ratio"])} for dim in widths]


def make_params(c: dict, case: Case, seed: int) -> Params:
    """Random trainable tensors; the ones that begin at zero in training are random here too."""
    g = torch.Generator().manual_seed(seed)
    shapes: dict[str, tuple[tuple[int, ...], float]] = {}
    sites = site_configs(c)
    for i in case.blocks:
        for m in case.methods:
            shapes |= {f"blocks.{i}.{m}.{name}": value for name, value in METHODS[m].shapes(sites[i]).items()}
        for m in case.methods:
            own = gate_shapes(case.gate, sites[i]["hidden_size"], case.datasets)
            shapes |= {f"blocks.{i}.gate.{m}.{name}": (shape, 0.3) for name, shape in own.items()}
    # A gate that is its tensor is from 0 to 1.
    drawn = {
        n: torch.rand(shape, generator=g) if n.endswith(".open") else s * torch.randn(shape, generator=g)
        for n, (shape, s) in shapes.items()
    }
    return {n: t.requires_grad_() for n, t in drawn.items()}


def below(params: Params, prefix: str) -> Params:
    """The tensors whose names begin with a prefix, by the rest of their names."""
    return {n.removeprefix(prefix): t for n, t in params.items() if n.startswith(prefix)}


def changed(name: str, frozen: Tensor, modules: list[Module]) -> Tensor:
    """A frozen vector [C] or matrix with what the modules add to it: [B, 1, 1, C] or [B, out, in], or itself where nothing is added."""
    out = frozen
    for module in modules:
        delta = module.method.frozen(module.tensors).get(name)
        if delta is not None:
            gates = module.gate[:, None, None] if delta.dim() == 2 else module.gate[:, None, None, None]
            out = out + gates * delta
    return out


def norm(layer: nn.LayerNorm, name: str, x: Tensor, frozen: Tensor, modules: list[Module]) -> Tensor:
    """Layer norm of x; frozen: what the layer itself makes of it."""
    weight, bias = (changed(f"{name}.{part}", getattr(layer, part), modules) for part in ("weight", "bias"))
    if weight is layer.weight and bias is layer.bias:
        return rescaled(name, frozen, modules)
    mean, variance = x.mean(-1, keepdim=True), x.var(-1, correction=0, keepdim=True)
    return rescaled(name, (x - mean) / (variance + layer.eps).sqrt() * weight + bias, modules)


def linear(layer: nn.Linear, name: str, x: Tensor, modules: list[Module]) -> Tensor:
    return added(name, x, own(layer, name, x, modules), modules)


def own(layer: nn.Linear, name: str, x: Tensor, modules: list[Module]) -> Tensor:
    """A layer's output with its weights as the modules change them."""
    weight, bias = (changed(f"{name}.{part}", getattr(layer, part), modules) for part in ("weight", "bias"))
    if weight is not layer.weight:
        return torch.einsum("bhwi,boi->bhwo", x, weight) + bias
    return layer(x) if bias is layer.bias else x @ layer.weight.T + bias


def added(name: str, x: Tensor, y: Tensor, modules: list[Module]) -> Tensor:
    """A layer's output y for its input x, with what the modules add."""
    for module in modules:
        if name in module.method.adds:
            y = y + module.gate[:, None, None, None] * module.method.adds[name](x, module.tensors)
    return rescaled(name, y, modules)


def rescaled(name: str, y: Tensor, modules: list[Module]) -> Tensor:
    """A layer's output y as the modules scale it."""
    for module in modules:
        scales = module.method.rescales(module.tensors)
        if name in scales:
            scale, shift = scales[name]
            y = y + module.gate[:, None, None, None] * (y * scale + shift)
    return y


def split_heads(x: Tensor, heads: int) -> Tensor:
    """[B, .., C] -> [B * heads, tokens, C / heads]."""
    return x.reshape(len(x), -1, heads, x.shape[-1] // heads).transpose(1, 2).flatten(0, 1)


def weigh(scores: Tensor, q: Tensor, v: Tensor, heads: int, modules: list[Module], form: str) -> Tensor:
    """softmax(scores) v with the modules' prefix in front; q is scaled, all are split into heads."""
    prefixes = [module for module in modules if module.method.prefix]
    if not prefixes:
        return scores.softmax(-1) @ v
    [module] = prefixes
    b = len(scores) // heads
    keys, values = (t.expand(b, -1, -1) for t in module.method.prefix(module.tensors))
    g = module.gate[:, None, None]
    if form not in OFF_IS_OFF:
        keys, values = g * keys, g * values
    keys, values = split_heads(keys, heads), split_heads(values, heads)
    p = keys.shape[1]
    scores = torch.cat([q @ keys.transpose(1, 2), scores], -1)
    v = torch.cat([values, v], 1)
    if form not in OFF_IS_OFF:
        return scores.softmax(-1) @ v
    mass = (scores - scores.amax(-1, keepdim=True)).exp()
    factor = g.repeat_interleave(heads, 0)
    mass = torch.cat([factor * mass[..., :p], mass[..., p:]], -1)
    return mass / mass.sum(-1, keepdim=True) @ v


def attention(attn: nn.Module, u: Tensor, modules: list[Module], form: str) -> Tensor:
    """u [B, H, W, C] (a window or the whole grid; one gate value each) -> [B, H, W, C]."""
    b, h, w, _ = u.shape
    heads, c = attn.num_heads, attn.proj.in_features
    qkv = own(attn.qkv, "attn.qkv", u, modules).split(c, -1)
    q, k, v = (added(name, u, y, modules) for name, y in zip("qkv", qkv, strict=True))

    q, k, v = (split_heads(t, heads) for t in (q, k, v))
    scores = (q * attn.scale) @ k.transpose(1, 2)
    if attn.use_rel_pos:
        scores = add_decomposed_rel_pos(scores, q, attn.rel_pos_h, attn.rel_pos_w, (h, w), (h, w))
    out = weigh(scores, q * attn.scale, v, heads, modules, form)
    out = out.view(b, heads, h, w, -1).permute(0, 2, 3, 1, 4).reshape(b, h, w, c)
    return linear(attn.proj, "attn.proj", out, modules)


def encode_block(
    block: nn.Module, i: int, x: Tensor, params: Params, case: Case | None, trace: Trace, dataset: Tensor | None, draws: Params | None
) -> Tensor:
    """x [B, H, W, C] -> the output of block i with its modules, which the trace gets too, with the gates."""
    form = case.gate if case else "none"
    asked = torch.zeros(len(x), dtype=torch.long) if dataset is None else dataset
    act = F.relu if case and case.activation == "relu" else F.gelu
    methods = case.methods if case and i in case.blocks else ()
    own = {m: below(params, f"blocks.{i}.gate.{m}.") for m in methods}
    modules = {m: Module(METHODS[m], below(params, f"blocks.{i}.{m}."), torch.ones(len(x))) for m in METHODS if m in methods}
    frozen = block.norm1(x)
    for m, module in modules.items():
        if module.method.gate_reads == "norm1":
            module.gate = gate(form, frozen, own[m], asked, (draws or {}).get(f"blocks.{i}.gate.{m}."))
    early = [module for module in modules.values() if module.method.gate_reads == "norm1"]
    u = norm(block.norm1, "norm1", x, frozen, early)
    grid = u.shape[1:3]
    windows, pad = window_partition(u, block.window_size) if block.window_size else (u, None)
    per = len(windows) // len(u)
    out = attention(block.attn, windows, [Module(m.method, m.tensors, m.gate.repeat_interleave(per)) for m in early], form)
    x = x + (window_unpartition(out, block.window_size, pad, grid) if block.window_size else out)
    y = norm(block.norm2, "norm2", x, block.norm2(x), early)
    inner = rescaled("gelu", F.gelu(linear(block.mlp.lin1, "mlp.lin1", y, early)), early)
    f = linear(block.mlp.lin2, "mlp.lin2", inner, early)
    for m, module in modules.items():
        if module.method.gate_reads == "mlp":
            module.gate = gate(form, f, own[m], asked, (draws or {}).get(f"blocks.{i}.gate.{m}."))
    for module in modules.values():
        if module.method.mlp:
            f = f + module.gate[:, None, None, None] * module.method.mlp(f, module.tensors, act)
        if module.method.beside:
            f = f + module.gate[:, None, None, None] * module.method.beside(y, module.tensors)
    x = x + f
    trace.blocks.append(x)
    trace.gates |= {f"gates.{i}.{m}": modules[m].gate for m in methods}
    return x


def encode(
    encoder: nn.Module, image: Tensor, params: Params, case: Case | None, dataset: Tensor | None = None, draws: Params | None = None
) -> Trace:
    """Normalised image [B, 3, S, S] -> every block's output, the gates, the embedding [B, D, G, G].

    dataset: of each image [B], the first without; draws: a step's numbers by gate, `blocks.0.gate.lora.`, in training.
    """
    trace = Trace(image)
    x = encoder.patch_embed(image) + encoder.pos_embed
    for i, block in enumerate(encoder.blocks):
        x = encode_block(block, i, x, params, case, trace, dataset, draws)
        if block.window_size == 0 and trace.intermediate is None:
            trace.intermediate = x
    trace.embedding = encoder.neck(x.permute(0, 3, 1, 2))
    return trace
