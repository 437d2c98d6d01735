"""The Adapter: a bottleneck on the MLP's output, f += g · (gelu(f Wdᵀ + bd) Wuᵀ + bu) (`src/peft/adapter`)."""

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor

from .method import Method, Params, Size, Spec, kaiming


def down_and_up(name: str, width: int, m: int) -> dict[str, Spec]:
    """The two layers of a bottleneck; the second begins at 0."""
    return {
        f"{name}.down.weight": Spec((m, width), kaiming(width), True),
        f"{name}.down.bias": Spec((m,), kaiming(width), False),
        f"{name}.up.weight": Spec((width, m), None, True),
        f"{name}.up.bias": Spec((width,), None, False),
    }


def tensors(model: dict, sizes: Mapping[str, Size]) -> dict[str, Spec]:
    return down_and_up("adapter", model["hidden_size"], sizes["bottleneck"])


def bottleneck(_: Tensor, f: Tensor, params: Params) -> Tensor:
    inner = F.gelu(F.linear(f, params["adapter.down.weight"], params["adapter.down.bias"]))
    return F.linear(inner, params["adapter.up.weight"], params["adapter.up.bias"])


adapter = Method(
    id="adapter",
    gate_reads="mlp",
    sizes=lambda model: {"bottleneck": max(8, model["hidden_size"] // 16)},
    tensors=tensors,
    adds={"mlp": bottleneck},
)
