"""The processes of a run: each takes its share of every batch, and all make the same steps."""

import importlib
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager as Context
from contextlib import contextmanager, nullcontext
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from ..device import usable

T = TypeVar("T")


class Team:
    """One process, or those that `torchrun` or `accelerate launch` started. rank: of this one, from 0.

    Every process draws the whole batch and computes the gradients of its share; these are summed, so that all hold the same weights.
    What is written, the first one writes. is_bf16: the model runs in bfloat16 by autocast; losses and updates stay in float32.
    """

    def __init__(self, rank: int = 0, size: int = 1, device: str = "cpu", is_bf16: bool = False) -> None:
        self.rank, self.size, self.device, self.is_bf16 = rank, size, device, is_bf16

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def share(self, n: int) -> slice:
        """Which of n things are this process's; shares differ by one at most."""
        return slice(n * self.rank // self.size, n * (self.rank + 1) // self.size)

    def arithmetic(self) -> Context:
        return torch.autocast(self.device.partition(":")[0], torch.bfloat16) if self.is_bf16 else nullcontext()

    def add(self, tensors: Sequence[Tensor]) -> None:
        """Replaces each tensor by its sum over the processes."""
        if self.size == 1 or not tensors:
            return
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        dist.all_reduce(flat)
        for tensor, part in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
            tensor.copy_(part.view_as(tensor))

    def gather(self, value: T) -> list[T]:
        """The value of every process, in their order."""
        if self.size == 1:
            return [value]
        found: list[T | None] = [None] * self.size
        dist.all_gather_object(found, value)
        return found  # type: ignore[return-value]

    def spread(self, work: Sequence[T]) -> Sequence[T]:
        """Every so-manieth thing, which this process does."""
        return work[self.rank :: self.size]

    def joined(self, own: list[T], n: int) -> list[T]:
        """The results of n things that were `spread`, in the order of these."""
        each = self.gather(own)
        return [each[i % self.size][i // self.size] for i in range(n)]


ALONE = Team()


@contextmanager
def open_team(device: str | None = None, is_bf16: bool = False) -> Iterator[Team]:
    """The team that the environment describes (RANK, WORLD_SIZE, LOCAL_RANK …); one process without it.

    device: `cpu` or `cuda`; a GPU where there is one, if left out, and with several processes one each. AskError where there is none.
    """
    size, rank = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("RANK", 0))
    kind = device or ("cuda" if torch.cuda.is_available() else "cpu")
    usable(kind)
    if kind == "cuda" and size > 1:
        kind = f"cuda:{os.environ.get('LOCAL_RANK', 0)}"
        torch.cuda.set_device(kind)
    if size > 1:
        # Its functions take the group of the moment as a default. Imported first within the group, as the first call of some of
        # torch's functions does, they keep it past its end, and its threads may then abort a process that has done its work.
        importlib.import_module("torch.distributed.nn.functional")
        dist.init_process_group("nccl" if kind.startswith("cuda") else "gloo")
    try:
        yield Team(rank, size, kind, is_bf16)
    finally:
        if size > 1:
            dist.destroy_process_group()
