"""IA³ (arXiv 2205.05638): scales keys, values and the hidden layer of the MLP, y += g · y · l (`src/peft/ia3`)."""

from torch import Tensor

from ..fields import Values
from ..sam.site import Site
from .method import Add, Method, Params, Spec


def tensors(_: Values, site: Site) -> dict[str, Spec]:
    widths = {"ia3.k": site.attention_width, "ia3.v": site.attention_width, "ia3.ff": site.mlp_width}
    return {name: Spec((width,), None, False) for name, width in widths.items()}


def scaled(name: str) -> Add:
    def add(_: Tensor, y: Tensor, params: Params) -> Tensor:
        return y * params[name]

    return add


ia3 = Method(
    id="ia3",
    gate_reads="norm1",
    tensors=tensors,
    adds=lambda _values, _site: {"k": scaled("ia3.k"), "v": scaled("ia3.v"), "gelu": scaled("ia3.ff")},
)
