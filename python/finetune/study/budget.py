"""Question 2: does choosing modules beat placing them? A share of the modules' parameters, kept by several rules."""

import itertools
import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from mopeft.fields import Number, Value
from mopeft.methods import METHODS as REGISTRY
from mopeft.methods import RECIPES
from mopeft.random import Random
from mopeft.sam.site import Site
from mopeft.train.budget import beyond
from mopeft.train.config import TrainConfig
from mopeft.train.tuned import Module

from ..config import Mopeft, of_seed
from ..jobs import Job
from ..run import run
from ..statistics import mean_over_sets, over_sets
from ..table import base_of, gain_over, set_of
from ..tuned import open_tuned
from .figure import Figure, Point

METHODS = RECIPES["mopeft"]
ALL = Mopeft(METHODS, "budget")
"""Every module, with gates that stay open."""
CHOOSING = {
    "budget": Mopeft(METHODS, "budget"),
    "validation": Mopeft(METHODS, "budget", budget_by="validation"),
    "hard": Mopeft(METHODS, "hard"),
}
"""`validation`: as `budget`, by what the validation images lose without a module in place of gradients."""
PLACES: dict[str, Callable[[int], int]] = {"late half": lambda blocks: blocks // 2, "last block": lambda blocks: blocks - 1}
"""Arms that keep the blocks from one on."""
ARMS = (*CHOOSING, "random", "uniform", *PLACES)


def jobs(
    model: Path, folders: list[Path], shares: list[float], arms: list[str], seeds: list[int], settings: list[str], out: Path
) -> list[Job]:
    """A job a run, seed by seed; the last weights are tested."""
    modules, sites = open_tuned(model, ALL, 0).modules(), base_of(model).image_encoder.sites
    return [
        partial(one, model, folder, name, mopeft, of_seed(seed, settings), out)
        for seed, folder in itertools.product(seeds, folders)
        for name, mopeft in arms_of(arms, shares, modules, sites, seed)
    ]


def one(model: Path, folder: Path, name: str, mopeft: Mopeft, config: TrainConfig, out: Path) -> str:
    where = out / folder.name / name / f"seed{config.seed}"
    result = run(model, base_of(model), [set_of(folder)], mopeft, config, where, keep=False, validates=False)
    s = result["sets"][folder.name]
    return f"{folder.name} {name} seed {config.seed}: box {s['after']['box']:.3f}, click {s['after']['click']:.3f}"


def arms_of(arms: list[str], shares: list[float], modules: list[Module], sites: list[Site], seed: int) -> list[tuple[str, Mopeft]]:
    """The arms with what they train; `all` is what the others are compared with. sites: the base model's blocks."""
    found = [("all", ALL)]
    found += [(arm, replace(ALL, dropped=before(modules, len(sites), arm))) for arm in PLACES if arm in arms]
    for arm, share in itertools.product(arms, shares):
        name = f"{arm} {round(100 * share)}"
        if arm in CHOOSING:
            found.append((name, replace(CHOOSING[arm], budget=share)))
        elif arm == "random":
            found.append((name, replace(ALL, dropped=at_random(modules, share, seed))))
        elif arm == "uniform":
            found.append((name, replace(ALL, sizes=smaller(sites, share))))
    return found


def before(modules: list[Module], blocks: int, place: str) -> tuple[tuple[int, str], ...]:
    """The modules of the blocks in front of a place."""
    first = PLACES[place](blocks)
    return tuple((i, m) for i, m, _ in modules if i < first)


def smaller(sites: list[Site], share: float) -> dict[str, Value]:
    """Rank, prefix length and bottleneck of that share in every block; at least 1, which may be more than the share."""
    fields = {name: field for m in METHODS for name, field in REGISTRY[m].fields(sites).items()}
    sizes = {name: field.default for name, field in fields.items() if isinstance(field, Number) and field.is_whole}
    return {name: max(1, round(share * size)) for name, size in sizes.items()}


def at_random(modules: list[Module], share: float, seed: int) -> tuple[tuple[int, str], ...]:
    """Modules to leave out so that at most that share of the parameters is left."""
    total = sum(n for _, _, n in modules)
    return tuple(beyond(Random(seed, "random modules").shuffled(modules), share * total))


def read(out: Path) -> tuple[dict[str, dict[str, list[dict]]], dict[str, list[int]]]:
    """By arm: the results of each set, and how many modules were kept."""
    found: dict[str, dict[str, list[dict]]] = defaultdict(lambda: defaultdict(list))
    modules: dict[str, list[int]] = defaultdict(list)
    for path in sorted(out.glob("*/*/seed*/result.json")):
        name, arm, seed = path.relative_to(out).parts[:3]
        result = json.loads(path.read_text())
        found[arm][name].append(result["sets"][name] | {"seed": seed})
        modules[arm].append(len(result["modules"]))
    return found, modules


def against_all(found: dict[str, dict[str, list[dict]]], arm: str, key: str) -> list[float | None]:
    """What an arm scores more than all modules, by set."""
    return [gain_over(found["all"].get(name, []), parts, key) for name, parts in found[arm].items()]


def figure(out: Path) -> Figure:
    found, _ = read(out)
    spreads = [(arm, key, mean_over_sets(against_all(found, arm, key))) for arm in found if arm != "all" for key in ("box", "click")]
    points = [Point(arm, key, *spread) for arm, key, spread in spreads if spread]
    return Figure("A share of the modules' parameters, in %", "IoU against all modules, mean over sets ± two errors", points)


def table(out: Path) -> str:
    """By arm the mean over sets of the IoU that is lost to all modules, ± two standard errors over sets, and the modules kept."""
    found, modules = read(out)
    lines = ["| arm | box against all | click against all | worst set | modules | sets | runs |", "|---" * 7 + "|"]
    for arm, sets in found.items():
        cells, worst = [], []
        for key in ("box", "click"):
            values = against_all(found, arm, key)
            worst += [v for v in values if v is not None]
            cells.append(over_sets(values))
        lowest = f"{min(worst):+.4f}" if worst else ""
        runs = sum(len(parts) for parts in sets.values())
        lines.append(f"| {arm} | {' | '.join(cells)} | {lowest} | {np.mean(modules[arm]):.1f} | {len(sets)} | {runs} |")
    return "\n".join([*lines, "", *alike(out)]) + "\n"


def alike(out: Path) -> list[str]:
    """By arm how alike the kept modules are, |A ∩ B| / |A ∪ B|: of two seeds of a set, and of two sets of a seed."""
    kept: dict[str, dict[tuple[str, str], set[tuple[int, str]]]] = defaultdict(dict)
    for path in sorted(out.glob("*/*/seed*/result.json")):
        name, arm, seed = path.relative_to(out).parts[:3]
        kept[arm][name, seed] = {(i, m) for i, m in json.loads(path.read_text())["modules"]}
    lines = ["| arm | the same modules in two seeds of a set | in two sets of a seed |", "|---" * 3 + "|"]
    for arm in (a for a in kept if a.startswith(tuple(CHOOSING))):
        pairs = list(itertools.combinations(kept[arm], 2))
        cells = []
        for same in (0, 1):
            found = [shared(kept[arm][a], kept[arm][b]) for a, b in pairs if a[same] == b[same]]
            cells.append(f"{np.mean(found):.2f}" if found else "")
        lines.append(f"| {arm} | {' | '.join(cells)} |")
    return lines


def shared(a: set[tuple[int, str]], b: set[tuple[int, str]]) -> float:
    return len(a & b) / len(a | b) if a or b else 1.0
