"""The Adapter: a bottleneck of the MLP's output is added to it."""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

from .method import Method, Params, Shapes


def shapes(c: dict) -> Shapes:
    dim, m = c["hidden_size"], c["bottleneck"]
    return {
        "down.weight": ((m, dim), dim**-0.5),
        "down.bias": ((m,), 0.1),
        "up.weight": ((dim, m), m**-0.5),
        "up.bias": ((dim,), 0.1),
    }


def bottleneck(f: Tensor, t: Params, act: Callable[[Tensor], Tensor]) -> Tensor:
    return F.linear(act(F.linear(f, t["down.weight"], t["down.bias"])), t["up.weight"], t["up.bias"])


adapter = Method(shapes, "mlp", mlp=bottleneck)
