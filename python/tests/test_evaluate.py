from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from evaluate.__main__ import drawn
from evaluate.folders import components, natural_key, objects_of, pictures, read_ids, read_labels
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


def test_pictures_without_labels_do_not_count(tmp_path: Path) -> None:
    for kind in ("images", "masks"):
        (tmp_path / kind).mkdir()
    for name in ("A2", "a", "B", "b"):
        Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / "images" / f"{name}.png")
        if name != "a":
            Image.fromarray(np.ones((4, 4), np.uint8)).save(tmp_path / "masks" / f"{name}.png")
    assert [name for name, _, _ in pictures(tmp_path, 2, 0, 5)] == ["A2", "B"]


@pytest.mark.parametrize(("values", "ids"), [([0, 4], [0, 1]), ([7], [1]), ([1, 2], [1, 2]), ([0, 1, 4], [0, 1, 4])])
def test_two_values_are_labels_unless_one_is_the_background(tmp_path: Path, values: list[int], ids: list[int]) -> None:
    Image.fromarray(np.array([values], np.uint8)).save(tmp_path / "a.png")
    assert read_ids(tmp_path / "a.png").tolist() == [ids]


def test_a_turned_mask_is_read_upright(tmp_path: Path) -> None:
    turned = Image.fromarray(np.array([[0, 7, 9]], np.uint8))
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(tmp_path / "a.png", exif=exif)
    assert read_labels(tmp_path / "a.png").tolist() == [[0], [7], [9]]


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
