"""SAM's prompt encoder and mask decoder, batched over images and objects, in token layout.

An item is one object of one image; N items are decoded at once. Parameter names are SAM's own.
"""

import itertools
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .vit import ChannelNorm, Mlp

PAD, NEGATIVE, POSITIVE, BOX_FIRST, BOX_SECOND = -1, 0, 1, 2, 3


class PositionEncoding(nn.Module):
    def __init__(self, half: int) -> None:
        super().__init__()
        self.register_buffer("positional_encoding_gaussian_matrix", torch.randn(2, half))

    def forward(self, unit: Tensor) -> Tensor:
        """Coordinates in [0, 1] as (x, y) [..., 2] -> [..., D]."""
        with torch.autocast(unit.device.type, enabled=False):  # in bf16 an angle would be off by a tenth
            angles = (2 * unit - 1) @ self.positional_encoding_gaussian_matrix * (2 * math.pi)
        return torch.cat([angles.sin(), angles.cos()], dim=-1)


class PromptEncoder(nn.Module):
    def __init__(self, dim: int, mask_channels: int) -> None:
        super().__init__()
        m = mask_channels
        self.pe_layer = PositionEncoding(dim // 2)
        self.point_embeddings = nn.ModuleList(nn.Embedding(1, dim) for _ in range(4))
        self.not_a_point_embed = nn.Embedding(1, dim)
        self.no_mask_embed = nn.Embedding(1, dim)
        self.mask_downscaling = nn.ModuleList(
            [
                nn.Conv2d(1, m // 4, 2, 2),
                ChannelNorm(m // 4),
                nn.GELU(),
                nn.Conv2d(m // 4, m, 2, 2),
                ChannelNorm(m),
                nn.GELU(),
                nn.Conv2d(m, dim, 1),
            ]
        )

    def sparse(self, points: Tensor, labels: Tensor, size: int) -> Tensor:
        """points [N, P, 2] in input pixels, labels [N, P] (-1 pad, 0, 1, 2 and 3 box) -> [N, P, D]."""
        pe = self.pe_layer((points + 0.5) / size) * (labels != PAD)[..., None]
        table = torch.cat([self.not_a_point_embed.weight, *(e.weight for e in self.point_embeddings)])
        return pe + table[labels + 1]

    def dense(self, masks: Tensor, has_mask: Tensor) -> Tensor:
        """Low-res logits [N, 4G, 4G] and a flag [N] -> [N, G², D]."""
        d = self.mask_downscaling
        x = d[1](d[0](masks[:, None]).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        x = d[4](d[3](F.gelu(x)).permute(0, 2, 3, 1))
        x = F.linear(F.gelu(x), d[6].weight.flatten(1), d[6].bias).flatten(1, 2)
        return torch.where(has_mask[:, None, None], x, self.no_mask_embed.weight)

    def grid(self, grid: int) -> Tensor:
        """Position encoding of the embedding's cells [G², D]."""
        axis = (torch.arange(grid, device=self.no_mask_embed.weight.device) + 0.5) / grid
        y, x = torch.meshgrid(axis, axis, indexing="ij")
        return self.pe_layer(torch.stack([x, y], -1)).flatten(0, 1)


def in_float(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Fused attention in float32: a CPU's backward of the few tokens here is 7 times as slow in bf16."""
    with torch.autocast("cpu", enabled=False):
        return F.scaled_dot_product_attention(q.float(), k.float(), v.float())


class Attention(nn.Module):
    def __init__(self, dim: int, heads: int, downsample: int = 1) -> None:
        super().__init__()
        inner = dim // downsample
        self.heads = heads
        self.q_proj = nn.Linear(dim, inner)
        self.k_proj = nn.Linear(dim, inner)
        self.v_proj = nn.Linear(dim, inner)
        self.out_proj = nn.Linear(inner, dim)

    def split(self, x: Tensor) -> Tensor:
        return x.view(x.shape[0], x.shape[1], self.heads, -1).transpose(1, 2)

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """[N, Tq, D], [N, Tk, D], [N, Tk, D] -> [N, Tq, D]."""
        q, k, v = self.split(self.q_proj(q)), self.split(self.k_proj(k)), self.split(self.v_proj(v))
        out = in_float(q, k, v) if q.dtype == torch.bfloat16 and q.device.type == "cpu" else F.scaled_dot_product_attention(q, k, v)
        return self.out_proj(out.transpose(1, 2).flatten(2))


class TwoWayLayer(nn.Module):
    def __init__(self, dim: int, heads: int, hidden: int, rate: int, first: bool) -> None:
        super().__init__()
        self.first = first
        self.self_attn = Attention(dim, heads)
        self.norm1 = nn.LayerNorm(dim)
        self.cross_attn_token_to_image = Attention(dim, heads, rate)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = Mlp(dim, hidden)
        self.norm3 = nn.LayerNorm(dim)
        self.cross_attn_image_to_token = Attention(dim, heads, rate)
        self.norm4 = nn.LayerNorm(dim)

    def forward(self, tokens: Tensor, image: Tensor, token_pe: Tensor, image_pe: Tensor) -> tuple:
        q = tokens + token_pe
        attended = self.self_attn(tokens, tokens, tokens) if self.first else self.self_attn(q, q, tokens)
        tokens = self.norm1(attended if self.first else tokens + attended)
        k = image + image_pe
        tokens = self.norm2(tokens + self.cross_attn_token_to_image(tokens + token_pe, k, image))
        m = self.mlp
        tokens = self.norm3(tokens + m.lin2(F.relu(m.lin1(tokens))))
        update = self.cross_attn_image_to_token(k, tokens + token_pe, tokens)
        return tokens, self.norm4(image + update)


class TwoWayTransformer(nn.Module):
    def __init__(self, dim: int, depth: int, heads: int, hidden: int, rate: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(TwoWayLayer(dim, heads, hidden, rate, i == 0) for i in range(depth))
        self.final_attn_token_to_image = Attention(dim, heads, rate)
        self.norm_final_attn = nn.LayerNorm(dim)

    def forward(self, image: Tensor, image_pe: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """image [N, G², D], image_pe [G², D], tokens [N, T, D] -> tokens, image."""
        pe = tokens
        for layer in self.layers:
            tokens, image = layer(tokens, image, pe, image_pe)
        update = self.final_attn_token_to_image(tokens + pe, image + image_pe, image)
        return self.norm_final_attn(tokens + update), image


class Head(nn.Module):
    """SAM's three-layer MLP."""

    def __init__(self, dim: int, hidden: int, out: int) -> None:
        super().__init__()
        sizes = [dim, hidden, hidden, out]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(sizes))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers[2](F.relu(self.layers[1](F.relu(self.layers[0](x)))))


def upscale(x: Tensor, conv: nn.ConvTranspose2d) -> Tensor:
    """A 2×2 stride 2 transposed convolution on tokens: [..., C] -> [..., 4, C'] (rows, then columns)."""
    w = conv.weight
    out = x @ w.permute(0, 2, 3, 1).reshape(w.shape[0], -1)
    return out.unflatten(-1, (4, w.shape[1])) + conv.bias


class MaskDecoder(nn.Module):
    def __init__(self, dim: int, heads: int, hidden: int, rate: int, iou_hidden: int) -> None:
        super().__init__()
        self.transformer = TwoWayTransformer(dim, 2, heads, hidden, rate)
        self.iou_token = nn.Embedding(1, dim)
        self.mask_tokens = nn.Embedding(4, dim)
        self.output_upscaling = nn.ModuleList(
            [
                nn.ConvTranspose2d(dim, dim // 4, 2, 2),
                ChannelNorm(dim // 4),
                nn.GELU(),
                nn.ConvTranspose2d(dim // 4, dim // 8, 2, 2),
                nn.GELU(),
            ]
        )
        self.output_hypernetworks_mlps = nn.ModuleList(Head(dim, dim, dim // 8) for _ in range(4))
        self.iou_prediction_head = Head(dim, iou_hidden, 4)

    def forward(self, image: Tensor, image_pe: Tensor, sparse: Tensor, dense: Tensor) -> tuple:
        """image [N, G², D], sparse [N, P, D], dense broadcastable to image -> [N, 4, 4G, 4G], [N, 4]."""
        n, cells, _ = image.shape
        grid = math.isqrt(cells)
        own = torch.cat([self.iou_token.weight, self.mask_tokens.weight])
        tokens = torch.cat([own.expand(n, -1, -1), sparse], 1)
        tokens, image = self.transformer(image + dense, image_pe, tokens)
        up = self.output_upscaling
        pixels = F.gelu(upscale(F.gelu(up[1](upscale(image, up[0]))), up[3]))
        mlps = self.output_hypernetworks_mlps
        hyper = torch.stack([mlp(tokens[:, 1 + i]) for i, mlp in enumerate(mlps)], 1)
        masks = hyper @ pixels.reshape(n, cells * 16, -1).transpose(1, 2)
        masks = masks.view(n, 4, grid, grid, 2, 2, 2, 2).permute(0, 1, 2, 4, 6, 3, 5, 7)
        return masks.reshape(n, 4, grid * 4, grid * 4), self.iou_prediction_head(tokens[:, 0])
