from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pretrain.augment import view
from pretrain.build import build, read_set
from pretrain.draw import SCENES, draw
from pretrain.packs import Pack, write_pack


def test_a_pack_gives_back_what_was_written(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    items = []
    for k, (h, w) in enumerate([(5, 7), (8, 3), (4, 4)]):
        label = rng.integers(0, 4, (h, w), dtype=np.uint8)
        items.append((rng.integers(0, 256, (h, w, 3), dtype=np.uint8), label, [[1], [2, 3]][: k % 2 + 1], "ab"[k % 2]))
    assert write_pack(tmp_path, items) == 3
    pack = Pack(tmp_path)
    assert pack.of_set("a").tolist() == [0, 2]
    for i, (image, label, objects, _) in enumerate(items):
        got = pack[i]
        assert (got[0] == image).all()
        assert (got[1] == label).all()
        assert [o.tolist() for o in got[2]] == objects


def test_drawn_images_depend_on_seed_and_index_alone() -> None:
    one, two = draw(3, 5, [], []), draw(3, 5, [], [])
    assert (one[0] == two[0]).all()
    assert (one[1] == two[1]).all()
    assert one[2] == two[2]


def test_every_scene_marks_what_it_says() -> None:
    for scene, _ in SCENES.values():
        for seed in range(3):
            canvas = scene(np.random.default_rng(seed))
            assert canvas.image.shape[:2] == canvas.label.shape
            assert canvas.label.max() <= canvas.last
            assert all(0 < i <= canvas.last for ids in canvas.objects for i in ids)


def test_a_view_is_padded_with_zeros() -> None:
    image = np.full((40, 80, 3), 200, np.uint8)
    label = np.ones((40, 80), np.uint8)
    pixels, ids = view(np.random.default_rng(1), image, label, 64, 1.0)
    assert pixels.shape == (3, 64, 64)
    assert ids.sum() == 32 * 64
    assert (pixels[:, ids == 0] == 0).all()


def test_a_image_that_would_shift_the_later_ones_is_refused(tmp_path: Path) -> None:
    image, label = np.zeros((4, 5, 3), np.uint8), np.ones((4, 5), np.uint8)
    for wrong in ((image, label[:3]), (image, label.astype(np.uint16)), (image.astype(np.float32), label), (image[..., 0], label)):
        with pytest.raises(ValueError, match="image 1, of a"):
            write_pack(tmp_path / "pack", [(image, label, [[1]], "a"), (*wrong, [[1]], "a")])
    assert not (tmp_path / "pack" / "index.npz").exists()


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    """A folder of one set, `a`, of two images of 6 x 4 pixels with the ids 0 and 1."""
    for kind in ("images", "masks"):
        (tmp_path / "sets" / "a" / kind).mkdir(parents=True)
    for name in ("00000", "00001"):
        Image.new("RGB", (6, 4)).save(tmp_path / "sets" / "a" / "images" / f"{name}.jpg")
        Image.fromarray(np.eye(4, 6, dtype=np.uint8)).save(tmp_path / "sets" / "a" / "masks" / f"{name}.png")
    return tmp_path / "sets"


@pytest.mark.parametrize("mask", [Image.new("L", (4, 6)), Image.new("I;16", (6, 4), 256), Image.new("RGB", (6, 4))], ids=lambda m: m.mode)
def test_a_mask_that_does_not_fit_is_refused_by_its_name(sets: Path, mask: Image.Image) -> None:
    mask.save(sets / "a" / "masks" / "00001.png")
    with pytest.raises(SystemExit, match=r"a/masks/00001\.png"):
        list(read_set(sets, "a", 320))


def test_a_image_lies_as_its_orientation_says(sets: Path) -> None:
    turned = Image.new("RGB", (4, 6))
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(sets / "a" / "images" / "00001.jpg", exif=exif)
    assert [item[0].shape for item in read_set(sets, "a", 320)] == [(4, 6, 3), (4, 6, 3)]


def test_packs_are_built_once_and_not_taken_for_those_of_another_config(sets: Path, tmp_path: Path) -> None:
    data = {"train_sets": ["a"], "held_out_sets": [], "cutout_sets": ["a"], "longest": 320}
    config = {"data": data, "drawn": {"seed": 1, "count": 2}}
    build(config, sets, tmp_path)
    assert (len(Pack(tmp_path / "open")), len(Pack(tmp_path / "drawn"))) == (2, 2)
    before = (tmp_path / "drawn" / "index.npz").stat().st_mtime_ns
    build(config, sets, tmp_path)
    assert (tmp_path / "drawn" / "index.npz").stat().st_mtime_ns == before
    changed = {"drawn": [{"seed": 1, "count": 3}, {"seed": 2, "count": 2}], "data": [{**data, "cutout_sets": []}]}
    for section, values in changed.items():
        for value in values:
            with pytest.raises(SystemExit, match=r"drawn was built from .*: delete it to build it again"):
                build({**config, section: value}, sets, tmp_path)
    for value in ({**data, "longest": 160}, {**data, "held_out_sets": ["b"]}):
        with pytest.raises(SystemExit, match=r"open was built from .*: delete it to build it again"):
            build({**config, "data": value}, sets, tmp_path)


def test_the_mark_of_a_complete_pack_comes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items = [(np.zeros((4, 5, 3), np.uint8), np.ones((4, 5), np.uint8), [[1]], "a")]

    def full_disk(*_: object, **__: object) -> None:
        raise OSError

    monkeypatch.setattr(Path, "write_text", full_disk)
    with pytest.raises(OSError):
        write_pack(tmp_path, items)
    assert not (tmp_path / "index.npz").exists()


def test_a_pack_that_does_not_say_what_it_was_built_from_is_refused(sets: Path, tmp_path: Path) -> None:
    write_pack(tmp_path / "open", [])
    arrays = dict(np.load(tmp_path / "open" / "index.npz"))
    arrays.pop("built_from", None)
    np.savez(tmp_path / "open" / "index.npz", **arrays)
    data = {"train_sets": ["a"], "held_out_sets": [], "cutout_sets": ["a"], "longest": 320}
    with pytest.raises(SystemExit, match="open does not say what it was built from: delete it"):
        build({"data": data, "drawn": {"seed": 1, "count": 2}}, sets, tmp_path)
