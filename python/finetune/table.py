"""Each set alone, by every recipe and method: test IoU before and after. Finished runs are not repeated."""

import itertools
import json
from collections import defaultdict
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import numpy as np

from mopeft.methods import METHODS, RECIPES
from mopeft.sam.open import read_model
from mopeft.train.statistics import clustered

from .config import of_seed
from .data import distinct, read_set, stamp
from .jobs import make
from .run import RESULT, finished, run, stated
from .statistics import mean_of_runs, paired, standard_error
from .sweep import mopeft_of

ROWS = (*RECIPES, *METHODS)
MIXTURE = "mopeft"


base_of, set_of = cache(read_model), cache(read_set)


def folder_of(out: Path, folder: Path, method: str, seed: int) -> Path:
    return out / folder.name / method / f"seed{seed}"


def one(model: Path, folder: Path, method: str, seed: int, settings: list[str], out: Path) -> str:
    """Makes one run of the table and describes it in a line."""
    config = of_seed(seed, settings)
    where = folder_of(out, folder, method, seed)
    result = run(model, base_of(model), [set_of(folder)], mopeft_of(method), config, where, keep=False)
    s = result["sets"][folder.name]
    text = " ".join(f"{k} {s['before'][k]:.3f} -> {s['after'][k]:.3f}" for k in ("box", "click"))
    return f"{folder.name} {method} seed {seed}: {text}, best step {result['bestStep']}"


def fill(
    model: Path,
    folders: list[Path],
    methods: list[str],
    seeds: list[int],
    settings: list[str],
    out: Path,
    jobs: int = 1,
    start: Callable[[], None] | None = None,
    by_name: list[str] | None = None,
) -> None:
    """Makes the missing runs, seed by seed, in `jobs` processes that each call `start` first.

    by_name: sets to split into blocks by name. SystemExit before any run if a setting is wrong or a folder holds another run.
    """
    names = [folder.name for folder in folders]
    distinct(names)
    unknown = set(by_name or []) - set(names)
    if unknown:
        raise SystemExit(f"no set {' and '.join(sorted(unknown))} to split by name: the sets are {', '.join(names)}")
    own = {folder: [*settings, *["splitOrder=name"] * (folder.name in (by_name or []))] for folder in folders}
    stamps = {folder: stamp(folder) for folder in folders}
    missing = [
        partial(one, model, folder, method, seed, own[folder], out)
        for seed, method, folder in itertools.product(seeds, methods, folders)
        if not finished(
            folder_of(out, folder, method, seed), stated(model, [stamps[folder]], mopeft_of(method), of_seed(seed, own[folder]), True)
        )
    ]
    make(missing, jobs, start, lambda: (out / "table.md").write_text(table(out)))


def read(out: Path) -> dict[str, dict[str, list[dict]]]:
    """By method and set: that set's part of every result with a tested object, and the seed."""
    found: dict[str, dict[str, list[dict]]] = defaultdict(lambda: defaultdict(list))
    for path in sorted(out.glob(f"*/*/seed*/{RESULT}")):
        name, method, seed = path.relative_to(out).parts[:3]
        part = json.loads(path.read_text())["sets"][name]
        if part["n"]:
            found[method][name].append(part | {"seed": seed})
    return found


def mean_over_sets(sets: dict[str, list[dict]], when: str, key: str) -> float:
    return float(np.mean([mean_of_runs(parts, when, key) for parts in sets.values()]))


def table(out: Path) -> str:
    """Three tables as markdown: means over the sets by method, the mixture against each method, and every set by method."""
    found = read(out)
    order = [m for m in ROWS if m in found] + [m for m in found if m not in ROWS]
    lines = ["| method | box before | after | click before | after | best candidate after | sets | runs | objects |", "|---" * 9 + "|"]
    for method in order:
        sets = found[method]
        cells = [f"{mean_over_sets(sets, when, key):.3f}" for key in ("box", "click") for when in ("before", "after")]
        runs = [s for parts in sets.values() for s in parts]
        best = f"{mean_over_sets(sets, 'after', 'best'):.3f}"
        lines.append(f"| {method} | {' | '.join(cells)} | {best} | {len(sets)} | {len(runs)} | {sum(s['n'] for s in runs)} |")
    lines += ["", *against(found, [m for m in order if m != MIXTURE])]
    lines += ["", "| set | method | box before → after | gain | click before → after | gain | seeds | objects |", "|---" * 8 + "|"]
    for name in sorted({name for sets in found.values() for name in sets}):
        for method in order:
            parts = found[method].get(name)
            if parts:
                lines.append(
                    f"| {name} | {method} | {row(parts, 'box')} | {row(parts, 'click')} | {len(parts)} | {sum(s['n'] for s in parts)} |"
                )
    return "\n".join(lines) + "\n"


def against(found: dict[str, dict[str, list[dict]]], others: list[str]) -> list[str]:
    """The mixture's test IoU minus another method's after the same seeds: mean over sets ± two standard errors over sets."""
    lines = ["| mixture against | box | click | sets better, worse (beyond two errors) by box | by click | sets |", "|---" * 6 + "|"]
    for method in others:
        sets = [name for name, parts in found.get(MIXTURE, {}).items() if differences(found[method].get(name, []), parts, "box")]
        if not sets:
            continue
        cells, counts = [], []
        for key in ("box", "click"):
            each = [clustered(differences(found[method][name], found[MIXTURE][name], key)) for name in sets]
            gains = np.array([gain for gain, _, _ in each])
            cells.append(f"{gains.mean():+.3f} ± {2 * standard_error(gains):.3f}")
            counts.append(f"{sum(g > 2 * e for g, e, _ in each)}, {sum(g < -2 * e for g, e, _ in each)}")
        lines.append(f"| {method} | {' | '.join(cells + counts)} | {len(sets)} |")
    return lines


def differences(first: list[dict], second: list[dict], key: str) -> list[dict[str, tuple[float, int]]]:
    """For each seed of both, by image: how much the second scores more."""
    seeds = {s["seed"]: s for s in first}
    return [paired(seeds[s["seed"]]["after"]["images"], s["after"]["images"], key) for s in second if s["seed"] in seeds]


def gain_over(first: list[dict], second: list[dict], key: str) -> float | None:
    """How much the second scores more on a set's test objects, over the seeds that both have; None without one."""
    both = differences(first, second, key)
    return clustered(both)[0] if both else None


def row(parts: list[dict], key: str) -> str:
    """Means and the paired gain ± two standard errors; **worse** if it is a loss beyond these."""
    gain, error, _ = clustered([paired(s["before"]["images"], s["after"]["images"], key) for s in parts])
    before, after = (mean_of_runs(parts, when, key) for when in ("before", "after"))
    mark = " **worse**" if gain < -2 * error else ""
    return f"{before:.3f} → {after:.3f} | {gain:+.3f} ± {2 * error:.3f}{mark}"
