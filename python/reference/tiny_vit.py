"""TinyViT (arXiv 2207.10666) as the image encoder of a SAM, in its plainest form, with gated modules. Tensors have the published names."""

import torch
import torch.nn.functional as F
from segment_anything.modeling.common import LayerNorm2d
from torch import Tensor, nn

from .encoder import Case, Module, Trace, added, below, changed, gate, linear, norm, split_heads, weigh
from .methods import METHODS
from .methods.method import Params


class ConvNorm(nn.Module):
    """A convolution without bias, and batch norm by its running statistics."""

    def __init__(self, cin: int, cout: int, k: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.c = nn.Conv2d(cin, cout, k, stride, k // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(cout)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.c(x))


class Bottleneck(nn.Module):
    """MBConv, and without the residual the merge between stages: 1 x 1, depthwise 3 x 3, 1 x 1."""

    def __init__(self, cin: int, hidden: int, cout: int, stride: int, residual: bool) -> None:
        super().__init__()
        self.conv1 = ConvNorm(cin, hidden, 1)
        self.conv2 = ConvNorm(hidden, hidden, 3, stride, groups=hidden)
        self.conv3 = ConvNorm(hidden, cout, 1)
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv3(F.gelu(self.conv2(F.gelu(self.conv1(x)))))
        return F.gelu(x + y) if self.residual else y


class Attention(nn.Module):
    def __init__(self, dim: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads, self.window = heads, window
        self.norm = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        self.attention_biases = nn.Parameter(torch.zeros(heads, window * window))

    def bias(self) -> Tensor:
        """[heads, N, N]: one learned number for each pair of absolute offsets."""
        y, x = torch.meshgrid(torch.arange(self.window), torch.arange(self.window), indexing="ij")
        y, x = y.flatten(), x.flatten()
        return self.attention_biases[:, (y[:, None] - y).abs() * self.window + (x[:, None] - x).abs()]


class Mlp(nn.Module):
    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, dim)


class Block(nn.Module):
    def __init__(self, dim: int, heads: int, window: int, hidden: int) -> None:
        super().__init__()
        self.attn = Attention(dim, heads, window)
        self.local_conv = ConvNorm(dim, dim, 3, groups=dim)
        self.mlp = Mlp(dim, hidden)


class Stage(nn.Module):
    def __init__(self, blocks: list[nn.Module], downsample: nn.Module | None) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.downsample = downsample


class TinyViT(nn.Module):
    def __init__(self, c: dict) -> None:
        super().__init__()
        self.img_size = c["image_size"]
        dims, k, out = c["embed_dims"], c["stem_kernel"], c["output_channels"]
        stride = 2 if k == 3 else 1
        stem = [ConvNorm(3, dims[0] // 2, k, stride), nn.GELU(), ConvNorm(dims[0] // 2, dims[0], k, stride)]
        self.patch_embed = nn.Module()
        self.patch_embed.seq = nn.Sequential(*stem)
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
        first, second = nn.Conv2d(dims[-1], out, 1, bias=False), nn.Conv2d(out, out, 3, padding=1, bias=False)
        self.neck = nn.Sequential(first, LayerNorm2d(out), second, LayerNorm2d(out))


def attention(attn: Attention, u: Tensor, modules: list[Module], form: str) -> Tensor:
    """u [B, w, w, C], one window each -> the same shape; rows of qkv lie head by head."""
    b, h, w, c = u.shape
    heads, d = attn.heads, c // attn.heads
    weight = attn.qkv.weight.view(heads, 3, d, c)
    bias = attn.qkv.bias.view(heads, 3, d)
    delta = changed("attn.qkv.bias", torch.zeros(3 * c), modules).split(c, -1)
    qkv = (u @ weight[:, i].reshape(c, c).T + bias[:, i].reshape(c) + delta[i] for i in range(3))
    q, k, v = (split_heads(added(name, u, y, modules), heads) for name, y in zip("qkv", qkv, strict=True))
    scores = (q * d**-0.5) @ k.transpose(1, 2) + attn.bias().repeat(b, 1, 1)
    out = weigh(scores, q * d**-0.5, v, heads, modules, form)
    out = out.view(b, heads, h, w, -1).permute(0, 2, 3, 1, 4).reshape(b, h, w, c)
    return linear(attn.proj, "attn.proj", out, modules)


def windowed(attn: Attention, x: Tensor, modules: list[Module], form: str) -> Tensor:
    """x [B, H, W, C], padded before the norm -> attention's branch on the grid."""
    b, h, w, c = x.shape
    s = attn.window
    padded = F.pad(x, (0, 0, 0, -w % s, 0, -h % s))
    rows, columns = padded.shape[1] // s, padded.shape[2] // s
    windows = padded.view(b, rows, s, columns, s, c).transpose(2, 3).reshape(-1, s, s, c)
    repeated = [Module(m.method, m.tensors, m.gate.repeat_interleave(rows * columns)) for m in modules]
    u = norm(attn.norm, "norm1", windows, attn.norm(windows), repeated)
    out = attention(attn, u, repeated, form).view(b, rows, columns, s, s, c)
    return out.transpose(2, 3).reshape(padded.shape)[:, :h, :w]


def block(own: Block, x: Tensor, modules: dict[str, Module], gates: dict[str, Params], case: Case | None) -> Tensor:
    """x [B, H, W, C] -> [B, H, W, C]; sets the modules' gates as it goes."""
    form = case.gate if case else "none"
    # The forms that ask for more, `task` and `hard`, have no set with a TinyViT.
    asked = torch.zeros(len(x), dtype=torch.long)
    act = F.relu if case and case.activation == "relu" else F.gelu
    u = own.attn.norm(x)
    for m, module in modules.items():
        if module.method.gate_reads == "norm1":
            module.gate = gate(form, u, gates[m], asked, None)
    early = [module for module in modules.values() if module.method.gate_reads == "norm1"]
    x = x + windowed(own.attn, x, early, form)
    x = own.local_conv(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    y = norm(own.mlp.norm, "norm2", x, own.mlp.norm(x), early)
    f = linear(own.mlp.fc2, "mlp.lin2", F.gelu(linear(own.mlp.fc1, "mlp.lin1", y, early)), early)
    for m, module in modules.items():
        if module.method.gate_reads == "mlp":
            module.gate = gate(form, f, gates[m], asked, None)
    for module in modules.values():
        if module.method.mlp:
            f = f + module.gate[:, None, None, None] * module.method.mlp(f, module.tensors, act)
    return x + f


def encode_tiny(encoder: TinyViT, image: Tensor, params: Params, case: Case | None) -> Trace:
    """As `encode`, for a TinyViT; block i is the i-th that attends."""
    trace = Trace(image)
    x = encoder.patch_embed.seq(image)
    i = 0
    for number, stage in enumerate(encoder.layers):
        if number == len(encoder.layers) - 2:
            trace.intermediate = x.permute(0, 2, 3, 1)
        for own in stage.blocks:
            if isinstance(own, Bottleneck):
                x = own(x)
                continue
            methods = case.methods if case and i in case.blocks else ()
            gates = {m: below(params, f"blocks.{i}.gate.{m}.") for m in methods}
            modules = {m: Module(METHODS[m], below(params, f"blocks.{i}.{m}."), torch.ones(len(x))) for m in METHODS if m in methods}
            x = block(own, x.permute(0, 2, 3, 1), modules, gates, case)
            trace.blocks.append(x)
            trace.gates |= {f"gates.{i}.{m}": modules[m].gate for m in methods}
            x = x.permute(0, 3, 1, 2)
            i += 1
        if stage.downsample:
            x = stage.downsample(x)
    trace.embedding = encoder.neck(x)
    return trace
