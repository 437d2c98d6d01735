"""The files of a run, as the studio and its command line write them (docs/formats.md, Run folder)."""

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from ..adapter_file import Adapter, metadata_of, read_adapter, write_adapter
from ..config import MopeftConfig
from ..errors import TrainError
from ..files import whole
from ..sam.open import Base
from ..tensors import module_specs, shared_specs
from .loop import Storage, Trainer
from .project import Project
from .scoring import ImageScore

CONFIG, SPLIT, METRICS, RECORD = "config.json", "split.json", "metrics.jsonl", "run.json"
CHECKPOINT, VERDICT, TEST_IOUS = "checkpoint/last.safetensors", "verdict.json", "test-ious.json"
COPIED = (CONFIG, SPLIT, METRICS, RECORD, CHECKPOINT, "adapter.safetensors", "adapter.json", "looks.json")
WRITTEN = (*COPIED, VERDICT, TEST_IOUS)
"""Every file that a run may hold."""
ROLES = ("param", "m", "v")
NEEDED = ("step", "bestStep", "bestScore", "evaluationsSinceBest", "evaluatedStep", "sampler", "random", "promptCount")


class RunFolder(Storage):
    """One run's folder. config: its `config.json`. training: what its adapter says of the run."""

    def __init__(self, path: Path, base: Base, every: int, config: Mapping, training: Mapping[str, object]) -> None:
        self.path, self.base, self.every, self.config, self.training = path, base, every, config, training
        self.pinned: dict = {}
        """Of a checkpoint what has no meaning here and the engine goes on with."""

    def best(self, trainer: Trainer) -> None:
        """Writes the adapter: the present weights, or the base model where nothing was learned yet."""
        if not trainer.team.is_first:
            return
        result, tuned, model = trainer.result, trainer.tuned, self.config["model"]
        config, state = left_of(trainer), result.best
        if result.best_step == 0:
            config = MopeftConfig({}, config.gate, (), False)
        specs = module_specs(config, tuned.sam.image_encoder.sites) | shared_specs(config, tuned.config["output_channels"])
        names = [name for name in state if name in specs or (config.train_decoder and name.startswith("mask_decoder."))]
        training = {**self.training, "step": result.best_step, "score": result.best_score}
        tensors = {name: state[name] for name in names}
        adapter = Adapter(model["name"], model["hash"], config, tensors, self.base.preprocessing, result.threshold, training)
        write_adapter(adapter, self.path)

    def checkpoint(self, trainer: Trainer) -> None:
        """Replaces the checkpoint, and brings the record up to date."""
        if not trainer.team.is_first:
            return
        left, moments = trainer.tuned.names_left(), trainer.optimizer.moments()
        tensors: dict[str, Tensor] = {}
        for name in left:
            for role, value in zip(ROLES, (trainer.tuned.trained[name].value, *moments[name]), strict=True):
                tensors[f"{role}.{name}"] = value.detach().cpu().float().contiguous()
        if any(not value.isfinite().all() for value in tensors.values()):
            what = f"The weights hold values that are no numbers after step {trainer.step}."
            raise TrainError("train/not-finite", what, self.path, "Start a new run with lower learning rates.")
        objects = trainer.config.objectsPerImage
        pinned = {"objectsPerPass": objects, "imagesPerPass": 1, "weights": "f32", "kernels": None} | self.pinned
        data = save(tensors, {"format": "mopeft-checkpoint", "state": json.dumps(trainer.state() | pinned)})
        self.write(CHECKPOINT, data)
        self.record(trainer, "interrupted")

    def resume(self, trainer: Trainer) -> bool:
        """Goes on from the checkpoint; False if there is none. TrainError `train/checkpoint`."""
        path = self.path / CHECKPOINT
        if not path.exists():
            return False
        try:
            data = path.read_bytes()
            tensors, state = load(data), json.loads(metadata_of(data)["state"])
            missing = [name for name in NEEDED if name not in state]
            if missing:
                raise ValueError(f"its state has no {missing[0]}")
            self.pinned = {k: state[k] for k in ("objectsPerPass", "imagesPerPass", "weights", "kernels") if k in state}
            trainer.resume(state, tensors)
        except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError, RecursionError) as error:
            cure = "Start the run anew in another folder; the best adapter so far is kept."
            raise TrainError("train/checkpoint", f"The checkpoint cannot be used ({error}).", path, cure) from error
        if (self.path / "adapter.safetensors").exists():
            trainer.result.threshold = read_adapter(self.path).threshold
        return True

    def load_best(self, trainer: Trainer) -> None:
        """Puts the best weights into the model. TrainError `run/damaged` where their file is not the run's."""
        adapter = read_adapter(self.path)
        trainer.result.threshold = adapter.threshold
        pruned = adapter.config.pruned
        trainer.tuned.off = {(block, method) for method, blocks in pruned.items() for block in blocks}
        with torch.no_grad():
            for name in trainer.tuned.names_left():
                if name not in adapter.tensors:
                    what = f"The adapter has no tensor {name}."
                    raise TrainError("run/damaged", what, self.path, "Copy the run again, or start a new one.")
                trainer.tuned.trained[name].value.copy_(adapter.tensors[name])

    def start_metrics(self, step: int | None) -> None:
        """Forgets what was recorded after a checkpoint: those steps come again. step: the checkpoint's; None: without one."""
        lines = [] if step is None else [line for line in self.metrics() if line["step"] <= step]
        self.write(METRICS, "".join(json.dumps(line) + "\n" for line in lines))

    def metrics(self) -> list[dict]:
        """Lines that can be read; the last one may have been cut off."""
        path = self.path / METRICS
        found = []
        for row in path.read_text("utf-8", "replace").splitlines() if path.exists() else ():
            try:
                line = json.loads(row)
            except ValueError:
                continue
            if isinstance(line, dict) and isinstance(line.get("step"), int):
                found.append(line)
        return found

    def write_test_ious(self, scores: Mapping[str, list[ImageScore]]) -> None:
        content = {key: {s.name: {"box": s.box, "click": s.click} for s in images} for key, images in scores.items()}
        self.write(TEST_IOUS, json.dumps(content, separators=(",", ":")))

    def record(self, trainer: Trainer, status: str, verdict: Mapping | None = None) -> None:
        """Writes `run.json`, by which the studio knows the run and goes on with it."""
        config, result = self.config, trainer.result
        now = int(time.time() * 1000)
        path = self.path / RECORD
        before = json.loads(path.read_text()) if path.exists() else {}
        took = [line["ms"] for line in self.metrics() if line.get("type") == "step"][-20:]
        name = before.get("name") or self.path.resolve().name
        scales = {d.get("scale", "whole") for d in config["datasets"]}
        about = {
            "id": before.get("id") or new_id(config, name),
            "name": name,
            "created": now,
            "settings": settings_of(config, name),
            "datasets": [{"id": d["key"], "name": d["name"]} for d in config["datasets"]],
            "scale": scales.pop() if len(scales) == 1 else None,
            "modelName": config["model"]["name"],
            "modelHash": config["model"]["hash"],
            "trainableCount": sum(t.value.numel() for t in trainer.tuned.trained.values()),
        }
        progress = {
            "status": status,
            "step": trainer.step,
            "steps": trainer.config.steps,
            "updated": now,
            "bestStep": result.best_step,
            "bestScore": result.best_score,
            "secondsPerStep": sum(took) / len(took) / 1000 if took else None,
            "checkpointStep": trainer.step,
            "failure": None,
            "verdict": verdict,
        }
        self.write(RECORD, json.dumps(about | before | progress, indent=1))

    def write(self, name: str, content: str | bytes) -> None:
        write_file(self.path / name, content)


def write_file(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as part:
        part.write_bytes(content.encode() if isinstance(content, str) else content)


def copy_run(project: Project, id: str, out: Path) -> None:
    """A run of a project into a folder. Its config comes last, since that makes the folder a run."""
    found = [name for name in COPIED if project.has(f"runs/{id}/{name}")]
    for name in sorted(found, key=lambda name: name == CONFIG):
        write_file(out / name, project.read(f"runs/{id}/{name}"))


def left_of(trainer: Trainer) -> MopeftConfig:
    """The config with the modules that are not left pruned."""
    config, left = trainer.tuned.modules_config, {(i, m) for i, m, _ in trainer.tuned.left()}
    pruned = {m: list(own) for m, own in config.pruned.items()}
    for i in range(len(trainer.tuned.blocks)):
        for method in config.in_block(i):
            has_tensors = any(name.startswith(f"blocks.{i}.{method.id}.") for name in trainer.tuned.trained)
            if has_tensors and (i, method.id) not in left:
                pruned.setdefault(method.id, []).append(i)
    return replace(config, pruned={m: sorted(own) for m, own in pruned.items()})


def new_id(config: Mapping, name: str) -> str:
    """An id that follows from what was decided, as the studio gives runs that come from elsewhere."""
    return f"run-{hashlib.sha256(json.dumps([config, name, time.time()]).encode()).hexdigest()[:16]}"


def settings_of(config: Mapping, name: str) -> dict:
    """As a person would have chosen them in the studio."""
    mopeft = config["mopeft"]
    train = config["train"] | {"blocks": "late" if (mopeft["blocks"] or [0])[0] > 0 else "all"}
    groups = {"train": train | ({"token": True} if mopeft.get("token") else {}), **mopeft["methods"]}
    values = {f"{group}.{field}": value for group, own in groups.items() for field, value in own.items()}
    return {
        "name": name,
        "datasetIds": [d["key"] for d in config["datasets"]],
        "methods": list(mopeft["methods"]),
        "trainDecoder": mopeft["trainDecoder"],
        "gate": mopeft["gate"],
        "values": values | ({"gate.budget": mopeft["budget"]} if "budget" in mopeft else {}),
    }
