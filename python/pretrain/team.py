"""What the processes of a run share: flat vectors, gradients of micro-batches, a queue, barriers.

On a busy machine two processes of one thread each lose less time than one process of two threads: whichever is free
takes the next micro-batch. Gradients are kept apart and summed in order, so the result does not depend on which process
computed what.
"""

import torch
import torch.multiprocessing as mp

VECTORS = ("params", "ema", "first", "second", "grad")
LOGGED = ("loss", "first", "second", "helper", "rounds")


class Team:
    def __init__(self, ranks: int, parameters: int, micro: int, device: torch.device) -> None:
        context = mp.get_context("spawn")
        self.ranks, self.micro, self.device = ranks, micro, device
        self.vectors = {name: torch.zeros(parameters, device=device) for name in VECTORS}
        self.grads = torch.zeros(micro, parameters, device=device)
        self.metrics = torch.zeros(micro, len(LOGGED), device=device)
        self.squares = torch.zeros(ranks, dtype=torch.float64, device=device)
        if ranks > 1:
            for t in (*self.vectors.values(), self.grads, self.metrics, self.squares):
                t.share_memory_()
        self.next = context.Value("i", 0)
        self.barrier = context.Barrier(ranks)
        self.start = context.Value("i", 0)

    def take(self) -> int:
        """The next micro-batch nobody has taken yet, or -1."""
        with self.next.get_lock():
            k = self.next.value
            self.next.value += 1
        return k if k < self.micro else -1

    def wait(self) -> None:
        if self.ranks > 1:
            self.barrier.wait()
