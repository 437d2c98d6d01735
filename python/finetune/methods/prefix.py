"""Prefix tuning (arXiv 2101.00190): learned keys and values in front of every window's own (`src/peft/prefix`)."""

from collections.abc import Mapping

from .method import Method, Size, Spec, normal

RATE = 50
"""Learned keys and values must grow to the size of the image's own."""


def sizes(model: dict) -> dict[str, int]:
    """At most a sixteenth of a window's tokens."""
    grid = model["image_size"] // model["patch_size"]
    layers = range(model["num_hidden_layers"])
    sides = [grid if i in model["global_attn_indexes"] else model["window_size"] for i in layers]
    return {"length": max(1, min(10, min(sides) ** 2 // 16))}


def tensors(model: dict, sizes: Mapping[str, Size]) -> dict[str, Spec]:
    shape = (sizes["length"], model["hidden_size"])
    return {"prefix.K": Spec(shape, normal, True, rate=RATE), "prefix.V": Spec(shape, None, True, rate=RATE)}


prefix = Method(
    id="prefix",
    gate_reads="norm1",
    sizes=sizes,
    tensors=tensors,
    prefix=lambda params: (params["prefix.K"], params["prefix.V"]),
)
