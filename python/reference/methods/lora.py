"""LoRA on linear layers, by default those to queries and values: u Aᵀ Bᵀ is added."""

from torch import Tensor

from .method import Method, Params, Shapes

LAYERS = {"q": "q", "k": "k", "v": "v", "proj": "attn.proj", "lin1": "mlp.lin1", "lin2": "mlp.lin2"}
"""SAM's names of the layers by their names in tensors."""


def shapes(c: dict) -> Shapes:
    dim, inner, mlp, r = c["hidden_size"], c["attention_width"], c["mlp_dim"], c["rank"]
    widths = {"proj": (inner, dim), "lin1": (dim, mlp), "lin2": (mlp, dim)}
    out: Shapes = {}
    for side in "qv":
        before, after = widths.get(side, (dim, inner))
        out |= {f"{side}.A": ((r, before), before**-0.5), f"{side}.B": ((after, r), 0.3)}
    return out


def low_rank(u: Tensor, t: Params, side: str) -> Tensor:
    """Zero where the layer has no LoRA."""
    return u @ t[f"{side}.A"].T @ t[f"{side}.B"].T if f"{side}.A" in t else u.new_zeros(())


lora = Method(
    shapes,
    "norm1",
    adds={layer: lambda u, t, side=side: low_rank(u, t, side) for side, layer in LAYERS.items()},
)
