"""AdamW with gradient clipping and a schedule (`src/train/optimizer.ts`, `schedule.ts`)."""

import math
from collections.abc import Mapping

import torch

from ..rounding import half_up
from .config import TrainConfig
from .tensors import Trained

ADAMW = {"betas": (0.9, 0.999), "eps": 1e-8}


def schedule_factor(step: int, config: TrainConfig) -> float:
    """The factor of all learning rates at update `step` (from 0): linear warm-up, then half a cosine down to 0."""
    rising = half_up(config.warmup * config.steps)
    if step < rising:
        return (step + 1) / (rising + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, config.steps - rising)))


def learning_rates(step: int, config: TrainConfig) -> dict[str, float]:
    factor = schedule_factor(step, config)
    return {"peft": config.lrPeft * factor, "gate": config.lrGate * factor, "decoder": config.lrDecoder * factor}


class Optimizer:
    def __init__(self, trained: dict[str, Trained], config: TrainConfig) -> None:
        self.config = config
        self.trained = trained
        self.values = [t.value for t in trained.values()]
        groups: dict[tuple[str, bool, float], list[torch.Tensor]] = {}
        for tensor in trained.values():
            groups.setdefault((tensor.group, tensor.decay, tensor.rate), []).append(tensor.value)
        self.adamw = torch.optim.AdamW(
            [
                {"params": params, "group": group, "rate": rate, "weight_decay": config.weightDecay if decay else 0}
                for (group, decay, rate), params in groups.items()
            ],
            lr=0.0,
            **ADAMW,
        )

    def update(self, step: int) -> float:
        """Clips the gradients and makes update `step` (from 0); returns their norm before clipping."""
        norm = torch.nn.utils.clip_grad_norm_(self.values, self.config.clip or math.inf)
        rates = learning_rates(step, self.config)
        for group in self.adamw.param_groups:
            group["lr"] = rates[group["group"]] * group["rate"]
        self.adamw.step()
        return float(norm)

    def moments(self) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
        """AdamW's two moments of each tensor by name, zero before the first update."""
        found = {}
        for name, tensor in self.trained.items():
            state = self.adamw.state.get(tensor.value) or {}
            zero = torch.zeros_like(tensor.value)
            found[name] = state.get("exp_avg", zero), state.get("exp_avg_sq", zero)
        return found

    def resume(self, step: int, moments: Mapping[str, tuple[torch.Tensor, torch.Tensor]]) -> None:
        """Goes on after `step` updates; tensors without moments begin with none."""
        for name, (first, second) in moments.items():
            value = self.trained[name].value
            own = {"exp_avg": first.to(value).clone(), "exp_avg_sq": second.to(value).clone()}
            self.adamw.state[value] = {"step": torch.tensor(float(step), device="cpu")} | own
