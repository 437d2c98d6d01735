"""Question 1: can gates tell what is asked for where pictures do not? Two sets of the same images with opposite labels.

Figures, of test clicks: the IoU of the picked and of the best candidate; how much of the way from joint training without gates to an
adapter for each set an arm goes; and what it costs to ask in the other set's name.
"""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch

from mopeft.files import whole
from mopeft.methods import RECIPES
from mopeft.sam.open import preprocessing_in
from mopeft.train.config import TrainConfig
from mopeft.train.scoring import Evaluator

from ..config import Mopeft, of_seed
from ..data import DataSet
from ..jobs import Job
from ..run import run
from ..statistics import standard_error
from ..table import base_of
from ..tuned import open_tuned
from .figure import Figure, Point
from .pairs import PAIRS, Pair, shuffled

METHODS = RECIPES["mopeft"]
JOINT, SEPARATE = "none", "separate"
SWAPPED = "swapped.json"


@dataclass(frozen=True)
class Arm:
    """What is trained on both sets together; a shuffled one on sets whose names say nothing."""

    mopeft: Mopeft
    is_shuffled: bool = False

    @property
    def is_asked(self) -> bool:
        """Whether the model is told which set is meant."""
        return self.mopeft.token or self.mopeft.gate == "task"


ARMS = {
    JOINT: Arm(Mopeft(METHODS, "none")),
    "unipelt": Arm(Mopeft(METHODS, "unipelt")),
    "task": Arm(Mopeft(METHODS, "task")),
    "token": Arm(Mopeft(METHODS, "none", token=True)),
    "token+task": Arm(Mopeft(METHODS, "task", token=True)),
    "shuffled": Arm(Mopeft(METHODS, "task", token=True), is_shuffled=True),
}
ALL = (*ARMS, SEPARATE)


def jobs(model: Path, data: Path, names: list[str], arms: list[str], seeds: list[int], settings: list[str], out: Path) -> list[Job]:
    """A job an arm, seed by seed. Only clicks are trained, since a box would say what is meant."""
    configs = [of_seed(seed, ["boxPrompts=false", *settings]) for seed in seeds]
    return [partial(one, model, data, name, arm, config, out) for config, name, arm in itertools.product(configs, names, arms)]


@cache
def pair_of(name: str, data: Path) -> Pair:
    return PAIRS[name](data)


def one(model: Path, data: Path, name: str, arm: str, config: TrainConfig, out: Path) -> str:
    told = []
    for sub, used, mopeft in runs_of(arm, pair_of(name, data), config.seed):
        folder = out / name / arm / sub / f"seed{config.seed}"
        result = run(model, base_of(model), list(used), mopeft, config, folder, validates=False)
        if arm in ARMS and ARMS[arm].is_asked and not (folder / SWAPPED).exists():
            swap(model, used, mopeft, config, folder, result["maskThreshold"])
        told += [clicks(s) for s in result["sets"].items()]
    return f"{name} {arm} seed {config.seed}: " + ", ".join(told)


def runs_of(arm: str, sets: Pair, seed: int) -> Iterator[tuple[str, tuple[DataSet, ...], Mopeft]]:
    """A folder's name, the sets and what is trained."""
    if arm == SEPARATE:
        yield from ((one.key, (one,), ARMS[JOINT].mopeft) for one in sets)
    else:
        yield "both", shuffled(sets, seed) if ARMS[arm].is_shuffled else sets, ARMS[arm].mopeft


def swap(model: Path, sets: tuple[DataSet, ...], mopeft: Mopeft, config: TrainConfig, folder: Path, threshold: float) -> None:
    """Measures each set's test images as if the other set were asked for."""
    tuned = open_tuned(model, replace(mopeft, sets=len(sets)), config.seed, folder / "best.safetensors")
    evaluator = Evaluator(config, tuned.config["image_size"], preprocessing_in(model))
    found = {}
    for k, one in enumerate(sets):
        tuned.dataset = torch.tensor([(k + 1) % len(sets)])
        [scores] = evaluator.all(tuned, one.split(config.seed, config.splitOrder)["test"], (threshold,))
        found[one.key] = [s.record() for s in scores]
    with whole(folder / SWAPPED) as path:
        path.write_text(json.dumps(found) + "\n")


def clicks(part: tuple[str, dict]) -> str:
    name, result = part
    return f"{name} click {result['before']['click']:.3f} -> {result['after']['click']:.3f}"


def mean_click(images: list[dict], key: str = "click") -> float:
    return float(np.mean([v for image in images for v in image[key]]))


def table(out: Path) -> str:
    """For each pair and arm: the mean over seeds of both sets' mean IoU by click, the gap closed, and the cost of the other name."""
    lines = [
        "| pair | arm | picked | best candidate | base | gap closed | the other set's name costs | seeds | test objects |",
        "|---" * 9 + "|",
    ]
    for name in PAIRS:
        found = read(out, name)
        for arm, by_seed in found.items():
            closed = gaps(found, arm)
            costs = [v["cost"] for v in by_seed.values() if "cost" in v]
            cells = [spread([v[key] for v in by_seed.values()]) for key in ("click", "best", "base")]
            n = round(np.mean([v["n"] for v in by_seed.values()]))
            cells += [spread(values) if values else "" for values in (closed, costs)]
            lines.append(f"| {name} | {arm} | {' | '.join(cells)} | {len(by_seed)} | {n} |")
    return "\n".join(lines) + "\n"


def gaps(found: dict[str, dict[str, dict[str, float]]], arm: str) -> list[float]:
    """The gap that an arm closes, in each seed in which it can be told."""
    joint, separate = found.get(JOINT, {}), found.get(SEPARATE, {})
    both = [s for s in found[arm] if s in joint and s in separate]
    each = [gap_closed(found[arm][s]["click"], joint[s]["click"], separate[s]["click"]) for s in both]
    return [gap for gap in each if gap is not None]


def read(out: Path, name: str) -> dict[str, dict[str, dict[str, float]]]:
    """By arm and seed, of the arms that have a whole seed."""
    found = {arm: scores(out / name / arm) for arm in ALL if (out / name / arm).is_dir()}
    return {arm: by_seed for arm, by_seed in found.items() if by_seed}


def figure(out: Path) -> Figure:
    points = []
    for name in PAIRS:
        found = read(out, name)
        for arm in (a for a in found if a not in (JOINT, SEPARATE)):
            values = np.array(gaps(found, arm))
            if len(values):
                points.append(Point(arm, name, float(values.mean()), standard_error(values)))
    points.sort(key=lambda point: ALL.index(point.row))
    axis = "gap closed: 0 joint training without gates, 1 an adapter for each set (± one error over seeds)"
    return Figure("Opposite labels of the same images", axis, points, [0, 0.5, 1])


def gap_closed(arm: float, joint: float, separate: float) -> float | None:
    """0: as joint training without gates; 1: as an adapter for each set; None where these two are the same."""
    return None if separate == joint else (arm - joint) / (separate - joint)


def scores(folder: Path) -> dict[str, dict[str, float]]:
    """By seed: means over the pair's two sets, if both are there."""
    found: dict[str, dict[str, dict]] = {}
    for path in sorted(folder.glob("*/seed*/result.json")):
        for key, part in json.loads(path.read_text())["sets"].items():
            entry = {"click": part["after"]["click"], "best": part["after"]["best"], "base": part["before"]["click"], "n": part["n"]}
            other = path.parent / SWAPPED
            if other.exists():
                entry["cost"] = part["after"]["click"] - mean_click(json.loads(other.read_text())[key])
            found.setdefault(path.parent.name, {})[key] = entry
    whole_pairs = {seed: list(parts.values()) for seed, parts in found.items() if len(parts) == 2}
    return {
        seed: {k: float(np.sum(v) if k == "n" else np.mean(v)) for k in parts[0] for v in [[p[k] for p in parts]]}
        for seed, parts in whole_pairs.items()
    }


def spread(values: list[float]) -> str:
    """Mean ± standard error over seeds."""
    mean = f"{np.mean(values):.3f}"
    return f"{mean} ± {standard_error(np.array(values)):.3f}" if len(values) > 1 else mean
