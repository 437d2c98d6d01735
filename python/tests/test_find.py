"""All objects of an image: as SAM's automatic mask generator and as the engine finds them."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage

import mopeft
from mopeft.find import FIND_FIELDS, OF_MODELS, find_settings
from mopeft.regions import parts
from tests.test_engine_answers import iou, mask_of
from tests.test_package import MODEL, VECTORS

torch.set_num_threads(1)
ROOT = Path(__file__).parents[2]
OFFICIAL = json.loads((VECTORS / "find/find.json").read_text())
SETTINGS = {
    "points_per_side": "points_per_side",
    "crop_n_layers": "crop_layers",
    "pred_iou_thresh": "iou",
    "stability_score_thresh": "stability",
    "nms_thresh": "box_overlap",
    "min_mask_region_area": "min_region",
}
FOUND = VECTORS / "python/found"
TINY = ROOT / "public/models/mopeft-sam-tiny"


def camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)


def test_the_settings_are_the_engines() -> None:
    text = (ROOT / "src/config/find.ts").read_text()
    found = re.findall(r"\n  (\w+): \{\n    kind: '(\w+)'.*?\n    min: (.*?),\n    max: (.*?),\n    default: (.*?),\n", text, re.DOTALL)
    engine = {name: (kind == "integer", *(float(v.replace("_", "")) for v in numbers)) for name, kind, *numbers in found}
    # The package has no labelled images to learn from.
    assert engine.pop("likeness") == (False, 0, 1, 0)
    assert engine == {camel(n): (f.is_whole, f.least, f.most, f.default) for n, f in FIND_FIELDS.items()}
    for hash, settings in OF_MODELS.items():
        own = "".join(f"    {camel(name)}: {value},\n" for name, value in settings.items())
        assert f"'{hash}': {{\n{own}" in text


@pytest.mark.parametrize("case", OFFICIAL["cases"])
def test_sams_generator_finds_the_same(case: str) -> None:
    told = OFFICIAL["cases"][case]
    settings = {SETTINGS[name]: value for name, value in told["settings"].items()}
    model = mopeft.load(None, TINY)
    found = model.find_all(VECTORS / "find" / OFFICIAL["image"], **{"max_area": 1, **settings})
    assert len(told["masks"]) > 3
    assert [f.point for f in found] == [pytest.approx(m["point_coords"][0]) for m in told["masks"]]
    for own, want in zip(found, told["masks"], strict=True):
        height, width = want["segmentation"]["size"]
        # Sums in another order move a pixel at a mask's edge; one of 200 is an IoU of .995.
        assert iou(own.mask, mask_of(want["segmentation"]["counts"], (width, height)).T) >= 0.99
        assert own.iou == pytest.approx(want["predicted_iou"], abs=1e-4)
        assert own.stability == pytest.approx(want["stability_score"], abs=1e-3)
        x0, y0, x1, y1 = own.box
        assert [x0, y0, x1 - 1 - x0, y1 - 1 - y0] == pytest.approx(want["bbox"], abs=1)


def test_the_engine_finds_the_same_with_an_adapter_that_was_trained_in_crops() -> None:
    told = json.loads((FOUND / "found.json").read_text())
    model = mopeft.load(FOUND / "adapter.safetensors", TINY)
    settings = {name: told["settings"][camel(name)] for name in FIND_FIELDS}
    found = model.find_all(VECTORS / "find" / OFFICIAL["image"], **settings)
    assert len(told["objects"]) > 20
    assert [f.point for f in found] == [tuple(o["point"]) for o in told["objects"]]
    for own, want in zip(found, told["objects"], strict=True):
        assert own.iou == pytest.approx(want["predictedIou"], abs=1e-4)
        assert own.stability == pytest.approx(want["stability"], abs=1e-3)
        assert own.box == pytest.approx(want["box"], abs=1)
        mask = np.zeros(own.mask.size, bool)
        for start, length in zip(want["runs"][::2], want["runs"][1::2], strict=True):
            mask[start : start + length] = True
        assert iou(own.mask, mask.reshape(own.shape)) >= 0.99


def test_a_wrong_setting_is_named() -> None:
    model = mopeft.load(None, MODEL)
    with pytest.raises(mopeft.AskError, match=r"find_all\.iou: The value 2 is not allowed. Give a number from 0 to 1"):
        model.find_all(VECTORS / "image/image.png", iou=2)
    assert FIND_FIELDS["iou"].allows(np.float32(0.5))
    assert type(find_settings("", {"points_per_side": np.int64(8)})["points_per_side"]) is int
    with pytest.raises(mopeft.AskError, match="no such setting"):
        model.find_all(VECTORS / "image/image.png", points=2)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.9])
def test_parts_are_scipys(share: float) -> None:
    mask = np.random.default_rng(0).random((60, 90)) < share
    numbers, count = ndimage.label(mask, np.ones((3, 3)))
    mine = parts(mask)
    assert np.array_equal(np.unique(mine), np.unique(numbers))
    assert count == len(np.unique(np.stack([mine, numbers])[:, mask], axis=1).T)
