from pathlib import Path

import numpy as np
from PIL import Image

from evaluate.__main__ import drawn
from evaluate.folders import components, natural_key, objects_of, pictures
from pretrain.measure import preprocess


def test_names_sort_as_people_count() -> None:
    assert sorted(["a10.png", "a2.png", "a1.png"], key=natural_key) == ["a1.png", "a2.png", "a10.png"]


def test_components_touch_at_corners() -> None:
    ids = np.zeros((6, 6), int)
    ids[0, 0] = ids[1, 1] = 1
    ids[4:, 4:] = 1
    ids[3, 0] = 2
    assert sorted(int(m.sum()) for m in components(ids)) == [1, 2, 4]


def test_instances_come_before_masks_and_the_largest_first(tmp_path: Path) -> None:
    for kind in ("images", "masks", "instances"):
        (tmp_path / kind).mkdir()
    ids = np.zeros((20, 20), np.uint8)
    ids[2:4, 2:4], ids[10:18, 10:18], ids[0, 0] = 1, 2, 3
    Image.fromarray(np.zeros((20, 20, 3), np.uint8)).save(tmp_path / "images" / "a.png")
    Image.fromarray((ids > 0).astype(np.uint8) * 255).save(tmp_path / "masks" / "a.png")
    Image.fromarray(ids).save(tmp_path / "instances" / "a.png")
    assert [int(m.sum()) for m in objects_of(tmp_path, "a", 0.005, 5)] == [64, 4]
    assert len(list(pictures(tmp_path, 24, 0.005, 5))) == 1


def test_a_filled_box_scores_its_share() -> None:
    mask = np.zeros((12, 12), bool)
    mask[2:8, 2:8] = True
    mask[2:5, 2:5] = False
    assert drawn("box", [mask]).box == [27 / 36]


def test_preprocessing_pads_right_and_below() -> None:
    pixels, fill = preprocess(np.full((30, 60, 3), 255, np.uint8), 64)
    assert fill == (32, 64)
    assert (pixels[0, :, 32:] == 0).all()
    assert (pixels[0, :, :32] > 1).all()
