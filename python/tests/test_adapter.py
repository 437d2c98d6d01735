"""Adapters that the engine wrote, opened by the twin: `tests/vectors/adapter` has one of each form that takes modules out."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from finetune.adapter import mopeft_of, open_adapter
from pretrain.export import read_model
from tests.test_finetune import TWIN

FOLDER = TWIN.parent / "adapter"
MODEL = TWIN / "model"
BLOCKS = read_model(MODEL).config["num_hidden_layers"]


@pytest.mark.parametrize("form", ["budget", "hard"])
def test_an_adapter_without_some_modules_gives_the_embedding_that_the_engine_computed(form: str) -> None:
    tuned, record = open_adapter(MODEL, FOLDER / form / "adapter.safetensors")
    assert record["mopeft"]["gate"] == form
    assert record["mopeft"]["pruned"]
    size = tuned.config["image_size"]
    image = torch.linspace(-1, 1, 3 * size * size).view(1, 3, size, size)
    with torch.no_grad():
        got, base = tuned.image_encoder(image), read_model(MODEL).image_encoder(image)
    want = load_file(FOLDER / form / "embedding.safetensors")["embedding"].view_as(got)
    assert float((got - want).abs().max() / want.abs().max()) < 1e-4
    assert not torch.allclose(base, want, atol=1e-3)
    pruned = sum(len(blocks) for blocks in record["mopeft"]["pruned"].values())
    assert len(tuned.modules()) == BLOCKS * len(record["mopeft"]["methods"]) - pruned


def test_what_the_twin_lacks_is_refused_by_its_name(tmp_path: Path) -> None:
    record = {"methods": {"lora": {"rank": 4, "alpha": 8, "targets": "qv"}}, "gate": "none", "blocks": [0], "trainDecoder": False}
    with pytest.raises(SystemExit, match="lora has alpha 8"):
        mopeft_of(record, BLOCKS)
    with pytest.raises(SystemExit, match="method vera"):
        mopeft_of(record | {"methods": {"vera": {}}}, BLOCKS)
    apart = {"adapter": {"bottleneck": 8}, "adaptformer": {"bottleneck": 4}}
    with pytest.raises(SystemExit, match="differ in bottleneck"):
        mopeft_of(record | {"methods": apart}, BLOCKS)
    path = tmp_path / "adapter.safetensors"
    right = {"mopeft": record | {"methods": {"lora": {"rank": 4, "alpha": 0, "targets": "qv"}}}}
    save_file({"blocks.0.lora.q.A": torch.zeros(4, 32)}, path, {"record": json.dumps(right)})
    with pytest.raises(SystemExit, match=r"blocks\.0\.lora\.q\.B is missing"):
        open_adapter(MODEL, path)
