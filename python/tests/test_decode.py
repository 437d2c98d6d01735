import base64
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from evaluate.decode import read_mask, read_pixels
from mopeft.depth import stretched

CASES = json.loads((Path(__file__).parents[2] / "tests/vectors/images/images.json").read_text())


def written(folder: Path, case: dict) -> Path:
    path = folder / "a.png"  # what a file holds tells its format, not its name
    path.write_bytes(base64.b64decode(case["file"]))
    return path


def stored(case: dict) -> np.ndarray:
    """The samples [H, W, channels] that the engine's decoder gives."""
    values = np.frombuffer(base64.b64decode(case["values"]), case["dtype"])
    return values.reshape(case["height"], case["width"], case["channels"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_image_is_the_engines_or_refused(tmp_path: Path, case: dict) -> None:
    path, values = written(tmp_path, case), stored(case)
    if case["bits"] > 8 and (case["bits"] != 16 or case["channels"] > 1 or "white" in case["name"]):
        with pytest.raises(SystemExit, match=r"a\.png.*8-bit PNG"):
            read_pixels(path)
        return
    if case["bits"] > 8:
        np.testing.assert_array_equal(read_pixels(path), np.broadcast_to(stretched(values), (*values.shape[:2], 3)))
        return
    if "upright" in case:
        turned = case["name"].endswith(("5", "6", "7", "8")) and "orientation" in case["name"]
        shape = (case["width"], case["height"], 3) if turned else (case["height"], case["width"], 3)
        wanted = np.frombuffer(base64.b64decode(case["upright"]), np.uint8).reshape(shape)
    else:
        colours = values[..., : 3 if case["channels"] > 2 else 1].astype(np.int64) * 255 // (2 ** case["bits"] - 1)
        wanted = np.broadcast_to(colours, (*colours.shape[:2], 3))
    np.testing.assert_array_equal(read_pixels(path), wanted)


@pytest.mark.parametrize("case", [c for c in CASES if "orientation" not in c["name"]], ids=lambda case: case["name"])
def test_ids_are_the_engines_or_refused(tmp_path: Path, case: dict) -> None:
    path, name = written(tmp_path, case), case["name"]
    if case["channels"] > 1 or name.startswith(("png grey 2", "png grey 4", "jpeg", "tiff float", "tiff white")):
        with pytest.raises(SystemExit, match=r"a\.png"):
            read_mask(path, "labels")
        return
    np.testing.assert_array_equal(read_mask(path, "labels"), stored(case)[..., 0])


def saved(folder: Path, values: np.ndarray, name: str = "a.png", **more: object) -> Path:
    Image.fromarray(values).save(folder / name, **more)
    return folder / name


def soft_disc(size: int) -> np.ndarray:
    """A disc with a smoothed rim, as drawing programs make it."""
    y, x = np.mgrid[:size, :size]
    return np.rint(255 * np.clip(size / 3 - np.hypot(x - size / 2, y - size / 2) + 0.5, 0, 1)).astype(np.uint8)


def test_antialiased_grey_is_cut_where_labels_are_kept(tmp_path: Path) -> None:
    disc = soft_disc(40)
    path = saved(tmp_path, disc)
    np.testing.assert_array_equal(read_mask(path, "masks"), disc >= 128)
    np.testing.assert_array_equal(read_mask(path, "labels"), disc)


def test_many_instances_in_patches_are_labels(tmp_path: Path) -> None:
    y, x = np.mgrid[:60, :60]
    ids = np.where((x % 6 < 4) & (y % 6 < 4), 101 + y // 6 * 10 + x // 6, 0).astype(np.uint8)
    np.testing.assert_array_equal(read_mask(saved(tmp_path, ids), "masks"), ids)


def test_a_jpeg_is_cut_and_holds_no_labels(tmp_path: Path) -> None:
    disc = soft_disc(40)
    path = saved(tmp_path, disc, "a.jpg", quality=95)
    ids = read_mask(path, "masks")
    clear = abs(disc.astype(int) - 128) > 20
    np.testing.assert_array_equal(ids[clear], (disc >= 128)[clear])
    with pytest.raises(SystemExit, match=r"a\.jpg.*JPEG blurs"):
        read_mask(path, "instances")


def test_black_of_a_palette_is_the_background(tmp_path: Path) -> None:
    def read(palette: list[int], *indices: int) -> list[int]:
        image = Image.fromarray(np.array([indices], np.uint8)).convert("L")
        image.putpalette(palette)
        image.save(tmp_path / "a.png")
        return read_mask(tmp_path / "a.png", "masks")[0].tolist()

    assert read([0, 0, 0, 128, 0, 0, 0, 128, 0, 9, 9, 9], 0, 1, 2, 3) == [0, 1, 2, 3]
    assert read([0, 0, 0, 128, 0, 0, 0, 128, 0, 9, 9, 9], 0, 3, 3, 0) == [0, 1, 1, 0]
    assert read([255, 255, 255, 0, 0, 0], 0, 1, 1, 0) == [1, 0, 0, 1]
    assert read([0, 0, 0, 128, 0, 0, 0, 128, 0], 1, 2) == [1, 2]


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_colours_and_alpha_are_no_mask_here(tmp_path: Path, channels: int) -> None:
    with pytest.raises(SystemExit, match=r"a\.png.*8-bit grey.*save it as such a PNG"):
        read_mask(saved(tmp_path, np.zeros((3, 4, channels), np.uint8)), "masks")


def test_what_the_engine_does_not_read_is_refused(tmp_path: Path) -> None:
    grey = np.zeros((3, 4), np.uint8)
    signed = TiffImagePlugin.ImageFileDirectory_v2()
    signed[339] = 2
    pages = {"save_all": True, "append_images": [Image.fromarray(grey)]}
    (tmp_path / "note.png").write_text("no image")
    for path, why in (
        (saved(tmp_path, grey, "a.webp"), "read as masks"),
        (saved(tmp_path, grey, "a.gif"), "GIF"),
        (saved(tmp_path, grey, "pages.tif", **pages), "several pages"),
        (saved(tmp_path, grey, "signed.tif", tiffinfo=signed), "signed"),
        (saved(tmp_path, grey, "jpeg.tif", compression="jpeg"), "compressed"),
        (saved(tmp_path, grey.astype(np.float32), "float.tif"), "read as masks"),
        (tmp_path / "note.png", "no image"),
    ):
        with pytest.raises(SystemExit, match=f"{path.name}.*{why}"):
            read_mask(path, "masks")
