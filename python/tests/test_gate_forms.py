"""Gate forms that choose: how they behave, besides what the reference says of their values."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.ndimage
import torch

from finetune.config import Mopeft
from finetune.data import read_set
from finetune.jobs import Job
from finetune.study import budget as budget_study
from finetune.study import few as few_study
from finetune.study import opposite, thin, transfer
from finetune.study.few import Few
from finetune.study.figure import Figure, Point, draw
from finetune.study.pairs import discs, shuffled
from finetune.tuned import tuned_of
from mopeft.gate_forms import Asked, hard_concrete, hard_probability
from mopeft.methods import RECIPES
from mopeft.sam.open import read_model
from mopeft.train.budget import Budget, is_settled, share_at
from mopeft.train.config import TrainConfig
from mopeft.train.optimizer import Optimizer
from tests.test_finetune import TWIN

MODEL = TWIN / "model"
QUICK = ["steps=2", "corrections=0", "objectsPerImage=1", "evalObjects=1", "imagesPerStep=1"]
ALL = RECIPES["mopeft"]


def encoded(mopeft: Mopeft, dataset: int = 0, off: set[tuple[int, str]] | None = None) -> torch.Tensor:
    """An embedding with modules that do something."""
    tuned = tuned_of(read_model(MODEL), mopeft, 0)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, tensor in tuned.trained.items():
            if name.startswith("blocks.") and ".gate." not in name:
                tensor.value.copy_(0.3 * torch.randn(tensor.value.shape, generator=generator))
            if name.endswith("phi"):
                tensor.value.copy_(torch.tensor([-2.0, 2.0]))
        tuned.off = off or set()
        tuned.dataset = torch.tensor([dataset])
        size = tuned.config["image_size"]
        return tuned.image_encoder(torch.linspace(-1, 1, 3 * size * size).view(1, 3, size, size))


def test_a_hard_gate_is_there_as_often_as_its_probability_says() -> None:
    gate = {"alpha": torch.tensor([-0.4])}
    draws = (torch.arange(20_000, dtype=torch.float64) + 0.5) / 20_000
    values = [float(hard_concrete(torch.zeros(1), gate, Asked(torch.zeros(1), lambda _, u=u: u.view(1)), "")[0]) for u in draws[::20]]
    assert np.mean(np.array(values) > 0) == pytest.approx(float(hard_probability(gate)), abs=2e-3)
    assert min(values) == 0
    assert max(values) == 1
    assert hard_concrete(torch.zeros(2), gate, Asked(torch.zeros(2)), "").tolist() == [0, 0]
    assert hard_concrete(torch.zeros(2), {"alpha": torch.tensor([0.1])}, Asked(torch.zeros(2)), "").tolist() == [1, 1]


def test_a_price_pushes_gates_down_and_its_multipliers_up_above_the_budget_and_nothing_below_it() -> None:
    tuned = tuned_of(read_model(MODEL), Mopeft(ALL, "hard"), 0)
    for budget, is_over in ((0.2, True), (0.999, False)):
        for tensor in tuned.trained.values():
            tensor.value.grad = None
        with torch.no_grad():
            tuned.trained["gates.price"].value.copy_(torch.tensor([0.5, 0]))
        tuned.price(budget).backward()
        over = float(tuned.kept().detach()) - budget
        assert (over > 0) == is_over
        # Ascent: the rate of the multipliers is negative, so the way against the gradient's is up.
        assert float(tuned.trained["gates.price"].value.grad[0]) == pytest.approx(max(0, over))
        assert tuned.trained["gates.price"].rate < 0
        assert (float(tuned.trained["blocks.0.gate.lora.alpha"].value.grad) > 0) == is_over


def test_a_price_alone_waits_for_the_budget_to_fall_and_brings_hard_gates_down_to_it_in_a_short_run() -> None:
    tuned = tuned_of(read_model(MODEL), Mopeft(ALL, "hard"), 0)
    config = TrainConfig(steps=80)
    optimizer = Optimizer(tuned.trained, config)
    at_start = float(tuned.kept().detach())
    for step in range(config.steps):
        for tensor in tuned.trained.values():
            tensor.value.grad = torch.zeros_like(tensor.value)
        tuned.price(share_at((step + 1) / config.steps, 0.25)).backward()
        optimizer.update(step)
        if step < 20:
            assert float(tuned.kept().detach()) == at_start
    assert float(tuned.kept().detach()) == pytest.approx(0.25, abs=0.05)


@pytest.mark.parametrize("method", ALL)
def test_a_module_that_was_taken_out_is_as_if_it_had_never_been_there(method: str) -> None:
    blocks = range(read_model(MODEL).config["num_hidden_layers"])
    off = {(i, method) for i in blocks}
    taken = encoded(Mopeft(ALL, "budget"), off=off)
    assert not torch.allclose(taken, encoded(Mopeft(ALL, "budget")), atol=1e-3)
    nothing = encoded(Mopeft(ALL, "budget"), off={(i, m) for i in blocks for m in ALL})
    torch.testing.assert_close(nothing, encoded(Mopeft((), "none")))
    # Alone it is nothing but the base model.
    alone = encoded(Mopeft((method,), "budget"), off=off)
    torch.testing.assert_close(alone, nothing)


def test_gates_by_dataset_differ_by_what_is_asked_alone() -> None:
    mopeft = Mopeft(ALL, "task", sets=2)
    first, second = encoded(mopeft, 0), encoded(mopeft, 1)
    assert not torch.allclose(first, second, atol=1e-3)
    torch.testing.assert_close(encoded(mopeft, 0), first)


def test_a_token_begins_as_the_one_that_stands_for_no_point() -> None:
    tuned = tuned_of(read_model(MODEL), Mopeft((), token=True, sets=2), 0)
    size = tuned.config["image_size"]
    with torch.no_grad():
        embedding = tuned.image_encoder(torch.zeros(1, 3, size, size))
        points, labels = torch.full((1, 1, 2), 5.0), torch.ones(1, 1, dtype=torch.long)
        padded = torch.cat([points, torch.zeros(1, 1, 2)], 1), torch.cat([labels, -torch.ones(1, 1, dtype=torch.long)], 1)
        masks, _ = tuned.decode(embedding, points, labels, size)
        theirs, _ = tuned.sam.decode(embedding, *padded, size)
        torch.testing.assert_close(masks, theirs)
        tuned.trained["tokens.dataset"].value[1] = 1
        same, _ = tuned.decode(embedding, points, labels, size)
        torch.testing.assert_close(same, theirs)
        tuned.dataset = torch.tensor([1])
        other, _ = tuned.decode(embedding, points, labels, size)
    assert not torch.allclose(other, theirs, atol=1e-3)


def test_the_budget_keeps_everything_at_first_and_its_share_at_the_end() -> None:
    assert [share_at(t, 0.25) for t in (0, 0.3, 0.7, 1)] == [1, 1, 0.25, 0.25]
    assert 0.25 < share_at(0.5, 0.25) < share_at(0.4, 0.25) < 1
    assert [is_settled(t) for t in (0.69, 0.7, 1)] == [False, True, True]


def test_modules_of_least_sensitivity_go_first() -> None:
    tuned = tuned_of(read_model(MODEL), Mopeft(ALL, "budget"), 0)
    budget = Budget(tuned, 0.3, 10)
    for step in range(10):
        for i in range(2):
            for m in ALL:
                # LoRA of block 1 moves most, then everything of block 0; a constant has no spread and says nothing.
                size = 9 if (i, m) == (1, "lora") else 2 if i == 0 else 0.1
                tuned.blocks[i][f"gate.{m}.open"].grad = torch.tensor([float(size * (1 + step % 2))])
        budget.score()
        budget.remove(step, lambda: None)
    kept = {(i, m) for i, m, _ in tuned.modules()}
    assert (1, "lora") in kept
    parameters = sum(n for _, _, n in tuned.modules())
    assert parameters <= 0.3 * budget.total + 0.5
    assert {(1, "prefix"), (1, "adapter")} <= tuned.off


def all_of(jobs: list[Job]) -> list[str]:
    return [job() for job in jobs]


def test_opposite_labels_are_of_the_same_images_and_a_shuffle_mixes_them() -> None:
    inner, whole = discs(Path())
    assert [i.name for i in inner.images] == [i.name for i in whole.images]
    for a, b in zip(inner.images[:5], whole.images[:5], strict=True):
        assert (a.image == b.image).all()
        assert ((a.labels > 0) <= (b.labels > 0)).all()
        assert (b.labels > 0).sum() > 2 * (a.labels > 0).sum()
    heads, tails = shuffled((inner, whole), 0)
    is_inner = [bool((a.labels == b.labels).all()) for a, b in zip(heads.images, inner.images, strict=True)]
    assert 0 < sum(is_inner) < len(is_inner)
    for head, tail, (a, b) in zip(heads.images, tails.images, zip(inner.images, whole.images, strict=True), strict=True):
        assert {head.labels.sum(), tail.labels.sum()} == {a.labels.sum(), b.labels.sum()}


def test_the_experiments_run_resume_and_tell_their_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arms = ["none", "task", "separate", "shuffled"]
    for _ in range(2):
        made = all_of(opposite.jobs(MODEL, tmp_path, ["discs"], arms, [0], QUICK, tmp_path / "opposite"))
    assert made[1].startswith("discs task seed 0: inner click ")
    lines = opposite.table(tmp_path / "opposite").splitlines()
    assert [line.split("|")[2].strip() for line in lines[2:]] == ["none", "task", "shuffled", "separate"]
    assert opposite.gap_closed(0.5, 0.4, 0.8) == pytest.approx(0.25)
    assert opposite.gap_closed(0.5, 0.4, 0.4) is None
    clicked = {"none": 0.4, "separate": 0.8, "task": 0.5}
    assert opposite.gaps({arm: {"seed0": {"click": iou}} for arm, iou in clicked.items()}, "task") == [pytest.approx(0.25)]
    swapped = json.loads((tmp_path / "opposite/discs/task/both/seed0/swapped.json").read_text())
    assert set(swapped) == {"inner", "whole"}
    folder = TWIN / "blobs"
    all_of(budget_study.jobs(MODEL, [folder], [0.4], list(budget_study.ARMS), [0], QUICK, tmp_path / "budget"))
    results = {p.parts[-3]: json.loads(p.read_text()) for p in (tmp_path / "budget").glob("*/*/seed0/result.json")}
    modules = {arm: len(result["modules"]) for arm, result in results.items()}
    assert modules["all"] == read_model(MODEL).config["num_hidden_layers"] * len(ALL)
    assert 0 < modules["last block"] <= modules["late half"] < modules["all"] == modules["uniform 40"]
    assert modules["random 40"] < modules["all"]
    assert modules["budget 40"] < modules["all"]
    text = budget_study.table(tmp_path / "budget")
    assert "| all | +0.0000" in text
    assert "| budget 40 |  |  |" in text  # how alike two structures are takes two
    rows = {p.row for p in budget_study.figure(tmp_path / "budget").points}
    assert rows == set(modules) - {"all"}
    assert budget_study.shared({(0, "lora"), (1, "lora")}, {(1, "lora")}) == 0.5
    assert len(read_set(folder).images) > 1


def test_few_images_are_the_first_of_the_same_split(tmp_path: Path) -> None:
    folder = TWIN / "blobs"
    whole = read_set(folder)
    few = Few(whole.key, whole.images, whole.stamp, 2).split(0)
    assert [i.name for i in few["train"]] == [i.name for i in whole.split(0)["train"]][:2]
    assert few["test"] == whole.split(0)["test"]
    all_of(few_study.jobs(MODEL, [folder], [1, 2], ["mopeft", "late", "token"], [0], QUICK, tmp_path))
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in few_study.table(tmp_path).splitlines()[2:]]
    assert [row[:2] for row in rows] == [[n, arm] for n in "12" for arm in ("mopeft", "late", "token")]
    assert [bool(row[4]) for row in rows] == [False, True, True] * 2
    assert len(few_study.figure(tmp_path).points) == 2 * len(rows)


def test_a_tiny_vit_is_studied_with_its_own_preprocessing(tmp_path: Path) -> None:
    """As LiteMedSAM is, by each image's own minimum and maximum."""
    before = []
    for name, record in {"lite": {"normalisation": "min-max"}, "plain": {}}.items():
        model, vectors = tmp_path / name, TWIN.parent / "tiny_vit"
        model.mkdir()
        (model / "model.safetensors").write_bytes((vectors / "tiny_vit.base.safetensors").read_bytes())
        (model / "config.json").write_bytes((vectors / "tiny_vit.json").read_bytes())
        (model / "preprocessor_config.json").write_text(json.dumps(record))
        out = tmp_path / f"{name}-few"
        all_of(few_study.jobs(model, [TWIN / "blobs"], [1], ["mopeft", "late", "token"], [0], QUICK, out))
        results = {p.parts[-3]: json.loads(p.read_text()) for p in out.glob("*/*/seed0/result.json")}
        assert len(results) == 3
        before.append(next(iter(results.values()))["sets"]["blobs"]["before"])
    assert before[0] != before[1]
    all_of(opposite.jobs(tmp_path / "lite", tmp_path, ["discs"], ["task"], [0], QUICK, tmp_path / "opposite"))
    assert set(json.loads((tmp_path / "opposite/discs/task/both/seed0/swapped.json").read_text())) == {"inner", "whole"}


def test_a_structure_that_other_sets_found_is_trained_anew(tmp_path: Path) -> None:
    sets = [TWIN / "blobs", TWIN / "stripes"]
    with pytest.raises(SystemExit, match="at least two sets"):
        transfer.jobs(MODEL, sets[:1], [0.4], list(transfer.ARMS), [0], QUICK, tmp_path)
    all_of(transfer.jobs(MODEL, sets, [0.4], list(transfer.ARMS), [0], QUICK, tmp_path)[:1])
    results = {p.parent.parent.relative_to(tmp_path): json.loads(p.read_text()) for p in tmp_path.glob("**/result.json")}
    found = results[Path("blobs/found/elsewhere 40")]
    assert list(found["sets"]) == ["stripes"]
    assert results[Path("blobs/elsewhere 40")]["modules"] == found["modules"]
    assert "| elsewhere 40 |" in budget_study.table(tmp_path)


def test_vessels_are_thin_and_the_convolution_is_compared_with_the_same_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = thin.vessels()
    assert len(drawn.images) == thin.DRAWN
    for image in drawn.images[:8]:
        mask = image.labels > 0
        assert 0.005 < mask.mean() < 0.3
        # Nothing is left when two pixels are taken off on either side.
        assert not scipy.ndimage.binary_erosion(mask, iterations=3).any()
    monkeypatch.setattr(thin, "vessels", lambda: replace(drawn, images=drawn.images[:8]))
    all_of(thin.jobs(MODEL, [], ["adapter", "conv_pass"], [0], QUICK, tmp_path))
    lines = [[cell.strip() for cell in line.split("|")] for line in thin.table(tmp_path).splitlines()[2:]]
    assert [(line[2], line[3]) for line in lines] == [(arm, key) for arm in ("adapter", "conv_pass") for key in ("box", "click")]
    assert [bool(line[6]) for line in lines] == [False, False, True, True]
    drawn_points = thin.figure(tmp_path).points
    assert [(p.row, p.series) for p in drawn_points] == [("vessels: conv_pass", key) for key in ("box", "click")]


def test_a_figure_is_the_same_file_each_time(tmp_path: Path) -> None:
    points = [Point("a", "x", 0.1, 0.05), Point("a", "y", 0.2, float("nan")), Point("b", "x", -0.1, 0.1)]
    for name in ("1.svg", "2.svg"):
        draw(Figure("Arms", "IoU", points, [0, 0.5]), tmp_path / name)
    first, second = ((tmp_path / name).read_text() for name in ("1.svg", "2.svg"))
    assert first == second
    for text in ("Arms", "IoU", ">a<", ">b<", ">x<", ">y<"):
        assert text in first
