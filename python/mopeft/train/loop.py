"""A run: steps, validation that keeps the best weights, the test against the base (`src/train/loop.ts`, `src/engine/run/`)."""

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from ..errors import TrainError
from ..preprocessing import IMAGENET, Preprocessing
from ..random import Random
from ..sam.model import Sam
from .budget import Budget, Worth, is_settled, share_at
from .config import TrainConfig
from .images import LabelledImage, Split
from .optimizer import Optimizer, learning_rates
from .prepare import Batches
from .scoring import (
    LEAST_OBJECTS,
    MASK_THRESHOLDS,
    VALIDATION_SIDE,
    Evaluator,
    ImageScore,
    StartSums,
    gain_error,
    mean_gates,
    mean_of,
    mean_score,
    sums_of,
)
from .step import gradients
from .team import ALONE, Team
from .tuned import Tuned

Emit = Callable[[dict], None]


@dataclass
class Result:
    """What a run leaves. best: its best weights, those of `best_step`; threshold: the logit from which a pixel is foreground."""

    best: dict[str, Tensor]
    best_step: int | None
    best_score: float | None
    threshold: float = 0
    off: set[tuple[int, str]] = field(default_factory=set)
    """Modules that were taken out."""
    margin: float = float("inf")


class Storage:
    """Where a run keeps what must outlive the process; this one keeps nothing."""

    every = 0
    """Steps between checkpoints; 0: none."""

    def best(self, trainer: "Trainer") -> None:
        """Called when the present weights are the best so far."""

    def checkpoint(self, trainer: "Trainer") -> None:
        """Called when the run can go on from here."""


class Trainer:
    """Runs the steps. emit: receives the lines of metrics.jsonl, of type `step`, `eval`, `gates` and `modules`.

    splits: by dataset. validates: if False, nothing is validated and the last weights count as the best. how: the model's
    preprocessing. base: measured by the validation before the first step in place of the tuned model, whose modules have learned
    nothing. images_per_pass: as `gradients` has its size.
    """

    def __init__(
        self,
        tuned: Tuned,
        splits: Mapping[str, Split],
        config: TrainConfig,
        emit: Emit,
        validates: bool = True,
        *,
        how: Preprocessing = IMAGENET,
        base: Sam | None = None,
        storage: Storage | None = None,
        team: Team = ALONE,
        images_per_pass: int | None = None,
    ) -> None:
        self.tuned, self.config, self.emit, self.base, self.team = tuned, config, emit, base, team
        self.storage, self.images_per_pass = storage or Storage(), images_per_pass
        self.splits = {key: dict(split) | ({} if validates else {"val": []}) for key, split in splits.items()}
        self.form = tuned.form
        has_methods = bool(tuned.modules_config.methods)
        self.is_budgeted = has_methods and (self.form.is_scored or self.form.is_there is not None)
        self.evaluator = Evaluator(config, tuned.config["image_size"], how, team)
        self.result = Result({}, None, None)
        self.start_sums: StartSums = {}
        self.since_best, self.step, self.evaluated_step = 0, 0, None
        self.checkpoint_step: int | None = None
        self.batches = Batches(tuned.config, config, [split["train"] for split in self.splits.values()], how)
        self.optimizer = Optimizer(tuned.trained, config)
        self.correcting, self.drawing = Random(config.seed, "corrections"), Random(config.seed, "gates")
        share = tuned.modules_config.budget
        self.share = 1.0 if share is None else share
        self.budget = Budget(tuned, self.share, config.steps) if self.form.is_scored else None
        is_chosen_so = tuned.modules_config.budget_by == "validation"
        # Whether weights are kept by validation is another matter.
        self.choosing = {key: split["val"][: config.evalImages or None] for key, split in splits.items() if is_chosen_so and split["val"]}

    def run(self) -> Result:
        """TrainError `train/not-finite` when a loss or a gradient is not finite; the engine stops there too."""
        if self.checkpoint_step is None:
            self.tell_modules(0)
        while True:
            if self.is_validation_due:
                self.validate(self.step)
            is_over = self.step >= self.config.steps or 0 < self.config.patience <= self.since_best
            if is_over:
                self.keep_latest()
            every = self.storage.every
            if every and self.step != self.checkpoint_step and (is_over or (self.step > 0 and self.step % every == 0)):
                self.storage.checkpoint(self)
                self.checkpoint_step = self.step
            if is_over:
                return self.result
            self.take(self.step)

    def state(self) -> dict:
        """Everything besides tensors that determines what is to come, as a checkpoint has it."""
        result, own = self.result, self.batches.state()
        random = own["random"] | {"corrections": self.correcting.state, "gates": self.drawing.state}
        pruned: dict[str, list[int]] = {}
        for block, method in sorted(self.tuned.off):
            pruned.setdefault(method, []).append(block)
        known = self.budget.mean if self.budget else {}
        scores = [
            {"method": m, "block": i, "mean": mean, "spread": self.budget.spread[i, m]}
            for (i, m), mean in known.items()
            if (i, m) not in self.tuned.off
        ]
        return {
            "step": self.step,
            "bestStep": result.best_step,
            "bestScore": result.best_score,
            "startSums": [{"key": key, "images": images} for key, images in self.start_sums.items()],
            "evaluationsSinceBest": self.since_best,
            "evaluatedStep": self.evaluated_step,
            **own,
            "random": random,
            "pruned": pruned or None,
            "scores": scores,
        }

    @torch.no_grad()
    def resume(self, state: dict, tensors: Mapping[str, Tensor]) -> None:
        """Goes on from a checkpoint: its `state`, and `param.`, `m.` and `v.` with the name of every tensor that is left."""
        self.step = self.checkpoint_step = state["step"]
        self.result.best_step, self.result.best_score = state["bestStep"], state["bestScore"]
        sums = state.get("startSums") or state.get("startTally") or []
        self.start_sums = {each["key"]: list(each.get("images", each.get("pictures"))) for each in sums}
        self.since_best, self.evaluated_step = state["evaluationsSinceBest"], state["evaluatedStep"]
        self.batches.resume(state)
        self.correcting = Random.of_state(state["random"]["corrections"])
        if state["random"].get("gates"):
            self.drawing = Random.of_state(state["random"]["gates"])
        self.tuned.off |= {(block, method) for method, blocks in (state.get("pruned") or {}).items() for block in blocks}
        for each in state.get("scores") or () if self.budget else ():
            at = each["block"], each["method"]
            self.budget.mean[at], self.budget.spread[at] = each["mean"], each["spread"]
        left = self.tuned.names_left()
        for name in left:
            self.tuned.trained[name].value.copy_(tensors[f"param.{name}"])
        self.optimizer.resume(self.step, {name: (tensors[f"m.{name}"], tensors[f"v.{name}"]) for name in left})

    @property
    def is_validation_due(self) -> bool:
        is_last = self.step == self.config.steps
        return self.step != self.evaluated_step and (is_last or self.step % self.config.evalEvery == 0)

    def take(self, step: int) -> None:
        """Takes step `step`, from 0."""
        config, start = self.config, time.perf_counter()
        self.tuned.uniform = uniform_of(self.drawing)
        share = share_at((step + 1) / config.steps, self.share)
        images, size = self.batches.next(), self.images_per_pass
        losses = gradients(self.tuned, images, config.corrections, self.correcting, share, self.team, size)
        self.tuned.uniform = None
        if self.budget:
            self.budget.score()
        self.result.margin = min(self.result.margin, losses.margin)
        norm = self.optimizer.update(step)
        if not math.isfinite(losses.loss) or not math.isfinite(norm):
            what = f"The loss or its gradient is not a number at step {step + 1}."
            raise TrainError("train/not-finite", what, "lrPeft, lrDecoder", "Start a new run with lower learning rates.")
        lr = learning_rates(step, config)["peft" if self.tuned.modules_config.methods else "decoder"]
        parts = {k: v for k, v in asdict(losses).items() if k != "margin"}
        ms = (time.perf_counter() - start) * 1000
        self.step = step + 1
        self.emit({"type": "step", "step": step + 1, **parts, "lr": lr, "norm": norm, "ms": round(ms, 1)})
        if self.budget and self.budget.remove(step, self.lost_without):
            self.tell_modules(step + 1)

    def lost_without(self) -> Worth | None:
        """What the images of `choosing` lose without each module; None without an object in them."""
        everything = self.score_of_choosing()
        if everything is None:
            return None
        lost = {}
        for i, m, _ in self.tuned.modules():
            self.tuned.off.add((i, m))
            lost[i, m] = everything - (self.score_of_choosing() or 0)
            self.tuned.off.remove((i, m))
        return lambda block, method: lost[block, method]

    def score_of_choosing(self) -> float | None:
        """The mean of box and click over the sets of `choosing`, at SAM's threshold; None without an object."""
        return mean_score([self.evaluate(key, images, (0,), VALIDATION_SIDE)[0] for key, images in self.choosing.items()])

    def tell_modules(self, step: int) -> None:
        """Emits which modules are left, in forms that keep a share of them."""
        if self.is_budgeted:
            left, blocks = self.tuned.left(), range(len(self.tuned.blocks))
            by_block = [[m for b, m, _ in left if b == i] for i in blocks]
            self.emit({"type": "modules", "step": step, "left": by_block, "parameters": sum(n for _, _, n in left)})

    def validate(self, step: int) -> None:
        """Evaluates the validation images and keeps the weights when they are the best so far.

        The initial weights are replaced only by a gain larger than its standard error.
        """
        most = self.config.evalImages or None
        thresholds = MASK_THRESHOLDS if step else (0,)
        val_images = {k: split["val"][:most] for k, split in self.splits.items() if split["val"]}
        each = {k: self.evaluate(k, images, thresholds, VALIDATION_SIDE) for k, images in val_images.items()}
        gates = {key: mean_gates(found[0]) for key, found in each.items()}
        if step == 0 and self.base is not None:
            each = {k: self.evaluator.all(self.base, images, thresholds, VALIDATION_SIDE) for k, images in val_images.items()}
        scores = [mean_score([found[i] for found in each.values()]) for i in range(len(thresholds))]
        objects = sum(len(s.box) for found in each.values() for s in found[0])
        chosen = max(range(len(thresholds)), key=lambda i: scores[i] or 0) if objects >= LEAST_OBJECTS else 0
        score, now = scores[chosen], {key: found[chosen] for key, found in each.items()}
        for key, images in now.items():
            if not images:
                continue
            line = {"step": step, "dataset": key}
            size = {"measured_at": VALIDATION_SIDE} if any(s.is_reduced for s in images) else {}
            self.emit({"type": "eval", **line, "split": "val", **measured(images), **size})
            self.emit({"type": "gates", **line, "layers": gates[key]})
        if step > 0 and self.form.is_there:
            self.tell_modules(step)
        self.evaluated_step = step
        if step == 0:
            self.start_sums = {key: sums_of(images) for key, images in now.items()}
        best = self.result.best_score
        is_best = score is None or best is None or score > best + (gain_error(self.start_sums, now) if self.result.best_step == 0 else 0)
        if self.is_budgeted and step > 0 and not is_settled(step / self.config.steps):
            return
        self.since_best = 0 if is_best else self.since_best + 1
        if is_best:
            self.keep(step, score, thresholds[chosen])

    def keep_latest(self) -> None:
        """Without a validation object the latest weights count, those since the last validation too."""
        if self.result.best_score is None and self.result.best_step not in (None, self.step):
            self.keep(self.step, None, 0)

    def keep(self, step: int, score: float | None, threshold: float) -> None:
        """Keeps the present weights as the best so far."""
        self.result.best, self.result.best_step, self.result.best_score = self.tuned.state(), step, score
        self.result.threshold, self.result.off = threshold, set(self.tuned.off)
        self.storage.best(self)

    def evaluate(self, key: str, images: Sequence[LabelledImage], *how: object) -> list[list[ImageScore]]:
        """Scores of a set's images, with that set asked for."""
        self.tuned.dataset = torch.tensor([list(self.splits).index(key)])
        return self.evaluator.all(self.tuned, images, *how)

    def test(self, base: Sam) -> dict[str, dict[str, list[ImageScore]]]:
        """For each dataset the scores of its test images: `before` (the base model) and `after` (the best weights)."""
        self.tuned.load(self.result.best)
        self.tuned.off = set(self.result.off)
        out = {}
        for key, split in self.splits.items():
            [after] = self.evaluate(key, split["test"], (self.result.threshold,))
            out[key] = {"before": base_scores(base, self.evaluator, split["test"]), "after": after}
            if after:
                line = {"type": "eval", "step": self.result.best_step, "dataset": key, "split": "test"}
                self.emit({**line, **measured(after)})
        return out


def uniform_of(random: Random) -> Callable[[str], Tensor]:
    """What one step draws for each gate: the same number however often it is asked for, as blocks are computed again."""
    drawn: dict[str, Tensor] = {}

    def uniform(name: str) -> Tensor:
        if name not in drawn:
            drawn[name] = torch.tensor([random.uniform()])
        return drawn[name]

    return uniform


def measured(images: list[ImageScore]) -> dict[str, float]:
    """The scores of an `eval` line."""
    return {"box_iou": mean_of(images, "box"), "click_iou": mean_of(images, "click"), "n": sum(len(s.box) for s in images)}


_known: WeakKeyDictionary[Sam, WeakKeyDictionary[LabelledImage, dict[tuple, list[ImageScore]]]] = WeakKeyDictionary()
"""By model, image and the evaluator's settings."""


def base_scores(base: Sam, evaluator: Evaluator, images: Sequence[LabelledImage]) -> list[ImageScore]:
    """The base model's scores, computed once in this process for an image that is kept."""
    known = _known.setdefault(base, WeakKeyDictionary())

    def scores(image: LabelledImage) -> list[ImageScore]:
        own = known.setdefault(image, {})
        if evaluator.limits not in own:
            own[evaluator.limits] = evaluator.image(base, image)
        return own[evaluator.limits]

    team = evaluator.team
    own = [scores(images[i]) for i in team.spread(range(len(images)))]
    return [score for each in team.joined(own, len(images)) for score in each]


def write_line(file: object) -> Emit:
    """An emit that appends JSON lines to an open file."""

    def emit(line: dict) -> None:
        file.write(json.dumps(line) + "\n")
        file.flush()

    return emit


def deterministic(threads: int, device: str = "cpu") -> None:
    """The same arithmetic in every process of a run: float32 throughout, also on a GPU."""
    torch.set_default_device(device)
    torch.backends.cudnn.allow_tf32 = False
    torch.set_num_threads(threads)
    torch.manual_seed(0)
