"""The witness's own registry: a method is a file here and a line in METHODS. It imports nothing of `finetune`."""

from .adapter import adapter
from .beside import adaptformer, conv_pass
from .bias_norm import bias_norm
from .full import full
from .lora import lora
from .method import Method
from .prefix import prefix
from .rescaled import ia3, ssf

METHODS: dict[str, Method] = {
    "lora": lora,
    "prefix": prefix,
    "adapter": adapter,
    "bias_norm": bias_norm,
    "conv_pass": conv_pass,
    "adaptformer": adaptformer,
    "full": full,
    "ssf": ssf,
    "ia3": ia3,
}
