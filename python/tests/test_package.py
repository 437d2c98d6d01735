"""The package `mopeft`: adapters that the engine wrote, opened in Python."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import mopeft
from finetune.vectors import MODEL as SECTION
from mopeft.sam.open import open_base

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
