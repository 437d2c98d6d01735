"""Hiera (arXiv 2306.00989) and the pyramid of SAM 2 (arXiv 2408.00714) in their plainest form, with gated modules.

Tensors have SAM 2's names, but for those that SAM 2 keeps elsewhere although they see the image alone: `conv_s0`, `conv_s1` and
`no_mem_embed`.
"""

from functools import partial

import torch
import torch.nn.functional as F
from segment_anything.modeling.image_encoder import window_partition, window_unpartition
from torch import Tensor, nn

from .encoder import Case, Trace, encode_block, split_heads
from .methods.method import Params

LayerNorm = partial(nn.LayerNorm, eps=1e-6)


class Attention(nn.Module):
    use_rel_pos = False

    def __init__(self, cin: int, cout: int, heads: int) -> None:
        super().__init__()
        self.num_heads, self.scale = heads, (cout // heads) ** -0.5
        self.qkv = nn.Linear(cin, 3 * cout)
        self.proj = nn.Linear(cout, cout)


class Mlp(nn.Module):
    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(width, hidden), nn.Linear(hidden, width)])

    @property
    def lin1(self) -> nn.Linear:
        """By its name in a ViT."""
        return self.layers[0]

    @property
    def lin2(self) -> nn.Linear:
        """By its name in a ViT."""
        return self.layers[1]


class Block(nn.Module):
    """window_size: side of the windows of what it reads; 0: global. `proj` is there where it changes the width and halves the grid."""

    def __init__(self, cin: int, cout: int, heads: int, window_size: int, hidden: int) -> None:
        super().__init__()
        self.window_size = window_size
        self.norm1 = LayerNorm(cin)
        self.attn = Attention(cin, cout, heads)
        self.norm2 = LayerNorm(cout)
        self.mlp = Mlp(cout, hidden)
        self.proj = nn.Linear(cin, cout) if cin != cout else None


class Hiera(nn.Module):
    """The whole image encoder: trunk and pyramid."""

    def __init__(self, c: dict) -> None:
        super().__init__()
        self.img_size = c["image_size"]
        widths, out = c["embed_dim_per_stage"], c["output_channels"]
        blocks = []
        for stage, depth in enumerate(c["blocks_per_stage"]):
            for first in [True] + [False] * (depth - 1):
                before = stage - 1 if first and stage else stage
                window = 0 if len(blocks) in c["global_attention_blocks"] else c["window_size_per_stage"][before]
                hidden = int(widths[stage] * c["mlp_ratio"])
                blocks.append(Block(widths[before], widths[stage], c["num_attention_heads_per_stage"][stage], window, hidden))
        self.stages = c["blocks_per_stage"]
        self.trunk = nn.Module()
        self.trunk.patch_embed = nn.Module()
        self.trunk.patch_embed.proj = nn.Conv2d(3, widths[0], 7, 4, 3)
        self.trunk.pos_embed = nn.Parameter(torch.zeros(1, widths[0], *c["window_positional_embedding_background_size"]))
        window = c["window_size_per_stage"][0]
        self.trunk.pos_embed_window = nn.Parameter(torch.zeros(1, widths[0], window, window))
        self.trunk.blocks = nn.ModuleList(blocks)
        self.neck = nn.Module()
        self.neck.convs = nn.ModuleList(nn.Module() for _ in widths)
        for conv, width in zip(self.neck.convs, reversed(widths), strict=True):
            conv.conv = nn.Conv2d(width, out, 1)
        self.conv_s0 = nn.Conv2d(out, out // 8, 1)
        self.conv_s1 = nn.Conv2d(out, out // 4, 1)
        self.no_mem_embed = nn.Parameter(torch.zeros(1, 1, out))


def position(trunk: nn.Module, side: int) -> Tensor:
    """[1, side, side, C]: a table that is stretched over the image, and one of a window that is repeated."""
    whole = F.interpolate(trunk.pos_embed, (side, side), mode="bicubic")
    times = side // trunk.pos_embed_window.shape[-1]
    return (whole + trunk.pos_embed_window.repeat(1, 1, times, times)).permute(0, 2, 3, 1)


def pool(x: Tensor) -> Tensor:
    """[B, H, W, C] -> [B, H/2, W/2, C]: the largest of 2 x 2."""
    return F.max_pool2d(x.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)


def transition(block: Block, x: Tensor) -> Tensor:
    """A frozen block that changes the width: x [B, H, W, C] -> [B, H/2, W/2, C']. Queries and the residual are pooled."""
    u = block.norm1(x)
    residual = pool(block.proj(u))
    window, attn = block.window_size, block.attn
    windows, padded = window_partition(u, window)
    q, k, v = attn.qkv(windows).chunk(3, -1)
    q, k, v = (split_heads(t, attn.num_heads) for t in (pool(q), k, v))
    out = ((q * attn.scale) @ k.transpose(1, 2)).softmax(-1) @ v
    out = out.view(len(windows), attn.num_heads, window // 2, window // 2, -1).permute(0, 2, 3, 1, 4).flatten(3)
    half = tuple(side // 2 for side in padded)
    x = residual + window_unpartition(attn.proj(out), window // 2, half, residual.shape[1:3])
    return x + block.mlp.lin2(F.gelu(block.mlp.lin1(block.norm2(x))))


def encode_hiera(
    encoder: Hiera, image: Tensor, params: Params, case: Case | None, dataset: Tensor | None = None, draws: Params | None = None
) -> Trace:
    """As `encode`, for a Hiera; the blocks that change the width have no modules and no number among those that may."""
    trace = Trace(image)
    trunk, blocks = encoder.trunk, iter(encoder.trunk.blocks)
    x = trunk.patch_embed.proj(image).permute(0, 2, 3, 1)
    x = x + position(trunk, x.shape[1])
    levels = []
    for depth, conv in zip(encoder.stages, reversed(encoder.neck.convs), strict=True):
        for _ in range(depth):
            block = next(blocks)
            x = transition(block, x) if block.proj else encode_block(block, len(trace.blocks), x, params, case, trace, dataset, draws)
        levels.append(conv.conv(x.permute(0, 3, 1, 2)))
    first, second, third, last = levels
    trace.embedding = third + F.interpolate(last, scale_factor=2, mode="nearest") + encoder.no_mem_embed.view(1, -1, 1, 1)
    trace.high_res = tuple(x.permute(0, 2, 3, 1) for x in (encoder.conv_s0(first), encoder.conv_s1(second)))
    return trace
