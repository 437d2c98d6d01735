"""TinyViT (arXiv 2207.10666) as the image encoder of a SAM (MobileSAM, `vit_t`), channels last, with the published names."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .site import NO_HOOKS, Hooks, RunBlock, Site, run_frozen
from .vit import attend, from_windows, join, neck, neck_layers, split, to_windows

EPS = 1e-5
"""Of the blocks' layer norms and of batch norm: PyTorch's own."""


class BatchNorm(nn.Module):
    """Batch norm [B, C, H, W] by its running statistics."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=EPS)


class ConvNorm(nn.Module):
    """A convolution without bias, then batch norm; [B, H, W, C] -> [B, H', W', C']."""

    def __init__(self, cin: int, cout: int, k: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.c = nn.Conv2d(cin, cout, k, stride, k // 2, groups=groups, bias=False)
        self.bn = BatchNorm(cout)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.c(x.permute(0, 3, 1, 2))).permute(0, 2, 3, 1)


class Bottleneck(nn.Module):
    """1 × 1, depthwise 3 × 3, 1 × 1: a block of the first stage, or without the residual the merge between stages."""

    def __init__(self, cin: int, hidden: int, cout: int, stride: int, is_residual: bool) -> None:
        super().__init__()
        self.conv1 = ConvNorm(cin, hidden, 1)
        self.conv2 = ConvNorm(hidden, hidden, 3, stride, hidden)
        self.conv3 = ConvNorm(hidden, cout, 1)
        self.is_residual = is_residual

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv3(F.gelu(self.conv2(F.gelu(self.conv1(x)))))
        return F.gelu(x + y) if self.is_residual else y


class Attention(nn.Module):
    """Attention in a window, with a learned number for each pair of absolute offsets; rows of qkv lie head by head."""

    def __init__(self, dim: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads, self.window = heads, window
        self.norm = nn.LayerNorm(dim, eps=EPS)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        self.attention_biases = nn.Parameter(torch.zeros(heads, window * window))

    def bias(self) -> Tensor:
        """[1, heads, N, N]"""
        index = torch.arange(self.window**2, device=self.attention_biases.device)
        y, x = index // self.window, index % self.window
        return self.attention_biases[:, (y[:, None] - y).abs() * self.window + (x[:, None] - x).abs()][None]

    def forward(self, u: Tensor, hooks: Hooks = NO_HOOKS) -> Tensor:
        """u [B, window², C], what the norm gave -> the same shape."""
        b, n, c = u.shape
        parts = self.qkv(u).view(b, n, self.heads, 3, -1).unbind(3)
        q, k, v = (split(hooks.at(part, u, y.reshape(b, n, c)), self.heads) for part, y in zip("qkv", parts, strict=True))
        out = join(attend(q, k, v, self.bias(), hooks))
        return hooks.at("proj", out, self.proj(out))


class Mlp(nn.Module):
    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim, eps=EPS)
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, dim)


class Block(nn.Module):
    """A block that attends."""

    def __init__(self, dim: int, heads: int, window: int, hidden: int) -> None:
        super().__init__()
        self.attn = Attention(dim, heads, window)
        self.local_conv = ConvNorm(dim, dim, 3, groups=dim)
        self.mlp = Mlp(dim, hidden)
        self.site = Site(dim, dim, hidden, window**2, EPS)

    def forward(self, x: Tensor, hooks: Hooks = NO_HOOKS) -> Tensor:
        """x [B, G, G, C] -> the same shape."""
        b, g, _, _ = x.shape
        frozen = self.attn.norm(x)
        hooks.read("norm1", frozen)
        # TinyViT pads in front of its norm, which makes its bias of zeros; SAM pads behind it.
        pad = hooks.padding(self.attn.norm.bias)
        windows = to_windows(hooks.at("norm1", x, frozen) - pad, self.attn.window) + pad
        out = self.attn(windows, hooks.in_windows(len(windows) // b))
        x = self.local_conv(x + from_windows(out, self.attn.window, g))
        y = hooks.at("norm2", x, self.mlp.norm(x))
        inner = hooks.at("lin1", y, self.mlp.fc1(y))
        inner = hooks.at("gelu", inner, F.gelu(inner))
        f = hooks.at("lin2", inner, self.mlp.fc2(inner))
        hooks.read("mlp", f)
        return x + hooks.at("mlp", y, f)


class Stage(nn.Module):
    def __init__(self, blocks: list[nn.Module], downsample: nn.Module | None) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.downsample = downsample


class Stem(nn.Module):
    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        stride = 2 if kernel == 3 else 1
        self.seq = nn.ModuleList([ConvNorm(3, width // 2, kernel, stride), nn.GELU(), ConvNorm(width // 2, width, kernel, stride)])

    def forward(self, image: Tensor) -> Tensor:
        """[B, 3, S, S] -> [B, H, W, C]."""
        x = image.permute(0, 2, 3, 1)
        for layer in self.seq:
            x = layer(x)
        return x


class TinyViT(nn.Module):
    """c: TinyViT's own arguments (`embed_dims`, `depths`, `num_heads`, `window_sizes`, `mlp_ratio`, `mbconv_expand_ratio`) and
    `stem_kernel`. Block i is the i-th that attends."""

    def __init__(self, c: dict) -> None:
        super().__init__()
        dims, out = c["embed_dims"], c["output_channels"]
        self.patch_embed = Stem(dims[0], c["stem_kernel"])
        stages = []
        for i, (dim, depth) in enumerate(zip(dims, c["depths"], strict=True)):
            if i == 0:
                blocks = [Bottleneck(dim, int(dim * c["mbconv_expand_ratio"]), dim, 1, True) for _ in range(depth)]
            else:
                blocks = [Block(dim, c["num_heads"][i], c["window_sizes"][i], int(dim * c["mlp_ratio"])) for _ in range(depth)]
            # The last merge keeps the grid.
            merge = Bottleneck(dim, dims[i + 1], dims[i + 1], 1 if i == len(dims) - 2 else 2, False) if i < len(dims) - 1 else None
            stages.append(Stage(blocks, merge))
        self.layers = nn.ModuleList(stages)
        self.neck = neck_layers(dims[-1], out)

    @property
    def sites(self) -> list[Site]:
        return [block.site for stage in self.layers for block in stage.blocks if isinstance(block, Block)]

    def forward(self, image: Tensor, run: RunBlock = run_frozen) -> Tensor:
        """Normalised image [B, 3, S, S] -> embedding [B, G, G, D] (channels last)."""
        x, index = self.patch_embed(image), 0
        for stage in self.layers:
            for block in stage.blocks:
                if isinstance(block, Block):
                    x = run(index, block, x)
                    index += 1
                else:
                    x = block(x)
            if stage.downsample:
                x = stage.downsample(x)
        return neck(self.neck, x)
