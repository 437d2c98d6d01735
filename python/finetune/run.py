"""One run into a folder: metrics.jsonl, best.safetensors, result.json."""

import json
from dataclasses import asdict
from pathlib import Path

from pretrain.export import read_model
from pretrain.model import Sam

from .config import Mopeft, TrainConfig
from .data import DataSet
from .loop import Trainer, write_line
from .scoring import mean_of
from .tuned import open_tuned

RESULT = "result.json"


def run(
    model: Path, base: Sam, sets: list[DataSet], mopeft: Mopeft, config: TrainConfig, out: Path, keep: bool = True, validates: bool = True
) -> dict:
    """The result, which is also written as result.json, last of all; one that is there is read, and nothing is trained.

    keep: write best.safetensors too; validates: as for a Trainer.
    """
    there = finished(out, mopeft, config)
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
        **stated(mopeft, config),
        "bestStep": best.best_step,
        "bestScore": best.best_score,
        "maskThreshold": best.cut,
        "sets": {key: summary(parts) for key, parts in tested.items()},
    }
    partial = out / "result.part"
    partial.write_text(json.dumps(result) + "\n")
    partial.rename(out / RESULT)
    return result


def stated(mopeft: Mopeft, config: TrainConfig) -> dict:
    """What decides a run beside its model and sets."""
    return {"methods": list(mopeft.methods), "gate": mopeft.form, "trainDecoder": mopeft.train_decoder, "config": asdict(config)}


def finished(out: Path, mopeft: Mopeft, config: TrainConfig) -> dict | None:
    """The result of a run that is there; SystemExit when it is another run's."""
    path = out / RESULT
    if not path.exists():
        return None
    result = json.loads(path.read_text())
    wanted = stated(mopeft, config)
    other = [key for key in wanted if result[key] != wanted[key]]
    if other:
        raise SystemExit(f"{path} is of a run with another {' and '.join(other)}: give another folder, or delete that one")
    return result


def summary(parts: dict) -> dict:
    """Means over objects before and after, and the pictures' own scores."""
    out: dict = {}
    for when, scores in parts.items():
        out[when] = {k: mean_of(scores, k) for k in ("box", "click", "best", "picked")}
        out[when]["images"] = [s.record() for s in scores]
    return out | {"n": sum(len(s.box) for s in parts["after"])}


def open_base(model: Path) -> Sam:
    return read_model(model)
