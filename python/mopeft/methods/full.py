"""Full fine-tuning of the last blocks: differences from the weights of norms and linear layers, from one block on (`src/peft/full`)."""

import torch.nn.functional as F
from torch import Tensor

from ..fields import Number, Values
from ..sam.site import Site
from .bias_norm import norm
from .bias_norm import tensors as vectors
from .method import Add, Method, Params, Spec


def tensors(values: Values, site: Site) -> dict[str, Spec]:
    width, inner, mlp, *_ = site
    matrices = {"attn.qkv": (3 * inner, width), "attn.proj": (width, inner), "mlp.lin1": (mlp, width), "mlp.lin2": (width, mlp)}
    own = {name.replace("bias_norm.", "full."): spec for name, spec in vectors(values, site).items()}
    return own | {f"full.{name}.weight": Spec(shape, None, True) for name, shape in matrices.items()}


def linear(name: str, part: int = 0, parts: int = 1) -> Add:
    """part: of how many equal ones."""

    def add(x: Tensor, _: Tensor, params: Params) -> Tensor:
        weight, bias = (params[f"full.{name}.{kind}"].chunk(parts)[part] for kind in ("weight", "bias"))
        return F.linear(x, weight, bias)

    return add


full = Method(
    id="full",
    gate_reads="norm1",
    fields=lambda sites: {"first": Number(len(sites) - 1, 0, len(sites) - 1)},
    tensors=tensors,
    adds=lambda _, site: {
        "norm1": norm("full.norm1", site.norm_eps),
        "q": linear("attn.qkv", 0, 3),
        "k": linear("attn.qkv", 1, 3),
        "v": linear("attn.qkv", 2, 3),
        "proj": linear("attn.proj"),
        "norm2": norm("full.norm2", site.norm_eps),
        "lin1": linear("mlp.lin1"),
        "lin2": linear("mlp.lin2"),
    },
    is_in=lambda values, block: block >= values["first"],
)
