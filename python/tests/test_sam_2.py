"""SAM 2's vectors against transformers' Sam2Model with the same weights. Skipped where it is not installed."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

transformers = pytest.importorskip("transformers", reason="transformers is not installed")

from reference.sam2 import hugging_face_config  # noqa: E402

VECTORS = Path(__file__).parents[2] / "tests/vectors/sam2"


@pytest.fixture(scope="module")
def model() -> transformers.Sam2Model:
    """With the weights of the set, each under the name that `hf_names.json` has for it."""
    base = {name: t.float() for name, t in load_file(VECTORS / "sam2.base.safetensors").items()}
    names = json.loads((VECTORS / "hf_names.json").read_text())
    state = {hf: torch.cat([base[name] for name in own]) if isinstance(own, list) else base[own] for hf, own in names.items()}
    assert {name for own in names.values() for name in (own if isinstance(own, list) else [own])} == set(base)
    config = json.loads((VECTORS / "sam2.json").read_text())
    official = transformers.Sam2Model(transformers.Sam2Config(**hugging_face_config(config))).eval()
    official.load_state_dict(state, strict=True)
    return official.requires_grad_(False)


@pytest.fixture(scope="module")
def expected() -> dict[str, Tensor]:
    return load_file(VECTORS / "sam2.forward.safetensors")


def features(model: transformers.Sam2Model, image: Tensor) -> list[Tensor]:
    """As its decoder reads them, finest first. An image at a time: it takes several for one that is wider."""
    every = [model.get_image_embeddings(one[None]) for one in image]
    return [torch.cat(level) for level in zip(*every, strict=True)]


def close(found: Tensor, wanted: Tensor) -> None:
    torch.testing.assert_close(found, wanted, rtol=0, atol=2e-5 * wanted.abs().max().item())


def test_encoder_and_pyramid(model: transformers.Sam2Model, expected: dict[str, Tensor]) -> None:
    finest, finer, embedding = features(model, expected["input.image"])
    close(expected["encoder.embedding"], embedding)
    close(expected["encoder.high_res0"], finest.permute(0, 2, 3, 1))
    close(expected["encoder.high_res1"], finer.permute(0, 2, 3, 1))


def test_blocks_with_modules_are_those_that_keep_the_width(model: transformers.Sam2Model, expected: dict[str, Tensor]) -> None:
    seen = []
    kept = [block for block in model.vision_encoder.backbone.blocks if block.dim == block.dim_out]
    hooks = [block.register_forward_hook(lambda _, __, out: seen.append(out)) for block in kept]
    model.vision_encoder(expected["input.image"])
    for hook in hooks:
        hook.remove()
    assert len(seen) == sum(name.startswith("encoder.block.") for name in expected)
    for i, out in enumerate(seen):
        close(expected[f"encoder.block.{i}"], out)


@pytest.mark.parametrize("tag", ["points", "boxes", "points_boxes", "points_mask"])
def test_prompts_and_masks(model: transformers.Sam2Model, expected: dict[str, Tensor], tag: str) -> None:
    ask = {}
    if "points" in tag:
        ask |= {"input_points": expected["input.points"][None], "input_labels": expected["input.labels"][None]}
    if "boxes" in tag:
        ask |= {"input_boxes": expected["input.boxes"][None]}
    masks = expected["input.mask"] if tag.endswith("mask") else None
    sparse, dense = model.prompt_encoder(**{"input_points": None, "input_labels": None, "input_boxes": None, **ask}, input_masks=masks)
    close(expected[f"prompt.{tag}.sparse"], sparse[0])
    close(expected[f"prompt.{tag}.dense"], dense.expand_as(expected[f"prompt.{tag}.dense"]))
    position = model.get_image_wide_positional_embeddings()
    close(expected["prompt.dense_pe"], position)
    # It takes the masks of several objects for those of several images, so each object is asked alone.
    image = [level[:1] for level in features(model, expected["input.image"])]
    for i in range(len(dense) if masks is not None else 1):
        one = (sparse[:, i : i + 1], dense[i : i + 1]) if masks is not None else (sparse, dense)
        for several, tokens in ((False, slice(0, 1)), (True, slice(1, None))):
            found, iou, _, _ = model.mask_decoder(image[-1], position, *one, several, image[:-1])
            objects = slice(i, i + 1) if masks is not None else slice(None)
            close(expected[f"decode.{tag}.masks"][objects, tokens], found[0])
            close(expected[f"decode.{tag}.iou"][objects, tokens], iou[0])
