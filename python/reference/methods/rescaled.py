"""What scales the layers' outputs channel by channel: SSF and IA³, as differences from 1."""

from collections.abc import Mapping

from torch import Tensor

from .method import Method, Params, Shapes

SSF_LAYERS = {
    "norm1": "norm1",
    "q": "q",
    "k": "k",
    "v": "v",
    "proj": "attn.proj",
    "norm2": "norm2",
    "lin1": "mlp.lin1",
    "lin2": "mlp.lin2",
}
"""SAM's names of the layers by their names in tensors."""


def widths(c: dict) -> dict[str, int]:
    return dict.fromkeys(SSF_LAYERS, c["hidden_size"]) | dict.fromkeys("qkv", c["attention_width"]) | {"lin1": c["mlp_dim"]}


def ssf_shapes(c: dict) -> Shapes:
    names = {f"{layer}.{part}": layer for layer in SSF_LAYERS for part in ("scale", "shift")}
    return {name: ((widths(c)[layer],), 0.2) for name, layer in names.items() if name != "k.shift"}


def ssf_rescales(t: Params) -> Mapping[str, tuple[Tensor, Tensor | float]]:
    return {name: (t[f"{layer}.scale"], t.get(f"{layer}.shift", 0.0)) for layer, name in SSF_LAYERS.items()}


def ia3_shapes(c: dict) -> Shapes:
    return {"k": ((c["attention_width"],), 0.3), "v": ((c["attention_width"],), 0.3), "ff": ((c["mlp_dim"],), 0.3)}


ssf = Method(ssf_shapes, "norm1", rescales=ssf_rescales)
ia3 = Method(ia3_shapes, "norm1", rescales=lambda t: {"k": (t["k"], 0.0), "v": (t["v"], 0.0), "gelu": (t["ff"], 0.0)})
