from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from evaluate.__main__ import drawn, main
from evaluate.decode import read_mask
from evaluate.folders import labelled, labelled_images, masks_of, natural_key, read_image
from mopeft.errors import ModelError
from mopeft.preprocessing import preprocess, preprocessor_of
from mopeft.train.measure import measured_masks, overlap
from mopeft.train.objects import find_objects


def folder_of(root: Path, **files: np.ndarray) -> Path:
    """A data folder of `kind__stem=values` PNG files."""
    for name, values in files.items():
        kind, stem = name.split("__")
        (root / kind).mkdir(parents=True, exist_ok=True)
        Image.fromarray(values).save(root / kind / f"{stem}.png")
    return root


GREY = np.zeros((20, 20), np.uint8)
BLOCK = np.pad(np.full((8, 8), 255, np.uint8), 6)


def test_names_sort_as_people_count() -> None:
    assert sorted(["a10.png", "a2.png", "a1.png"], key=natural_key) == ["a1.png", "a2.png", "a10.png"]


def test_components_touch_at_corners() -> None:
    ids = np.zeros((6, 6), int)
    ids[0, 0] = ids[1, 1] = 1
    ids[4:, 4:] = 1
    ids[3, 0] = 2
    assert sorted(r.area for r in find_objects(ids, "components").regions) == [1, 2, 4]


def test_instances_come_before_masks_and_the_largest_first(tmp_path: Path) -> None:
    for kind in ("images", "masks", "instances"):
        (tmp_path / kind).mkdir()
    ids = np.zeros((20, 20), np.uint8)
    ids[2:4, 2:4], ids[10:18, 10:18], ids[0, 0] = 1, 2, 3
    Image.fromarray(np.zeros((20, 20, 3), np.uint8)).save(tmp_path / "images" / "a.png")
    Image.fromarray((ids > 0).astype(np.uint8) * 255).save(tmp_path / "masks" / "a.png")
    Image.fromarray(ids).save(tmp_path / "instances" / "a.png")
    [(path, files)] = labelled(tmp_path)
    assert [int(m.sum()) for m in masks_of(read_image(path, files), 2, 5)] == [64, 4]
    assert len(list(labelled_images(tmp_path, 24, 0.005, 5))) == 1


def test_images_without_labels_do_not_count(tmp_path: Path) -> None:
    for kind in ("images", "masks"):
        (tmp_path / kind).mkdir()
    for name in ("A2", "a", "B", "b"):
        Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / "images" / f"{name}.png")
        if name != "a":
            Image.fromarray(np.ones((4, 4), np.uint8)).save(tmp_path / "masks" / f"{name}.png")
    assert [name for name, _, _ in labelled_images(tmp_path, 2, 0, 5)] == ["A2", "B"]


@pytest.mark.parametrize(("values", "ids"), [([0, 4], [0, 1]), ([7], [1]), ([1, 2], [1, 2]), ([0, 1, 4], [0, 1, 4])])
def test_two_values_are_labels_unless_one_is_the_background(tmp_path: Path, values: list[int], ids: list[int]) -> None:
    Image.fromarray(np.array([values], np.uint8)).save(tmp_path / "a.png")
    assert read_mask(tmp_path / "a.png", "masks").tolist() == [ids]


def test_ignored_values_are_no_object_no_class_and_count_neither_way(tmp_path: Path) -> None:
    ids = np.array([[3, 3, 255, 7], [3, 255, 255, 7]], np.uint8)
    folder_of(tmp_path, images__a=np.zeros((2, 4), np.uint8), instances__a=ids)
    [(path, files)] = labelled(tmp_path)
    image = read_image(path, files, [255])
    assert image.labels.tolist() == [[3, 3, -1, 7], [3, -1, -1, 7]]
    assert image.classes.tolist() == [[1, 1, -1, 1], [1, -1, -1, 1]]
    objects = find_objects(image.labels, image.rule)
    assert objects.map.tolist() == [[1, 1, -1, 2], [1, -1, -1, 2]]
    assert [region.area for region in objects.regions] == [3, 2]
    logits, truth = torch.ones(1, 1, 2, 4), torch.from_numpy(objects.map == 1)[None]
    assert overlap(logits, truth, 0).item() == pytest.approx(3 / 8)
    assert overlap(logits, truth, 0, torch.from_numpy(objects.map >= 0)[None]).item() == pytest.approx(3 / 5)


def test_masks_are_measured_by_area_at_a_smaller_size_and_keep_a_pixel() -> None:
    """The example of `src/train/measured-size.test.ts`."""
    labels = np.zeros(64, int)
    labels[32:] = -1
    labels[[0, 1, 4]] = 1
    labels[63] = 2
    labels = labels.reshape(8, 8)
    masks, ignored = measured_masks([labels == 1, labels == 2], labels == -1, 2)
    assert masks.reshape(2, 4).tolist() == [[True, False, False, False], [False, False, False, True]]
    assert ignored.ravel().tolist() == [False, False, True, True]
    same, _ = measured_masks([labels == 1], labels == -1, 8)
    assert (same[0] == (labels == 1)).all()


def test_a_smaller_mask_is_the_area_mean_thresholded_at_one_half() -> None:
    rng = np.random.default_rng(3)
    mask, ignored = rng.random((2, 13, 9)) < 0.5
    mask &= ~ignored
    fine = [np.repeat(np.repeat(x, 6, 0), 4, 1).reshape(6, 13, 4, 9).mean((1, 3)) >= 0.5 for x in (mask, ignored)]
    masks, skipped = measured_masks([mask], ignored, 6)
    assert (skipped == fine[1]).all()
    assert (masks[0] == (fine[0] & ~fine[1])).all()


@pytest.mark.parametrize(("values", "ids"), [([0, 1, 255], [0, 1, -1]), ([0, 255], [0, -1]), ([0, 9, 255, 200], [0, 9, -1, 200])])
def test_ignored_values_decide_nothing_about_the_others(tmp_path: Path, values: list[int], ids: list[int]) -> None:
    Image.fromarray(np.array([values], np.uint8)).save(tmp_path / "a.png")
    assert read_mask(tmp_path / "a.png", "masks", [255]).tolist() == [ids]


def test_a_turned_mask_is_read_upright(tmp_path: Path) -> None:
    turned = Image.fromarray(np.array([[0, 7, 9]], np.uint8))
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(tmp_path / "a.png", exif=exif)
    assert read_mask(tmp_path / "a.png", "labels").tolist() == [[0], [7], [9]]


def test_labels_belong_to_equal_names_alone(tmp_path: Path) -> None:
    names = ("a[1]", "a1", "a*")
    folder_of(tmp_path, **{f"images__{name}": GREY for name in names}, **{f"masks__{name}": BLOCK for name in names[:2]})
    assert {path.stem: [p.name for p in files.values()] for path, files in labelled(tmp_path)} == {"a1": ["a1.png"], "a[1]": ["a[1].png"]}


def test_what_systems_leave_in_folders_is_passed_over(tmp_path: Path) -> None:
    folder_of(tmp_path, images__a=GREY, masks__a=BLOCK)
    for kind in ("images", "masks"):
        for name in (".DS_Store", "._a.png", "Thumbs.db", "notes.txt"):
            (tmp_path / kind / name).write_text("left")
    assert [name for name, _, _ in labelled_images(tmp_path, 0, 0, 5)] == ["a"]


def test_files_that_the_engine_pairs_otherwise_are_refused(tmp_path: Path) -> None:
    folder_of(tmp_path, images__a=GREY, masks__a_mask=BLOCK)
    with pytest.raises(SystemExit, match=r"a_mask\.png.*no image.*same name"):
        labelled(tmp_path)
    (tmp_path / "masks" / "a_mask.png").rename(tmp_path / "masks" / "a.png")
    Image.fromarray(GREY).save(tmp_path / "images" / "a.tif")
    with pytest.raises(SystemExit, match=r"a\.tif.*a\.png has the same name"):
        labelled(tmp_path)
    (tmp_path / "images" / "a.tif").unlink()
    (tmp_path / "images" / "more").mkdir()
    with pytest.raises(SystemExit, match=r"more.*folder inside"):
        labelled(tmp_path)


@pytest.mark.parametrize("kind", ["instances", "labels", "masks"])
def test_a_label_file_of_another_size_is_refused(tmp_path: Path, kind: str) -> None:
    folder_of(tmp_path, images__a=GREY, instances__a=BLOCK, labels__a=BLOCK, masks__a=BLOCK)
    if kind == "masks":
        (tmp_path / "labels" / "a.png").unlink()
    folder_of(tmp_path, **{f"{kind}__a": np.zeros((4, 6), np.uint8)})
    with pytest.raises(SystemExit, match=rf"{kind}/a\.png.*6 × 4 pixels and its image 20 × 20"):
        list(labelled_images(tmp_path, 0, 0, 5))


def test_a_folder_without_objects_is_left_out_of_the_mean(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = folder_of(tmp_path / "full", images__a=GREY, masks__a=BLOCK)
    empty = folder_of(tmp_path / "empty", images__a=GREY, masks__a=GREY)
    monkeypatch.setattr("sys.argv", ["evaluate", "--model", "box", "--data", str(empty), str(full)])
    main()
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("empty has no object")
    assert out[-1] == "| **mean** | 1.000 | 0.000 | 0.000 | 0% | 1 |"
    monkeypatch.setattr("sys.argv", ["evaluate", "--model", "box", "--data", str(empty)])
    with pytest.raises(SystemExit, match="no object to evaluate"):
        main()


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


def test_a_strip_keeps_a_row_of_pixels() -> None:
    assert preprocess(np.zeros((1, 300, 3), np.uint8), 64)[1] == (1, 64)


@pytest.mark.parametrize(
    ("told", "value_range"),
    [({}, 1), ({"rescale_factor": 0.00392156862745098}, 1), ({"rescale_factor": 1}, 255), ({"do_rescale": False}, 255)],
)
def test_a_processor_says_what_255_becomes(told: dict, value_range: int) -> None:
    assert preprocessor_of(told, "p.json").normalisation.range == value_range


@pytest.mark.parametrize("told", [{"rescale_factor": 0.5}, {"image_std": [0.2, 0, 0.2]}, []])
def test_a_processor_that_cannot_be_followed_is_refused(told: object) -> None:
    with pytest.raises(ModelError, match="preprocessing"):
        preprocessor_of(told, "p.json")
