"""Full fine-tuning: the norms and linear layers of a block plus trained differences, which have SAM's names."""

from .bias_norm import shapes as vectors
from .method import Method, Shapes


def shapes(c: dict) -> Shapes:
    dim, inner, mlp = c["hidden_size"], c["attention_width"], c["mlp_dim"]
    matrices = {"attn.qkv": (3 * inner, dim), "attn.proj": (dim, inner), "mlp.lin1": (mlp, dim), "mlp.lin2": (dim, mlp)}
    return vectors(c) | {f"{name}.weight": (shape, 0.3 * shape[1] ** -0.5) for name, shape in matrices.items()}


full = Method(shapes, "norm1", frozen=lambda t: t)
