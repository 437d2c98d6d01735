"""Muon for the matrices inside transformer blocks, AdamW for everything else, on flat vectors.

Parameters are shared out among ranks; each rank updates its own.
"""

import torch
from torch import Tensor

from .flat import Layout

MUON_MOMENTUM, BETA1, BETA2, EPS = 0.95, 0.9, 0.99, 1e-8


def orthogonalise(m: Tensor, rounds: int = 5) -> Tensor:
    """Newton-Schulz: the nearest half-orthogonal matrices of a stack [K, R, C]."""
    tall = m.shape[1] > m.shape[2]
    x = m.transpose(1, 2) if tall else m
    x = x / (x.flatten(1).norm(dim=1)[:, None, None] + 1e-7)
    for _ in range(rounds):
        a = x @ x.transpose(1, 2)
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x.transpose(1, 2) if tall else x


def inner_matrix(name: str, shape: tuple[int, ...]) -> bool:
    """Does Muon train this parameter?"""
    return len(shape) == 2 and "rel_pos" not in name and (".blocks." in name or ".transformer." in name)


def muon_shape(shape: tuple[int, ...]) -> tuple[int, int]:
    """The matrices that a parameter is made of: qkv is three."""
    r, c = shape
    return (c, c) if r == 3 * c else (r, c)


def share_out(layout: Layout, ranks: int) -> list[list[int]]:
    """Entry numbers for each rank, of about equal cost."""
    costs = []
    for i, (name, shape, _, n) in enumerate(layout.entries):
        costs.append((n * (min(muon_shape(shape)) if inner_matrix(name, shape) else 1), i))
    load, out = [0] * ranks, [[] for _ in range(ranks)]
    for cost, i in sorted(costs, reverse=True):
        k = load.index(min(load))
        load[k] += cost
        out[k].append(i)
    return [sorted(part) for part in out]


class Optimizer:
    """The part of one rank. params, first, second, grad: flat vectors shared by all ranks."""

    def __init__(self, layout: Layout, mine: list[int], settings: dict, vectors: dict[str, Tensor]) -> None:
        self.settings, self.vectors = settings, vectors
        self.entries = [layout.entries[i] for i in mine]
        self.stacks: dict[tuple[int, int], list] = {}
        self.rest = []
        for e in self.entries:
            if inner_matrix(e[0], e[1]):
                self.stacks.setdefault(muon_shape(e[1]), []).append(e)
            else:
                self.rest.append(e)

    def gather(self, grads: Tensor) -> float:
        """Sum my parameters' gradients over the micro-batches [M, P], in order; returns their square sum."""
        total = 0.0
        for _, _, first, n in self.entries:
            g = self.vectors["grad"][first : first + n]
            torch.sum(grads[:, first : first + n], 0, out=g)
            total += float(g.double().square().sum())
        return total

    def piece(self, vector: str, entry: tuple, shape: tuple[int, ...]) -> Tensor:
        return self.vectors[vector][entry[2] : entry[2] + entry[3]].view(shape)

    def muon(self, shape: tuple[int, int], entries: list, scale: float, lr: float, decay: float) -> None:
        full = (-1, *shape)
        updates = []
        for e in entries:
            g, m = self.piece("grad", e, full) * scale, self.piece("first", e, full)
            m.lerp_(g, 1 - MUON_MOMENTUM)
            updates.append(g.lerp(m, MUON_MOMENTUM))
        update = orthogonalise(torch.cat(updates)) * (0.2 * max(shape) ** 0.5)
        for e, u in zip(entries, update.split([len(x) for x in updates]), strict=True):
            self.piece("params", e, full).mul_(1 - lr * decay).add_(u, alpha=-lr)

    def adam(self, e: tuple, scale: float, lr: float, decay: float, step: int) -> None:
        g, m, v = self.piece("grad", e, (-1,)) * scale, self.piece("first", e, (-1,)), self.piece("second", e, (-1,))
        m.lerp_(g, 1 - BETA1)
        v.lerp_(g.square(), 1 - BETA2)
        size = (v / (1 - BETA2**step)).sqrt_().add_(EPS)
        p = self.piece("params", e, (-1,))
        p.mul_(1 - lr * decay).addcdiv_(m, size, value=-lr / (1 - BETA1**step))

    @torch.no_grad()
    def step(self, norm: float, factor: float, step: int, ema: float) -> None:
        """Update my parameters; norm: of the whole gradient; factor: of the learning rates; step from 1."""
        s = self.settings
        scale = min(1.0, s["clip"] / (norm + 1e-6))
        for shape, entries in self.stacks.items():
            self.muon(shape, entries, scale, s["muon_lr"] * factor, s["weight_decay"])
        for e in self.rest:
            self.adam(e, scale, s["adam_lr"] * factor, s["weight_decay"] if len(e[1]) > 1 else 0.0, step)
        for e in self.entries:
            self.piece("ema", e, (-1,)).lerp_(self.piece("params", e, (-1,)), 1 - ema)
