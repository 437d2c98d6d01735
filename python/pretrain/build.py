"""Build the packs: decode the open sets and draw the synthetic images, divided among processes."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from evaluate.decode import read_mask, read_pixels

from .draw import Drawn, draw
from .draw.cutouts import Cutout
from .packs import Item, Pack, is_built, write_pack

MOST_IDS = 255


def read_set(root: Path, name: str, longest: int) -> Iterator[Item]:
    """The images of one set of the pretraining folder, every label id an object; SystemExit names a mask that does not fit."""
    for path in sorted((root / name / "images").iterdir()):
        pixels, mask = read_pixels(path), root / name / "masks" / f"{path.stem}.png"
        values = read_mask(mask, "instances")
        h, w = pixels.shape[:2]
        if values.shape != (h, w) or values.max() > MOST_IDS:
            need = f"a mask of this image has {w} x {h} pixels and ids up to {MOST_IDS}"
            raise SystemExit(f"{mask}: {need}, this one {values.shape[1]} x {values.shape[0]} and {values.max()}")
        image, label = Image.fromarray(pixels), Image.fromarray(values.astype(np.uint8))
        scale = longest / max(h, w)
        if scale < 1:
            size = (round(w * scale), round(h * scale))
            image, label = image.resize(size, Image.Resampling.BILINEAR), label.resize(size, Image.Resampling.NEAREST)
        ids = np.asarray(label)
        objects = [[int(i)] for i in np.unique(ids) if i]
        if objects:
            yield np.asarray(image), ids, objects, name


def gather_cutouts(pack: Pack, sets: list[str], limit: int) -> tuple[list[Cutout], list[np.ndarray]]:
    """Whole-looking objects (not touching the edge) and plain images as grounds."""
    rng = np.random.default_rng(0)
    stock, grounds = [], []
    chosen = np.concatenate([pack.of_set(s) for s in sets if s in pack.sets])
    for i in rng.permutation(chosen):
        image, label, objects = pack[int(i)]
        if len(grounds) < limit // 2:
            grounds.append(np.array(image))
        for ids in objects[:4]:
            mask = np.isin(label, ids)
            ys, xs = np.nonzero(mask)
            if mask.sum() < 600 or min(ys.min(), xs.min()) == 0:
                continue
            if ys.max() == mask.shape[0] - 1 or xs.max() == mask.shape[1] - 1:
                continue
            window = np.s_[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]
            stock.append((np.array(image[window]), mask[window].copy()))
        if len(stock) >= limit:
            break
    return stock, grounds


_shared: tuple = ()


def _start(pack: str, sets: list[str], limit: int, seed: int) -> None:
    global _shared
    _shared = (seed, *gather_cutouts(Pack(Path(pack)), sets, limit))


def _one(index: int) -> Drawn:
    seed, stock, grounds = _shared
    return draw(seed, index, stock, grounds)


def build(config: dict, root: Path, out: Path) -> None:
    """The packs out/open (the sets in `root`) and out/drawn, unless they exist; SystemExit if these hold something else.

    Drawn image i depends only on the seed, i and the cut-outs available.
    """
    data, drawn = config["data"], config["drawn"]
    sets, longest, cutouts = data["train_sets"] + data["held_out_sets"], data["longest"], data["cutout_sets"]
    opened = {"sets": sorted(sets), "longest": longest}
    if not is_built(out / "open", opened):
        n = write_pack(out / "open", (item for name in sets for item in read_set(root, name, longest)), opened)
        print(f"open: {n} images", flush=True)
    made = {"seed": drawn["seed"], "count": drawn["count"], "cutout_sets": cutouts, "open": opened}
    if not is_built(out / "drawn", made):
        with ProcessPoolExecutor(initializer=_start, initargs=(str(out / "open"), cutouts, 1500, drawn["seed"])) as pool:
            n = write_pack(out / "drawn", pool.map(_one, range(drawn["count"]), chunksize=16), made)
        print(f"drawn: {n} images", flush=True)
