"""One run into a folder: metrics.jsonl, best.safetensors, result.json."""

import hashlib
import json
from dataclasses import asdict
from functools import cache
from pathlib import Path

from pretrain.files import whole
from pretrain.model import Sam

from .config import Mopeft, TrainConfig
from .data import DataSet
from .loop import Trainer, write_line
from .scoring import mean_of
from .tuned import open_tuned

RESULT = "result.json"
VERSION = 1
"""Of the twin: goes up with every change that makes other numbers of the same model, sets and settings (as of PREFIX_RATE)."""


def run(
    model: Path, base: Sam, sets: list[DataSet], mopeft: Mopeft, config: TrainConfig, out: Path, keep: bool = True, validates: bool = True
) -> dict:
    """The result, which is also written as result.json, last of all; one that is there is read, and nothing is trained.

    keep: write best.safetensors too; validates: as for a Trainer.
    """
    wanted = stated(model, [s.stamp for s in sets], mopeft, config, validates)
    there = finished(out, wanted)
    if there:
        return there
    out.mkdir(parents=True, exist_ok=True)
    with (out / "metrics.jsonl").open("w") as file:
        trainer = Trainer(open_tuned(model, mopeft, config.seed), sets, config, write_line(file), validates)
        best = trainer.run()
        tested = trainer.test(base)
    if keep:
        trainer.tuned.save(out / "best.safetensors")
    result = {
        **wanted,
        "bestStep": best.best_step,
        "bestScore": best.best_score,
        "maskThreshold": best.cut,
        "sets": {key: summary(parts) for key, parts in tested.items()},
    }
    with whole(out / RESULT) as path:
        path.write_text(json.dumps(result) + "\n")
    return result


@cache
def weights_hash(model: Path) -> str:
    """sha256 of a model folder's weights, computed once in a process."""
    return hashlib.sha256((model / "model.safetensors").read_bytes()).hexdigest()


def stated(model: Path, stamps: list[str], mopeft: Mopeft, config: TrainConfig, validates: bool) -> dict:
    """What decides a run; stamps: of its sets, in the order in which they are drawn from."""
    method = {"methods": list(mopeft.methods), "gate": mopeft.form, "trainDecoder": mopeft.train_decoder}
    return {"twin": VERSION, "model": weights_hash(model), "data": stamps, **method, "validates": validates, "config": asdict(config)}


def finished(out: Path, wanted: dict) -> dict | None:
    """The result of a run that is there; SystemExit when it is another run's than `stated` says, or does not say which."""
    path = out / RESULT
    if not path.exists():
        return None
    result = json.loads(path.read_text())
    missing, cure = [key for key in wanted if key not in result], "give another folder, or delete that one"
    if missing:
        raise SystemExit(f"{path} was written by an earlier twin and does not say its {' and '.join(missing)}: {cure}")
    other = [key for key in wanted if result[key] != wanted[key]]
    if other:
        raise SystemExit(f"{path} is of a run with another {' and '.join(other)}: {cure}")
    return result


def summary(parts: dict) -> dict:
    """Means over objects before and after, and the images' own scores."""
    out: dict = {}
    for when, scores in parts.items():
        out[when] = {k: mean_of(scores, k) for k in ("box", "click", "best", "picked")}
        out[when]["images"] = [s.record() for s in scores]
    return out | {"n": sum(len(s.box) for s in parts["after"])}
