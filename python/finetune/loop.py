"""A run: steps, validation that keeps the best weights, the test against the base (`src/train/loop.ts`, `src/engine/run/`)."""

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from evaluate.folders import LabelledImage
from mopeft.gate_forms import FORMS
from mopeft.random import Random
from mopeft.sam.model import Sam

from .budget import Budget, is_settled, share_at
from .config import TrainConfig
from .data import DataSet
from .optimizer import Optimizer, learning_rates
from .prepare import Batches
from .scoring import LEAST_OBJECTS, MASK_THRESHOLDS, VALIDATION_SIDE, Evaluator, ImageScore, gain_error, mean_gates, mean_of, mean_score
from .step import gradients
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


class Trainer:
    """Runs the steps. emit: receives the lines of metrics.jsonl, of type `step`, `eval`, `gates` and `modules`.

    validates: if False, nothing is validated and the last weights count as the best.
    """

    def __init__(self, tuned: Tuned, sets: list[DataSet], config: TrainConfig, emit: Emit, validates: bool = True) -> None:
        self.tuned, self.config, self.emit = tuned, config, emit
        self.splits = {s.key: s.split(config.seed, config.splitOrder) for s in sets}
        self.form = FORMS[tuned.mopeft.form]
        self.is_budgeted = bool(tuned.mopeft.methods) and (self.form.is_scored or self.form.is_there is not None)
        if not validates:
            for split in self.splits.values():
                split["val"] = []
        self.evaluator = Evaluator(config, tuned.config["image_size"])
        self.result = Result({}, None, None)
        self.start_scores: dict[str, list[ImageScore]] = {}
        self.since_best = 0

    def run(self) -> Result:
        """SystemExit when a loss or a gradient is not finite; the engine stops there too (`train/not-finite`)."""
        config = self.config
        batches = Batches(self.tuned.config, config, [split["train"] for split in self.splits.values()])
        optimizer = Optimizer(self.tuned.trained, config)
        correcting, drawing = Random(config.seed, "corrections"), Random(config.seed, "gates")
        budget = Budget(self.tuned, self.tuned.mopeft.budget, config.steps) if self.form.is_scored else None
        self.tell_modules(0)
        self.validate(0)
        for step in range(config.steps):
            start = time.perf_counter()
            self.tuned.uniform = uniform_of(drawing)
            share = share_at((step + 1) / config.steps, self.tuned.mopeft.budget)
            losses = gradients(self.tuned, batches.next(), config.corrections, correcting, share)
            self.tuned.uniform = None
            are_fewer = budget is not None and budget.after_gradients(step)
            self.result.margin = min(self.result.margin, losses.margin)
            norm = optimizer.update(step)
            if not math.isfinite(losses.loss) or not math.isfinite(norm):
                raise SystemExit(f"the loss or its gradient is not a number at step {step + 1}: start a new run with lower learning rates")
            lr = learning_rates(step, config)["peft" if self.tuned.mopeft.methods else "decoder"]
            parts = {k: v for k, v in asdict(losses).items() if k != "margin"}
            ms = (time.perf_counter() - start) * 1000
            self.emit({"type": "step", "step": step + 1, **parts, "lr": lr, "norm": norm, "ms": round(ms, 1)})
            if are_fewer:
                self.tell_modules(step + 1)
            if (step + 1) % config.evalEvery == 0 or step + 1 == config.steps:
                self.validate(step + 1)
                if config.patience and self.since_best >= config.patience:
                    break
        return self.result

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
        scores = [mean_score([found[i] for found in each.values()]) for i in range(len(thresholds))]
        objects = sum(len(s.box) for found in each.values() for s in found[0])
        chosen = max(range(len(thresholds)), key=lambda i: scores[i] or 0) if objects >= LEAST_OBJECTS else 0
        score, now = scores[chosen], {key: found[chosen] for key, found in each.items()}
        for key, images in now.items():
            if not images:
                continue
            line = {"step": step, "dataset": key}
            size = {"measured_at": VALIDATION_SIDE} if self.evaluator.is_reduced(val_images[key], VALIDATION_SIDE) else {}
            self.emit({"type": "eval", **line, "split": "val", **measured(images), **size})
            self.emit({"type": "gates", **line, "layers": mean_gates(images)})
        if step > 0 and self.form.is_there:
            self.tell_modules(step)
        if step == 0:
            self.start_scores = now
        best = self.result.best_score
        is_best = score is None or best is None or score > best + (gain_error(self.start_scores, now) if self.result.best_step == 0 else 0)
        if self.is_budgeted and step > 0 and not is_settled(step / self.config.steps):
            return
        self.since_best = 0 if is_best else self.since_best + 1
        if is_best:
            self.result.best, self.result.best_step, self.result.best_score = self.tuned.state(), step, score
            self.result.threshold, self.result.off = thresholds[chosen], set(self.tuned.off)

    def evaluate(self, key: str, images: list[LabelledImage], *how: object) -> list[list[ImageScore]]:
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


_known: WeakKeyDictionary[Sam, dict[tuple[int, int, float], tuple[LabelledImage, list[ImageScore]]]] = WeakKeyDictionary()
"""By the image's id and the evaluator's settings. The image is kept too, so that no other object takes its id."""


def base_scores(base: Sam, evaluator: Evaluator, images: list[LabelledImage]) -> list[ImageScore]:
    """The base model's scores, computed once per image in this process."""
    known = _known.setdefault(base, {})
    scores: list[ImageScore] = []
    for image in images:
        key = (id(image), evaluator.limits)
        if key not in known:
            known[key] = (image, evaluator.image(base, image))
        scores += known[key][1]
    return scores


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
