"""SSF (arXiv 2210.08823): scales and shifts what comes out of norms and linear layers, y += g · (y · s + t) (`src/peft/ssf`).

Keys are not shifted: the same added to all keys changes no softmax.
"""

from collections.abc import Mapping

from torch import Tensor

from .method import Add, Method, Params, Size, Spec

LAYERS = ("norm1", "q", "k", "v", "proj", "norm2", "lin1", "lin2")


def tensors(model: dict, _: Mapping[str, Size]) -> dict[str, Spec]:
    widths = dict.fromkeys(LAYERS, model["hidden_size"]) | {"lin1": model["mlp_dim"]}
    scales = {f"ssf.{layer}.scale": Spec((width,), None, False) for layer, width in widths.items()}
    return scales | {f"ssf.{layer}.shift": Spec((width,), None, False) for layer, width in widths.items() if layer != "k"}


def rescaled(layer: str) -> Add:
    def add(_: Tensor, y: Tensor, params: Params) -> Tensor:
        return y * params[f"ssf.{layer}.scale"] + params.get(f"ssf.{layer}.shift", 0)

    return add


ssf = Method(id="ssf", gate_reads="norm1", sizes=lambda _: {}, tensors=tensors, adds={layer: rescaled(layer) for layer in LAYERS})
