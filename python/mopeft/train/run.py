"""A run on a project, from its start or from where it was left to its verdict."""

import json
import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import torch

from ..adapter_file import Adapter, adapter_of, record_for
from ..config import MopeftConfig, checked
from ..errors import ModelError, TrainError
from ..methods import METHODS, RECIPES, ids_in
from ..preprocessing import record_of
from ..sam.open import Base, open_base, weights_hash
from .budget import is_settled
from .config import TrainConfig, with_settings
from .config import checked as checked_train
from .data import Kept, ProjectDataset
from .loop import Trainer, base_scores, measured
from .project import Project
from .run_folder import CONFIG, SPLIT, VERDICT, WRITTEN, RunFolder, copy_run, write_file
from .team import ALONE, Team
from .tuned import Tuned
from .verdict import Context, Left, Pairs, Validated, verdict_of

CHECKPOINT_EVERY = 25
ONLY_THE_ENGINES = {"objectsPerPass": 0, "memory": 0, "weights": "f32", "checkpointEvery": CHECKPOINT_EVERY}
"""Settings of the engine that mean nothing here, except for the last; a run that begins here has these."""


@dataclass(frozen=True)
class Asked:
    """What a person asks for. run: an id or a name of the project's. settings, method, gate, train_decoder: of a new run.

    images_per_pass: images that go through the model at a time in each process, so that a step's batch needs less memory.
    """

    project: Path
    model: Path
    out: Path
    run: str | None = None
    settings: tuple[str, ...] = ()
    method: str | None = None
    gate: str | None = None
    train_decoder: bool = True
    images_per_pass: int | None = None

    @property
    def is_new(self) -> bool:
        return bool(self.settings or self.method or self.gate or not self.train_decoder)


def train(asked: Asked, team: Team = ALONE, tell: Callable[[str], object] = print) -> Mapping | None:
    """Trains to the verdict, which it returns, or None without a test object. The folder holds everything.

    A folder that holds a run already goes on with it. MopeftError that says what is wrong, where, and what to do.
    """
    say = tell if team.is_first else lambda _: None
    project = Project(asked.project)
    try:
        base = open_base(asked.model)
        if team.is_first:
            decide(asked, project, base)
        team.gather(None)
        return go(asked, project, base, team, say)
    finally:
        project.close()


def decide(asked: Asked, project: Project, base: Base) -> None:
    """Makes sure that the folder holds a run: its own, one of the project's, or a new one."""
    if (asked.out / CONFIG).exists():
        if asked.is_new:
            cure = "Leave out the settings to go on with it, or choose another folder."
            raise TrainError("run/exists", "There is a run already.", asked.out, cure)
        return
    if used := [name for name in WRITTEN if (asked.out / name).exists()]:
        what = "There is a file already that a run would replace."
        raise TrainError("run/folder-in-use", what, asked.out / used[0], "Choose another folder.")
    found = run_of(asked, project)
    if found:
        return copy_run(project, found, asked.out)
    config, split = new_run(asked, project, base)
    write_file(asked.out / SPLIT, json.dumps(split, indent=2, ensure_ascii=False) + "\n")
    write_file(asked.out / CONFIG, json.dumps(config, indent=2, ensure_ascii=False) + "\n")


def run_of(asked: Asked, project: Project) -> str | None:
    """The project's run that goes on; None for a new one. TrainError `run/no-run` where it cannot be told."""
    if asked.run is None and (asked.is_new or not project.runs):
        return None
    chosen = [id for id, name in project.runs.items() if asked.run in (None, id, name)]
    if len(chosen) != 1:
        told = ", ".join(f"{id} ({name})" for id, name in project.runs.items()) or "none"
        what = f"There are {len(chosen)} such runs in the project; its runs are: {told}."
        raise TrainError("run/no-run", what, asked.project, "Say which is meant: --run ID, or begin a new one with --method.")
    if asked.is_new:
        what = "A run goes on with its own settings."
        raise TrainError("run/exists", what, asked.run, "Leave out --run to begin a new run, or --set, --method and --gate.")
    return chosen[0]


def new_run(asked: Asked, project: Project, base: Base) -> tuple[dict, dict]:
    """Config and split of a run of all datasets that have labels."""
    settings = with_settings(TrainConfig(), list(asked.settings))
    kept = Kept()
    sets = [s for s in (ProjectDataset(project, id, kept) for id in project.datasets) if s.names]
    if not sets:
        what = "There is no labelled image to train on."
        raise TrainError("train/no-images", what, asked.project, "Label images in the studio, mark them as done, and export it again.")
    split = {s.id: s.split(settings.seed, settings.splitOrder) for s in sets}
    for s in sets:
        if all(s.objects[name] == 0 for name in split[s.id]["train"]):
            what = "No training image of this dataset has an object: all of their masks are empty."
            cure = "Check how its masks are read, label objects in its training images, or export the project without the dataset."
            raise TrainError("train/no-objects", what, s.name, cure)
    method = asked.method or "mopeft"
    ids = ids_in(method)
    if unknown := [id for id in ids if id not in METHODS]:
        cure = f"Give {', '.join(RECIPES)}, or {', '.join(METHODS)} joined by +."
        raise TrainError("peft/no-method", f"There is no method {unknown[0]!r}.", "method", cure)
    sites = base.sam.image_encoder.sites
    form = asked.gate or ("unipelt" if len(ids) > 1 else "none")
    names = unique([s.name for s in sets])
    blocks = tuple(range(len(sites))) if ids else ()
    mopeft = checked(MopeftConfig({id: {} for id in ids}, form, blocks, asked.train_decoder, False, tuple(names)), sites, "--method")
    about = record_for(Adapter(base.name, weights_hash(base.sam), mopeft, {}, base.preprocessing))
    named = [{"key": s.id, "name": s.name, **({} if s.scale == "whole" else {"scale": s.scale})} for s in sets]
    config = {
        "format": 1,
        "model": about["base"],
        "method": next((name for name, own in RECIPES.items() if own == tuple(mopeft.methods)), "+".join(mopeft.methods)),
        "mopeft": about["mopeft"],
        "train": asdict(settings) | ONLY_THE_ENGINES,
        "datasets": named,
        "device": f"PyTorch {torch.__version__} {platform.machine()}",
    }
    return config, split


def unique(names: list[str]) -> list[str]:
    """`cells`, `cells 2` …"""
    out: list[str] = []
    for name in names:
        key, n = name, 2
        while key in out:
            key, n = f"{name} {n}", n + 1
        out.append(key)
    return out


def go(asked: Asked, project: Project, base: Base, team: Team, say: Callable[[str], object]) -> Mapping | None:
    config, split = (read_json(asked.out / name) for name in (CONFIG, SPLIT))
    where = asked.out / CONFIG
    try:
        model, named = config["model"], config["datasets"]
        told = {f.name: config["train"][f.name] for f in fields(TrainConfig) if f.name in config["train"]}
        settings = checked_train(TrainConfig(**({"minSize": 0} | told)))
        about = {"base": model, "mopeft": config["mopeft"], "preprocessing": record_of(base.preprocessing)}
        mopeft = checked(adapter_of(about, {}, where).config, base.sam.image_encoder.sites, str(where))
        every = int(config["train"].get("checkpointEvery", CHECKPOINT_EVERY))
        scales = {d.get("scale", "whole") for d in named}
        scale = scales.pop() if len(scales) == 1 else "whole"
    except (KeyError, TypeError, AttributeError) as error:
        raise damaged(where, str(error)) from error
    if model["hash"] != weights_hash(base.sam):
        what = f"The run belongs to the model {model['name']}, and {base.name} has other weights."
        raise ModelError("run/other-model", what, asked.model, f"Give --model the folder or file of {model['name']}.")
    kept = Kept()
    splits = {d["key"]: dataset_of(project, d, kept).images(split.get(d["key"], {})) for d in named}
    for d in named:
        if not len(splits[d["key"]]["train"]):
            raise TrainError("train/no-images", "There is no labelled image to train on.", d["name"], "Add images with masks to it.")
    training = {
        "run": asked.out.resolve().name,
        "method": config["method"],
        "datasets": [d["name"] for d in named],
        "steps": settings.steps,
        "seed": settings.seed,
        **({} if scale == "whole" else {"scale": scale}),
    }
    folder = RunFolder(asked.out, base, every, config, training)
    tuned = Tuned(open_base(asked.model).sam, mopeft, settings.seed)
    first = base.sam if mopeft.methods else None
    emit = writer(asked.out, say, {d["key"]: d["name"] for d in named}) if team.is_first else lambda _: None
    trainer = Trainer(
        tuned,
        splits,
        settings,
        emit,
        how=base.preprocessing,
        base=first,
        storage=folder,
        team=team,
        images_per_pass=asked.images_per_pass,
    )
    goes_on = folder.resume(trainer)
    if goes_on and folder.pinned.get("weights") == "f16":
        say("The run's frozen weights were in half precision and are in full precision here: the losses differ in their last digits.")
    if team.is_first:
        folder.start_metrics(trainer.checkpoint_step)
    counts = " / ".join(str(sum(len(s[part]) for s in splits.values())) for part in ("train", "val", "test"))
    say(f"{counts} images to train / validate / test, {'on from step ' + str(trainer.step) if goes_on else 'from the start'}")
    trainer.run()
    return conclude(trainer, folder, base)


def conclude(trainer: Trainer, folder: RunFolder, base: Base) -> Mapping | None:
    """Measures on the test images and writes the verdict."""
    result, named = trainer.result, folder.config["datasets"]
    before = {key: base_scores(base.sam, trainer.evaluator, split["test"]) for key, split in trainer.splits.items()}
    after = before
    if result.best_step != 0:
        trainer.team.gather(None)  # the first process has written the best weights
        folder.load_best(trainer)
        after = {key: trainer.evaluate(key, split["test"], (result.threshold,))[0] for key, split in trainer.splits.items()}
    if not trainer.team.is_first:
        return None
    if not any(len(split["test"]) for split in trainer.splits.values()):
        folder.record(trainer, "finished")
        return None
    at = trainer.step if result.best_step is None else result.best_step
    for key, scores in after.items():
        if scores:
            trainer.emit({"type": "eval", "step": at, "dataset": key, "split": "test", **measured(scores)})
    pairs = [Pairs(d["key"], d["name"], list(zip(before[d["key"]], after[d["key"]], strict=True))) for d in named]
    lines = folder.metrics()
    train_images = sum(len(split["train"]) for split in trainer.splits.values())
    context = Context(train_images, trainer.step, result.best_step, validated(lines, trainer), left(lines, at))
    verdict = verdict_of(pairs, context)
    folder.write_test_ious(after)
    folder.write(VERDICT, json.dumps(verdict, indent=2, ensure_ascii=False) + "\n")
    folder.record(trainer, "finished", verdict)
    return verdict


def validated(lines: list[dict], trainer: Trainer) -> Validated | None:
    """The validation objects, the base model's IoU, and the best gain over it that was seen on them."""
    scores: dict[int, list[dict]] = {}
    for line in lines:
        if line.get("type") == "eval" and line.get("split") == "val":
            scores.setdefault(line["step"], []).append(line)
    if not scores:
        return None
    means = {step: sum((x["box_iou"] + x["click_iou"]) / 2 for x in own) / len(own) for step, own in scores.items()}
    objects = sum(x["n"] for x in scores.get(0, next(iter(scores.values()))))
    if 0 not in means:
        return Validated(objects, None, None)
    steps = trainer.config.steps
    later = [m for step, m in means.items() if step > 0 and (not trainer.is_budgeted or is_settled(step / steps))]
    return Validated(objects, means[0], max(later) - means[0] if later else None)


def left(lines: list[dict], step: int) -> Left | None:
    """The modules that were left at a step, of those at the start; None where all are kept."""
    told = [line for line in lines if line.get("type") == "modules" and line["step"] <= step]
    if not told:
        return None
    (of, all_of_them), (now, parameters) = ((sum(map(len, line["left"])), line["parameters"]) for line in (told[0], told[-1]))
    return Left(now, of, parameters, all_of_them)


def dataset_of(project: Project, named: Mapping[str, str], kept: Kept) -> ProjectDataset:
    """The dataset of a run: by its id, else by its name where one has it; at the run's scale."""
    scale = named.get("scale", "whole")
    if named["key"] in project.datasets:
        return ProjectDataset(project, named["key"], kept, scale)
    same = [id for id, name in project.datasets.items() if name == named["name"]]
    if len(same) != 1:
        what = f"The run's dataset {named['name']} is not in the project."
        raise TrainError("run/no-datasets", what, project.path, "Export the project with all datasets of the run.")
    return ProjectDataset(project, same[0], kept, scale)


def writer(out: Path, say: Callable[[str], object], names: Mapping[str, str]) -> Callable[[dict], None]:
    """Appends each line of the metrics, and says it. names: of the datasets, by key."""

    def emit(line: dict) -> None:
        with (out / "metrics.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())
        if line["type"] == "step":
            say(f"step {line['step']}  loss {line['loss']:.4f}  {line['ms'] / 1000:.1f} s")
        elif line["type"] == "eval":
            scores = f"box IoU {line['box_iou']:.4f}  click IoU {line['click_iou']:.4f}  n = {line['n']}"
            say(f"step {line['step']}  {names[line['dataset']]} {line['split']}  {scores}")

    return emit


def read_json(path: Path) -> Mapping:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise damaged(path, str(error)) from error
    if not isinstance(found, Mapping):
        raise damaged(path, "it is no JSON object")
    return found


def damaged(path: object, detail: str) -> TrainError:
    what = f"The file does not say what a run's file says ({detail})."
    return TrainError("run/damaged", what, path, "Copy the run again, or start a new one in another folder.")
