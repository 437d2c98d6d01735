"""How a module's gate is computed and how it acts (`src/peft/gate`): a form is a record here and an entry of FORMS."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .methods.method import Params, Spec, normal

Prefix = tuple[Tensor, Tensor, Tensor]
"""Keys and values [B, P, C] (B: windows) and what is added to their scores [B]."""

STRETCH = (-0.1, 1.1)
"""Bounds of the hard concrete distribution before it is clipped to 0..1 (Louizos et al., arXiv 1712.01312)."""
TEMPERATURE = 2 / 3
START = 2.0
"""Of a hard gate's α: at the start a module is there in 95 of 100 draws."""
HARD_RATE = 200
"""α moves at 100 times the rate of the modules by the defaults of both rates, or it would not get past 0 in a few hundred steps."""
DATASET_RATE = 300
"""Of what a gate adds for a dataset: slower, it opens for one too late."""


@dataclass(frozen=True)
class Asked:
    """What is asked of an encoder besides the image.

    dataset: index of each image's dataset [B]; uniform: gives the number in (0, 1) that a step drew for a gate, in training.
    """

    dataset: Tensor
    uniform: Callable[[str], Tensor] | None = None


@dataclass(frozen=True)
class GateForm:
    """A form of gates. Whatever a method adds at a slot is multiplied by its gate [B], in every form.

    tensors: of one gate by their last names, for a width and a number of datasets. value: features [B, G, G, C], those
    tensors, what is asked and the gate's name -> [B]. prefix: keys and values [P, C] and the gate [B] -> what stands in front
    of each window's own. is_there: the probability that a gate is not 0, from its tensors, where a form has a price. is_gated: False
    where a module is there as it is. is_by_image, is_by_dataset: whether gates differ by
    the image, or by the dataset that is asked for.
    """

    id: str
    tensors: Callable[[int, int], dict[str, Spec]]
    value: Callable[[Tensor, Params, Asked, str], Tensor]
    prefix: Callable[[Tensor, Tensor, Tensor], Prefix]
    is_there: Callable[[Params], Tensor] | None = None
    is_scored: bool = False
    is_gated: bool = True
    is_by_image: bool = False
    is_by_dataset: bool = False


def linear_tensors(width: int, _: int) -> dict[str, Spec]:
    return {"weight": Spec((1, width), normal, False, "gate"), "bias": Spec((1,), None, False, "gate")}


def mean_sigmoid(x: Tensor, gate: Params, *_: object) -> Tensor:
    """Mean over the tokens of sigmoid(x · w + b)."""
    return F.linear(x, gate["weight"], gate["bias"]).sigmoid().mean((1, 2, 3))


def hard_concrete(x: Tensor, gate: Params, asked: Asked, name: str) -> Tensor:
    """In training a draw, the same for all images of a step; otherwise 0 or 1, whichever the draw's median is nearer to."""
    alpha = gate["alpha"]
    if asked.uniform is None:
        return (alpha > 0).to(alpha.dtype).expand(len(x))
    u = asked.uniform(name)
    low, high = STRETCH
    s = ((u.log() - (1 - u).log() + alpha) / TEMPERATURE).sigmoid()
    return (s * (high - low) + low).clamp(0, 1).expand(len(x))


def hard_probability(gate: Params) -> Tensor:
    low, high = STRETCH
    return (gate["alpha"] - TEMPERATURE * math.log(-low / high)).sigmoid()


def by_dataset(_: Tensor, gate: Params, asked: Asked, __: str) -> Tensor:
    """sigmoid(θ + φ of the image's dataset)."""
    return (gate["theta"] + gate["phi"][asked.dataset]).sigmoid()


def scaled_prefix(keys: Tensor, values: Tensor, g: Tensor) -> Prefix:
    g = g[:, None, None]
    return g * keys, g * values, g.new_zeros(len(g))


def weighed_prefix(keys: Tensor, values: Tensor, g: Tensor) -> Prefix:
    """The prefix's columns weigh g · exp(score) in the softmax; at g = 0 they are not there."""
    weight = torch.where(g > 0, g.clamp_min(torch.finfo(g.dtype).tiny).log(), -math.inf)
    return keys.expand(len(g), -1, -1), values.expand(len(g), -1, -1), weight


FORMS: dict[str, GateForm] = {
    form.id: form
    for form in (
        GateForm("unipelt", linear_tensors, mean_sigmoid, scaled_prefix, is_by_image=True),
        GateForm("mass", linear_tensors, mean_sigmoid, weighed_prefix, is_by_image=True),
        GateForm("none", lambda *_: {}, lambda x, *_: x.new_ones(len(x)), scaled_prefix, is_gated=False),
        GateForm(
            "task",
            lambda _, sets: {
                "theta": Spec((1,), None, False, "gate"),
                "phi": Spec((sets,), None, False, "gate", DATASET_RATE),
            },
            by_dataset,
            weighed_prefix,
            is_by_dataset=True,
        ),
        GateForm(
            "hard",
            lambda *_: {"alpha": Spec((1,), None, False, "gate", HARD_RATE, lambda value: value.fill_(START))},
            hard_concrete,
            weighed_prefix,
            hard_probability,
        ),
        GateForm(
            "budget",
            lambda *_: {"open": Spec((1,), None, False, "gate", 0, lambda value: value.fill_(1))},
            lambda x, gate, *_: gate["open"].expand(len(x)),
            weighed_prefix,
            is_scored=True,
        ),
    )
}
