"""AdaptFormer (arXiv 2205.13535), beside the MLP: f += g · s · up(relu(down u)), u: norm2's output (`src/peft/adaptformer`)."""

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor

from .adapter import down_and_up
from .method import Method, Params, Size, Spec


def tensors(model: dict, sizes: Mapping[str, Size]) -> dict[str, Spec]:
    scale = {"adaptformer.scale": Spec((1,), None, False, start=lambda value: value.fill_(0.1))}
    return down_and_up("adaptformer", model["hidden_size"], sizes["bottleneck"]) | scale


def scaled(u: Tensor, _: Tensor, params: Params) -> Tensor:
    inner = F.relu(F.linear(u, params["adaptformer.down.weight"], params["adaptformer.down.bias"]))
    return params["adaptformer.scale"] * F.linear(inner, params["adaptformer.up.weight"], params["adaptformer.up.bias"])


adaptformer = Method(
    id="adaptformer",
    gate_reads="mlp",
    sizes=lambda model: {"bottleneck": max(8, model["hidden_size"] // 12)},
    tensors=tensors,
    adds={"mlp": scaled},
)
