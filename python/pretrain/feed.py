"""Where a process gets its batches: made on demand, or ahead of time by other processes when there is a GPU."""

import os
from collections.abc import Iterator
from pathlib import Path

import torch
from torch.utils.data import DataLoader, Dataset

from .batches import Batch, Steps
from .config import micro_count, total_steps

SPARE_CORES = 1


class Ahead(Dataset):
    """Micro-batches by their number in the run."""

    def __init__(self, config: dict, run: Path) -> None:
        self.config, self.run, self.steps = config, run, None
        self.micro = micro_count(config)

    def __len__(self) -> int:
        return total_steps(self.config) * self.micro

    def __getitem__(self, number: int) -> Batch:
        self.steps = self.steps or Steps(self.config, self.run)
        return self.steps.batch(*divmod(number, self.micro))


class Feed:
    """The batches of a run in their order, made ahead by worker processes, starting with the first one requested."""

    def __init__(self, config: dict, run: Path) -> None:
        self.source = Ahead(config, run)
        self.batches: Iterator[Batch] | None = None

    def batch(self, step: int, k: int) -> Batch:
        """Micro-batch k of a step; the next call must ask for the one after it."""
        if self.batches is None:
            rest = range(step * self.source.micro + k, len(self.source))
            workers = max(1, (os.cpu_count() or 2) - SPARE_CORES)
            self.batches = iter(
                DataLoader(
                    self.source,
                    batch_size=None,
                    sampler=rest,
                    num_workers=workers,
                    prefetch_factor=2,
                    pin_memory=torch.cuda.is_available(),
                )
            )
        return next(self.batches)


def feed(config: dict, run: Path, device: torch.device) -> Steps | Feed:
    """What gives a process on this device its batches."""
    return Feed(config, run) if device.type == "cuda" else Steps(config, run)
