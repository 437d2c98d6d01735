"""What stands beside the MLP and reads its input: ConvPass and AdaptFormer."""

import torch.nn.functional as F
from torch import Tensor

from .method import Method, Params, Shapes


def layers(c: dict) -> Shapes:
    dim, m = c["hidden_size"], c["bottleneck"]
    return {
        "down.weight": ((m, dim), dim**-0.5),
        "down.bias": ((m,), 0.1),
        "up.weight": ((dim, m), m**-0.5),
        "up.bias": ((dim,), 0.1),
    }


def conv_shapes(c: dict) -> Shapes:
    m = c["bottleneck"]
    return layers(c) | {"conv.weight": ((m, m, 3, 3), (9 * m) ** -0.5), "conv.bias": ((m,), 0.1)}


def convolved(u: Tensor, t: Params) -> Tensor:
    """u [B, H, W, C]: each of the nine taps is the map moved by a cell, zero outside."""
    h, w = u.shape[1:3]
    inner = F.pad(F.gelu(u @ t["down.weight"].T + t["down.bias"]), (0, 0, 1, 1, 1, 1))
    taps = [inner[:, i : i + h, j : j + w] @ t["conv.weight"][:, :, i, j].T for i in range(3) for j in range(3)]
    return F.gelu(sum(taps) + t["conv.bias"]) @ t["up.weight"].T + t["up.bias"]


def scaled(u: Tensor, t: Params) -> Tensor:
    return t["scale"] * (F.relu(u @ t["down.weight"].T + t["down.bias"]) @ t["up.weight"].T + t["up.bias"])


conv_pass = Method(conv_shapes, "mlp", beside=convolved)
adaptformer = Method(lambda c: layers(c) | {"scale": ((1,), 1.0)}, "mlp", beside=scaled)
