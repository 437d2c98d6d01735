"""`python -m finetune train|sweep|table|gates|study|vectors|large-vectors`: see the section in README.md."""

import argparse
from functools import partial
from pathlib import Path

from mopeft.errors import MopeftError
from mopeft.gate_forms import FORMS
from mopeft.methods import METHODS, RECIPES
from mopeft.sam.open import read_model
from mopeft.train.config import TrainConfig
from mopeft.train.loop import deterministic

from .config import Mopeft, parse_method, with_settings
from .data import read_sets
from .run import run


def train(a: argparse.Namespace) -> None:
    config = with_settings(TrainConfig(steps=a.steps, seed=a.seed), a.set)
    mopeft = Mopeft(parse_method(a.method), a.gate, not a.freeze_decoder, budget=a.budget, budget_by=a.budget_by)
    result = run(a.model, read_model(a.model), read_sets(a.data, a.ignore), mopeft, config, a.out)
    for key, s in result["sets"].items():
        b, f = s["before"], s["after"]
        print(f"{key}: box {b['box']:.3f} -> {f['box']:.3f}, click {b['click']:.3f} -> {f['click']:.3f}, n {s['n']}")
    print(f"best at step {result['bestStep']}")


def sweep(a: argparse.Namespace) -> None:
    from . import sweep as sweeps

    if a.model:
        sweeps.sweep(a.model, a.sets, a.out, a.group, a.method, a.axis, a.set, seeds_of(a))
    print(sweeps.table(a.out))


def table(a: argparse.Namespace) -> None:
    from . import table as tables

    if a.model:
        start = partial(deterministic, a.threads, a.device)
        tables.fill(a.model, a.data, a.method or list(tables.ROWS), seeds_of(a), a.set, a.out, a.jobs, start, a.by_name)
    print(tables.table(a.out))


def gates(a: argparse.Namespace) -> None:
    from . import gates as experiments

    for seed in seeds_of(a):
        print(experiments.text(experiments.experiment(a.model, a.data, a.method, a.set, seed, a.out / f"seed{seed}", a.gate)), flush=True)


def study(a: argparse.Namespace) -> None:
    from .jobs import make
    from .study import budget, few, opposite, thin, transfer
    from .study.figure import draw

    sets, seeds, out = [a.data / name for name in a.sets], seeds_of(a), a.out
    match a.question:
        case "opposite":
            asked, jobs = (
                opposite,
                opposite.jobs(a.model, a.data, a.pair or list(opposite.PAIRS), a.arm or list(opposite.ALL), seeds, a.set, out),
            )
        case "budget":
            asked, jobs = budget, budget.jobs(a.model, sets, a.share or [0.25, 0.1], a.arm or list(budget.ARMS), seeds, a.set, out)
        case "few":
            asked, jobs = few, few.jobs(a.model, sets, a.images or list(few.COUNTS), a.arm or list(few.ARMS), seeds, a.set, out)
        case "thin":
            asked, jobs = thin, thin.jobs(a.model, sets, a.arm or list(thin.ARMS), seeds, a.set, out)
        case _:
            asked, jobs = budget, transfer.jobs(a.model, sets, a.share or [0.25], a.arm or list(transfer.ARMS), seeds, a.set, out)
    make(jobs, a.jobs, partial(deterministic, a.threads, a.device), lambda: (out / "table.md").write_text(asked.table(out)))
    draw(asked.figure(out), out / "figure.svg")
    print(asked.table(out))


def seeds_of(a: argparse.Namespace) -> list[int]:
    return list(range(a.first_seed, a.first_seed + a.seeds))


def vectors(a: argparse.Namespace) -> None:
    from .vectors import write_vectors

    write_vectors(a.out)


def large_vectors(a: argparse.Namespace) -> None:
    from .large_vectors import write_vectors

    write_vectors(a.out, a.only, a.threads)


def add_seeds(p: argparse.ArgumentParser) -> None:
    p.add_argument("--seeds", type=int, default=1)
    p.add_argument("--first-seed", type=int, default=0)


def main() -> None:
    p = argparse.ArgumentParser(prog="finetune", description=__doc__)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--device", default="cpu", help="cpu or cuda")
    commands = p.add_subparsers(required=True)
    one = commands.add_parser("train", help="one run")
    one.add_argument("--model", type=Path, required=True)
    one.add_argument("--data", type=Path, action="append", required=True)
    one.add_argument("--method", default="mopeft", help=f"{', '.join(RECIPES)}, or {', '.join(METHODS)} joined by +")
    one.add_argument("--gate", choices=tuple(FORMS))
    one.add_argument("--budget", type=float, default=1.0, help="with gates budget or hard: the share of the modules' parameters to keep")
    one.add_argument("--budget-by", choices=("validation",), help="with the gate budget: validation images choose what goes, not gradients")
    one.add_argument("--ignore", type=int, action="append", default=[], metavar="VALUE", help="pixels of masks that take no part")
    one.add_argument("--freeze-decoder", action="store_true")
    one.add_argument("--steps", type=int, default=300)
    one.add_argument("--seed", type=int, default=0)
    one.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    one.add_argument("--out", type=Path, required=True)
    one.set_defaults(run=train)
    many = commands.add_parser("sweep", help="a grid of settings; without --model, only print its table")
    many.add_argument("--model", type=Path)
    many.add_argument("--sets", type=Path, help="folder that holds the sets")
    many.add_argument("--group", action="append", default=[], help="names of sets joined by +")
    many.add_argument("--method", action="append", default=[], help="as in train; the suffix -frozen freezes the mask decoder")
    many.add_argument("--axis", action="append", default=[], metavar="NAME=A,B")
    many.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    add_seeds(many)
    many.add_argument("--out", type=Path, required=True)
    many.set_defaults(run=sweep)
    ten = commands.add_parser("table", help="each set alone by every recipe and method; without --model, only print the table")
    ten.add_argument("--model", type=Path)
    ten.add_argument("--data", type=Path, nargs="+", default=[])
    ten.add_argument("--method", action="append", default=[])
    ten.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    add_seeds(ten)
    ten.add_argument("--by-name", action="append", default=[], metavar="SET", help="split this set into blocks by name")
    ten.add_argument("--jobs", type=int, default=1, help="how many runs at a time")
    ten.add_argument("--out", type=Path, required=True)
    ten.set_defaults(run=table)
    moved = commands.add_parser("gates", help="train several sets together and measure what their gates do")
    moved.add_argument("--model", type=Path, required=True)
    moved.add_argument("--data", type=Path, nargs="+", required=True)
    moved.add_argument("--method", default="mopeft")
    moved.add_argument("--gate", choices=tuple(f for f in FORMS if f != "none"))
    moved.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    add_seeds(moved)
    moved.add_argument("--out", type=Path, required=True)
    moved.set_defaults(run=gates)
    asked = commands.add_parser("study", help="the experiments of docs/study.md")
    asked.add_argument("question", choices=("opposite", "budget", "few", "thin", "transfer"))
    asked.add_argument("--model", type=Path, required=True)
    asked.add_argument("--data", type=Path, required=True, help="folder that holds the sets")
    asked.add_argument("--sets", nargs="+", default=[], help="names of sets, for all but opposite")
    asked.add_argument("--pair", action="append", default=[], help="of opposite; default: all")
    asked.add_argument(
        "--share", type=float, action="append", default=[], help="of budget, default 0.25 and 0.1, and of transfer, default 0.25"
    )
    asked.add_argument("--images", type=int, action="append", default=[], help="of few: training images; default: 1 2 5 10 20 50")
    asked.add_argument("--arm", action="append", default=[], help="default: all")
    asked.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    add_seeds(asked)
    asked.add_argument("--jobs", type=int, default=1, help="how many runs at a time")
    asked.add_argument("--out", type=Path, required=True)
    asked.set_defaults(run=study)
    replay = commands.add_parser("vectors", help="write the runs that the engine must reproduce")
    replay.add_argument("--out", type=Path, required=True)
    replay.set_defaults(run=vectors)
    large = commands.add_parser("large-vectors", help="the same on models of SAM ViT-B's widths: minutes, and 5 GB of memory")
    large.add_argument("--only", action="append", default=[], help="a case; without it all")
    large.add_argument("--out", type=Path, required=True)
    large.set_defaults(run=large_vectors)
    a = p.parse_args()
    deterministic(a.threads, a.device)
    try:
        a.run(a)
    except MopeftError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
