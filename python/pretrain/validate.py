"""Validation on whole open sets that training never sees."""

import numpy as np

from mopeft.sam.model import Sam
from mopeft.train.measure import score

from .packs import Pack

LEAST_AREA = 0.002


def validate(model: Sam, pack: Pack, sets: list[str], size: int, images: int, objects: int = 5) -> dict[str, dict]:
    """Mean IoU by box and click for each set, over its first `images` images and their largest objects."""
    result = {}
    for name in sets:
        box, click, best, picked = [], [], [], []
        for i in pack.of_set(name)[:images]:
            image, label, ids = pack[int(i)]
            masks = [np.isin(label, k) for k in ids]
            masks = [m for m in masks if m.sum() >= LEAST_AREA * m.size]
            masks = sorted(masks, key=lambda m: -int(m.sum()))[:objects]
            if masks:
                s = score(model, np.array(image), masks, size)
                box, click, best, picked = box + s.box, click + s.click, best + s.best, picked + s.picked
        values = {"box": box, "click": click, "best": best, "picked": picked}
        result[name] = {k: round(float(np.mean(v)), 4) for k, v in values.items()} | {"n": len(box)}
    return result
