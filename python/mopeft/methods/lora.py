"""LoRA (arXiv 2106.09685) on linear layers of a block, by default queries and values: y += g · (u Aᵀ) Bᵀ (`src/peft/lora`)."""

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor

from ..fields import Choice, Number, Values
from ..sam.site import Site
from .method import Add, Method, Params, Spec, kaiming

LAYERS = ("q", "k", "v", "proj", "lin1", "lin2")
TARGETS = {"qv": ("q", "v"), "qkv": LAYERS[:3], "attention": LAYERS[:4], "all": LAYERS}
"""By the value of the setting `targets`."""


def tensors(values: Values, site: Site) -> dict[str, Spec]:
    width, inner, mlp, *_ = site
    rank = values["rank"]
    widths = dict.fromkeys("qkv", (width, inner)) | {"proj": (inner, width), "lin1": (width, mlp), "lin2": (mlp, width)}
    out = {}
    for layer in TARGETS[values["targets"]]:
        before, after = widths[layer]
        out[f"lora.{layer}.A"] = Spec((rank, before), kaiming(before), True)
        out[f"lora.{layer}.B"] = Spec((after, rank), None, True)
    return out


def low_rank(layer: str) -> Add:
    def add(x: Tensor, _: Tensor, params: Params) -> Tensor:
        return F.linear(F.linear(x, params[f"lora.{layer}.A"]), params[f"lora.{layer}.B"])

    return add


def adds(values: Values, _: Site) -> Mapping[str, Add]:
    return {layer: low_rank(layer) for layer in TARGETS[values["targets"]]}


lora = Method(
    id="lora",
    gate_reads="norm1",
    fields=lambda _: {"rank": Number(8, 1, 256), "alpha": Number(0, 0, 1024, is_whole=False), "targets": Choice("qv", tuple(TARGETS))},
    tensors=tensors,
    adds=adds,
    ungated=lambda values: values["alpha"] / values["rank"] if values["alpha"] else 1,
)
