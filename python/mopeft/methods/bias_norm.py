"""Bias and norm tuning (BitFit, arXiv 2106.10199, with LayerNorm's weights): the block's own biases and norm weights are trained.

A tensor is the difference from the frozen one, `bias_norm.` + SAM's name within the block, so that it begins as the identity
and a gate can scale it: the value in effect is frozen + g · difference. For a layer norm that adds g · (n(x) · dw + db), n(x)
being x with mean 0 and variance 1; for a linear layer g · db. The gate reads the output of the frozen norm1, as LoRA's
does, before this method changes it.
"""

import torch.nn.functional as F
from torch import Tensor

from ..fields import Values
from ..sam.site import Site
from .method import Add, Method, Params, Spec


def tensors(_: Values, site: Site) -> dict[str, Spec]:
    width = site.width
    lengths = {
        "norm1.weight": width,
        "norm1.bias": width,
        "norm2.weight": width,
        "norm2.bias": width,
        "attn.qkv.bias": 3 * site.attention_width,
        "attn.proj.bias": width,
        "mlp.lin1.bias": site.mlp_width,
        "mlp.lin2.bias": width,
    }
    return {f"bias_norm.{name}": Spec((length,), None, False) for name, length in lengths.items()}


def norm(name: str, eps: float) -> Add:
    """name: of the differences, with the method's."""

    def add(x: Tensor, _: Tensor, params: Params) -> Tensor:
        return F.layer_norm(x, x.shape[-1:], params[f"{name}.weight"], params[f"{name}.bias"], eps)

    return add


def bias(name: str, part: int = 0, parts: int = 1) -> Add:
    """part: of how many equal ones."""
    return lambda _x, _y, params: params[f"bias_norm.{name}.bias"].chunk(parts)[part]


bias_norm = Method(
    id="bias_norm",
    gate_reads="norm1",
    tensors=tensors,
    adds=lambda _, site: {
        "norm1": norm("bias_norm.norm1", site.norm_eps),
        "q": bias("attn.qkv", 0, 3),
        "k": bias("attn.qkv", 1, 3),
        "v": bias("attn.qkv", 2, 3),
        "proj": bias("attn.proj"),
        "norm2": norm("bias_norm.norm2", site.norm_eps),
        "lin1": bias("mlp.lin1"),
        "lin2": bias("mlp.lin2"),
    },
)
