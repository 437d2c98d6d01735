"""LoRA on queries and values: u Aᵀ Bᵀ is added."""

from .method import Method, Shapes


def shapes(c: dict) -> Shapes:
    dim, r = c["hidden_size"], c["rank"]
    return {name: value for side in "qv" for name, value in ((f"{side}.A", ((r, dim), dim**-0.5)), (f"{side}.B", ((dim, r), 0.3)))}


lora = Method(
    shapes,
    "norm1",
    q=lambda u, t: u @ t["q.A"].T @ t["q.B"].T,
    v=lambda u, t: u @ t["v.A"].T @ t["v.B"].T,
)
