"""LoRA (arXiv 2106.09685) on linear layers of a block, by default queries and values: y += g · (u Aᵀ) Bᵀ (`src/peft/lora`)."""

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor

from .method import Add, Method, Params, Size, Spec, kaiming

LAYERS = ("q", "k", "v", "proj", "lin1", "lin2")
TARGETS = {"qv": ("q", "v"), "qkv": LAYERS[:3], "attention": LAYERS[:4], "all": LAYERS}
"""By the value of the setting `targets`."""


def tensors(model: dict, sizes: Mapping[str, Size]) -> dict[str, Spec]:
    width, mlp, rank = model["hidden_size"], model["mlp_dim"], sizes["rank"]
    widths = {"lin1": (width, mlp), "lin2": (mlp, width)}
    out = {}
    for layer in TARGETS[sizes["targets"]]:
        before, after = widths.get(layer, (width, width))
        out[f"lora.{layer}.A"] = Spec((rank, before), kaiming(before), True)
        out[f"lora.{layer}.B"] = Spec((after, rank), None, True)
    return out


def low_rank(layer: str) -> Add:
    def add(x: Tensor, _: Tensor, params: Params) -> Tensor:
        if f"lora.{layer}.A" not in params:
            return x.new_zeros(())
        return F.linear(F.linear(x, params[f"lora.{layer}.A"]), params[f"lora.{layer}.B"])

    return add


lora = Method(
    id="lora",
    gate_reads="norm1",
    sizes=lambda _: {"rank": 8, "targets": "qv"},
    tensors=tensors,
    adds={layer: low_rank(layer) for layer in LAYERS},
)
