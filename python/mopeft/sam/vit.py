"""SAM's ViT image encoder in token layout, with original SAM parameter names.

Training runs on grids smaller than the model's own: position embeddings are interpolated, and the
relative position tables are cut to the offsets that occur (a token keeps its distance in tokens).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .site import NO_HOOKS, Hooks, RunBlock, Site, run_frozen

EPS = 1e-6
"""Of SAM's layer norms."""


def centre_slice(table: Tensor, size: int) -> Tensor:
    """Rows of a relative position table [2N-1, d] for offsets -(size-1) .. size-1."""
    mid = table.shape[0] // 2
    return table[mid - size + 1 : mid + size]


def relative_rows(table: Tensor, size: int) -> Tensor:
    """[size, size, d]: the table's row for query position i and key position j, at i - j."""
    table = centre_slice(table, size)
    index = torch.arange(size, device=table.device)
    return table[index[:, None] - index[None, :] + size - 1]


class Attention(nn.Module):
    """Attention with decomposed relative position. inner: width of q, k and v, where it is not the tokens'."""

    def __init__(self, dim: int, heads: int, grid: int, inner: int | None = None) -> None:
        super().__init__()
        inner = inner or dim
        self.heads = heads
        self.qkv = nn.Linear(dim, inner * 3)
        self.proj = nn.Linear(inner, dim)
        self.rel_pos_h = nn.Parameter(torch.zeros(2 * grid - 1, inner // heads))
        self.rel_pos_w = nn.Parameter(torch.zeros(2 * grid - 1, inner // heads))

    def forward(self, u: Tensor, grid: int, hooks: Hooks = NO_HOOKS) -> Tensor:
        """u [B, grid², C] -> the same shape."""
        b, n, _ = u.shape
        q, k, v = (split(hooks.at(part, u, y), self.heads) for part, y in zip("qkv", self.qkv(u).chunk(3, -1), strict=True))
        on_grid = q.reshape(b, self.heads, grid, grid, -1)
        bias_h = torch.einsum("bhijd,ikd->bhijk", on_grid, relative_rows(self.rel_pos_h, grid))
        bias_w = torch.einsum("bhijd,jkd->bhijk", on_grid, relative_rows(self.rel_pos_w, grid))
        bias = (bias_h[..., :, None] + bias_w[..., None, :]).reshape(b, self.heads, n, n)
        out = join(attend(q, k, v, bias, hooks))
        return hooks.at("proj", out, self.proj(out))


def split(x: Tensor, heads: int) -> Tensor:
    """[B, N, C] -> [B, heads, N, C / heads]."""
    b, n, c = x.shape
    return x.reshape(b, n, heads, c // heads).transpose(1, 2)


def join(x: Tensor) -> Tensor:
    """The inverse of split."""
    b, h, n, d = x.shape
    return x.transpose(1, 2).reshape(b, n, h * d)


def attend(q: Tensor, k: Tensor, v: Tensor, bias: Tensor, hooks: Hooks) -> Tensor:
    """q, k, v [B, heads, N, d] and what is added to the scores [B or 1, heads, N, N] -> [B, heads, N, d].

    A prefix is keys and values in front, whose columns have no relative position.
    """
    b, heads, n, d = q.shape
    for keys, values, column in hooks.prefixes():
        k, v = torch.cat([split(keys, heads), k], 2), torch.cat([split(values, heads), v], 2)
        columns = column.view(b, 1, 1, 1).expand(b, heads, n, keys.shape[1])
        bias = torch.cat([columns, bias.expand(b, -1, -1, -1)], -1)
    if q.dtype == torch.bfloat16 and q.device.type == "cpu":  # fused attention there is 2 to 4 times as slow as its two products
        return ((q * d**-0.5) @ k.transpose(2, 3) + bias).softmax(-1, dtype=q.dtype) @ v
    return F.scaled_dot_product_attention(q, k, v, attn_mask=bias)


class Mlp(nn.Module):
    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.lin1 = nn.Linear(dim, hidden)
        self.lin2 = nn.Linear(hidden, dim)

    def forward(self, x: Tensor, hooks: Hooks = NO_HOOKS) -> Tensor:
        inner = hooks.at("lin1", x, self.lin1(x))
        inner = hooks.at("gelu", inner, F.gelu(inner))
        return hooks.at("lin2", inner, self.lin2(inner))


def to_windows(x: Tensor, window: int) -> Tensor:
    """[B, G, G, C] -> [B·(G/w)², w², C], zero-padded when the window does not divide the grid."""
    b, g, _, c = x.shape
    pad = -g % window
    x = F.pad(x, (0, 0, 0, pad, 0, pad)) if pad else x
    m = (g + pad) // window
    return x.view(b, m, window, m, window, c).transpose(2, 3).reshape(-1, window * window, c)


def from_windows(x: Tensor, window: int, grid: int) -> Tensor:
    """The inverse of to_windows: back to [B, G, G, C]."""
    m = -(-grid // window)
    c = x.shape[-1]
    x = x.view(-1, m, m, window, window, c).transpose(2, 3).reshape(-1, m * window, m * window, c)
    return x[:, :grid, :grid]


class Block(nn.Module):
    """window: side in tokens, 0 for the whole grid; inner: as for Attention."""

    def __init__(self, dim: int, heads: int, hidden: int, window: int, grid: int, inner: int | None = None) -> None:
        super().__init__()
        self.window = window
        self.norm1 = nn.LayerNorm(dim, eps=EPS)
        self.attn = Attention(dim, heads, window or grid, inner)
        self.norm2 = nn.LayerNorm(dim, eps=EPS)
        self.mlp = Mlp(dim, hidden)
        self.site = Site(dim, inner or dim, hidden, (window or grid) ** 2)

    def forward(self, x: Tensor, hooks: Hooks = NO_HOOKS) -> Tensor:
        """x [B, G, G, C] -> the same shape."""
        b, g, _, c = x.shape
        frozen = self.norm1(x)
        hooks.read("norm1", frozen)
        u = hooks.at("norm1", x, frozen)
        if self.window:
            windows = to_windows(u, self.window)
            out = from_windows(self.attn(windows, self.window, hooks.in_windows(len(windows) // b)), self.window, g)
        else:
            out = self.attn(u.view(b, g * g, c), g, hooks).view(b, g, g, c)
        x = x + out
        y = hooks.at("norm2", x, self.norm2(x))
        f = self.mlp(y, hooks)
        hooks.read("mlp", f)
        return x + hooks.at("mlp", y, f)


class ChannelNorm(nn.Module):
    """SAM's LayerNorm2d, applied to channels-last tensors."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, self.weight.shape, self.weight, self.bias, EPS)


class PatchEmbed(nn.Module):
    def __init__(self, patch: int, dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, dim, patch, patch)

    def forward(self, x: Tensor) -> Tensor:
        """[B, 3, S, S] -> [B, G, G, C]."""
        p = self.proj.kernel_size[0]
        b, _, s, _ = x.shape
        g = s // p
        x = x.view(b, 3, g, p, g, p).permute(0, 2, 4, 1, 3, 5).reshape(b, g, g, 3 * p * p)
        return F.linear(x, self.proj.weight.flatten(1), self.proj.bias)


class ImageEncoder(nn.Module):
    """c: the model section. Its `block_sizes` say, where there are any, what pruning left of each block: `attention_width`,
    `num_attention_heads`, `mlp_dim`."""

    def __init__(self, c: dict) -> None:
        super().__init__()
        dim, out, grid = c["hidden_size"], c["output_channels"], c["image_size"] // c["patch_size"]
        self.patch_embed = PatchEmbed(c["patch_size"], dim)
        self.pos_embed = nn.Parameter(torch.zeros(1, grid, grid, dim))
        usual = {"attention_width": dim, "num_attention_heads": c["num_attention_heads"], "mlp_dim": c["mlp_dim"]}
        sizes = c.get("block_sizes") or [usual] * c["num_hidden_layers"]
        self.blocks = nn.ModuleList(
            Block(
                dim,
                own["num_attention_heads"],
                own["mlp_dim"],
                0 if i in c["global_attn_indexes"] else c["window_size"],
                grid,
                own["attention_width"],
            )
            for i, own in enumerate(sizes)
        )
        self.neck = neck_layers(dim, out)

    def positions(self, grid: int) -> Tensor:
        """The position embedding [1, G, G, C] for a grid of the model's size or smaller."""
        if self.pos_embed.shape[1] == grid:
            return self.pos_embed
        table = self.pos_embed.permute(0, 3, 1, 2)
        table = F.interpolate(table, (grid, grid), mode="bilinear", antialias=True, align_corners=False)
        return table.permute(0, 2, 3, 1)

    @property
    def sites(self) -> list[Site]:
        return [block.site for block in self.blocks]

    def forward(self, image: Tensor, run: RunBlock = run_frozen) -> Tensor:
        """Normalised image [B, 3, S, S] -> embedding [B, G, G, D] (channels last)."""
        x = self.patch_embed(image)
        x = x + self.positions(x.shape[1])
        for i, block in enumerate(self.blocks):
            x = run(i, block, x)
        return neck(self.neck, x)


def neck_layers(dim: int, out: int) -> nn.ModuleList:
    return nn.ModuleList(
        [
            nn.Conv2d(dim, out, 1, bias=False),
            ChannelNorm(out),
            nn.Conv2d(out, out, 3, padding=1, bias=False),
            ChannelNorm(out),
        ]
    )


def neck(layers: nn.ModuleList, x: Tensor) -> Tensor:
    """[B, G, G, C] -> [B, G, G, D]."""
    x = layers[1](F.linear(x, layers[0].weight.flatten(1)))
    x = layers[2](x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    return layers[3](x)
