import json
import math
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from finetune import large_vectors
from finetune.config import Mopeft, parse_method, with_settings
from finetune.data import DataSet, read_set, read_sets
from finetune.run import run
from finetune.tuned import open_tuned
from finetune.vectors import CASES, kept_state, strip, train_case
from mopeft.errors import TrainError
from mopeft.gate_forms import FORMS, Asked
from mopeft.methods import METHODS
from mopeft.modules import encode
from mopeft.random import Random
from mopeft.sam.model import Sam
from mopeft.sam.open import read_model
from mopeft.tensors import by_block, first_values, module_specs
from mopeft.train.config import LIMITS, TrainConfig, least_area
from mopeft.train.images import LabelledImage
from mopeft.train.loop import base_scores
from mopeft.train.losses import best_of_three, mask_terms
from mopeft.train.objects import find_objects
from mopeft.train.prepare import Batches
from mopeft.train.prompts import corrective_click
from mopeft.train.reduce import reduced, reduction
from mopeft.train.scoring import Evaluator
from mopeft.train.step import Losses
from mopeft.train.targets import low_res
from pretrain.initial import initialise
from reference.encoder import Case
from reference.encoder import encode as reference_encode
from reference.losses import supervised, terms
from tests.test_model import SMALL

torch.set_num_threads(1)
ROOT = Path(__file__).parents[2]
TWIN = ROOT / "tests/vectors/twin"
LARGE = ROOT / "tests/slow-vectors/twin"


def test_the_settings_and_their_defaults_are_the_engines() -> None:
    text = (ROOT / "src/config/train.ts").read_text()
    found = dict(re.findall(r"\n  (\w+): \{\n    kind: .*?\n    default: (.*?),\n", text, re.DOTALL))
    for name in ("objectsPerPass", "memory", "weights", "checkpointEvery"):
        del found[name]
    mine = TrainConfig()
    assert set(found) == set(TrainConfig.__dataclass_fields__)
    for name, value in found.items():
        own = getattr(mine, name)
        assert own == (value.strip("'") if isinstance(own, str) else json.loads(value)), name


def test_settings_are_read_and_a_wrong_one_is_named() -> None:
    config = with_settings(TrainConfig(), ["lrPeft=1e-4", "steps=7", "flips=false", "splitOrder=name"])
    assert (config.lrPeft, config.steps, config.flips, config.splitOrder) == (1e-4, 7, False, "name")
    with pytest.raises(SystemExit, match="lrWrong"):
        with_settings(TrainConfig(), ["lrWrong=1"])
    for wrong in ("flips=True", "splitOrder=names", "steps=many", "lrPeft=low"):
        with pytest.raises(SystemExit, match=wrong.split("=")[1]):
            with_settings(TrainConfig(), [wrong])
    assert parse_method("adapter+lora") == ("lora", "adapter")
    assert parse_method("mopeft") == ("lora", "prefix", "adapter")
    assert parse_method("decoder") == ()
    with pytest.raises(SystemExit, match="magic"):
        parse_method("magic")


def test_the_limits_of_numbers_are_the_engines() -> None:
    text = (ROOT / "src/config/train.ts").read_text()
    found = re.findall(r"\n  (\w+): \{\n    kind: '(?:integer|number)'.*?\n    min: (.*?),\n    max: (.*?),\n", text, re.DOTALL)
    limits = {name: (eval(least), eval(most)) for name, least, most in found}  # sums such as 2 ** 32 - 1
    for name in ("objectsPerPass", "memory", "checkpointEvery"):
        del limits[name]
    assert limits == LIMITS


@pytest.mark.parametrize("wrong", ["evalEvery=0", "minCrop=0", "minArea=nan", "seed=-1", "corrections=9"])
def test_a_number_beyond_its_limits_is_refused(wrong: str) -> None:
    with pytest.raises(SystemExit, match=wrong.split("=")[0] + ".*Give a number from"):
        with_settings(TrainConfig(), [wrong])
    with pytest.raises(SystemExit, match="steps: The value is 0"):
        with_settings(TrainConfig(steps=0), [])


def test_draws_are_even_and_streams_differ() -> None:
    draws = [Random(1, "a").uint32(), Random(1, "b").uint32(), Random(2, "a").uint32()]
    assert len(set(draws)) == 3
    random = Random(3, "x")
    values = np.array([random.normal() for _ in range(4000)])
    assert abs(values.mean()) < 0.06
    assert abs(values.std() - 1) < 0.05
    assert sorted(random.shuffled(range(20))) == list(range(20))


@pytest.fixture
def double() -> Iterator[None]:
    """In float64, where a gate's gradient, a sum that almost cancels, is exact."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


MIXES = [tuple(METHODS), *((m,) for m in METHODS), ("lora", "adapter")]


@pytest.mark.parametrize(("methods", "targets"), [*((m, "qv") for m in MIXES), (tuple(METHODS), "all"), (("lora",), "all")])
@pytest.mark.parametrize("form", FORMS)
def test_the_encoder_is_the_reference(methods: tuple[str, ...], targets: str, form: str, double: None) -> None:
    """Embedding, gates and gradients, against the design page's plainest form on the official modules."""
    from functools import partial

    from segment_anything.modeling import ImageEncoderViT

    model = Sam(SMALL)
    initialise(model, 0)
    for p in model.parameters():
        nn.init.normal_(p, 0, 0.1) if p.abs().max() == 0 else None
    official = ImageEncoderViT(
        64, 8, 3, 32, 2, 2, 2.0, 16, norm_layer=partial(nn.LayerNorm, eps=1e-6), use_rel_pos=True, window_size=3, global_attn_indexes=(1,)
    )
    official.load_state_dict(model.image_encoder.state_dict())
    config = Mopeft(methods, form, sizes={"length": 2, "targets": targets}, sets=3).on(model.image_encoder.sites)
    first = first_values(module_specs(config, model.image_encoder.sites), 1)
    g = torch.Generator().manual_seed(2)
    params = {n: (t + 0.3 * torch.randn(t.shape, generator=g)).requires_grad_() for n, t in first.items()}
    image = torch.randn(2, 3, 64, 64, generator=g)
    dataset = torch.tensor([2, 0])
    # Low enough that no gate is clipped at 1.
    draws = {f"blocks.{i}.gate.{m}.": torch.tensor([0.04 + 0.01 * k]) for i in range(2) for k, m in enumerate(methods)}
    mine, layers = encode(model.image_encoder, image, config, by_block(params, 2), Asked(dataset, draws.get))
    theirs = reference_encode(official, image, params, Case(methods, form, (0, 1), datasets=3), dataset, draws)
    torch.testing.assert_close(mine.permute(0, 3, 1, 2), theirs.embedding, atol=1e-9, rtol=1e-9)
    for i, layer in enumerate(layers):
        for method, gate in layer.items():
            torch.testing.assert_close(gate, theirs.gates[f"gates.{i}.{method}"], atol=1e-9, rtol=1e-9)
    weight = torch.randn(theirs.embedding.shape, generator=g)
    wanted = torch.autograd.grad((theirs.embedding * weight).sum(), list(params.values()))
    got = torch.autograd.grad((mine.permute(0, 3, 1, 2) * weight).sum(), list(params.values()))
    for name, a, b in zip(params, got, wanted, strict=True):
        assert float((a - b).abs().max()) <= 1e-7 * float(b.abs().max()), name


def test_given_gates_take_the_place_of_the_drawn_ones() -> None:
    model = Sam(SMALL)
    initialise(model, 0)
    config = Mopeft(("adapter",), "unipelt").on(model.image_encoder.sites)
    blocks = by_block(first_values(module_specs(config, model.image_encoder.sites), 1), 2)
    for block in blocks:
        nn.init.normal_(block["adapter.up.weight"])
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        asked = Asked(torch.zeros(1, dtype=torch.long))
        own, layers = encode(model.image_encoder, image, config, blocks, asked)
        same, _ = encode(model.image_encoder, image, config, blocks, asked, layers)
        off, _ = encode(model.image_encoder, image, config, blocks, asked, [{"adapter": torch.zeros(1)}] * 2)
        base = model.image_encoder(image)
    torch.testing.assert_close(same, own)
    torch.testing.assert_close(off, base)
    assert not torch.allclose(own, base, atol=1e-3)


def test_objects_come_largest_first_and_touching_values_apart() -> None:
    labels = np.zeros((6, 8), np.int64)
    labels[0:2, 0:2] = 7
    labels[2:4, 2:4] = 7
    labels[0:3, 5:8] = 4
    labels[5, 0] = 9
    found = find_objects(labels, "components", 2)
    assert [(r.area, r.box) for r in found.regions] == [(9, (5, 0, 8, 3)), (8, (0, 0, 4, 4))]
    assert (found.map == 2).sum() == 8
    assert found.map[5, 0] == 0
    assert len(find_objects(np.array([[3, 0, 3]]), "ids").regions) == 1


def test_an_object_of_just_the_least_share_or_size_counts_as_in_the_engine() -> None:
    """0.14 · (5 · 30) is 21 and a rounding, 0.14 · 30 · 5 is 21."""
    assert 0.14 * (5 * 30) > 21 >= 0.14 * 30 * 5
    assert least_area(TrainConfig(minArea=0.14, minSize=0), (5, 30), 64) == 0.14 * 30 * 5
    assert least_area(TrainConfig(minSize=4), (800, 1000), 256) == 16 / (256 / 1000 * (205 / 800))


def test_a_target_is_the_area_mean_of_a_cell_thresholded_at_one_half() -> None:
    mask = np.zeros((60, 40), bool)
    mask[7:41, 5:22] = True
    got = low_res(mask, np.zeros_like(mask), (64, 43), 64, 16)
    fine = np.repeat(np.repeat(mask, 16, 0), 16, 1).astype(float)
    rows = ((np.arange(60 * 16) + 0.5) * 64 / (60 * 16) / 4).astype(int)
    columns = ((np.arange(40 * 16) + 0.5) * 43 / (40 * 16) / 4).astype(int)
    sums = np.zeros((16, 16))
    np.add.at(sums, (rows[:, None], columns[None]), fine)
    share = sums / (60 * 16 / 64 * 4 * 40 * 16 / 43 * 4)
    clear = abs(share - 0.5) > 0.02
    np.testing.assert_array_equal(got[clear], (share > 0.5)[clear])
    assert got[:, 11:].sum() == 0


def test_cells_that_are_half_ignored_take_no_part_and_are_never_clicked() -> None:
    labels = np.array([[-1, 1, 1, 1], [-1, 1, -1, 1], [-1, -1, 0, 0], [-1, -1, 0, 0]])
    target = low_res(labels == 1, labels == -1, (8, 8), 8, 2)
    assert target.tolist() == [[-1, 1], [-1, 0]]
    # All is marked: of the cells beside the object only the last is an error.
    assert all(corrective_click(np.ones((2, 2)), target, 4.0, Random(seed)) == ((6.0, 6.0), 0) for seed in range(9))


def test_losses_leave_out_what_takes_no_part_and_are_0_without_any() -> None:
    g = torch.Generator().manual_seed(1)
    logits, iou = torch.randn(2, 3, 6, 8, generator=g), torch.rand(2, 3, generator=g)
    target = (torch.rand(2, 6, 8, generator=g) > 0.5).float()
    target[:, :, 4:] = -1
    part = terms(logits, iou, target)
    torch.testing.assert_close(part, terms(logits[..., :4], iou, target[..., :4]))
    torch.testing.assert_close(part, terms(torch.where(target[:, None] < 0, 99.0, logits), iou, target))
    assert not terms(logits, iou, torch.full_like(target, -1)).any()


def test_losses_and_their_gradients_are_the_references() -> None:
    g = torch.Generator().manual_seed(2)
    logits, iou = (3 * torch.randn(4, 4, 6, 8, generator=g)).requires_grad_(), torch.rand(4, 4, generator=g).requires_grad_()
    target = torch.randint(-1, 2, (4, 6, 8), generator=g).float()
    target[2], target[3] = -1, 0
    weights = torch.randn(4, 4, 3, generator=g)
    mine, wanted = mask_terms(logits, iou, target), terms(logits, iou, target)
    torch.testing.assert_close(mine, wanted)
    for own, other in zip(*(torch.autograd.grad((each * weights).sum(), (logits, iou)) for each in (mine, wanted)), strict=True):
        torch.testing.assert_close(own, other)
    torch.testing.assert_close(best_of_three(mine), supervised(wanted, True)[0])


def test_a_correction_falls_into_the_larger_error_and_says_its_sign() -> None:
    target = np.zeros((8, 8), np.float32)
    target[2:6, 2:6] = 1
    guess = np.where(target > 0, 1.0, -1.0)
    guess[2:4] = -1
    for seed in range(20):
        (x, y), label = corrective_click(guess, target, 2.0, Random(seed))
        assert label == 1
        assert 4 <= y < 8
        assert 4 <= x < 12
    guess = np.ones((8, 8))
    assert all(corrective_click(guess, target, 2.0, Random(seed))[1] == 0 for seed in range(5))


TOLERANCE = {"box_iou": 2e-3, "click_iou": 2e-3}
"""Absolute, as in `src/train/twin.test.ts`: a logit that rounding moves across the threshold is one pixel of a few hundred of an object.

All other numbers are continuous in the weights, and other machines sum in another order: 1e-4 of their size.
"""


def assert_same(line: object, event: object, name: str = "") -> None:
    """Two lines of metrics.jsonl: the same keys, words and counts, and numbers within their tolerance."""
    if isinstance(event, dict):
        assert line.keys() == event.keys(), name
        for key, value in event.items():
            assert_same(line[key], value, key)
    elif isinstance(event, list):
        assert len(line) == len(event), name
        for one, other in zip(line, event, strict=True):
            assert_same(one, other, name)
    elif isinstance(event, float):
        least = TOLERANCE.get(name, 1e-6)
        assert line == pytest.approx(event, rel=0 if name in TOLERANCE else 1e-4, abs=least), name
    else:
        assert line == event, name


@pytest.mark.parametrize("name", CASES)
def test_the_committed_runs_are_repeated(name: str) -> None:
    record = json.loads((TWIN / f"{name}.json").read_text())
    lines: list[dict] = []
    trainer = train_case(TWIN, name, record["train"]["seed"], lines)
    assert_same([strip(line) for line in lines], record["events"])
    wanted = load_file(TWIN / f"{name}.safetensors")
    kept = kept_state(trainer)
    assert set(kept) == set(wanted)
    for key, value in kept.items():
        if not key.endswith("k_proj.bias"):
            assert float((value - wanted[key]).abs().max()) <= 1e-3 * float(wanted[key].abs().max().clamp(min=1e-6)), key


def test_the_committed_run_of_the_wide_model_is_repeated() -> None:
    record = json.loads((LARGE / "wide.json").read_text())
    lines: list[dict] = []
    large_vectors.train_case(LARGE, "wide", record["train"]["seed"], lines)
    assert_same([strip(line) for line in lines], record["events"])


def test_blocks_that_are_computed_again_give_the_same_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    def gradients() -> list[torch.Tensor]:
        tuned = open_tuned(TWIN / "model", Mopeft(("lora", "prefix", "adapter"), train_decoder=False), 0)
        tuned.image_encoder(torch.ones(1, 3, 64, 64))[0].sum().backward()
        return [t.value.grad for t in tuned.trained.values()]

    kept = gradients()
    monkeypatch.setattr("mopeft.modules.RECOMPUTED", 1)
    for a, b in zip(gradients(), kept, strict=True):
        assert torch.equal(a, b)
    assert sum(float(g.abs().sum()) for g in kept) > 0


def test_a_finished_run_is_not_run_again(tmp_path: Path) -> None:
    model = TWIN / "model"
    sets: list[DataSet] = [read_set(TWIN / "blobs")]
    config = TrainConfig(steps=2, corrections=0, objectsPerImage=1)
    first = run(model, read_model(model), sets, Mopeft(("adapter",)), config, tmp_path)
    kinds = [json.loads(line)["type"] for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert kinds == ["eval", "gates", "step", "step", "eval", "gates", "eval"]
    assert set(load_file(tmp_path / "best.safetensors")) >= {"blocks.0.adapter.up.weight"}
    (tmp_path / "metrics.jsonl").unlink()
    assert run(model, read_model(model), sets, Mopeft(("adapter",)), config, tmp_path) == first
    assert not (tmp_path / "metrics.jsonl").exists()
    with pytest.raises(SystemExit, match="another config"):
        run(model, read_model(model), sets, Mopeft(("adapter",)), replace(config, steps=3), tmp_path)
    with pytest.raises(SystemExit, match="another validates"):
        run(model, read_model(model), sets, Mopeft(("adapter",)), config, tmp_path, validates=False)


def test_a_run_of_another_model_other_sets_or_an_earlier_twin_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, folder, out = tmp_path / "model", tmp_path / "blobs", tmp_path / "run"
    shutil.copytree(TWIN / "model", model)
    shutil.copytree(TWIN / "blobs", folder)
    base, config = read_model(model), TrainConfig(steps=1, corrections=0, objectsPerImage=1)

    def again(model: Path = model, *more: Path) -> dict:
        return run(model, base, read_sets([folder, *more]), Mopeft(()), config, out)

    result = again()
    assert again() == result
    other = tmp_path / "other"
    shutil.copytree(model, other)
    with (other / "model.safetensors").open("ab") as file:
        file.write(b" ")
    with pytest.raises(SystemExit, match="another model"):
        again(other)
    with pytest.raises(SystemExit, match="another data"):
        again(model, TWIN / "stripes")
    monkeypatch.setattr("finetune.run.VERSION", 0)
    with pytest.raises(SystemExit, match="another twin"):
        again()
    monkeypatch.undo()
    mask = next((folder / "masks").iterdir())
    mask.write_bytes(mask.read_bytes() + b" ")
    with pytest.raises(SystemExit, match="another data"):
        again()
    mask.write_bytes(mask.read_bytes()[:-1])
    assert again() == result
    (out / "result.json").write_text(json.dumps({k: v for k, v in result.items() if k not in ("twin", "model", "data", "validates")}))
    with pytest.raises(SystemExit, match="does not say its twin and model and data and validates: choose another folder"):
        again()


@pytest.mark.parametrize(("loss", "norm"), [(float("nan"), 1.0), (1.0, float("inf"))])
def test_a_run_that_is_not_finite_stops_without_a_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loss: float, norm: float) -> None:
    monkeypatch.setattr("mopeft.train.loop.gradients", lambda *_: Losses(loss=loss))
    monkeypatch.setattr("mopeft.train.loop.Optimizer.update", lambda *_: norm)
    model = TWIN / "model"
    with pytest.raises(TrainError, match=r"at step 1\. Start a new run with lower learning rates"):
        run(model, read_model(model), [read_set(TWIN / "blobs")], Mopeft(()), TrainConfig(steps=2), tmp_path)
    assert not (tmp_path / "result.json").exists()


def test_a_crop_without_a_class_asks_for_nothing_and_goes_on() -> None:
    labels = np.zeros((20, 20), np.int64)
    labels[4:16, 4:16] = 1
    image = LabelledImage("a", np.zeros((20, 20, 3), np.uint8), labels, "ids", np.zeros_like(labels))
    config = TrainConfig(clickPrompts=False, boxPrompts=False, wholePrompts=True)
    batches = Batches(SMALL, config, [[image]])
    assert batches.prepare(image) is None
    assert batches.prompt_count == 1
    fresh = Random(config.seed, "prompts")
    fresh.integer(1)  # the engine's draw of a class where there is none
    assert batches.prompting.uint32() == fresh.uint32()


def test_sets_of_one_name_are_not_trained_together(tmp_path: Path) -> None:
    shutil.copytree(TWIN / "stripes", tmp_path / "blobs")
    with pytest.raises(SystemExit, match="two sets are named blobs"):
        read_sets([TWIN / "blobs", tmp_path / "blobs"])


def test_a_set_without_labels_is_refused(tmp_path: Path) -> None:
    shutil.copytree(TWIN / "blobs/images", tmp_path / "images")
    with pytest.raises(SystemExit, match="no labelled image"):
        read_set(tmp_path)


def test_the_base_is_scored_anew_for_other_objects() -> None:
    base, images = read_model(TWIN / "model"), read_set(TWIN / "blobs").images[:1]
    size = base.config["image_size"]
    largest, nine = (Evaluator(TrainConfig(evalObjects=n, minSize=0), size) for n in (1, 9))
    one, all_of_them = base_scores(base, largest, images), base_scores(base, nine, images)
    assert len(one[0].box) == 1 < len(all_of_them[0].box)
    assert base_scores(base, largest, images)[0] is one[0]


def test_a_large_image_is_reduced_as_in_the_engine() -> None:
    # The case of `src/data/reduce.test.ts`.
    assert [reduction(shape, 1024, 0.5) for shape in [(3000, 4000), (3000, 4096), (6144, 3000), (400, 500)]] == [1, 2, 3, 1]
    assert reduction((3000, 4000), 1024, 1) == 3
    labels = np.array([[1, 1, 0, 1, 1, 1, -1, -1]] * 4)
    image = ((np.arange(4 * 8 * 3) * 37) % 256).astype(np.uint8).reshape(4, 8, 3)
    small = reduced(LabelledImage("a", image, labels, "components", labels), 2)
    assert small.rule == "ids"
    assert small.labels.tolist() == [[2, 1, 1, -1]] * 2
    assert small.classes.tolist() == [[1, 1, 1, -1]] * 2
    assert small.image.shape == (2, 4, 3)
    assert small.image[1, 2, 0] == math.floor(image[2:4, 4:6, 0].astype(float).mean() + 0.5)
