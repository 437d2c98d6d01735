"""SAM's ViT image encoder in token layout, with original SAM parameter names.

Training runs on grids smaller than the model's own: position embeddings are interpolated, and the
relative position tables are cut to the offsets that occur (a token keeps its distance in tokens).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def centre_slice(table: Tensor, size: int) -> Tensor:
    """Rows of a relative position table [2N-1, d] for offsets -(size-1) .. size-1."""
    mid = table.shape[0] // 2
    return table[mid - size + 1 : mid + size]


def relative_rows(table: Tensor, size: int) -> Tensor:
    """[size, size, d]: the table's row for query position i and key position j, at i - j."""
    table = centre_slice(table, size)
    index = torch.arange(size, device=table.device)
    return table[index[:, None] - index[None, :] + size - 1]


def attend(q: Tensor, k: Tensor, v: Tensor, rel_h: Tensor, rel_w: Tensor, grid: int) -> Tensor:
    """Attention with decomposed relative position as an additive bias.

    q, k, v: [B, heads, N, d] with N = grid²; rel_h, rel_w: [grid, grid, d]. Returns [B, heads, N, d].
    """
    b, h, n, d = q.shape
    q_grid = q.reshape(b, h, grid, grid, d)
    bias_h = torch.einsum("bhijd,ikd->bhijk", q_grid, rel_h)
    bias_w = torch.einsum("bhijd,jkd->bhijk", q_grid, rel_w)
    bias = (bias_h[..., :, None] + bias_w[..., None, :]).reshape(b, h, n, n)
    if q.dtype == torch.bfloat16 and q.device.type == "cpu":  # fused attention there is 2 to 4 times as slow as its two products
        return ((q * d**-0.5) @ k.transpose(2, 3) + bias).softmax(-1, dtype=q.dtype) @ v
    return F.scaled_dot_product_attention(q, k, v, attn_mask=bias)


class Attention(nn.Module):
    def __init__(self, dim: int, heads: int, grid: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, dim * 3)
        self.proj = nn.Linear(dim, dim)
        self.rel_pos_h = nn.Parameter(torch.zeros(2 * grid - 1, dim // heads))
        self.rel_pos_w = nn.Parameter(torch.zeros(2 * grid - 1, dim // heads))

    def forward(self, x: Tensor, grid: int) -> Tensor:
        """x: [B, grid², C] -> [B, grid², C]."""
        b, n, c = x.shape
        q, k, v = self.qkv(x).view(b, n, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        rows_h, rows_w = relative_rows(self.rel_pos_h, grid), relative_rows(self.rel_pos_w, grid)
        return self.proj(attend(q, k, v, rows_h, rows_w, grid).transpose(1, 2).reshape(b, n, c))


class Mlp(nn.Module):
    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.lin1 = nn.Linear(dim, hidden)
        self.lin2 = nn.Linear(hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.lin2(F.gelu(self.lin1(x)))


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
    def __init__(self, dim: int, heads: int, hidden: int, window: int, grid: int) -> None:
        super().__init__()
        self.window = window
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = Attention(dim, heads, window or grid)
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = Mlp(dim, hidden)

    def forward(self, x: Tensor) -> Tensor:
        """x: [B, G, G, C] -> the same shape."""
        b, g, _, c = x.shape
        u = self.norm1(x)
        if self.window:
            out = from_windows(self.attn(to_windows(u, self.window), self.window), self.window, g)
        else:
            out = self.attn(u.view(b, g * g, c), g).view(b, g, g, c)
        x = x + out
        return x + self.mlp(self.norm2(x))


class ChannelNorm(nn.Module):
    """SAM's LayerNorm2d, applied to channels-last tensors."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, self.weight.shape, self.weight, self.bias, 1e-6)


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
    def __init__(self, c: dict) -> None:
        super().__init__()
        dim, out, grid = c["hidden_size"], c["output_channels"], c["image_size"] // c["patch_size"]
        self.patch_embed = PatchEmbed(c["patch_size"], dim)
        self.pos_embed = nn.Parameter(torch.zeros(1, grid, grid, dim))
        self.blocks = nn.ModuleList(
            Block(
                dim,
                c["num_attention_heads"],
                c["mlp_dim"],
                0 if i in c["global_attn_indexes"] else c["window_size"],
                grid,
            )
            for i in range(c["num_hidden_layers"])
        )
        self.neck = nn.ModuleList(
            [
                nn.Conv2d(dim, out, 1, bias=False),
                ChannelNorm(out),
                nn.Conv2d(out, out, 3, padding=1, bias=False),
                ChannelNorm(out),
            ]
        )

    def positions(self, grid: int) -> Tensor:
        """The position embedding [1, G, G, C] for a grid of the model's size or smaller."""
        if self.pos_embed.shape[1] == grid:
            return self.pos_embed
        table = self.pos_embed.permute(0, 3, 1, 2)
        table = F.interpolate(table, (grid, grid), mode="bilinear", antialias=True, align_corners=False)
        return table.permute(0, 2, 3, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Normalised image [B, 3, S, S] -> embedding [B, G, G, D] (channels last)."""
        x = self.patch_embed(image)
        x = x + self.positions(x.shape[1])
        for block in self.blocks:
            x = block(x)
        x = self.neck[1](F.linear(x, self.neck[0].weight.flatten(1)))
        x = self.neck[2](x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return self.neck[3](x)
