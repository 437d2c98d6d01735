"""Writes tests/vectors/twin: small runs of this twin, which the engine's trainer must reproduce.

Model, images, settings and seed determine a run: the engine draws the same split, images, variants, objects, prompts and
initial values, so nothing else is stored. Rounding can still change a run: a corrective click depends on the sign of
logits, and AdamW makes full steps even from gradients that are rounding errors. The seed of a case is therefore the first
whose logits stay away from 0 and whose weights agree with a run in float64.
"""

import json
import math
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from mopeft.methods import RECIPES
from mopeft.sam.model import Sam
from mopeft.sam.open import read_model
from mopeft.train.config import TrainConfig
from mopeft.train.loop import Trainer
from pretrain.export import write_model
from reference.sam import randomise

from .config import Mopeft
from .data import read_set, splits_of
from .tuned import tuned_of

MODEL = {
    "image_size": 64,
    "patch_size": 8,
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "mlp_dim": 48,
    "output_channels": 32,
    "window_size": 3,
    "global_attn_indexes": [1],
    "mask_channels": 8,
    "decoder_heads": 2,
    "decoder_mlp_dim": 32,
    "attention_downsample_rate": 2,
    "iou_hidden": 16,
}
SETTINGS = {
    "steps": 5,
    "imagesPerStep": 1,
    "objectsPerImage": 2,
    "evalEvery": 5,
    "evalObjects": 2,
    "lrPeft": 2e-3,
    "lrGate": 1e-2,
    "lrDecoder": 2e-4,
}
ALL = RECIPES["mopeft"]
CHOOSING = SETTINGS | {"steps": 10, "objectsPerImage": 1, "corrections": 0, "evalObjects": 1}
"""Long enough for modules to be taken out."""
CASES = {
    "mopeft": (Mopeft(ALL), SETTINGS),
    "mass": (
        Mopeft(("lora", "prefix"), "mass", train_decoder=False),
        SETTINGS | {"corrections": 1, "wholePrompts": True, "flips": False, "minCrop": 1.0, "splitOrder": "name"},
    ),
    "bias_norm": (Mopeft(("prefix", "bias_norm"), train_decoder=False), SETTINGS | {"corrections": 1, "minSize": 0.0, "minArea": 0.002}),
    "beside": (Mopeft(("conv_pass", "adaptformer"), train_decoder=False), SETTINGS | {"corrections": 1}),
    "rescaled": (Mopeft(("prefix", "full", "ssf", "ia3"), train_decoder=False), SETTINGS | {"corrections": 1}),
    "ignored": (Mopeft(("lora",), train_decoder=False), SETTINGS | {"corrections": 2, "wholePrompts": True}),
    "task": (
        Mopeft(("lora", "prefix"), "task", train_decoder=False, sets=2),
        SETTINGS | {"imagesPerStep": 2, "corrections": 1, "lrGate": 4e-4},
    ),
    "budget": (Mopeft(ALL, "budget", train_decoder=False, budget=0.4), CHOOSING),
    "validation": (Mopeft(ALL, "budget", train_decoder=False, budget=0.4, budget_by="validation"), CHOOSING | {"lrPeft": 5e-3}),
    "hard": (Mopeft(ALL, "hard", train_decoder=False, budget=0.4), CHOOSING | {"lrGate": 5e-3}),
    "token": (
        Mopeft(("lora",), train_decoder=False, token=True, sets=2),
        SETTINGS | {"imagesPerStep": 2, "corrections": 1},
    ),
    "decoder": (
        Mopeft(()),
        SETTINGS | {"imagesPerStep": 2, "corrections": 0, "brightness": 0.0, "contrast": 0.0, "quarterTurns": False, "warmup": 0.4},
    ),
}
LEAST_MARGIN = 1e-4
MOST_ROUNDING = 2e-4
SETS = {"blobs": "masks", "stripes": "instances"}
IGNORED_VALUES = {"ignored": (2,)}
"""By case: values of the files whose pixels take no part."""


def draw(rng: np.random.Generator, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """A smooth image [H, W, 3] with three or four brighter ellipses, and their ids."""
    coarse = Image.fromarray(rng.integers(40, 130, (4, 5, 3), np.uint8))
    image = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC)).astype(np.int64)
    ids = np.zeros((height, width), np.uint8)
    y, x = np.mgrid[:height, :width]
    for k in range(1, int(rng.integers(4, 6))):
        cx, cy, a, b = rng.uniform(8, width - 8), rng.uniform(6, height - 6), rng.uniform(5, 13), rng.uniform(4, 10)
        inside = ((x - cx) / a) ** 2 + ((y - cy) / b) ** 2 <= 1
        ids[inside] = k
        image[inside] += rng.integers(30, 120, 3)
    return np.clip(image, 0, 255).astype(np.uint8), ids


def write_images(out: Path) -> None:
    rng = np.random.default_rng(5)
    for name, kind in SETS.items():
        for folder in ("images", kind):
            (out / name / folder).mkdir(parents=True, exist_ok=True)
        for i in range(7):
            image, ids = draw(rng, int(rng.integers(60, 90)), int(rng.integers(44, 70)))
            ids = 255 * (ids > 0).astype(np.uint8) if kind == "masks" else ids
            Image.fromarray(image).save(out / name / "images" / f"{i + 1}.png", optimize=True)
            Image.fromarray(ids).save(out / name / kind / f"{i + 1}.png", optimize=True)


def write_micro_model(out: Path) -> None:
    sam = Sam(MODEL)
    randomise(sam, 3)
    with torch.no_grad():
        for mlp in sam.mask_decoder.output_hypernetworks_mlps:
            mlp.layers[2].weight.mul_(10)  # logits of a trained model's size
    write_model(sam.state_dict(), MODEL, out, "random weights, for tests")


def train_case(out: Path, name: str, seed: int, lines: list[dict], double: bool = False) -> Trainer:
    """The run of a case; double: in float64, without evaluations."""
    mopeft, settings = CASES[name]
    torch.set_default_dtype(torch.float64 if double else torch.float32)
    sam = read_model(out / "model").to(torch.get_default_dtype())
    sets = [read_set(out / key, IGNORED_VALUES.get(name, ())) for key in SETS]
    config = TrainConfig(seed=seed, **settings)
    trainer = Trainer(tuned_of(sam, mopeft, seed), splits_of(sets, config), config, lines.append, not double)
    trainer.run()
    torch.set_default_dtype(torch.float32)
    return trainer


def rounding(trainer: Trainer, exact: Trainer) -> float:
    """The largest difference of a tensor to the float64 run, of its largest magnitude; except for key biases, which have no effect."""
    if trainer.tuned.off != exact.tuned.off:
        return math.inf
    pairs = ((v.double(), exact.tuned.state()[k]) for k, v in kept_state(trainer).items() if not k.endswith("k_proj.bias"))
    return max(float((a - b).abs().max() / b.abs().max().clamp(min=1e-6)) for a, b in pairs)


def kept_state(trainer: Trainer) -> dict[str, Tensor]:
    """The tensors of a finished run without those of modules that were taken out."""
    state = trainer.tuned.state()
    return {name: state[name] for name in trainer.tuned.names_left()}


def run_case(out: Path, name: str) -> None:
    settings = CASES[name][1]
    for seed in range(1, 300):
        lines: list[dict] = []
        trainer = train_case(out, name, seed, lines)
        if trainer.result.margin > LEAST_MARGIN and rounding(trainer, train_case(out, name, seed, [], double=True)) < MOST_ROUNDING:
            break
    else:
        raise SystemExit(f"{name}: no seed gives a run that rounding cannot change")
    save_file(kept_state(trainer), out / f"{name}.safetensors")
    extra = {"ignored": list(IGNORED_VALUES[name])} if name in IGNORED_VALUES else {}
    write_record(out / f"{name}.json", trainer, settings, lines, extra)


def write_record(path: Path, trainer: Trainer, settings: dict, lines: list[dict], extra: dict) -> None:
    """What determines a finished run and what it said, as JSON. settings: those that differ from the defaults."""
    mopeft, margin = trainer.tuned.modules_config, trainer.result.margin
    apart = ({"token": True} if mopeft.token else {}) | ({"datasets": list(SETS)} if len(mopeft.datasets) > 1 else {})
    chosen = ({"budget": mopeft.budget} if trainer.is_budgeted else {}) | ({"budgetBy": mopeft.budget_by} if mopeft.budget_by else {})
    asked = {"methods": list(mopeft.methods), "gate": mopeft.gate, "trainDecoder": mopeft.train_decoder}
    record = {
        "mopeft": {**asked, **apart, **chosen},
        "train": {k: v for k, v in asdict(trainer.config).items() if k in (*settings, "seed")},
        **extra,
        "margin": margin if math.isfinite(margin) else None,
        "split": {k: {part: [p.name for p in images] for part, images in s.items()} for k, s in trainer.splits.items()},
        "events": [strip(line) for line in lines],
    }
    path.write_text(json.dumps(record, indent=1) + "\n")
    print(f"{path.stem}: seed {trainer.config.seed}, margin {margin:.1e}")


def strip(line: dict) -> dict:
    """The line without the duration of the step."""
    return {k: v for k, v in line.items() if k != "ms"}


def write_vectors(out: Path) -> None:
    torch.set_num_threads(1)
    shutil.rmtree(out / "model", ignore_errors=True)
    write_images(out)
    write_micro_model(out / "model")
    for name in CASES:
        run_case(out, name)
