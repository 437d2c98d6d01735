"""Prefix tuning (arXiv 2101.00190): learned keys and values in front of every window's own (`src/peft/prefix`)."""

from collections.abc import Sequence

from ..fields import Number, Values
from ..sam.site import Site
from .method import Method, Spec, normal

RATE = 50
"""Learned keys and values must grow to the size of the image's own."""


def fields(sites: Sequence[Site]) -> dict[str, Number]:
    """By default at most a sixteenth of a window's tokens."""
    return {"length": Number(max(1, min(10, min(site.tokens for site in sites) // 16)), 1, 256)}


def tensors(values: Values, site: Site) -> dict[str, Spec]:
    shape = (values["length"], site.attention_width)
    return {"prefix.K": Spec(shape, normal, True, rate=RATE), "prefix.V": Spec(shape, None, True, rate=RATE)}


prefix = Method(
    id="prefix",
    gate_reads="norm1",
    fields=fields,
    tensors=tensors,
    prefix=lambda params: (params["prefix.K"], params["prefix.V"]),
)
