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
from .run import open_base, run

FROZEN = "-frozen"
"""Ends the name of a method whose mask decoder is not trained."""


def mopeft_of(name: str) -> Mopeft:
    frozen = name.endswith(FROZEN)
    return Mopeft(parse_method(name.removesuffix(FROZEN)), train_decoder=not frozen)


def grid(axes: list[str]) -> list[list[str]]:
    """`name=a,b` axes -> every combination as a list of `name=value`."""
    pairs = [[f"{axis.split('=')[0]}={value}" for value in axis.split("=")[1].split(",")] for axis in axes]
    return [list(combination) for combination in itertools.product(*pairs)]


def sweep(model: Path, root: Path, out: Path, groups: list[str], methods: list[str], axes: list[str], fixed: list[str], seeds: list[int]) -> None:
    """groups: names of sets joined by +; fixed: settings of all runs."""
    base = open_base(model)
    known: dict[str, DataSet] = {}
    for seed, group, method, setting in itertools.product(seeds, groups, methods, grid(axes)):
        folder = out / group / method / ("_".join(setting) or "defaults") / f"seed{seed}"
        if (folder / "result.json").exists():
            continue
        sets = [known.setdefault(name, known.get(name) or read_set(root / name)) for name in group.split("+")]
        config = with_settings(TrainConfig(seed=seed), [*fixed, *setting])
        result = run(model, base, sets, mopeft_of(method), config, folder, keep=False, last=True)
        gain = {when: {k: gains(result, when, k).mean() for k in ("box", "click")} for when in ("last", "after")}
        text = ", ".join(f"{when} {g['box']:+.3f} {g['click']:+.3f}" for when, g in gain.items())
        print(f"{group} {method} {' '.join(setting)} seed {seed}: {text} (best step {result['bestStep']})", flush=True)


def gains(result: dict, when: str, key: str) -> np.ndarray:
    """By set: mean test IoU minus the base model's."""
    return np.array([s[when][key] - s["before"][key] for s in result["sets"].values()])


def table(out: Path) -> str:
    """Mean gain over groups and seeds by method and setting; the least gain of any set beside it."""
    found: dict[tuple[str, str], list[dict]] = defaultdict(list)
    for path in sorted(out.glob("*/*/*/*/result.json")):
        _, method, setting, _ = path.relative_to(out).parts[:4]
        found[(method, setting)].append(json.loads(path.read_text()))
    lines = ["| method | setting | box, last | click, last | box, kept | click, kept | worst set, kept | runs |", "|---|---|---|---|---|---|---|---|"]
    for (method, setting), results in sorted(found.items()):
        values = {(w, k): np.concatenate([gains(r, w, k) for r in results]) for w in ("last", "after") for k in ("box", "click")}
        cells = [f"{v.mean():+.3f}" for v in values.values()]
        worst = min(v.min() for (w, _), v in values.items() if w == "after")
        lines.append(f"| {method} | {setting.replace('_', ' ')} | {' | '.join(cells)} | {worst:+.3f} | {len(results)} |")
    return "\n".join(lines)
