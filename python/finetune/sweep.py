"""Runs a grid of settings over groups of sets, methods and seeds, and prints what each setting gained.

Every run has its own folder, and one that is finished is not run again: a sweep that was cut off goes on where it was.
"""

import itertools
import json
from collections import defaultdict
from pathlib import Path

import numpy as np

from .config import Mopeft, TrainConfig, parse_method, with_settings
from .data import DataSet, read_set
from .run import RESULT, finished, open_base, run
from .statistics import standard_error

KEYS = ("box", "click", "best")
FROZEN = "-frozen"
"""Ends the name of a method whose mask decoder is not trained."""


def mopeft_of(name: str) -> Mopeft:
    frozen = name.endswith(FROZEN)
    return Mopeft(parse_method(name.removesuffix(FROZEN)), train_decoder=not frozen)


def grid(axes: list[str]) -> list[list[str]]:
    """`name=a,b` axes -> every combination as a list of `name=value`."""
    pairs = [[f"{axis.split('=')[0]}={value}" for value in axis.split("=")[1].split(",")] for axis in axes]
    return [list(combination) for combination in itertools.product(*pairs)]


def sweep(
    model: Path, root: Path, out: Path, groups: list[str], methods: list[str], axes: list[str], fixed: list[str], seeds: list[int]
) -> None:
    """groups: names of sets joined by +; fixed: settings of all runs. Nothing is validated: the last weights are tested."""
    base = open_base(model)
    known: dict[str, DataSet] = {}
    for seed, group, method, setting in itertools.product(seeds, groups, methods, grid(axes)):
        folder = out / group / method / ("_".join(setting) or "defaults") / f"seed{seed}"
        config = with_settings(TrainConfig(seed=seed), [*fixed, *setting])
        if finished(folder, mopeft_of(method), config):
            continue
        sets = [known.setdefault(name, known.get(name) or read_set(root / name)) for name in group.split("+")]
        result = run(model, base, sets, mopeft_of(method), config, folder, keep=False, validates=False)
        text = " ".join(f"{k} {gains(result, k).mean():+.3f}" for k in KEYS)
        print(f"{group} {method} {' '.join(setting)} seed {seed}: {text}", flush=True)


def gains(result: dict, key: str) -> np.ndarray:
    """By set: mean test IoU minus the base model's."""
    return np.array([s["after"][key] - s["before"][key] for s in result["sets"].values()])


def table(out: Path) -> str:
    """By method and setting the mean gain over sets and seeds, its standard error, and the least gain of a set."""
    found: dict[tuple[str, str], list[dict]] = defaultdict(list)
    for path in sorted(out.glob(f"*/*/*/*/{RESULT}")):
        _, method, setting, _ = path.relative_to(out).parts[:4]
        found[(method, setting)].append(json.loads(path.read_text()))
    lines = ["| method | setting | box | click | best candidate | worst set | runs | sets × seeds | objects |", "|---" * 9 + "|"]
    for (method, setting), results in sorted(found.items()):
        values = [np.concatenate([gains(r, k) for r in results]) for k in KEYS]
        cells = [f"{v.mean():+.3f} ± {standard_error(v):.3f}" if len(v) > 1 else f"{v.mean():+.3f}" for v in values]
        worst = min(v.min() for v in values[:2])
        n = sum(s["n"] for r in results for s in r["sets"].values())
        lines.append(
            f"| {method} | {setting.replace('_', ', ')} | {' | '.join(cells)} | {worst:+.3f} | {len(results)} | {len(values[0])} | {n} |"
        )
    return "\n".join(lines)
