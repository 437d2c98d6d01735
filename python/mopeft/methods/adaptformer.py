"""AdaptFormer (arXiv 2205.13535), beside the MLP: f += g · s · up(relu(down u)), u: norm2's output (`src/peft/adaptformer`)."""

import torch.nn.functional as F
from torch import Tensor

from ..fields import Values
from ..sam.site import Site
from .adapter import bottleneck_field, down_and_up
from .method import Method, Params, Spec


def tensors(values: Values, site: Site) -> dict[str, Spec]:
    scale = {"adaptformer.scale": Spec((1,), None, False, start=lambda value: value.fill_(0.1))}
    return down_and_up("adaptformer", site.width, values["bottleneck"]) | scale


def scaled(u: Tensor, _: Tensor, params: Params) -> Tensor:
    inner = F.relu(F.linear(u, params["adaptformer.down.weight"], params["adaptformer.down.bias"]))
    return params["adaptformer.scale"] * F.linear(inner, params["adaptformer.up.weight"], params["adaptformer.up.bias"])


adaptformer = Method(
    id="adaptformer",
    gate_reads="mlp",
    fields=lambda sites: {"bottleneck": bottleneck_field(sites, 12)},
    tensors=tensors,
    adds=lambda _values, _site: {"mlp": scaled},
)
