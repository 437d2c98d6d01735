"""A block that attends: its sizes, and the slots at which something may change what it computes."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from torch import Tensor, nn

SLOTS = ("norm1", "q", "k", "v", "proj", "norm2", "lin1", "gelu", "lin2", "mlp")
"""The layers of a block whose output may be changed; `mlp` is the MLP as a whole. All are channels last; q, k, v and proj see
windows."""


class Site(NamedTuple):
    """Sizes of a block: widths of its tokens, of q, k and v, and of the MLP's hidden layer; tokens that attend to each other.

    norm_eps: of its layer norms.
    """

    width: int
    attention_width: int
    mlp_width: int
    tokens: int
    norm_eps: float = 1e-6


class Hooks(Protocol):
    """What a block lets act on it."""

    def read(self, slot: str, x: Tensor) -> None:
        """Sees what a frozen layer, or the MLP as a whole, gave on the grid [B, H, W, C]."""

    def at(self, slot: str, x: Tensor, y: Tensor) -> Tensor:
        """A layer's output y for its input x, changed."""

    def in_windows(self, windows: int) -> "Hooks":
        """The same for windows of the images, `windows` of each."""

    def padding(self, bias: Tensor) -> Tensor:
        """norm1's bias [C] as padding tokens have it, where windows are padded in front of the norm."""

    def prefixes(self) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Keys and values [B, P, C] in front of a window's own, and what is added to their scores [B]; B: windows."""


class NoHooks:
    """Leaves a block as it is."""

    def read(self, slot: str, x: Tensor) -> None:
        pass

    def at(self, slot: str, x: Tensor, y: Tensor) -> Tensor:
        return y

    def in_windows(self, windows: int) -> Hooks:
        return self

    def padding(self, bias: Tensor) -> Tensor:
        return bias

    def prefixes(self) -> list[tuple[Tensor, Tensor, Tensor]]:
        return []


NO_HOOKS = NoHooks()

RunBlock = Callable[[int, nn.Module, Tensor], Tensor]
"""Runs the block of an index on its input."""


def run_frozen(_: int, block: nn.Module, x: Tensor) -> Tensor:
    return block(x)
