"""One run and its folder: metrics.jsonl, best.safetensors, result.json."""

import hashlib
import json
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

from mopeft.files import whole
from mopeft.sam.model import Sam
from mopeft.sam.open import preprocessing_in
from mopeft.train.config import TrainConfig
from mopeft.train.loop import Trainer, write_line
from mopeft.train.scoring import mean_of

from .config import Mopeft
from .data import DataSet, splits_of
from .tuned import open_tuned, save_weights

RESULT = "result.json"
VERSION = 3
"""Of the twin: increased by every change that gives other numbers for the same model, sets and settings."""


def run(
    model: Path, base: Sam, sets: list[DataSet], mopeft: Mopeft, config: TrainConfig, out: Path, keep: bool = True, validates: bool = True
) -> dict:
    """Trains and returns the result, written to result.json last. If it exists, it is read and nothing is trained.

    keep: write best.safetensors too; validates: as for a Trainer.
    """
    mopeft = replace(mopeft, sets=len(sets))
    wanted = stated(model, [s.stamp for s in sets], mopeft, config, validates)
    there = finished(out, wanted)
    if there:
        return there
    out.mkdir(parents=True, exist_ok=True)
    with (out / "metrics.jsonl").open("w") as file:
        tuned, how = open_tuned(model, mopeft, config.seed), preprocessing_in(model)
        trainer = Trainer(tuned, splits_of(sets, config), config, write_line(file), validates, how=how)
        best = trainer.run()
        tested = trainer.test(base)
    if keep:
        save_weights(trainer.tuned, out / "best.safetensors")
    result = {
        **wanted,
        "bestStep": best.best_step,
        "bestScore": best.best_score,
        "maskThreshold": best.threshold,
        "modules": [[i, m] for i, m, _ in trainer.tuned.left()],
        "sets": {key: summary(parts) for key, parts in tested.items()},
    }
    with whole(out / RESULT) as path:
        path.write_text(json.dumps(result) + "\n")
    return result


@cache
def weights_hash(model: Path) -> str:
    """SHA-256 of the weights in a model folder, computed once per process."""
    return hashlib.sha256((model / "model.safetensors").read_bytes()).hexdigest()


def stated(model: Path, stamps: list[str], mopeft: Mopeft, config: TrainConfig, validates: bool) -> dict:
    """Everything that determines a run. stamps: those of its sets, in their order."""
    method = {"methods": list(mopeft.methods), "gate": mopeft.form, "trainDecoder": mopeft.train_decoder}
    usual = Mopeft(())
    for name in ("sizes", "token", "budget", "budget_by", "dropped"):
        # Results of before there were such choices do not name them.
        if getattr(mopeft, name) != getattr(usual, name):
            method[name] = json.loads(json.dumps(getattr(mopeft, name)))
    return {"twin": VERSION, "model": weights_hash(model), "data": stamps, **method, "validates": validates, "config": asdict(config)}


def finished(out: Path, wanted: dict) -> dict | None:
    """The result of a finished run in `out`; SystemExit if it belongs to another run than `wanted`, or does not say to which."""
    path = out / RESULT
    if not path.exists():
        return None
    result = json.loads(path.read_text())
    missing, cure = [key for key in wanted if key not in result], "choose another folder, or delete this one"
    if missing:
        raise SystemExit(f"{path} was written by an earlier version and does not say its {' and '.join(missing)}: {cure}")
    other = [key for key in wanted if result[key] != wanted[key]]
    if other:
        raise SystemExit(f"{path} belongs to a run with another {' and '.join(other)}: {cure}")
    return result


def summary(parts: dict) -> dict:
    """Means over objects before and after, and the scores of each image."""
    out: dict = {}
    for when, scores in parts.items():
        out[when] = {k: mean_of(scores, k) for k in ("box", "click", "best", "picked")}
        out[when]["images"] = [s.record() for s in scores]
    return out | {"n": sum(len(s.box) for s in parts["after"])}
