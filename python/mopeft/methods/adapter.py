"""The Adapter: a bottleneck on the MLP's output, f += g · (act(f Wdᵀ + bd) Wuᵀ + bu) (`src/peft/adapter`)."""

from collections.abc import Mapping, Sequence

import torch.nn.functional as F
from torch import Tensor

from ..fields import Choice, Number, Values
from ..sam.site import Site
from .method import Add, Method, Params, Spec, kaiming

ACTIVATIONS = {"gelu": F.gelu, "relu": F.relu}


def down_and_up(name: str, width: int, m: int) -> dict[str, Spec]:
    """The two layers of a bottleneck; the second begins at 0."""
    return {
        f"{name}.down.weight": Spec((m, width), kaiming(width), True),
        f"{name}.down.bias": Spec((m,), kaiming(width), False),
        f"{name}.up.weight": Spec((width, m), None, True),
        f"{name}.up.bias": Spec((width,), None, False),
    }


def bottleneck_field(sites: Sequence[Site], divisor: int) -> Number:
    """Its default is a share of the least width."""
    return Number(max(8, min(site.width for site in sites) // divisor), 1, 1024)


def adds(values: Values, _: Site) -> Mapping[str, Add]:
    act = ACTIVATIONS[values["activation"]]

    def bottleneck(_: Tensor, f: Tensor, params: Params) -> Tensor:
        inner = act(F.linear(f, params["adapter.down.weight"], params["adapter.down.bias"]))
        return F.linear(inner, params["adapter.up.weight"], params["adapter.up.bias"])

    return {"mlp": bottleneck}


adapter = Method(
    id="adapter",
    gate_reads="mlp",
    fields=lambda sites: {"bottleneck": bottleneck_field(sites, 16), "activation": Choice("gelu", tuple(ACTIVATIONS))},
    tensors=lambda values, site: down_and_up("adapter", site.width, values["bottleneck"]),
    adds=adds,
)
