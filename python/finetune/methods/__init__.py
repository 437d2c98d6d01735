"""The registry of methods: a method is a file here and a line in METHODS (`src/peft/registry.ts`)."""

from .adapter import adapter
from .adaptformer import adaptformer
from .bias_norm import bias_norm
from .conv_pass import conv_pass
from .lora import lora
from .method import Method
from .prefix import prefix

METHODS: dict[str, Method] = {method.id: method for method in (lora, prefix, adapter, bias_norm, conv_pass, adaptformer)}
"""By id, in the order in which they add to a slot and in which reports name them."""

RECIPES: dict[str, tuple[str, ...]] = {"mopeft": ("lora", "prefix", "adapter"), "decoder": ()}
"""Named choices of methods: `mopeft` is the paper's three, `decoder` trains the mask decoder alone."""
