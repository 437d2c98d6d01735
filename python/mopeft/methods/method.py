"""What a method of parameter-efficient fine-tuning is (`src/peft/method.ts`), and what its tensors are drawn from."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from ..fields import Field, Values
from ..random import Random
from ..sam.site import Site

Draw = Callable[[Random], float]
Params = dict[str, Tensor]
"""The tensors of one block by their names without `blocks.{i}.`."""

Add = Callable[[Tensor, Tensor, Params], Tensor]
"""What is added at a slot: from the layer's input and its output so far, with the output's shape or one that broadcasts to it."""


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

    tensors: of one block, from the settings and the block's sizes. adds: by slot (`sam.site.SLOTS`), from the same. gate_reads: the
    slot whose output the gate reads: `norm1`, as the frozen layer gives it, or `mlp`, with what other methods changed inside.
    fields: its settings, for a model's blocks. prefix: keys and values [P, C] in front of every window's own. is_in: whether there is
    a module in a block. ungated: what takes the gate's place where there is none.
    """

    id: str
    gate_reads: str
    tensors: Callable[[Values, Site], dict[str, Spec]]
    adds: Callable[[Values, Site], Mapping[str, Add]] = lambda _values, _site: {}
    fields: Callable[[Sequence[Site]], Mapping[str, Field]] = lambda _sites: {}
    prefix: Callable[[Params], tuple[Tensor, Tensor]] | None = None
    is_in: Callable[[Values, int], bool] = lambda _values, _block: True
    ungated: Callable[[Values], float] = lambda _values: 1


def normal(random: Random) -> float:
    """Small, around 0: deviation 0.02."""
    return 0.02 * random.normal()


def kaiming(width: int) -> Draw:
    """Kaiming-uniform(√5) for a layer of `width` inputs."""
    bound = 1 / math.sqrt(width)
    return lambda random: random.range(-bound, bound)
