"""`python -m evaluate --model DIR --data DIR …`: box IoU, click IoU, how often the best candidate is picked, n.

`--model box` and `--model ellipse` score the filled box and the ellipse in it.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from mopeft.preprocessing import SAM_PREPROCESSING, Preprocessing
from mopeft.sam.model import Sam
from mopeft.sam.open import preprocessing_in, read_model
from mopeft.train.measure import Scores, scores_at
from pretrain.prompts import box_of

from .folders import labelled_images


def drawn(kind: str, objects: list[np.ndarray]) -> Scores:
    """A baseline without a model: the filled box, or the ellipse in it."""
    values = []
    for mask in objects:
        x0, y0, x1, y1 = box_of(mask)
        y, x = np.mgrid[: mask.shape[0], : mask.shape[1]] + 0.5
        u, v = (x - (x0 + x1) / 2) / ((x1 - x0) / 2), (y - (y0 + y1) / 2) / ((y1 - y0) / 2)
        guess = (abs(u) <= 1) & (abs(v) <= 1) if kind == "box" else u * u + v * v <= 1
        values.append(float((guess & mask).sum() / (guess | mask).sum()))
    zeros = [0.0] * len(values)
    return Scores(values, zeros, zeros, [False] * len(values))


def evaluate(model: Sam | str, how: Preprocessing, folder: Path, images: int, objects: int, least: float) -> dict:
    """Means over the objects of a folder, and their number n; only n if there are none. how: the model's preprocessing."""
    all_scores = []
    for _, image, masks in labelled_images(folder, images, least, objects):
        if masks:
            if isinstance(model, str):
                all_scores.append(drawn(model, masks))
            else:
                all_scores += scores_at(model, image, masks, model.config["image_size"], (0.0,), how=how)
    n = sum(len(s.box) for s in all_scores)
    keys = ("box", "click", "best", "picked") if n else ()
    means = {key: round(float(np.mean([v for s in all_scores for v in getattr(s, key)])), 4) for key in keys}
    return {"set": folder.name, **means, "n": n}


def table(rows: list[dict]) -> str:
    lines = ["| set | box IoU | click IoU | best candidate's IoU | best picked | n |", "|---|---|---|---|---|---|"]
    for r in rows:
        lines.append(f"| {r['set']} | {r['box']:.3f} | {r['click']:.3f} | {r['best']:.3f} | {r['picked']:.0%} | {r['n']} |")
    return "\n".join(lines)


def main() -> None:
    p = argparse.ArgumentParser(prog="evaluate", description=__doc__)
    p.add_argument("--model", required=True, help="an exported model's folder, or box, or ellipse")
    p.add_argument("--data", type=Path, nargs="+", required=True)
    p.add_argument("--max-images", type=int, default=24)
    p.add_argument("--max-objects", type=int, default=5)
    p.add_argument("--min-area", type=float, default=0.002)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--json", type=Path)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    is_drawn = a.model in ("box", "ellipse")
    model = a.model if is_drawn else read_model(Path(a.model))
    how = SAM_PREPROCESSING if is_drawn else preprocessing_in(Path(a.model))
    found = [evaluate(model, how, folder, a.max_images, a.max_objects, a.min_area) for folder in a.data]
    for row in (r for r in found if not r["n"]):
        print(f"{row['set']} has no object of at least {a.min_area} of an image and is left out")
    rows = [r for r in found if r["n"]]
    if not rows:
        raise SystemExit("there is no object to evaluate")
    mean = {k: float(np.mean([r[k] for r in rows])) for k in ("box", "click", "best", "picked")}
    rows.append({"set": "**mean**", **mean, "n": sum(r["n"] for r in rows)})
    print(table(rows))
    if a.json:
        a.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
