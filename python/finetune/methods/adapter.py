"""The Adapter: a bottleneck on the MLP's output, f += g · (gelu(f Wdᵀ + bd) Wuᵀ + bu) (`src/peft/adapter`)."""

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor

from .method import Method, Params, Size, Spec, kaiming


def tensors(model: dict, sizes: Mapping[str, Size]) -> dict[str, Spec]:
    width, bottleneck = model["hidden_size"], sizes["bottleneck"]
    return {
        "adapter.down.weight": Spec((bottleneck, width), kaiming(width), True),
        "adapter.down.bias": Spec((bottleneck,), kaiming(width), False),
        "adapter.up.weight": Spec((width, bottleneck), None, True),
        "adapter.up.bias": Spec((width,), None, False),
    }


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
