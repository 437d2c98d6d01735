"""The registry of methods: a method is a file here and a line in METHODS (`src/peft/registry.ts`)."""

from .adapter import adapter
from .adaptformer import adaptformer
from .bias_norm import bias_norm
from .conv_pass import conv_pass
from .full import full
from .ia3 import ia3
from .lora import lora
from .method import Method
from .prefix import prefix
from .ssf import ssf

METHODS: dict[str, Method] = {method.id: method for method in (lora, prefix, adapter, bias_norm, conv_pass, adaptformer, full, ssf, ia3)}
"""By id, in the order in which they add to a slot, what scales last, and in which reports name them."""

RECIPES: dict[str, tuple[str, ...]] = {"mopeft": ("lora", "prefix", "adapter"), "decoder": ()}
"""Named choices of methods: `mopeft` is the paper's three, `decoder` trains the mask decoder alone."""


def ids_in(name: str) -> tuple[str, ...]:
    """The methods of a recipe, or those that are joined by +, whether they are there or not."""
    return RECIPES.get(name, tuple(name.split("+")))
