"""The package `mopeft`: adapters that the engine wrote, opened in Python."""

import ast
import json
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save, save_file
from transformers import SamModel

import mopeft
from finetune.config import Mopeft
from finetune.tuned import tuned_of
from finetune.vectors import MODEL as SECTION
from mopeft.adapter_file import metadata_of
from mopeft.sam.open import open_base, read_model, weights_hash
from reference.sam import build

torch.set_num_threads(1)
VECTORS = Path(__file__).parents[2] / "tests/vectors"
MODEL = VECTORS / "twin/model"
BLOCKS = SECTION["num_hidden_layers"]


@pytest.mark.parametrize("form", ["budget", "hard"])
def test_an_adapter_without_some_modules_gives_the_embedding_that_the_engine_computed(form: str) -> None:
    model = mopeft.load(VECTORS / "adapter" / form, MODEL)
    config, size = model.adapter.config, SECTION["image_size"]
    assert config.gate == form
    image = torch.linspace(-1, 1, 3 * size * size).view(1, 3, size, size)
    with torch.no_grad():
        got, base = model.tuned.image_encoder(image), open_base(MODEL).sam.image_encoder(image)
    want = load_file(VECTORS / "adapter" / form / "embedding.safetensors")["embedding"].view_as(got)
    assert float((got - want).abs().max() / want.abs().max()) < 1e-4
    assert not torch.allclose(base, want, atol=1e-3)
    pruned = sum(len(blocks) for blocks in config.pruned.values())
    assert pruned > 0
    assert sum(map(len, model.gates())) == BLOCKS * len(config.methods) - pruned


def test_a_model_is_read_off_its_shapes() -> None:
    assert open_base(MODEL).sam.config == SECTION


def test_a_mask_has_the_images_size_and_is_of_the_best_candidate() -> None:
    model = mopeft.load(VECTORS / "adapter/budget", MODEL)
    image = np.random.default_rng(0).integers(0, 255, (40, 70, 3), np.uint8)
    result = model.predict(image, points=[(30, 20)])
    assert result.mask.shape == (40, 70)
    assert result.mask.dtype == bool
    assert sorted(c.token for c in result.candidates) == [1, 2, 3]
    assert result.iou == max(c.iou for c in result.candidates)
    assert model.predict(image, box=(10, 5, 40, 30)).candidates[0].token == 0


ASKED = {"points": [(50, 30.5)]}
IMAGE = VECTORS / "image/image.png"
ADAPTER = VECTORS / "python/engine/unipelt.safetensors"


def official_sam() -> torch.nn.Module:
    """The model as one of `segment_anything`."""
    sam = build(SECTION)
    left = sam.load_state_dict(open_base(MODEL).sam.state_dict(), strict=False)
    assert not left.unexpected_keys
    return sam


def test_models_in_memory_answer_as_the_folder_and_are_not_changed(tmp_path: Path) -> None:
    made = mopeft.create(MODEL, "mopeft", seed=3)  # with a mask decoder of its own
    with torch.no_grad():
        for value in made.tensors.values():
            value.add_(0.05 * torch.randn(value.shape, generator=torch.Generator().manual_seed(value.numel())))
    mopeft.save(made, tmp_path / "made")
    want = made.predict(IMAGE, **ASKED)
    transformers_sam = SamModel.from_pretrained(MODEL, dtype=torch.float32)
    for theirs in (transformers_sam, official_sam(), MODEL):
        before = None if theirs is MODEL else {n: t.clone() for n, t in theirs.state_dict().items()}
        model = mopeft.load(tmp_path / "made", theirs)
        got = model.predict(IMAGE, **ASKED)
        np.testing.assert_allclose(got.candidates[0].logits, want.candidates[0].logits, atol=1e-6)
        assert np.array_equal(got.mask, want.mask)
        assert model.gates() == made.gates()
        for name, value in (before or {}).items():
            assert torch.equal(theirs.state_dict()[name], value), name
    base = mopeft.load(None, MODEL).predict(IMAGE, **ASKED)
    assert np.abs(base.candidates[0].logits - want.candidates[0].logits).max() > 0.05


def test_a_file_of_weights_is_a_base_model(tmp_path: Path) -> None:
    sam = open_base(MODEL).sam
    torch.save(sam.state_dict(), tmp_path / "sam.pth")
    (tmp_path / "config.json").write_text('{"decoder_heads": 2}')
    assert weights_hash(open_base(tmp_path / "sam.pth").sam) == weights_hash(sam)


def test_what_is_asked_again_is_encoded_once_and_changes_are_seen() -> None:
    model = mopeft.load(ADAPTER, MODEL)
    first = model.predict(IMAGE, **ASKED)
    embedding = model._encoded[1]
    model.predict(IMAGE, points=[(20, 20)])
    assert model._encoded[1] is embedding
    with torch.no_grad():
        model.tensors["blocks.1.adapter.up.weight"].mul_(3)
    assert not np.array_equal(model.predict(IMAGE, **ASKED).candidates[0].logits, first.candidates[0].logits)


def test_images_of_every_kind_answer_alike() -> None:
    model = mopeft.load(ADAPTER, MODEL)
    pixels = np.array(Image.open(IMAGE).convert("RGB"))
    alpha = np.dstack([pixels, np.full(pixels.shape[:2], 9, np.uint8)])
    masks = [model.predict(i, **ASKED).mask for i in (IMAGE, str(IMAGE), pixels, alpha, Image.fromarray(pixels))]
    assert all(np.array_equal(mask, masks[0]) for mask in masks)
    grey = model.predict(pixels[..., 0], **ASKED).mask
    assert np.array_equal(grey, model.predict(np.repeat(pixels[..., :1], 3, 2), **ASKED).mask)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "Give a point or a box"),
        ({"points": [(1, 2, 3)]}, "is not 2 numbers"),
        ({"points": [(1, float("nan"))]}, "is not 2 numbers"),
        ({"points": [(500, 2)]}, "outside of the image of 118 × 77"),
        ({"points": [(5, 2)], "labels": [1, 0]}, "1 points and 2 labels"),
        ({"points": [(5, 2)], "labels": [2]}, "1 for the object"),
        ({"points": [(5, 2)], "labels": [0.7]}, "1 for the object"),
        ({"points": [(5, 2)], "labels": [np.nan]}, "1 for the object"),
        ({"points": [(5, 2)], "labels": [[1]]}, "1 for the object"),
        ({"points": [(5, 2)], "labels": 1}, "labels: 1 is no list"),
        ({"points": (5, 2)}, "Give a list of points"),
        ({"points": 5}, "points: 5 is no list"),
        ({"points": None}, "Nothing is asked"),
        ({"box": (10, 10, 10, 20)}, "no area"),
        ({"box": (20, 20, 10, 10)}, "two corners, no width and height"),
        ({"box": (200, 10, 300, 20)}, "outside of the image of 118 × 77"),
        ({"box": [(10, 10, 20, 20)]}, "Give one box"),
        ({"points": [(5, 2)], "dataset": "cells"}, "Leave out the dataset"),
    ],
)
def test_a_question_without_an_answer_is_refused(asked: dict, said: str) -> None:
    with pytest.raises(mopeft.AskError, match=said):
        loaded().predict(IMAGE, **asked)


@cache
def loaded() -> mopeft.Model:
    return mopeft.load(ADAPTER, MODEL)


def test_the_dataset_is_asked_for_where_there_are_several() -> None:
    model = mopeft.load(ADAPTER.parent / "task.safetensors", MODEL)
    assert model.datasets == ("cells", "größe 2")
    with pytest.raises(mopeft.AskError, match="dataset='cells'"):
        model.predict(IMAGE, **ASKED)
    with pytest.raises(mopeft.AskError, match="no dataset 'Cells'"):
        model.predict(IMAGE, **ASKED, dataset="Cells")


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (np.zeros((4, 4), np.float32), "float32"),
        (np.zeros((3, 4, 5), np.uint8), "channels last"),
        ([[1, 2], [3]], "no array"),
        (None, "a path, an image of Pillow"),
        (b"", "a path, an image of Pillow"),
        (np.zeros((4, 4, 2), np.uint8), r"\[4, 4, 2\]"),
        (np.zeros((0, 4, 3), np.uint8), r"\[0, 4, 3\]"),
        (Image.new("F", (4, 4)), "mode is F"),
        ("nowhere.png", "no such file"),
        (ADAPTER, "no image"),
    ],
)
def test_an_image_that_is_none_is_refused(image: object, said: str) -> None:
    with pytest.raises(mopeft.ImageError, match=said):
        loaded().predict(image, points=[(1, 1)])


def test_16_bit_grey_is_read_by_its_percentiles_as_in_the_studio(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(300, 4096, (77, 118)).astype(np.uint16)
    values[0, :20], values[1, :20] = 0, 60_000  # fewer than one in a thousand stay outside
    values[0, 5:20] = values[1, 5:20] = 2000
    ordered = np.sort(values.ravel()).astype(float)
    low, high = (ordered[int(np.ceil(values.size * share / 100)) - 1] for share in (0.1, 99.9))
    wanted = np.floor(np.clip((values - low) / (high - low), 0, 1) * 255 + 0.5).astype(np.uint8)
    Image.fromarray(values).save(tmp_path / "deep.png")
    Image.fromarray(values).save(tmp_path / "deep.tif")
    want = loaded().predict(wanted, **ASKED).candidates[0].logits
    for image in (values, values[..., None], Image.fromarray(values), tmp_path / "deep.png", tmp_path / "deep.tif"):
        np.testing.assert_array_equal(loaded().predict(image, **ASKED).candidates[0].logits, want)


def test_threads_that_ask_for_different_datasets_get_their_own_answers() -> None:
    model = mopeft.load(ADAPTER.parent / "task.safetensors", MODEL)
    want = {name: model.predict(IMAGE, **ASKED, dataset=name).candidates[0].logits for name in model.datasets}
    assert not np.allclose(*want.values(), atol=1e-3)

    def ask(name: str) -> bool:
        answers = [model.predict(IMAGE, **ASKED, dataset=name).candidates[0].logits for _ in range(10)]
        return all(np.allclose(answer, want[name], atol=1e-4) for answer in answers)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(ask, model.datasets * 4))


def test_a_device_that_is_not_there_is_named() -> None:
    for device in ("cdua", "cuda:99", torch.bfloat16):
        with pytest.raises(mopeft.AskError, match="no device"):
            loaded().to(device)


def changed(**parts: object) -> bytes:
    """The adapter's file with another record. mopeft: changes of that part; others: of the whole."""
    record = json.loads(metadata_of(ADAPTER.read_bytes())["record"])
    record["mopeft"] |= parts.pop("mopeft", {})
    record |= parts
    return save({"x": torch.zeros(1)} | load_file(ADAPTER), {"record": json.dumps(record)})


RAW = ADAPTER.read_bytes()
HOSTILE = {
    "empty": (b"", "no safetensors"),
    "a web page": (b"<!doctype html><title>404</title>", "no safetensors"),
    "truncated": (RAW[:-40], "no safetensors"),
    "a header of 2^63 bytes": (b"\xff" * 7 + b"\x7f" + RAW[8:], "no safetensors"),
    "no record": (save({"x": torch.zeros(1)}), "no record"),
    "a record that is no JSON": (save({"x": torch.zeros(1)}, {"record": "{"}), "no JSON"),
    "a record that nests deeply": (save({"x": torch.zeros(1)}, {"record": "[" * 100_000}), "no JSON"),
    "a record that is a list": (save({"x": torch.zeros(1)}, {"record": "[]"}), "format is not"),
    "a newer version": (changed(version=2), "version is 2.*Update"),
    "another base": (changed(base={"name": "sam-vit-huge", "hash": "0" * 64}), "belongs to the model sam-vit-huge"),
    "a base without a hash": (changed(base={"name": "x"}), "hash is"),
    "an unknown method": (changed(mopeft={"methods": {"vera": {}}}), "method 'vera' is unknown.*Update"),
    "methods that are a list": (changed(mopeft={"methods": ["lora"]}), "methods is"),
    "an unknown gate form": (changed(mopeft={"gate": "moe"}), "gate form 'moe' is unknown.*Update"),
    "a gate form that is a number": (changed(mopeft={"gate": 3}), "gate is '3'"),
    "a rank of 10^9": (changed(mopeft={"methods": {"lora": {"rank": 10**9}}}), "lora.rank: The value 1000000000"),
    "a rank that is text": (changed(mopeft={"methods": {"lora": {"rank": "8"}}}), "lora.rank"),
    "an unknown setting": (changed(mopeft={"methods": {"lora": {"depth": 1}}}), "lora.depth: There is no such setting"),
    "another rank": (changed(mopeft={"methods": {"lora": {"rank": 4}}}), r"blocks\.0\.lora\.q\.A is \[1, 32\].*\[4, 32\]"),
    "a block that the model lacks": (changed(mopeft={"blocks": [0, 1, 2, 3]}), "block 3, and the model has 3"),
    "blocks that descend": (changed(mopeft={"blocks": [1, 0]}), "ascending"),
    "blocks that are negative": (changed(mopeft={"blocks": [-1]}), "ascending"),
    "pruned blocks that are text": (changed(mopeft={"pruned": {"lora": "all"}}), "ascending"),
    "datasets that repeat": (changed(mopeft={"datasets": ["a", "a"]}), "each once"),
    "a missing decoder": (changed(mopeft={"trainDecoder": True}), r"mask_decoder\..* is missing"),
    "a threshold that is no number": (changed(maskThreshold=float("nan")), "maskThreshold"),
    "an unknown preprocessing": (changed(preprocessing={"aspect": "fill"}), "preprocessing"),
    "a mean of two colours": (
        changed(preprocessing={"aspect": "keep", "normalisation": {"kind": "mean-std", "mean": [1, 2], "std": [1, 1, 1], "range": 1}}),
        "preprocessing",
    ),
    "values that are no numbers": (
        save(load_file(ADAPTER) | {"blocks.0.lora.q.B": torch.full((32, 1), torch.nan)}, metadata_of(RAW)),
        "blocks.0.lora.q.B holds values that are no numbers",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_is_no_adapter_says_why(name: str, tmp_path: Path) -> None:
    data, said = HOSTILE[name]
    path = tmp_path / "adapter.safetensors"
    path.write_bytes(data)
    with pytest.raises(mopeft.AdapterError, match=said) as caught:
        mopeft.load(path, MODEL)
    assert caught.value.cure


def test_an_adapter_is_found_in_folders_and_zips(tmp_path: Path) -> None:
    for names, said in (((), "0 adapters"), (("a/adapter.safetensors", "b/adapter.safetensors"), "2 adapters")):
        with zipfile.ZipFile(tmp_path / "some.zip", "w") as archive:
            for name in names:
                archive.writestr(name, RAW)
        with pytest.raises(mopeft.AdapterError, match=said):
            mopeft.load(tmp_path / "some.zip", MODEL)
    with zipfile.ZipFile(tmp_path / "one.zip", "w") as archive:
        archive.writestr("run/adapter.safetensors", RAW)
    assert mopeft.load(tmp_path / "one.zip", MODEL).gates() == []
    # One of before the record was kept in the weights.
    (tmp_path / "adapter.safetensors").write_bytes(save(load_file(ADAPTER)))
    (tmp_path / "adapter.json").write_text(metadata_of(RAW)["record"])
    for path in (tmp_path, tmp_path / "adapter.json", tmp_path / "adapter.safetensors"):
        assert mopeft.load(path, MODEL).adapter.config == loaded().adapter.config
    with pytest.raises(mopeft.AdapterError, match="no such file"):
        mopeft.load(tmp_path / "missing", MODEL)
    (tmp_path / "none").mkdir()
    with pytest.raises(mopeft.AdapterError, match=r"no adapter\.safetensors"):
        mopeft.load(tmp_path / "none", MODEL)


def model_folder(folder: Path, change: dict[str, torch.Tensor | None] | None = None, **files: str) -> Path:
    tensors = load_file(MODEL / "model.safetensors") | (change or {})
    save_file({name: value for name, value in tensors.items() if value is not None}, folder / "model.safetensors")
    for name, text in files.items():
        (folder / f"{name}.json").write_text(text)
    return folder


@pytest.mark.parametrize(
    ("change", "files", "said"),
    [
        ({"mask_decoder.iou_token.weight": None}, {}, r"iou_token\.weight is missing"),
        ({"vision_encoder.layers.0.attn.qkv.weight": torch.zeros(99, 32)}, {}, "heads of 16|is .99, 32. and not"),
        ({"vision_encoder.layers.0.mlp.lin2.bias": torch.zeros(31)}, {}, r"is \[31\] and not \[32\]"),
        ({"vision_encoder.neck.conv1.weight": torch.zeros(32, 32, 1, 1, dtype=torch.int8)}, {}, "int8"),
        ({"vision_encoder.layers.0.attn.qkv.lora_A.weight": torch.zeros(2, 32)}, {}, "belong to no SAM"),
        ({"mask_decoder.hf_token.weight": torch.zeros(1, 32)}, {}, "HQ-SAM"),
        ({}, {"config": "{"}, "not JSON"),
        ({}, {"config": '{"mask_decoder_config": {"num_attention_heads": 3}}'}, "3 heads"),
        ({}, {"preprocessor_config": '{"image_mean": [1]}'}, "preprocessing cannot be read"),
    ],
)
def test_a_folder_that_is_no_sam_says_why(change: dict, files: dict, said: str, tmp_path: Path) -> None:
    with pytest.raises(mopeft.ModelError, match=said):
        mopeft.load(None, model_folder(tmp_path, change, **({"config": (MODEL / "config.json").read_text()} | files)))


def test_a_sam_2_is_named_under_its_own_names_and_hugging_faces(tmp_path: Path) -> None:
    tensors = load_file(VECTORS / "sam2/sam2.base.safetensors")
    names = json.loads((VECTORS / "sam2/hf_names.json").read_text())
    torch.save({"model": tensors}, tmp_path / "sam2_hiera_tiny.pt")
    renamed = {hf: tensors[own].clone() for hf, own in names.items() if isinstance(own, str)}
    (tmp_path / "hf").mkdir()
    save_file(renamed, tmp_path / "hf/model.safetensors")
    for path in (tmp_path / "sam2_hiera_tiny.pt", tmp_path / "hf"):
        with pytest.raises(mopeft.ModelError, match=r"a SAM 2, which.*\n?.*Segment with it in the studio"):
            mopeft.load(None, path)


def test_a_model_that_is_not_there_says_where_it_was_looked_for(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(mopeft.ModelError, match="no such file"):
            mopeft.load(None, path)
    with pytest.raises(mopeft.ModelError, match="not downloaded"):
        mopeft.load(None, "facebook/sam-vit-base")
    with pytest.raises(mopeft.ModelError, match="NoneType is no model"):
        mopeft.load(None, None)
    with pytest.raises(mopeft.AdapterError, match="int is no path"):
        mopeft.load(5, MODEL)
    (tmp_path / "model.safetensors").write_bytes(b"\x80\x02c__builtin__\neval\n")
    with pytest.raises(mopeft.ModelError, match="no tensors"):
        mopeft.load(None, tmp_path)


def test_an_adapter_of_python_begins_as_in_the_engine(tmp_path: Path) -> None:
    for wrong, said in (
        ({"methods": "lor"}, "no method 'lor'"),
        ({"methods": ["lora"]}, "names no methods"),
        ({"gate": "moe"}, "no gate form 'moe'"),
        ({"datasets": ["a", "a"]}, "each once"),
        ({"datasets": "ab"}, "list of names"),
        ({"seed": "x"}, "seed is 'x'"),
    ):
        with pytest.raises(mopeft.AskError, match=said):
            mopeft.create(MODEL, **wrong)
    assert list(mopeft.create(MODEL, "adapter+lora").adapter.config.methods) == ["lora", "adapter"]
    model = mopeft.create(MODEL, {"lora": {"rank": 4}, "adapter": {}}, "task", datasets=("a", "b"), train_decoder=False, seed=7)
    twin = tuned_of(read_model(MODEL), Mopeft(("lora", "adapter"), "task", False, {"rank": 4}, 2), 7)
    assert model.tensors.keys() == twin.state().keys()
    for name, value in twin.state().items():
        assert torch.equal(model.tensors[name], value)
    mopeft.save(model, tmp_path / "new/file.safetensors")
    assert mopeft.load(tmp_path / "new/file.safetensors", MODEL).datasets == ("a", "b")
    model.threshold = np.float32(-0.5)
    mopeft.save(model, tmp_path / "new")
    assert mopeft.load(tmp_path / "new", MODEL).threshold == -0.5
    for wrong in (None, "a", np.nan):
        with pytest.raises(mopeft.AskError, match="threshold"):
            model.threshold = wrong
    with pytest.raises(TypeError):  # it would change no answer
        model.tensors["blocks.0.lora.q.A"] = torch.zeros(4, 32)
    with torch.no_grad():
        model.tensors["blocks.0.lora.q.A"][0, 0] = torch.inf
    with pytest.raises(mopeft.AdapterError, match="no numbers"):
        mopeft.save(model, tmp_path)


def test_the_package_imports_nothing_that_it_does_not_ask_for() -> None:
    package = Path(mopeft.__file__).parent
    for path in package.rglob("*.py"):
        # Training is an extra: `pip install mopeft[train]`.
        is_training = path.is_relative_to(package / "train")
        allowed = {"PIL", "numpy", "safetensors", "torch", *(["scipy"] if is_training else [])}
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            for name in names:
                top = name.partition(".")[0]
                assert top in allowed or top in sys.stdlib_module_names, f"{path}: {name}"
