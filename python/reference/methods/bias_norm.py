"""Bias and norm tuning: the block's biases and norm weights plus their trained differences, which have SAM's names."""

from .method import Method, Shapes


def shapes(c: dict) -> Shapes:
    dim = c["hidden_size"]
    lengths = {f"norm{k}.{part}": dim for k in (1, 2) for part in ("weight", "bias")}
    lengths |= {"attn.qkv.bias": 3 * c["attention_width"], "attn.proj.bias": dim, "mlp.lin1.bias": c["mlp_dim"], "mlp.lin2.bias": dim}
    return {name: ((length,), 0.2) for name, length in lengths.items()}


bias_norm = Method(shapes, "norm1", frozen=lambda t: t)
