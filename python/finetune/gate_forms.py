"""How a module's gate is computed and how it acts (`src/peft/gate`): a form is a record here and an entry of FORMS."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .methods.method import Params, Spec, normal

Prefix = tuple[Tensor, Tensor, Tensor]
"""Keys and values [B, P, C] (B: windows) and what is added to their scores [B]."""


@dataclass(frozen=True)
class GateForm:
    """A form of gates. Whatever a method adds at a slot is multiplied by its gate [B], in every form.

    tensors: of one gate by their last names, for a width. value: features [B, G, G, C] and those tensors -> [B].
    prefix: keys and values [P, C] and the gate [B] -> what stands in front of each window's own.
    """

    id: str
    tensors: Callable[[int], dict[str, Spec]]
    value: Callable[[Tensor, Params], Tensor]
    prefix: Callable[[Tensor, Tensor, Tensor], Prefix]


def linear_tensors(width: int) -> dict[str, Spec]:
    return {"weight": Spec((1, width), normal, False, "gate"), "bias": Spec((1,), None, False, "gate")}


def mean_sigmoid(x: Tensor, gate: Params) -> Tensor:
    """Mean over the tokens of sigmoid(x · w + b)."""
    return F.linear(x, gate["weight"], gate["bias"]).sigmoid().mean((1, 2, 3))


def scaled_prefix(keys: Tensor, values: Tensor, g: Tensor) -> Prefix:
    g = g[:, None, None]
    return g * keys, g * values, torch.zeros(len(g))


def weighed_prefix(keys: Tensor, values: Tensor, g: Tensor) -> Prefix:
    """The prefix's columns weigh g · exp(score) in the softmax; at g = 0 they are not there."""
    return keys.expand(len(g), -1, -1), values.expand(len(g), -1, -1), g.log()


FORMS: dict[str, GateForm] = {
    form.id: form
    for form in (
        GateForm("unipelt", linear_tensors, mean_sigmoid, scaled_prefix),
        GateForm("mass", linear_tensors, mean_sigmoid, weighed_prefix),
        GateForm("none", lambda _: {}, lambda x, _: torch.ones(len(x)), scaled_prefix),
    )
}
