"""The package's answers against the engine's, for every method and gate form, ViT and TinyViT: `tests/vectors/python`."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import mopeft
from mopeft.adapter_file import read_adapter, record_for
from tests import made_adapter
from tests.made_adapter import ASKED
from tests.test_package import MODEL, VECTORS

torch.set_num_threads(1)
FOLDER = VECTORS / "python/engine"
IMAGE = VECTORS / "image/image.png"
ANSWERS = json.loads((FOLDER / "answers.json").read_text())
LOGITS = load_file(FOLDER / "logits.safetensors")


def mask_of(runs: list[int], shape: tuple[int, int]) -> np.ndarray:
    return np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(shape)


def iou(a: np.ndarray, b: np.ndarray) -> float:
    return (a & b).sum() / (a | b).sum()


@pytest.fixture(scope="module")
def tiny_vit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The TinyViT of a conformance set as a folder."""
    folder = tmp_path_factory.mktemp("tiny_vit")
    (folder / "model.safetensors").write_bytes((VECTORS / "tiny_vit/tiny_vit.base.safetensors").read_bytes())
    (folder / "config.json").write_bytes((VECTORS / "tiny_vit/tiny_vit.json").read_bytes())
    return folder


@pytest.mark.parametrize("name", ANSWERS)
def test_an_adapter_answers_as_in_the_engine(name: str, tiny_vit: Path) -> None:
    want = ANSWERS[name]
    model = mopeft.load(FOLDER / f"{name}.safetensors", MODEL if want["model"] == "vit" else tiny_vit)
    for prompt in ("box", "click"):
        result = model.predict(IMAGE, **ASKED[prompt], dataset=want.get("dataset"))
        best, told = result.candidates[0], want[prompt]
        assert best.token == told["token"]
        assert result.iou == pytest.approx(told["iou"], abs=1e-4)
        key, every = next((k, int(k.rpartition(".")[2])) for k in LOGITS if k.startswith(f"{name}.{prompt}."))
        logits = torch.from_numpy(best.logits).flatten()[::every]
        assert float((logits - LOGITS[key]).abs().max() / LOGITS[key].abs().max()) < 1e-3
    assert iou(result.mask, mask_of(want["runs"], result.mask.shape)) >= 0.999
    # Where nothing is gated the engine tells no gates, and each is 1.
    for got, gates in zip(model.gates(), want["gates"], strict=bool(want["gates"])):
        assert got == pytest.approx(gates, abs=1e-4)


@pytest.mark.parametrize("name", ANSWERS)
def test_what_is_read_is_written_as_the_engine_writes_it(name: str, tmp_path: Path, tiny_vit: Path) -> None:
    source = FOLDER / f"{name}.safetensors"
    model = mopeft.load(source, MODEL if ANSWERS[name]["model"] == "vit" else tiny_vit)
    mopeft.save(model, tmp_path)
    before, after = read_adapter(source), read_adapter(tmp_path)
    assert record_for(after) == record_for(before)
    assert list(record_for(after)["mopeft"]) == list(record_for(before)["mopeft"])
    assert after.tensors.keys() == before.tensors.keys()
    for key, value in before.tensors.items():
        assert torch.equal(after.tensors[key], value)


@cache
def base_answers() -> dict[str, np.ndarray]:
    model = mopeft.load(None, MODEL)
    return {prompt: model.predict(IMAGE, **asked).candidates[0].logits for prompt, asked in ASKED.items()}


@pytest.mark.parametrize("name", [name for name, told in ANSWERS.items() if told["model"] == "vit"])
def test_every_adapter_changes_the_answers(name: str) -> None:
    """So that a vector on which an adapter does nothing proves nothing."""
    model = mopeft.load(FOLDER / f"{name}.safetensors", MODEL)
    for prompt, base in base_answers().items():
        got = model.predict(IMAGE, **ASKED[prompt], dataset=ANSWERS[name].get("dataset")).candidates[0].logits
        assert np.abs(got - base).max() > 0.02 * np.abs(base).max()


def test_the_adapter_that_the_engine_opens_is_the_one_that_python_makes(tmp_path: Path) -> None:
    model = made_adapter.made()
    mopeft.save(model, tmp_path)
    # The library writes a header's texts in any order.
    assert load_file(tmp_path / "adapter.safetensors").keys() == load_file(made_adapter.OUT / "adapter.safetensors").keys()
    for name, value in load_file(tmp_path / "adapter.safetensors").items():
        assert torch.equal(value, load_file(made_adapter.OUT / "adapter.safetensors")[name])
    assert (tmp_path / "adapter.json").read_bytes() == (made_adapter.OUT / "adapter.json").read_bytes()
    want = json.loads((made_adapter.OUT / "answers.json").read_text())
    got = made_adapter.answers(model)
    for prompt in made_adapter.ASKED:
        assert got[prompt]["logits"] == pytest.approx(want[prompt]["logits"], abs=1e-4)
        assert got[prompt]["token"] == want[prompt]["token"]
