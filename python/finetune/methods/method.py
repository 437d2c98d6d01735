"""What a method of parameter-efficient fine-tuning is (`src/peft/method.ts`), and what its tensors are drawn from."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from torch import Tensor

from ..random import Random

Draw = Callable[[Random], float]
Params = dict[str, Tensor]
"""The tensors of one block by their names without `blocks.{i}.`."""

Add = Callable[[Tensor, Tensor, Params], Tensor]
"""What is added at a slot: from the layer's input and its output so far, with the output's shape or one that broadcasts to it."""

SLOTS = ("norm1", "q", "k", "v", "proj", "norm2", "lin1", "gelu", "lin2", "mlp")
"""The layers of a block whose output a method may add to; `mlp` is the MLP as a whole. All are channels last; q, k, v and
proj see windows."""


Size = int | str
"""The value of a method's setting."""


class Spec(NamedTuple):
    """A trained tensor of one block. draw: what a value is drawn from, None: 0; decay: whether weight decay applies.

    group: `peft` or `gate`; rate: what the group's learning rate is multiplied by; start: sets first values in place of a draw.
    """

    shape: tuple[int, ...]
    draw: Draw | None
    decay: bool
    group: str = "peft"
    rate: float = 1
    start: Callable[[Tensor], object] | None = None


@dataclass(frozen=True)
class Method:
    """One method. Every tensor's name begins with the method's id.

    sizes: its settings, with their defaults for a model section of the recipe. tensors: of one block, from that section and
    all sizes. gate_reads: the slot whose output the gate reads: `norm1`, as the frozen layer gives it, or `mlp`, with
    what other methods changed inside. adds: by slot. prefix: keys and values [P, C] in front of every window's own. is_in:
    whether there is a module in a block, from all sizes.
    """

    id: str
    gate_reads: str
    sizes: Callable[[dict], dict[str, Size]]
    tensors: Callable[[dict, Mapping[str, Size]], dict[str, Spec]]
    adds: Mapping[str, Add] = field(default_factory=dict)
    prefix: Callable[[Params], tuple[Tensor, Tensor]] | None = None
    is_in: Callable[[Mapping[str, Size], int], bool] = lambda _sizes, _block: True


def normal(random: Random) -> float:
    """Small, around 0: deviation 0.02."""
    return 0.02 * random.normal()


def kaiming(width: int) -> Draw:
    """Kaiming-uniform(√5) for a layer of `width` inputs."""
    bound = 1 / math.sqrt(width)
    return lambda random: random.range(-bound, bound)
