import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from mopeft.sam.model import Sam
from pretrain import loop
from pretrain.batches import Steps
from pretrain.config import largest_size
from pretrain.draw import draw
from pretrain.export import write_model
from pretrain.feed import Feed
from pretrain.initial import initialise
from pretrain.loop import train
from pretrain.packs import write_pack
from tests.test_model import SMALL

PHASE = {"whole": 0.3, "objects": 2, "rounds": 0.5, "bce": 1.0, "focal": 5.0, "aux": 0.5, "decay": False}


def recipe() -> dict:
    return {
        "model": SMALL,
        "data": {"train_sets": ["shapes"], "held_out_sets": ["cells"], "drawn_share": 0.5},
        "train": {
            "seed": 1,
            "muon_lr": 0.003,
            "adam_lr": 0.001,
            "weight_decay": 0.02,
            "warmup": 2,
            "clip": 1.0,
            "ema": 0.9,
            "checkpoint_every": 2,
            "validate_every": 100,
            "validate_images": 1,
            "micro_batches": 2,
        },
        "phases": [{**PHASE, "steps": 3, "size": 32, "batch": 4}, {**PHASE, "steps": 3, "size": 64, "batch": 2}],
    }


@pytest.mark.parametrize(("ranks", "stops"), [(1, (2, 4, 0)), (2, (3, 0))])
def test_a_resumed_run_equals_the_uninterrupted_one(tmp_path: Path, ranks: int, stops: tuple[int, ...]) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    items = [draw(1, i, [], []) for i in range(24)]
    write_pack(whole / "drawn", items)
    write_pack(whole / "open", [(*item[:3], "cells" if i < 4 else "shapes") for i, item in enumerate(items)])
    shutil.copytree(whole, parts)
    config = recipe()
    train(config, whole, "cpu", ranks, 1, 0)
    for stop in stops:
        train(config, parts, "cpu", ranks, 1, stop)
    one, two = (torch.load(p / "last.pt", weights_only=True) for p in (whole, parts))
    assert one["step"] == two["step"] == 6
    for name, vector in one["vectors"].items():
        assert torch.equal(vector, two["vectors"][name]), name
    steps = [json.loads(line) for line in (parts / "log.jsonl").read_text().splitlines()]
    assert {"step", "validation"} == {row["type"] for row in steps}


def test_a_rank_that_fails_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pack(tmp_path / "drawn", [draw(1, i, [], []) for i in range(4)])
    write_pack(tmp_path / "open", [(*draw(2, i, [], [])[:3], "cells" if i < 2 else "shapes") for i in range(4)])
    # The first rank has its packs open by now, the second does not find them.
    monkeypatch.setattr(loop.Leader, "resume", lambda _: shutil.rmtree(tmp_path / "drawn") or 0)
    with pytest.raises(SystemExit, match="another process of the run failed"):
        train(recipe(), tmp_path, "cpu", 2, 1, 0)


def test_batches_made_ahead_are_those_of_the_steps_in_their_order(tmp_path: Path) -> None:
    write_pack(tmp_path / "drawn", [draw(1, i, [], []) for i in range(8)])
    write_pack(tmp_path / "open", [(*draw(2, i, [], [])[:3], "cells" if i < 2 else "shapes") for i in range(6)])
    config = recipe()
    ahead, steps = Feed(config, tmp_path), Steps(config, tmp_path)
    for number in range(3, 10):
        made, wanted = ahead.batch(*divmod(number, 2)), steps.batch(*divmod(number, 2))
        assert all(torch.equal(a, b) for a, b in zip(vars(made).values(), vars(wanted).values(), strict=True))


def test_a_run_begins_with_the_weights_of_an_exported_model(tmp_path: Path) -> None:
    write_pack(tmp_path / "drawn", [draw(1, i, [], []) for i in range(8)])
    write_pack(tmp_path / "open", [(*draw(2, i, [], [])[:3], "cells" if i < 2 else "shapes") for i in range(6)])
    model = Sam(SMALL)
    initialise(model, 1)
    with torch.no_grad():
        model.mask_decoder.iou_token.weight.fill_(0.5)
    state = {k: v.half().float() for k, v in model.state_dict().items()}
    write_model(state, SMALL, tmp_path / "model", "step 4")
    config = recipe()
    train(config, tmp_path, "cpu", 1, 1, 4, tmp_path / "model")
    begun = torch.load(tmp_path / "last.pt", weights_only=True)
    assert begun["step"] == 4
    for name, _ in model.named_parameters():
        assert torch.equal(begun["ema"][name], state[name]), name
    train(config, tmp_path, "cpu", 1, 1, 6)
    assert torch.load(tmp_path / "last.pt", weights_only=True)["step"] == 6


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of `recipe()` after two of its six steps."""
    items = [draw(1, i, [], []) for i in range(8)]
    write_pack(tmp_path / "drawn", items)
    write_pack(tmp_path / "open", [(*item[:3], "cells" if i < 2 else "shapes") for i, item in enumerate(items)])
    train(recipe(), tmp_path, "cpu", 1, 1, 2)
    return tmp_path


def rows(run: Path, kind: str) -> list[dict]:
    """The rows of a kind in a run's log."""
    return [row for row in map(json.loads, (run / "log.jsonl").read_text().splitlines()) if row["type"] == kind]


def test_a_checkpoint_of_other_names_is_not_resumed(run: Path) -> None:
    state = torch.load(run / "last.pt", weights_only=True)
    torch.save({**state, "names": state["names"][::-1]}, run / "last.pt")
    with pytest.raises(SystemExit, match="parameters are not those"):
        train(recipe(), run, "cpu", 1, 1, 0)


def test_a_checkpoint_of_another_seed_is_not_resumed(run: Path) -> None:
    config = recipe()
    config["train"]["seed"] = 2
    with pytest.raises(SystemExit, match="another seed"):
        train(config, run, "cpu", 1, 1, 0)


@pytest.mark.parametrize(("every", "wanted"), [(100, [2, 6]), (4, [2, 4, 6])])
def test_a_validation_that_was_cut_off_is_made_by_the_next_start(
    run: Path, monkeypatch: pytest.MonkeyPatch, every: int, wanted: list[int]
) -> None:
    config = recipe()
    config["train"]["validate_every"] = every

    def cut_off(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(loop.Leader, "validation", cut_off)
        train(config, run, "cpu", 1, 1, 0)
    assert torch.load(run / "last.pt", weights_only=True)["step"] == wanted[1]
    for _ in range(2):
        train(config, run, "cpu", 1, 1, 0)
    assert [row["step"] for row in rows(run, "validation")] == wanted


def test_the_speed_leaves_out_what_saving_and_validating_take(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = recipe()
    config["phases"] = [{**PHASE, "steps": 40, "size": 32, "batch": 2}]
    config["train"] |= {"checkpoint_every": 10, "validate_every": 10}
    clock = [0.0]

    def takes(seconds: float, value: object) -> Callable:
        def act(*_: object) -> object:
            clock[0] += seconds
            return value

        return act

    monkeypatch.setattr(loop, "time", SimpleNamespace(time=lambda: clock[0]))
    monkeypatch.setattr(loop.Leader, "step", takes(1, torch.zeros(())))
    monkeypatch.setattr(loop.Leader, "save", takes(100, None))
    monkeypatch.setattr(loop.Leader, "validation", takes(1000, {"type": "validation"}))
    train(config, run, "cpu", 1, 1, 0)
    first, second = rows(run, "step")[1:]
    assert (first["images_per_second"], second["images_per_second"]) == (2.0, 2.0)
    assert second["seconds"] - first["seconds"] == 20 + 2 * 1100


def test_tables_are_extended_for_a_grid_larger_than_all_before() -> None:
    phases = [{**PHASE, "steps": 2, "size": size, "batch": 2} for size in (32, 64, 32, 64)]
    assert [largest_size({"phases": phases}, step) for step in (0, 1, 2, 3, 6)] == [0, 32, 32, 64, 64]
