"""LoRA (arXiv 2106.09685) on the query and value projections: q += g · (u Aᵀ) Bᵀ, and v alike (`src/peft/lora`)."""

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor

from .method import Add, Method, Params, Spec, kaiming


def tensors(model: dict, sizes: Mapping[str, int]) -> dict[str, Spec]:
    width, rank = model["hidden_size"], sizes["rank"]
    out = {}
    for part in "qv":
        out[f"lora.{part}.A"] = Spec((rank, width), kaiming(width), True)
        out[f"lora.{part}.B"] = Spec((width, rank), None, True)
    return out


def low_rank(part: str) -> Add:
    def add(x: Tensor, _: Tensor, params: Params) -> Tensor:
        return F.linear(F.linear(x, params[f"lora.{part}.A"]), params[f"lora.{part}.B"])

    return add


lora = Method(
    id="lora",
    gate_reads="norm1",
    sizes=lambda _: {"rank": 8},
    tensors=tensors,
    adds={part: low_rank(part) for part in "qv"},
)
