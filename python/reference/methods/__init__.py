"""The witness's own registry: a method is a file here and a line in METHODS. It imports nothing of `finetune`."""

from .adapter import adapter
from .beside import adaptformer, conv_pass
from .bias_norm import bias_norm
from .lora import lora
from .method import Method
from .prefix import prefix

METHODS: dict[str, Method] = {
    "lora": lora,
    "prefix": prefix,
    "adapter": adapter,
    "bias_norm": bias_norm,
    "conv_pass": conv_pass,
    "adaptformer": adaptformer,
}
