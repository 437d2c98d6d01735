"""SSF (arXiv 2210.08823): scales and shifts what comes out of norms and linear layers, y += g · (y · s + t) (`src/peft/ssf`).

Keys are not shifted: the same added to all keys changes no softmax.
"""

from torch import Tensor

from ..fields import Values
from ..sam.site import Site
from .method import Add, Method, Params, Spec

LAYERS = ("norm1", "q", "k", "v", "proj", "norm2", "lin1", "lin2")


def tensors(_: Values, site: Site) -> dict[str, Spec]:
    widths = dict.fromkeys(LAYERS, site.width) | dict.fromkeys("qkv", site.attention_width) | {"lin1": site.mlp_width}
    scales = {f"ssf.{layer}.scale": Spec((width,), None, False) for layer, width in widths.items()}
    return scales | {f"ssf.{layer}.shift": Spec((width,), None, False) for layer, width in widths.items() if layer != "k"}


def rescaled(layer: str) -> Add:
    def add(_: Tensor, y: Tensor, params: Params) -> Tensor:
        return y * params[f"ssf.{layer}.scale"] + params.get(f"ssf.{layer}.shift", 0)

    return add


ssf = Method(
    id="ssf",
    gate_reads="norm1",
    tensors=tensors,
    adds=lambda _values, _site: {layer: rescaled(layer) for layer in LAYERS},
)
