"""Writes tests/vectors/find: what SAM's automatic mask generator finds with the embedded model.

`python -m reference.find ../public/models/mopeft-sam-tiny ../tests/vectors/find` (in `python/`). The generator is the official one
of `segment_anything`; only OpenCV's connected components, which it imports, are SciPy's here. Thresholds are chosen so that no mask
hangs on rounding.
"""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from PIL import Image
from scipy import ndimage
from segment_anything import SamAutomaticMaskGenerator
from segment_anything.modeling import Sam

from mopeft.sam.open import read_model
from pretrain.draw.scenes_micro import cells
from pretrain.export import model_section
from pretrain.vectors import drawn

from .sam import build

# The second case is chosen from what the first one asks, so that the engine asks once.
CASES = {
    "whole": {"points_per_side": 5, "pred_iou_thresh": 0.7, "stability_score_thresh": 0.8},
    "cleaned": {"points_per_side": 5, "pred_iou_thresh": 0.6, "stability_score_thresh": 0.7, "min_mask_region_area": 60},
    "crops": {"points_per_side": 4, "pred_iou_thresh": 0.75, "stability_score_thresh": 0.85, "crop_n_layers": 1},
}
SHIFT = 1e-4
THRESHOLDS = ("pred_iou_thresh", "stability_score_thresh", "nms_thresh")


def connected_components(mask: np.ndarray, connectivity: int) -> tuple[int, np.ndarray, np.ndarray, None]:
    """cv2.connectedComponentsWithStats, of whose statistics only the areas are filled in."""
    labels, count = ndimage.label(mask, structure=np.ones((3, 3)) if connectivity == 8 else None)
    stats = np.zeros((count + 1, 5), dtype=np.int64)
    stats[:, -1] = np.bincount(labels.ravel(), minlength=count + 1)
    return count + 1, labels, stats, None


def open_model(folder: Path) -> Sam:
    """The embedded model as one of the official modules."""
    sam = build(model_section(json.loads((folder / "config.json").read_text())))
    state = read_model(folder).state_dict()
    missing, unexpected = sam.load_state_dict(state, strict=False)
    assert not unexpected and set(missing) <= {"pixel_mean", "pixel_std"}, (missing, unexpected)
    return sam.requires_grad_(False)


def generate(sam: Sam, image: np.ndarray, settings: dict) -> list[dict]:
    own = {**settings, "box_nms_thresh": settings["nms_thresh"], "crop_nms_thresh": settings["nms_thresh"]}
    del own["nms_thresh"]
    return SamAutomaticMaskGenerator(sam, output_mode="uncompressed_rle", **own).generate(image)


def settle(sam: Sam, image: np.ndarray, settings: dict) -> tuple[dict, list[dict]]:
    """Settings whose thresholds are moved up until no small move of one changes the masks, and what is found with them."""
    settings = {"nms_thresh": 0.7, **settings}
    while True:
        found = generate(sam, image, settings)
        near = next((name for name in THRESHOLDS if not is_settled(sam, image, settings, name, found)), None)
        if near is None:
            return settings, found
        settings[near] = round(settings[near] + 0.002, 3)


def is_settled(sam: Sam, image: np.ndarray, settings: dict, name: str, found: list[dict]) -> bool:
    masks = [mask["segmentation"] for mask in found]
    moves = ({**settings, name: settings[name] + shift} for shift in (-SHIFT, SHIFT))
    return all([mask["segmentation"] for mask in generate(sam, image, move)] == masks for move in moves)


def main(model: Path, out: Path) -> None:
    # The generator imports it where small regions are removed.
    sys.modules["cv2"] = SimpleNamespace(connectedComponentsWithStats=connected_components)
    torch.set_num_threads(1)
    out.mkdir(parents=True, exist_ok=True)
    sam = open_model(model)
    image, _ = drawn(cells, 8)
    # Not square, so that the padding of the model's square takes part, and larger than it, so that masks are scaled.
    image = np.asarray(Image.fromarray(image).resize((300, 256), Image.Resampling.BILINEAR)) & 0xF8
    Image.fromarray(image).save(out / "cells.png", optimize=True)
    cases = {}
    for name, settings in CASES.items():
        settled, found = settle(sam, image, settings)
        cases[name] = {"settings": settled, "masks": found}
        print(f"{name}: {len(found)} masks")
    (out / "find.json").write_text(json.dumps({"image": "cells.png", "cases": cases}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
