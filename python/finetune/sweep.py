"""Runs a grid of settings over groups of sets, methods and seeds, and prints what each setting gained.

Every run has its own folder. Finished runs are not repeated, so an interrupted sweep goes on where it stopped.
"""

import itertools
import json
from collections import defaultdict
from pathlib import Path

import numpy as np

from mopeft.sam.open import read_model

from .config import Mopeft, of_seed, parse_method
from .data import DataSet, distinct, read_set, stamp
from .run import RESULT, finished, run, stated
from .statistics import mean_of_runs, standard_error

KEYS = ("box", "click", "best")
FROZEN = "-frozen"
"""Suffix of a method's name: the mask decoder is not trained."""


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
    """groups: names of sets joined by +; fixed: settings of all runs. Nothing is validated; the last weights are tested."""
    for group in groups:
        distinct(group.split("+"))
    base = read_model(model)
    stamps = {name: stamp(root / name) for group in groups for name in group.split("+")}
    known: dict[str, DataSet] = {}
    missing = []
    for seed, group, method, setting in itertools.product(seeds, groups, methods, grid(axes)):
        folder = out / group / method / ("_".join(setting) or "defaults") / f"seed{seed}"
        config, used = of_seed(seed, [*fixed, *setting]), [stamps[name] for name in group.split("+")]
        if not finished(folder, stated(model, used, mopeft_of(method), config, False)):
            missing.append((folder, group, method, setting, config))
    for folder, group, method, setting, config in missing:
        sets = [known.setdefault(name, known.get(name) or read_set(root / name)) for name in group.split("+")]
        result = run(model, base, sets, mopeft_of(method), config, folder, keep=False, validates=False)
        text = " ".join(f"{k} {gains([result], k).mean():+.3f}" for k in KEYS) if tested([result]) else "no test image holds an object"
        print(f"{group} {method} {' '.join(setting)} seed {config.seed}: {text}", flush=True)


def tested(results: list[dict]) -> dict[str, list[dict]]:
    """For each set its parts of several results, over all groups and seeds, except those without a tested object."""
    found: dict[str, list[dict]] = defaultdict(list)
    for result in results:
        for name, part in result["sets"].items():
            if part["n"]:
                found[name].append(part)
    return found


def gains(results: list[dict], key: str) -> np.ndarray:
    """For each set: test IoU minus the base model's, over the objects of all runs."""
    return np.array([mean_of_runs(parts, "after", key) - mean_of_runs(parts, "before", key) for parts in tested(results).values()])


def table(out: Path) -> str:
    """For each method and setting the mean gain over sets, its standard error and the smallest gain of a set."""
    found: dict[tuple[str, str], list[dict]] = defaultdict(list)
    for path in sorted(out.glob(f"*/*/*/*/{RESULT}")):
        _, method, setting, _ = path.relative_to(out).parts[:4]
        found[(method, setting)].append(json.loads(path.read_text()))
    lines = ["| method | setting | box | click | best candidate | worst set | runs | sets | objects |", "|---" * 9 + "|"]
    for (method, setting), results in sorted(found.items()):
        values = [gains(results, k) for k in KEYS]
        if not len(values[0]):
            continue
        cells = [f"{v.mean():+.3f} ± {standard_error(v):.3f}" if len(v) > 1 else f"{v.mean():+.3f}" for v in values]
        worst = min(v.min() for v in values[:2])
        n = sum(s["n"] for r in results for s in r["sets"].values())
        lines.append(
            f"| {method} | {setting.replace('_', ', ')} | {' | '.join(cells)} | {worst:+.3f} | {len(results)} | {len(values[0])} | {n} |"
        )
    return "\n".join(lines)
