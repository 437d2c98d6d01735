from pathlib import Path

import numpy as np

from pretrain.augment import view
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


def test_drawn_pictures_depend_on_seed_and_index_alone() -> None:
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
