"""Full fine-tuning of the last blocks: differences from the weights of norms and linear layers, from one block on (`src/peft/full`)."""

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor

from .bias_norm import norm
from .bias_norm import tensors as vectors
from .method import Add, Method, Params, Size, Spec


def tensors(model: dict, sizes: Mapping[str, Size]) -> dict[str, Spec]:
    width, mlp = model["hidden_size"], model["mlp_dim"]
    matrices = {"attn.qkv": (3 * width, width), "attn.proj": (width, width), "mlp.lin1": (mlp, width), "mlp.lin2": (width, mlp)}
    own = {name.replace("bias_norm.", "full."): spec for name, spec in vectors(model, sizes).items()}
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
    sizes=lambda model: {"first": model["num_hidden_layers"] - 1},
    tensors=tensors,
    adds={
        "norm1": norm("full.norm1"),
        "q": linear("attn.qkv", 0, 3),
        "k": linear("attn.qkv", 1, 3),
        "v": linear("attn.qkv", 2, 3),
        "proj": linear("attn.proj"),
        "norm2": norm("full.norm2"),
        "lin1": linear("mlp.lin1"),
        "lin2": linear("mlp.lin2"),
    },
    is_in=lambda sizes, block: block >= sizes["first"],
)
