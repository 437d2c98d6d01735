"""Muon for the matrices inside transformer blocks, AdamW for everything else, on flat vectors.

Parameters are shared out among ranks; each rank updates its own.
"""

import torch
from torch import Tensor

from .flat import Layout

Pieces = dict[str, list[Tensor]]

MUON_MOMENTUM, BETA1, BETA2, EPS = 0.95, 0.9, 0.99, 1e-8


def orthogonalise(m: Tensor, rounds: int = 5) -> Tensor:
    """Newton-Schulz: the nearest half-orthogonal matrices of a stack [K, R, C]."""
    tall = m.shape[1] > m.shape[2]
    x = m.transpose(1, 2) if tall else m
    x = x.bfloat16() if m.is_cuda else x  # what it leaves of the singular values is rough anyway
    x = x / (x.flatten(1).norm(dim=1)[:, None, None] + 1e-7)
    for _ in range(rounds):
        a = x @ x.transpose(1, 2)
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return (x.transpose(1, 2) if tall else x).to(m.dtype)


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


def joined(entries: list) -> list[slice]:
    """The entries' places in a flat vector, neighbours as one."""
    out: list[slice] = []
    for _, _, first, n in entries:
        if out and out[-1].stop == first:
            out[-1] = slice(out[-1].start, first + n)
        else:
            out.append(slice(first, first + n))
    return out


class Optimizer:
    """The part of one rank. params, ema, first, second, grad: flat vectors shared by all ranks.

    On a GPU nothing waits for a value, and a kernel updates many parameters.
    """

    def __init__(self, layout: Layout, mine: list[int], settings: dict, vectors: dict[str, Tensor]) -> None:
        self.settings, self.vectors = settings, vectors
        entries = [layout.entries[i] for i in mine]
        self.ranges = joined(entries)
        stacks: dict[tuple[int, int], list] = {}
        rest: dict[bool, list] = {}
        for e in entries:
            if inner_matrix(e[0], e[1]):
                stacks.setdefault(muon_shape(e[1]), []).append(e)
            else:
                rest.setdefault(len(e[1]) > 1, []).append(e)
        self.stacks = {shape: self.pieces(found, (-1, *shape)) for shape, found in stacks.items()}
        self.rest = {decays: self.pieces(found, (-1,)) for decays, found in rest.items()}

    def pieces(self, entries: list, shape: tuple[int, ...]) -> Pieces:
        """Views of the entries in every vector."""
        return {name: [flat[e[2] : e[2] + e[3]].view(shape) for e in entries] for name, flat in self.vectors.items()}

    def gather(self, grads: Tensor) -> Tensor:
        """Sum my parameters' gradients over the micro-batches [M, P], in order; returns their square sum in float64."""
        total = torch.zeros((), dtype=torch.float64, device=grads.device)
        for part in self.ranges:
            g = self.vectors["grad"][part]
            torch.sum(grads[:, part], 0, out=g)
            total += g.double().square().sum()
        return total

    def muon(self, shape: tuple[int, int], at: Pieces, scale: Tensor, lr: float, decay: float) -> None:
        g, m, p = torch._foreach_mul(at["grad"], scale), at["first"], at["params"]
        torch._foreach_lerp_(m, g, 1 - MUON_MOMENTUM)
        torch._foreach_lerp_(g, m, MUON_MOMENTUM)
        update = orthogonalise(torch.cat(g)) * (0.2 * max(shape) ** 0.5)
        torch._foreach_mul_(p, 1 - lr * decay)
        torch._foreach_add_(p, update.split([len(x) for x in g]), alpha=-lr)

    def adam(self, at: Pieces, scale: Tensor, lr: float, decay: float, step: int) -> None:
        g, m, v, p = torch._foreach_mul(at["grad"], scale), at["first"], at["second"], at["params"]
        torch._foreach_lerp_(m, g, 1 - BETA1)
        torch._foreach_mul_(v, BETA2)
        torch._foreach_addcmul_(v, g, g, value=1 - BETA2)
        size = torch._foreach_div(v, 1 - BETA2**step)
        torch._foreach_sqrt_(size)
        torch._foreach_add_(size, EPS)
        torch._foreach_mul_(p, 1 - lr * decay)
        torch._foreach_addcdiv_(p, m, size, value=-lr / (1 - BETA1**step))

    @torch.no_grad()
    def step(self, norm: Tensor, factor: float, step: int, ema: float) -> None:
        """Update my parameters; norm: of the whole gradient; factor: of the learning rates; step from 1."""
        s = self.settings
        scale = (s["clip"] / (norm + 1e-6)).clamp(max=1.0).float()
        for shape, at in self.stacks.items():
            self.muon(shape, at, scale, s["muon_lr"] * factor, s["weight_decay"])
        for decays, at in self.rest.items():
            self.adam(at, scale, s["adam_lr"] * factor, s["weight_decay"] if decays else 0.0, step)
        for part in self.ranges:
            self.vectors["ema"][part].lerp_(self.vectors["params"][part], 1 - ema)
