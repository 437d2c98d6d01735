"""Question 5: is the structure that a budget finds on some sets good for another?"""

import itertools
from dataclasses import replace
from functools import partial
from pathlib import Path

from mopeft.train.config import TrainConfig

from ..config import Mopeft, of_seed
from ..data import distinct
from ..jobs import Job
from ..run import run
from ..table import base_of, set_of
from ..tuned import open_tuned
from .budget import ALL, METHODS, at_random

ARMS = ("elsewhere", "own", "random")
"""Whose structure is trained anew: that of all other sets together, the set's own, and one of the same share by chance."""


def jobs(
    model: Path, folders: list[Path], shares: list[float], arms: list[str], seeds: list[int], settings: list[str], out: Path
) -> list[Job]:
    """A job a set, share and seed, since a structure must be found before it is trained."""
    distinct(folder.name for folder in folders)
    if len(folders) < 2:
        raise SystemExit("a structure is carried from some sets to another: give at least two sets")
    return [
        partial(one, model, folder, folders, share, arms, of_seed(seed, settings), out)
        for seed, folder, share in itertools.product(seeds, folders, shares)
    ]


def one(model: Path, folder: Path, folders: list[Path], share: float, arms: list[str], config: TrainConfig, out: Path) -> str:
    modules, told = open_tuned(model, ALL, 0).modules(), []
    everything, percent = {(i, m) for i, m, _ in modules}, round(100 * share)

    def train(place: str, sets: list[Path], mopeft: Mopeft) -> dict:
        where = out / folder.name / place / f"seed{config.seed}"
        return run(model, base_of(model), [set_of(s) for s in sets], mopeft, config, where, keep=False, validates=False)

    def structure(name: str, sets: list[Path]) -> tuple[tuple[int, str], ...]:
        """The modules that a budget takes out on these sets."""
        found = train(f"found/{name} {percent}", sets, Mopeft(METHODS, "budget", budget=share))
        return tuple(sorted(everything - {(i, m) for i, m in found["modules"]}))

    dropped = {
        "elsewhere": lambda: structure("elsewhere", [other for other in folders if other != folder]),
        "own": lambda: structure("own", [folder]),
        "random": lambda: at_random(modules, share, config.seed),
    }
    for arm, trained in {"all": ALL, **{arm: replace(ALL, dropped=dropped[arm]()) for arm in arms}}.items():
        name = arm if arm == "all" else f"{arm} {percent}"
        s = train(name, [folder], trained)["sets"][folder.name]
        told.append(f"{name} box {s['after']['box']:.3f} click {s['after']['click']:.3f}")
    return f"{folder.name} seed {config.seed}: {', '.join(told)}"
