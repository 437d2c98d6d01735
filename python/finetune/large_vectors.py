"""Writes tests/slow-vectors/twin: three steps of this twin at SAM ViT-B's widths, which the engine's trainer must reproduce.

Model and weights are those of the conformance sets: a config with a seed, from which `reference.seeded` draws. As in
`vectors`, rounding may move a corrective click; so the seed of a run is the first whose logits stay away from 0. The image
is a strip, since few cells of the masks then show it, and so few logits come near to 0.
"""

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from mopeft.sam.model import Sam
from mopeft.train.config import TrainConfig
from mopeft.train.loop import Trainer
from reference import seeded

from .config import Mopeft
from .data import read_set, splits_of
from .tuned import tuned_of
from .vectors import write_record

TESTS = Path(__file__).parents[2] / "tests"
MODELS = {"wide": "vectors/wide/wide.json", "vit_b": "slow-vectors/vit_b/vit_b.json"}
"""By case: the model's config in tests/. Every case is MoPEFT in all blocks, with its default gates and sizes."""
SETTINGS = {"steps": 3, "imagesPerStep": 1, "objectsPerImage": 2, "evalEvery": 3}
SET = "strip"
LEAST_MARGIN = 1e-5
TRIES = 60


class TooNear(Exception):
    """A logit came so near to 0 that rounding may decide where a click falls."""


def write_image(out: Path) -> None:
    """A smooth strip of 480 × 16 pixels with six brighter ellipses, and their ids. It is all for training."""
    rng = np.random.default_rng(9)
    width, height = 480, 16
    coarse = Image.fromarray(rng.integers(40, 130, (2, 16, 3), np.uint8))
    image = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC)).astype(np.int64)
    ids = np.zeros((height, width), np.uint8)
    y, x = np.mgrid[:height, :width]
    for k in range(6):
        cx, cy, a, b = 40 + 80 * k + rng.uniform(-12, 12), rng.uniform(7, 9), rng.uniform(9, 24), rng.uniform(4, 6)
        inside = ((x - cx) / a) ** 2 + ((y - cy) / b) ** 2 <= 1
        ids[inside] = k + 1
        image[inside] += rng.integers(30, 120, 3)
    for kind, values in (("images", np.clip(image, 0, 255).astype(np.uint8)), ("instances", ids)):
        (out / SET / kind).mkdir(parents=True, exist_ok=True)
        Image.fromarray(values).save(out / SET / kind / "1.png", optimize=True)


def seeded_model(config: Path) -> Sam:
    """A model of a conformance set, in which weights are drawn from the seed."""
    sizes = {"attention_downsample_rate": 2, **json.loads(config.read_text())}
    sam = Sam(sizes)
    seeded.fill(sam, sizes["seed"])
    return sam.requires_grad_(False).eval()


def train_case(out: Path, name: str, seed: int, lines: list[dict]) -> Trainer:
    """The run of a case; TooNear as soon as a step has such a logit."""

    def emit(line: dict) -> None:
        lines.append(line)
        print(f"{name}, seed {seed}: step {line['step']}, loss {line['loss']:.5f}, margin {trainer.result.margin:.1e}", flush=True)
        if trainer.result.margin < LEAST_MARGIN:
            raise TooNear

    tuned = tuned_of(seeded_model(TESTS / MODELS[name]), Mopeft(("lora", "prefix", "adapter")), seed)
    config = TrainConfig(seed=seed, **SETTINGS)
    trainer = Trainer(tuned, splits_of([read_set(out / SET)], config), config, emit)
    trainer.run()
    return trainer


def run_case(out: Path, name: str) -> None:
    for seed in range(1, TRIES):
        lines: list[dict] = []
        try:
            trainer = train_case(out, name, seed, lines)
        except TooNear:
            continue
        return write_record(out / f"{name}.json", trainer, SETTINGS, lines, {"model": MODELS[name]})
    raise SystemExit(f"{name}: no seed gives a run that rounding cannot change")


def write_vectors(out: Path, only: list[str], threads: int) -> None:
    torch.set_num_threads(threads)
    write_image(out)
    for name in only or MODELS:
        run_case(out, name)
