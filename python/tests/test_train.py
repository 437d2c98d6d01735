import json
import os
import shutil
import socket
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import mopeft
from mopeft.adapter_file import read_adapter
from mopeft.errors import MopeftError, TrainError
from mopeft.train.__main__ import main
from mopeft.train.config import TrainConfig
from mopeft.train.objects import IGNORED
from mopeft.train.project import Project
from mopeft.train.reading import Reading, classes_of_ids, read_labels
from mopeft.train.run import Asked, train, writer
from mopeft.train.run_folder import RunFolder
from mopeft.train.team import Team
from tests.projects import CROPS, CROPS_AFTER, ENGINE, EXPORTED, PLAIN, TWIN, packed, sharded, write_project

torch.set_num_threads(1)
IDS = {"blobs": "blobs-0001", "stripes": "stripes-0001"}
MODEL = TWIN / "model"
NEW = ("steps=4", "seed=3", "imagesPerStep=2", "objectsPerImage=2", "corrections=1", "evalEvery=2", "evalObjects=2")


def quiet(_: str) -> None:
    """Says nothing."""


def lines_of(run: Path, kind: str, name: str = "metrics.jsonl") -> list[dict]:
    found = [json.loads(row) for row in (run / name).read_text().splitlines()]
    return [{k: v for k, v in line.items() if k != "ms"} for line in found if line["type"] == kind]


def losses(run: Path) -> list[float]:
    return [line["loss"] for line in lines_of(run, "step")]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("projects") / "cells", IDS)


def test_a_project_trains_as_the_twin_and_the_engine_do(project: Path, tmp_path: Path) -> None:
    record = json.loads((TWIN / "mopeft.json").read_text())
    settings = tuple(f"{k}={json.dumps(v)}" for k, v in record["train"].items())
    verdict = train(Asked(packed(project), MODEL, tmp_path / "run", settings=settings), tell=quiet)
    wanted = [event["loss"] for event in record["events"] if event["type"] == "step"]
    assert losses(tmp_path / "run") == pytest.approx(wanted, rel=1e-4)
    split = json.loads((tmp_path / "run/split.json").read_text())
    assert {key: split[IDS[key]] for key in IDS} == record["split"]
    assert verdict == json.loads((tmp_path / "run/verdict.json").read_text())
    told = json.loads((tmp_path / "run/run.json").read_text())
    assert (told["status"], told["step"], told["checkpointStep"]) == ("finished", 5, 5)
    mopeft.load(tmp_path / "run", MODEL).predict(TWIN / "blobs/images/1.png", points=[(20, 20)])


def test_a_project_in_tar_archives_trains_as_its_folder(project: Path, tmp_path: Path) -> None:
    shards = sharded(project, tmp_path / "shards")
    runs = [Asked(root, MODEL, tmp_path / root.name, settings=("steps=2", *NEW[1:])) for root in (project, shards)]
    for asked in runs:
        train(asked, tell=quiet)
    assert losses(runs[1].out) == losses(runs[0].out)
    archive = shards / "shard-1.tar"
    archive.write_bytes(archive.read_bytes()[:1000])
    with pytest.raises(TrainError, match=r"shard-1\.tar"):
        Project(shards)


def expect_as_in_the_engine(run: Path, project: Path, wanted: Path) -> None:
    """Holds a run's losses to those of the engine; datasets may have other keys there, which the project's names tell."""
    opened = Project(project)
    names = {**opened.datasets, None: None}
    opened.close()
    for kind in ("step", "eval", "gates"):
        theirs, ours = (lines_of(path.parent, kind, path.name) for path in (wanted, run / "metrics.jsonl"))
        assert [line["step"] for line in ours] == [line["step"] for line in theirs]
        for one, other in zip(ours, theirs, strict=True):
            told = one["step"], names[one.get("dataset")], one.get("n")
            assert told == (other["step"], other.get("dataset"), other.get("n"))
            for part in {"loss", "focal", "dice", "iou", "norm", "lr"} & other.keys():
                assert one[part] == pytest.approx(other[part], rel=1e-4), (part, one["step"])
            for part in {"box_iou", "click_iou"} & other.keys():
                assert one[part] == pytest.approx(other[part], abs=2e-3), (part, one["step"])


@pytest.mark.parametrize("form", ["folder", "exported"])
def test_a_run_of_the_engine_goes_on_with_its_losses(tmp_path: Path, form: str) -> None:
    ids = {"blobs": "blobs", "stripes": "stripes"}
    root = EXPORTED if form == "exported" else write_project(tmp_path / "cells", ids, {"run-of-the-engine": ENGINE})
    train(Asked(root, MODEL, tmp_path / "run"), tell=quiet)
    expect_as_in_the_engine(tmp_path / "run", root, ENGINE / "after.jsonl")
    assert json.loads((tmp_path / "run/verdict.json").read_text())["sentence"].startswith("The base model was kept: ")


def test_a_run_in_crops_has_the_losses_and_scores_of_the_engine(tmp_path: Path) -> None:
    train(Asked(CROPS, MODEL, tmp_path / "on"), tell=quiet)
    expect_as_in_the_engine(tmp_path / "on", CROPS, CROPS_AFTER)
    assert read_adapter(tmp_path / "on").scale == 40
    told = json.loads((tmp_path / "on/config.json").read_text())["train"]
    settings = tuple(f"{f.name}={json.dumps(told[f.name]).strip(chr(34))}" for f in fields(TrainConfig))
    anew = Asked(CROPS, MODEL, tmp_path / "anew", settings=settings, train_decoder=False)
    train(anew, tell=quiet)
    expect_as_in_the_engine(anew.out, CROPS, CROPS_AFTER)
    assert {d["scale"] for d in json.loads((anew.out / "config.json").read_text())["datasets"]} == {40}


def test_a_run_that_was_killed_goes_on_from_its_checkpoint(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(project, MODEL, tmp_path / "whole", settings=NEW)
    train(asked, tell=quiet)
    monkeypatch.setattr("mopeft.train.run.ONLY_THE_ENGINES", {"checkpointEvery": 2})

    def die(text: str) -> None:
        if text.startswith("step 3  loss"):
            raise KeyboardInterrupt

    cut = Asked(project, MODEL, tmp_path / "cut", settings=NEW)
    with pytest.raises(KeyboardInterrupt):
        train(cut, tell=die)
    assert losses(cut.out)[2:] != []
    assert json.loads((cut.out / "run.json").read_text())["status"] == "interrupted"
    train(Asked(project, MODEL, cut.out), tell=quiet)
    for kind in ("step", "eval", "gates"):
        assert lines_of(cut.out, kind) == lines_of(asked.out, kind)
    whole, again = (load_file(out / "checkpoint/last.safetensors") for out in (asked.out, cut.out))
    assert all(torch.equal(whole[name], again[name]) for name in whole)


@pytest.mark.parametrize(("form", "by"), [("budget", {}), ("budget", {"budgetBy": "validation"}), ("hard", {})])
def test_modules_that_were_taken_out_stay_out(
    project: Path, tmp_path: Path, form: str, by: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mopeft.train.run.ONLY_THE_ENGINES", {"checkpointEvery": 6})
    new_run = mopeft.train.run.new_run

    def with_budget(*a: object) -> tuple[dict, dict]:
        config, split = new_run(*a)
        return config | {"mopeft": config["mopeft"] | {"budget": 0.4} | by}, split

    monkeypatch.setattr("mopeft.train.run.new_run", with_budget)
    settings = ("steps=10", "imagesPerStep=1", "objectsPerImage=1", "corrections=0", "evalEvery=5", "evalObjects=1", "lrGate=0.005")
    runs = [Asked(project, MODEL, tmp_path / name, settings=settings, gate=form) for name in ("whole", "cut")]
    train(runs[0], tell=quiet)

    def die(text: str) -> None:
        if text.startswith("step 7  loss"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(runs[1], tell=die)
    train(Asked(project, MODEL, runs[1].out), tell=quiet)
    for kind in ("step", "modules", "eval"):
        assert lines_of(runs[1].out, kind) == lines_of(runs[0].out, kind)
    assert lines_of(runs[0].out, "modules")


# Threads of the group that outlive it may abort a process at its end, once in some hundred; Linux tells their names.
WORKER = """
import sys
from pathlib import Path
from mopeft.train.__main__ import main
main(sys.argv[1:])
left = [name for file in Path("/proc/self/task").glob("*/comm") if "gloo" in (name := file.read_text())]
assert not left, left
"""


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def launch(processes: int, *arguments: str) -> None:
    """Trains in that many processes, as `torchrun` starts them."""
    about = {"WORLD_SIZE": str(processes), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    command = [sys.executable, "-W", "ignore", "-c", WORKER, *arguments, "--device", "cpu", "--threads", "1"]
    cwd = Path(__file__).parents[1]
    started = [
        subprocess.Popen(command, env=os.environ | about | {"RANK": str(rank), "LOCAL_RANK": str(rank)}, cwd=cwd)
        for rank in range(processes)
    ]
    assert [process.wait(300) for process in started] == [0] * processes


@pytest.mark.parametrize("steps", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_two_processes_are_one(project: Path, tmp_path: Path, steps: int) -> None:
    """The same global batch of four images: losses to 1e-5."""
    settings = (f"steps={steps}", "seed=3", "imagesPerStep=4", "objectsPerImage=2", "corrections=1", f"evalEvery={steps}", "evalObjects=1")
    one = Asked(project, MODEL, tmp_path / "one", settings=settings)
    train(one, tell=quiet)
    pairs = [part for pair in settings for part in ("--set", pair)]
    launch(2, str(project), "--model", str(MODEL), "--out", str(tmp_path / "two"), *pairs)
    assert losses(tmp_path / "two") == pytest.approx(losses(one.out), rel=1e-5)
    scores = [[(x["box_iou"], x["click_iou"], x["n"]) for x in lines_of(run, "eval")] for run in (one.out, tmp_path / "two")]
    assert np.array(scores[1]) == pytest.approx(np.array(scores[0]), abs=2e-3)


ONE_MACHINE = "--num_machines 1 --mixed_precision no --dynamo_backend no"
LAUNCHERS = {
    "torchrun": "torch.distributed.run --standalone --nproc-per-node 2",
    "accelerate launch": f"accelerate.commands.launch --multi_gpu --num_processes 2 {ONE_MACHINE} --main_process_port {free_port()}",
}


@pytest.mark.slow
@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_launchers_start_processes_that_train_as_one(project: Path, tmp_path: Path, launcher: str) -> None:
    """`--multi_gpu` is how `accelerate` is told to start several; `--device cpu` lets them be of CPUs.

    That many steps of two processes equal those of one is said above: here it is that the launchers start them as told.
    """
    settings = ("steps=4", "seed=3", "imagesPerStep=4", "objectsPerImage=2", "corrections=1", "evalEvery=4", "evalObjects=1")
    one = Asked(project, MODEL, tmp_path / "one", settings=settings)
    train(one, tell=quiet)
    pairs = [part for pair in settings for part in ("--set", pair)]
    arguments = [str(project), "--model", str(MODEL), "--out", str(tmp_path / "two"), "--device", "cpu", "--threads", "1", *pairs]
    command = [sys.executable, "-W", "ignore", "-m", *LAUNCHERS[launcher].split(), "-m", "mopeft.train", *arguments]
    cwd = Path(__file__).parents[1]
    told = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(cwd)}, cwd=cwd, capture_output=True, text=True, timeout=600)
    assert told.returncode == 0, told.stderr
    assert losses(tmp_path / "two") == pytest.approx(losses(one.out), rel=1e-5)
    # One process says it, the other is quiet.
    assert told.stdout.count("step 4  loss") == 1


def test_shares_cover_a_batch_once_and_passes_change_nothing(project: Path, tmp_path: Path) -> None:
    for n in range(6):
        taken = [i for rank in range(4) for i in range(n)[Team(rank, 4).share(n)]]
        assert taken == list(range(n))
    settings = ("steps=2", "seed=3", "imagesPerStep=3", "objectsPerImage=2", "corrections=1", "evalEvery=2", "evalObjects=1")
    runs = [Asked(project, MODEL, tmp_path / f"{n}", settings=settings, images_per_pass=n) for n in (None, 1)]
    for asked in runs:
        train(asked, tell=quiet)
    assert losses(runs[1].out) == pytest.approx(losses(runs[0].out), rel=1e-5)


def test_bfloat16_trains_about_the_same(project: Path, tmp_path: Path) -> None:
    runs = [Asked(project, MODEL, tmp_path / name, settings=("steps=2", *NEW[1:])) for name in ("full", "half")]
    train(runs[0], tell=quiet)
    train(runs[1], Team(is_bf16=True), tell=quiet)
    full, half = (losses(asked.out) for asked in runs)
    # Before an update. The first one moves every weight by the rate, whatever its gradient's size, so that rounding decides where
    # the smallest go, and the second loss differs by 15 % on some CPUs.
    assert half[0] == pytest.approx(full[0], rel=0.05)
    assert half[0] != full[0]
    assert len(half) == len(full) == 2
    assert np.isfinite(half[1])


def edited(root: Path, name: str, **changes: object) -> None:
    path = root / name
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("code", "spoil"),
    [
        ("project/not-found", lambda root: (root / "mopeft-project.json").unlink()),
        ("project/newer", lambda root: edited(root, "mopeft-project.json", version=2)),
        ("project/damaged", lambda root: (root / "mopeft-project.json").write_text("{")),
        ("project/missing-file", lambda root: next((root / "datasets/blobs-0001/images").iterdir()).unlink()),
        ("data/newer", lambda root: edited(root, "datasets/blobs-0001/dataset.json", version=6)),
        ("data/earlier", lambda root: edited(root, "datasets/blobs-0001/dataset.json", reading="per-file")),
        ("data/damaged", lambda root: edited(root, "datasets/blobs-0001/dataset.json", samples=[])),
        ("data/damaged", lambda root: edited(root, "datasets/blobs-0001/dataset.json", reading={"masks": {"samples": 3}})),
        ("data/damaged", lambda root: edited(root, "datasets/blobs-0001/dataset.json", scale="near")),
        ("train/no-images", lambda root: [edited(root, f"datasets/{id}/dataset.json", samples=[], files=[]) for id in IDS.values()]),
    ],
)
def test_a_project_that_cannot_be_trained_on_says_why(project: Path, tmp_path: Path, code: str, spoil: object) -> None:
    root = tmp_path / "cells"
    shutil.copytree(project, root)
    spoil(root)  # type: ignore[operator]
    with pytest.raises(MopeftError) as caught:
        train(Asked(root, MODEL, tmp_path / "run", settings=("steps=1",)), tell=quiet)
    assert caught.value.code == code
    assert caught.value.cure


def emptied(about: Path) -> None:
    samples = [sample | {"objects": 0} for sample in json.loads(about.read_text())["samples"]]
    edited(about.parent, about.name, samples=samples)


def test_a_dataset_whose_training_images_are_empty_is_refused_before_anything_is_written(project: Path, tmp_path: Path) -> None:
    root, out = tmp_path / "cells", tmp_path / "run"
    shutil.copytree(project, root)
    emptied(root / "datasets/blobs-0001/dataset.json")
    with pytest.raises(TrainError, match="blobs: No training image of this dataset has an object") as caught:
        train(Asked(root, MODEL, out, settings=("steps=1",)), tell=quiet)
    assert caught.value.code == "train/no-objects"
    assert not out.exists()


@pytest.mark.parametrize("name", ["adapter.safetensors", "adapter.json", "metrics.jsonl", "verdict.json"])
def test_a_file_that_a_run_would_replace_is_kept(project: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / "run"
    out.mkdir()
    (out / name).write_text("mine")
    with pytest.raises(TrainError, match="a run would replace") as caught:
        train(Asked(project, MODEL, out, settings=("steps=1",)), tell=quiet)
    assert (caught.value.code, caught.value.where) == ("run/folder-in-use", str(out / name))
    assert [p.name for p in out.iterdir()] == [name]
    assert (out / name).read_text() == "mine"


def test_paths_that_lead_out_of_a_project_are_refused(project: Path) -> None:
    opened = Project(project)
    for path in ("../secret", "/etc/hosts", "datasets/../../x"):
        with pytest.raises(TrainError, match="leads out"):
            opened.read(path)


def test_runs_that_cannot_go_on_say_why(project: Path, tmp_path: Path) -> None:
    asked = Asked(project, MODEL, tmp_path / "run", settings=("steps=1", *NEW[1:]))
    train(asked, tell=quiet)

    def code_of(asked: Asked) -> str:
        with pytest.raises(MopeftError) as caught:
            train(asked, tell=quiet)
        return caught.value.code

    assert code_of(asked) == "run/exists"
    assert code_of(Asked(project, MODEL, tmp_path / "other", run="run-1")) == "run/no-run"
    again = Asked(project, MODEL, asked.out)
    config = json.loads((asked.out / "config.json").read_text())
    for change, code in (
        ({"model": {"name": "sam-vit-huge", "hash": "0" * 64}}, "run/other-model"),
        ({"datasets": [{"key": "gone", "name": "gone"}]}, "run/no-datasets"),
        ({"train": config["train"] | {"steps": 0}}, "config/invalid"),
        ({"mopeft": {}}, "adapter/not-an-adapter"),
    ):
        edited(asked.out, "config.json", **(config | change))
        assert code_of(again) == code
    edited(asked.out, "config.json", **config)
    path = asked.out / "checkpoint/last.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    assert code_of(again) == "train/checkpoint"
    with pytest.raises(SystemExit, match="The checkpoint cannot be used"):
        main([str(project), "--model", str(MODEL), "--out", str(asked.out), "--device", "cpu"])


def test_a_device_and_counts_that_are_none_are_refused(tmp_path: Path) -> None:
    asked = [str(tmp_path), "--model", str(MODEL), "--out", str(tmp_path / "run")]
    with pytest.raises(SystemExit) as caught:
        main([*asked, "--images-per-pass", "0"])
    assert caught.value.code == 2
    if not torch.cuda.is_available():
        with pytest.raises(SystemExit, match="no device 'cuda'"):
            main([*asked, "--device", "cuda"])


def test_what_is_said_names_datasets_and_metrics_have_their_keys(tmp_path: Path) -> None:
    said: list[str] = []
    line = {"type": "eval", "step": 2, "dataset": "dataset-1", "split": "val", "box_iou": 0.5, "click_iou": 0.25, "n": 3}
    writer(tmp_path, said.append, {"dataset-1": "cells"})(line)
    assert said == ["step 2  cells val  box IoU 0.5000  click IoU 0.2500  n = 3"]
    assert json.loads((tmp_path / "metrics.jsonl").read_text()) == line


def png(tmp_path: Path, values: np.ndarray, mode: str | None = None) -> bytes:
    path = tmp_path / "mask.png"
    image = Image.fromarray(values, mode) if mode else Image.fromarray(values)
    image.save(path)
    return path.read_bytes()


def test_masks_are_read_as_their_dataset_says(tmp_path: Path) -> None:
    def read(values: np.ndarray, **changes: object) -> list:
        reading = Reading.of(PLAIN | {"meaning": "classes"} | changes, "x")
        return read_labels(png(tmp_path, values), reading, "mask.png").tolist()

    grey = np.array([[0, 3, 7, 255]], np.uint8)
    assert read(grey) == [[0, 3, 7, 255]]
    assert read(grey, meaning="foreground", ignored=[255]) == [[0, 1, 1, IGNORED]]
    assert read(grey, background=7, zeroLabel=9) == [[9, 3, 0, 255]]
    assert read(grey, threshold=5, meaning="foreground") == [[0, 0, 1, 1]]
    assert read(grey, threshold=5, background=255, meaning="foreground") == [[1, 1, 0, 0]]
    colour = np.array([[[1, 2, 3, 255], [0, 0, 0, 255], [9, 9, 9, 3]]], np.uint8)
    assert read(colour, samples="colour", transparentUnder=128, ignored=[16_777_216]) == [[66051, 0, IGNORED]]
    assert read(colour, samples="alpha") == [[255, 255, 3]]
    assert read(np.array([[[0, 5, 0], [0, 0, 0], [1, 2, 9]]], np.uint8), samples="channels") == [[2, 0, 3]]
    assert read(np.array([[0, 65535, 300]], np.uint16), ignored=[65535]) == [[0, IGNORED, 300]]
    # The edge of 200 against 0 passes 100 on its way.
    edge = np.repeat(np.array([[0, 0, 0, 0, 110, 200, 200, 200, 200]], np.uint8), 5, 0)
    assert read(edge, levels=[0, 100, 200])[2] == [0, 0, 0, 0, 200, 200, 200, 200, 200]


def test_numbers_of_objects_may_say_their_class() -> None:
    ids = np.array([0, 7, 1003, 26_001, IGNORED])
    step = Reading.of(PLAIN | {"meaning": "objects", "classStep": 1000}, "x").class_step
    assert classes_of_ids(ids, step).tolist() == [0, 7, 1, 26, IGNORED]
    plain = Reading.of(PLAIN | {"meaning": "objects"}, "x").class_step
    assert classes_of_ids(ids, plain).tolist() == [0, 1, 1, 1, IGNORED]


def test_a_checkpoint_is_replaced_as_a_whole(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(project, MODEL, tmp_path / "run", settings=("steps=1", *NEW[1:]))
    train(asked, tell=quiet)
    before = (asked.out / "checkpoint/last.safetensors").read_bytes()
    monkeypatch.setattr(RunFolder, "record", lambda *_: None)
    monkeypatch.setattr("mopeft.files.os.replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        train(Asked(project, MODEL, asked.out), tell=quiet)
    assert (asked.out / "checkpoint/last.safetensors").read_bytes() == before
