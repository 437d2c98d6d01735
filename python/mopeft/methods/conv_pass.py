"""ConvPass (arXiv 2207.07039) beside the MLP: f += g · up(gelu(K ∗ gelu(down u))), u: norm2's output on the grid (`src/peft/conv-pass`)."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ..fields import Values
from ..sam.site import Site
from .adapter import bottleneck_field, down_and_up
from .method import Method, Params, Spec


def tensors(values: Values, site: Site) -> dict[str, Spec]:
    m = values["bottleneck"]
    return down_and_up("conv_pass", site.width, m) | {
        "conv_pass.conv.weight": Spec((m, m, 3, 3), None, True, start=centre_taps),
        "conv_pass.conv.bias": Spec((m,), None, False),
    }


def centre_taps(value: Tensor) -> None:
    """A convolution that gives what it gets."""
    value[:, :, 1, 1] = torch.eye(len(value))


def convolved(u: Tensor, _: Tensor, params: Params) -> Tensor:
    inner = F.gelu(F.linear(u, params["conv_pass.down.weight"], params["conv_pass.down.bias"])).permute(0, 3, 1, 2)
    mixed = F.conv2d(inner, params["conv_pass.conv.weight"], params["conv_pass.conv.bias"], padding=1).permute(0, 2, 3, 1)
    return F.linear(F.gelu(mixed), params["conv_pass.up.weight"], params["conv_pass.up.bias"])


conv_pass = Method(
    id="conv_pass",
    gate_reads="mlp",
    fields=lambda sites: {"bottleneck": bottleneck_field(sites, 16)},
    tensors=tensors,
    adds=lambda _values, _site: {"mlp": convolved},
)
