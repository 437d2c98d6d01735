"""Data folders: images/ + masks/, with instances/ or labels/ where they exist."""

from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from mopeft.train.images import LabelledImage, masks_of, natural_key

from .decode import read_mask, read_pixels, refusal

KINDS = ("instances", "labels", "masks")
EXTENSIONS = (".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".webp")
EXTENSIONS += (".gif", ".bmp", ".heic", ".heif", ".avif", ".jp2", ".jxl")
"""Extensions of images (`src/data/file-names.ts`), including those that are refused when opened."""


def image_files(folder: Path) -> dict[str, Path]:
    """The images of a folder by their stems, in natural order of their names; empty if there is no folder.

    SystemExit where the engine would take other files: it looks into nested folders, and takes one of two files with one stem.
    """
    seen = [p for p in folder.iterdir() if not p.name.startswith(".")] if folder.is_dir() else []
    found: dict[str, Path] = {}
    for path in sorted(seen, key=lambda p: natural_key(p.name)):
        if path.is_dir() and path.name != "__MACOSX":
            raise refusal(path, "a folder inside is not read here", f"move its images into {folder.name}")
        if path.suffix.lower() in EXTENSIONS and found.setdefault(path.stem, path) != path:
            raise refusal(path, f"{found[path.stem].name} has the same name", "keep one of the two")
    return found


def samples(folder: Path) -> list[tuple[Path, dict[str, Path]]]:
    """Every image of images/ with its label files by kind, in natural order of the names.

    SystemExit for a label file without an image of that name: the engine pairs by more than equal names.
    """
    images = image_files(folder / "images")
    labels = {kind: image_files(folder / kind) for kind in KINDS}
    for files in labels.values():
        for path in (p for stem, p in files.items() if stem not in images):
            raise refusal(path, "no image of images/ has its name", "give both the same name, or leave it out")
    return [(path, {kind: files[stem] for kind, files in labels.items() if stem in files}) for stem, path in images.items()]


def labelled(folder: Path) -> list[tuple[Path, dict[str, Path]]]:
    """The samples that have a label file."""
    return [(path, files) for path, files in samples(folder) if files]


def read_image(path: Path, files: dict[str, Path], ignored: Collection[int] = ()) -> LabelledImage:
    """files: its label files by kind, at least one; ignored: as for `read_mask`.

    SystemExit for a file that cannot be used or has another size than the image.
    """
    image = read_pixels(path)
    used = [kind for kind in ("instances", "labels" if "labels" in files else "masks") if kind in files]
    maps = {kind: read_mask(files[kind], kind, ignored) for kind in used}
    for kind, ids in maps.items():
        if ids.shape != image.shape[:2]:
            (h, w), (ih, iw) = ids.shape, image.shape[:2]
            raise refusal(files[kind], f"it is {w} × {h} pixels and its image {iw} × {ih}", "export it at the size of its image")
    own, last = maps[used[0]], used[-1]
    classes = np.minimum(own, 1) if last == "instances" else maps[last]
    return LabelledImage(path.name, image, own, "ids" if "instances" in files else "components", classes)


def labelled_images(folder: Path, limit: int, least: float, objects: int) -> Iterator[tuple[str, np.ndarray, list[np.ndarray]]]:
    """Name, RGB image and objects of the first `limit` labelled images by natural name order; 0 takes all.

    least: objects that cover a smaller share of their image are left out.
    """
    for path, files in islice(labelled(folder), limit or None):
        image = read_image(path, files)
        h, w = image.labels.shape
        yield path.stem, image.image, masks_of(image, least * w * h, objects)
