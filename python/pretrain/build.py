"""Fill the packs: decode the open sets, draw the synthetic pictures, cut one piece a process."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from .draw import Drawn, draw
from .draw.cutouts import Cutout
from .packs import Item, Pack, write_pack


def read_set(root: Path, name: str, longest: int) -> Iterator[Item]:
    """The pictures of one set of the pretraining folder, every label id an object."""
    for path in sorted((root / name / "images").iterdir()):
        image = Image.open(path).convert("RGB")
        label = Image.open(root / name / "masks" / f"{path.stem}.png")
        scale = longest / max(image.size)
        if scale < 1:
            size = (round(image.width * scale), round(image.height * scale))
            image, label = image.resize(size, Image.Resampling.BILINEAR), label.resize(size, Image.Resampling.NEAREST)
        ids = np.asarray(label)
        objects = [[int(i)] for i in np.unique(ids) if i]
        if objects:
            yield np.asarray(image), ids, objects, name


def build_open(root: Path, sets: list[str], out: Path, longest: int) -> int:
    return write_pack(out, (item for name in sets for item in read_set(root, name, longest)))


def gather_cutouts(pack: Pack, sets: list[str], limit: int) -> tuple[list[Cutout], list[np.ndarray]]:
    """Whole-looking objects (not touching the edge) and plain pictures as grounds."""
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


def build_drawn(open_pack: Path, sets: list[str], out: Path, seed: int, count: int) -> int:
    """`count` pictures; picture i depends on the seed, i and the cut-outs' stock alone."""
    with ProcessPoolExecutor(initializer=_start, initargs=(str(open_pack), sets, 1500, seed)) as pool:
        return write_pack(out, pool.map(_one, range(count), chunksize=16))
