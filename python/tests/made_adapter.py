"""Writes tests/vectors/python/made: an adapter made in Python with Python's answers, which `npm test` holds the engine to.

`python -m tests.made_adapter` (in `python/`).
"""

import json
from pathlib import Path

import torch

import mopeft

VECTORS = Path(__file__).parents[2] / "tests/vectors"
MODEL, IMAGE, OUT = VECTORS / "twin/model", VECTORS / "image/image.png", VECTORS / "python/made"
ASKED = {"click": {"points": [(50, 30.5)]}, "box": {"points": [(40, 60)], "labels": [0], "box": (20.5, 10, 80, 66)}}
"""As in src/testing/python-vectors.ts."""
METHODS = {"lora": {"rank": 1}, "prefix": {"length": 2}, "ia3": {}}


def made() -> mopeft.Model:
    """Values are small fractions of two, so that they are the same on every machine."""
    model = mopeft.create(MODEL, METHODS, "mass", token=True, datasets=("bläschen",), train_decoder=False)
    model.threshold = -0.75
    with torch.no_grad():
        for k, value in enumerate(model.tensors.values()):
            steps = torch.arange(value.numel()).view(value.shape)
            value.copy_(((steps * 37 + 11 * k) % 64 - 32) / 64)
    return model


def answers(model: mopeft.Model) -> dict:
    out: dict = {}
    for name, asked in ASKED.items():
        result = model.predict(IMAGE, **asked)
        best = result.candidates[0]
        some = [round(v, 5) for v in best.logits.flatten()[::64].tolist()]
        out[name] = {"token": best.token, "iou": round(best.iou, 5), "logits": some, "area": int(result.mask.sum())}
    return out | {"gates": [{m: round(g, 5) for m, g in layer.items()} for layer in model.gates()]}


def main() -> None:
    torch.set_num_threads(1)
    model = made()
    mopeft.save(model, OUT)
    (OUT / "answers.json").write_text(json.dumps(answers(model)) + "\n")


if __name__ == "__main__":
    main()
