"""What a method is in the witness."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import Tensor

Params = dict[str, Tensor]
"""A method's tensors in one block, by their names without `blocks.{i}.{method}.`."""

Shapes = dict[str, tuple[tuple[int, ...], float]]
"""By the same names: shape, and the deviation that a test draws it with."""


@dataclass(frozen=True)
class Method:
    """A method's formulas, all without its gate.

    shapes: from the config of a set, with the block's sizes. gate_reads: what its gate reads, `norm1` (the frozen norm's
    output) or `mlp` (the MLP's output). frozen: by SAM's name of a tensor of the block, what is added to it. adds: by layer
    (`q`, `k`, `v`, `attn.proj`, `mlp.lin1`, `mlp.lin2`), what is added to its output, from its input. rescales: by layer,
    `norm1`, `norm2` and `gelu` too, scale and shift [C] of its output, of which gate · (y · scale + shift) is added when all
    else is. prefix: keys and values [P, attention_width] in front. mlp: what is added to the MLP's output, from it and the
    case's activation. beside: what is added to it from the MLP's own input.
    """

    shapes: Callable[[dict], Shapes]
    gate_reads: str
    frozen: Callable[[Params], Params] = field(default=lambda _: {})
    adds: Mapping[str, Callable[[Tensor, Params], Tensor]] = field(default_factory=dict)
    rescales: Callable[[Params], Mapping[str, tuple[Tensor, Tensor | float]]] = field(default=lambda _: {})
    prefix: Callable[[Params], tuple[Tensor, Tensor]] | None = None
    mlp: Callable[[Tensor, Params, Callable[[Tensor], Tensor]], Tensor] | None = None
    beside: Callable[[Tensor, Params], Tensor] | None = None
