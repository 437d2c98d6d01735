"""Question 2: does choosing modules beat placing them? A share of the modules' parameters, kept by several rules."""

import itertools
import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np

from pretrain.export import read_model

from ..budget import beyond
from ..config import Mopeft, of_seed
from ..data import DataSet, read_set
from ..methods import RECIPES
from ..random import Random
from ..run import run
from ..statistics import clustered, standard_error
from ..table import differences
from ..tuned import Module, open_tuned

METHODS = RECIPES["mopeft"]
ALL = Mopeft(METHODS, "budget")
"""Every module, with gates that stay open."""
ARMS = ("budget", "hard", "random", "late half")


def fill(model: Path, folders: list[Path], shares: list[float], arms: list[str], seeds: list[int], settings: list[str], out: Path) -> None:
    """Makes the runs that are missing, seed by seed; the last weights are tested."""
    base = read_model(model)
    modules = open_tuned(model, ALL, 0).modules()
    known: dict[Path, DataSet] = {}
    for seed, folder in itertools.product(seeds, folders):
        config = of_seed(seed, settings)
        sets = [known.setdefault(folder, known.get(folder) or read_set(folder))]
        for name, mopeft in arms_of(arms, shares, modules, seed):
            where = out / folder.name / name / f"seed{seed}"
            result = run(model, base, sets, mopeft, config, where, keep=False, validates=False)
            (out / "table.md").write_text(table(out))
            s = result["sets"][folder.name]
            print(f"{folder.name} {name} seed {seed}: box {s['after']['box']:.3f}, click {s['after']['click']:.3f}", flush=True)


def arms_of(arms: list[str], shares: list[float], modules: list[Module], seed: int) -> list[tuple[str, Mopeft]]:
    """The arms with what they train; `all` is what the others are compared with."""
    found = [("all", ALL)]
    blocks = sorted({i for i, _, _ in modules})
    if "late half" in arms:
        early = tuple((i, m) for i, m, _ in modules if i < blocks[len(blocks) // 2])
        found.append(("late half", replace(ALL, dropped=early)))
    for arm, share in itertools.product(arms, shares):
        name = f"{arm} {round(100 * share)}"
        if arm in ("budget", "hard"):
            found.append((name, Mopeft(METHODS, arm, budget=share)))
        elif arm == "random":
            found.append((name, replace(ALL, dropped=at_random(modules, share, seed))))
    return found


def at_random(modules: list[Module], share: float, seed: int) -> tuple[tuple[int, str], ...]:
    """Modules to leave out so that at most that share of the parameters is left."""
    total = sum(n for _, _, n in modules)
    return tuple(beyond(Random(seed, "random modules").shuffled(modules), share * total))


def table(out: Path) -> str:
    """By arm the mean over sets of the IoU that is lost to all modules, ± two standard errors over sets, and the modules kept."""
    found: dict[str, dict[str, list[dict]]] = defaultdict(lambda: defaultdict(list))
    modules: dict[str, list[int]] = defaultdict(list)
    for path in sorted(out.glob("*/*/seed*/result.json")):
        name, arm, seed = path.relative_to(out).parts[:3]
        result = json.loads(path.read_text())
        found[arm][name].append(result["sets"][name] | {"seed": seed})
        modules[arm].append(len(result["modules"]))
    lines = ["| arm | box against all | click against all | worst set | modules | sets | runs |", "|---" * 7 + "|"]
    for arm, sets in found.items():
        cells, worst = [], []
        for key in ("box", "click"):
            each = [against_all(found["all"].get(name, []), parts, key) for name, parts in sets.items()]
            values = np.array([v for v in each if v is not None])
            worst += values.tolist()
            cells.append(f"{values.mean():+.4f} ± {2 * standard_error(values):.4f}" if len(values) else "")
        lowest = f"{min(worst):+.4f}" if worst else ""
        runs = sum(len(parts) for parts in sets.values())
        lines.append(f"| {arm} | {' | '.join(cells)} | {lowest} | {np.mean(modules[arm]):.1f} | {len(sets)} | {runs} |")
    return "\n".join(lines) + "\n"


def against_all(first: list[dict], second: list[dict], key: str) -> float | None:
    """How much the second scores more on a set's test objects, over the seeds that both have."""
    both = differences(first, second, key)
    return clustered(both)[0] if both else None
