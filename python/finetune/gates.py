"""Train several sets together: do their gates move, do they differ between sets, and do they matter?

Images are cropped to squares first. A gate is a mean over all tokens, those of the padding included, so the shape of
the images alone would otherwise tell sets apart.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from mopeft.files import whole
from mopeft.modules import GateLayer
from mopeft.preprocessing import Preprocessing, preprocess
from mopeft.sam.open import preprocessing_in, read_model
from mopeft.train.config import TrainConfig
from mopeft.train.images import LabelledImage
from mopeft.train.scoring import Evaluator, Gates, ImageScore, mean_gates
from mopeft.train.statistics import clustered
from mopeft.train.tuned import Tuned

from .config import Mopeft, of_seed
from .data import DataSet, read_sets, stamp
from .run import finished, run, stated
from .statistics import paired
from .sweep import mopeft_of
from .tuned import open_tuned


def square(image: LabelledImage) -> LabelledImage:
    """The central square of an image."""
    h, w = image.image.shape[:2]
    s = min(h, w)
    window = np.s_[(h - s) // 2 : (h - s) // 2 + s, (w - s) // 2 : (w - s) // 2 + s]
    return LabelledImage(image.name, image.image[window].copy(), image.labels[window], image.rule, image.classes[window])


@torch.inference_mode()
def gates_of(tuned: Tuned, images: list[LabelledImage], how: Preprocessing) -> np.ndarray:
    """The gates of square crops: [images, blocks × methods]. how: the model's preprocessing."""
    rows = []
    for image in images:
        tuned.key = None
        tuned.image_encoder(preprocess(square(image).image, tuned.config["image_size"], how)[0])
        rows.append([gate for layer in tuned.gate_values() for gate in layer.values()])
    return np.array(rows)


def nearest_mean(train: dict[str, np.ndarray], held_out: dict[str, np.ndarray]) -> dict[str, float]:
    """Share of held-out rows nearest to the mean of their own set: `plain`, or `scaled` by each gate's deviation."""
    names = list(train)
    means = np.stack([train[name].mean(0) for name in names])
    spread = np.sqrt(np.mean([train[name].var(0) for name in names], 0)) + 1e-6
    out = {}
    for kind, scale in (("plain", np.ones_like(spread)), ("scaled", spread)):
        hits = [int(np.argmin((((row - means) / scale) ** 2).sum(1)) == i) for i, name in enumerate(names) for row in held_out[name]]
        out[kind] = float(np.mean(hits))
    return out


def as_given(gates: Gates) -> list[GateLayer]:
    return [{m: torch.tensor([value]) for m, value in layer.items()} for layer in gates]


def scored(
    tuned: Tuned, evaluator: Evaluator, images: list[LabelledImage], threshold: float, given: Gates | None = None
) -> list[ImageScore]:
    """Scores with the given gates in place of the model's own."""
    tuned.given_gates = as_given(given) if given else None
    try:
        return evaluator.all(tuned, images, (threshold,))[0]
    finally:
        tuned.given_gates = None


def own_mean(tuned: Tuned, evaluator: Evaluator, images: list[LabelledImage]) -> Gates:
    """The mean gates of a set's training images."""
    return mean_gates(evaluator.all(tuned, images)[0])


def level(blocks: int, methods: tuple[str, ...], value: float) -> Gates:
    """The same gate in every block; methods that are not named keep their own."""
    return [dict.fromkeys(methods, value) for _ in range(blocks)]


def experiment(model: Path, folders: list[Path], method: str, settings: list[str], seed: int, out: Path, gate: str | None = None) -> dict:
    """Trains unless `out` holds the finished run, then measures; writes and returns gates.json. gate: a form, as for Mopeft.

    folders: at least two sets, since the gates of one are compared with those of another.
    """
    if len(folders) < 2:
        raise SystemExit("gates are compared between sets: give at least two sets")
    config = of_seed(seed, settings)
    mopeft = replace(mopeft_of(method), gate=gate)
    done = out / "gates.json"
    if not finished(out, stated(model, [stamp(folder) for folder in folders], mopeft, config, True)):
        done.unlink(missing_ok=True)  # belongs to a run that is gone
    if done.exists():
        return json.loads(done.read_text())
    sets = read_sets(folders)
    result = run(model, read_model(model), sets, mopeft, config, out)
    report = measure(model, sets, mopeft, config, out, result["maskThreshold"])
    gained = {key: {k: [s[when][k] for when in ("before", "after")] for k in ("box", "click")} for key, s in result["sets"].items()}
    report |= {"seed": seed, "method": method, "gate": mopeft.form, "settings": settings, "bestStep": result["bestStep"], "gain": gained}
    with whole(done) as path:
        path.write_text(json.dumps(report, indent=1) + "\n")
    return report


def measure(model: Path, sets: list[DataSet], mopeft: Mopeft, config: TrainConfig, out: Path, threshold: float) -> dict:
    """threshold: the logit from which a pixel of the run's masks is foreground."""
    splits = {s.key: s.split(config.seed, config.splitOrder) for s in sets}
    trained = open_tuned(model, mopeft, config.seed, out / "best.safetensors")
    how = preprocessing_in(model)
    report: dict = {"n": {key: len(split["test"]) for key, split in splits.items()}, "classified": {}}
    vectors: dict[str, dict[str, np.ndarray]] = {}
    for when, tuned in (("before", open_tuned(model, mopeft, config.seed)), ("after", trained)):
        train = {key: gates_of(tuned, split["train"], how) for key, split in splits.items()}
        vectors[when] = {key: gates_of(tuned, split["test"], how) for key, split in splits.items()}
        report["classified"][when] = nearest_mean(train, vectors[when])
    names = [f"{i}.{m}" for i in range(len(trained.sam.image_encoder.sites)) for m in mopeft.methods]
    moved = {key: vectors["after"][key].mean(0) - vectors["before"][key].mean(0) for key in splits}
    report["gates"] = {
        when: {key: dict(zip(names, np.round(v.mean(0), 4).tolist(), strict=True)) for key, v in by_set.items()}
        for when, by_set in vectors.items()
    }
    report["moved"] = {key: float(abs(v).max()) for key, v in moved.items()}
    report["movedByMethod"] = {
        m: float(max(abs(v[i :: len(mopeft.methods)]).max() for v in moved.values())) for i, m in enumerate(mopeft.methods)
    }
    report["apart"] = {
        when: float(max(np.ptp([v[:, i].mean() for v in by_set.values()]) for i in range(len(names)))) for when, by_set in vectors.items()
    }
    report["paired"] = compare(trained, splits, config, threshold, how)
    return report


def compare(
    tuned: Tuned, splits: dict[str, dict[str, list[LabelledImage]]], config: TrainConfig, threshold: float, how: Preprocessing
) -> dict:
    """Test IoU with other gates minus test IoU with the model's own.

    The other gates: all at one half, all at 1, the set's mean, another set's mean, and each method's at 0 in turn.
    """
    blocks, methods = len(tuned.sam.image_encoder.sites), tuple(tuned.modules_config.methods)
    levels = {"half": level(blocks, methods, 0.5), "one": level(blocks, methods, 1.0)}
    levels |= {f"without {m}": level(blocks, (m,), 0.0) for m in methods}
    evaluator = Evaluator(config, tuned.config["image_size"], how)
    means = {key: own_mean(tuned, evaluator, split["train"]) for key, split in splits.items()}
    keys = list(splits)
    differences: dict[str, dict[str, list]] = {}
    for i, key in enumerate(keys):
        test = splits[key]["test"]
        own = [s.record() for s in scored(tuned, evaluator, test, threshold)]
        for name, gates in (levels | {"mean": means[key], "other": means[keys[(i + 1) % len(keys)]]}).items():
            changed = [s.record() for s in scored(tuned, evaluator, test, threshold, gates)]
            for k in ("box", "click"):
                part = {f"{key} {image}": v for image, v in paired(own, changed, k).items()}
                differences.setdefault(name, {}).setdefault(k, []).append(part)
    return {name: {k: summed(dict(zip(keys, parts, strict=True))) for k, parts in by_key.items()} for name, by_key in differences.items()}


def summed(parts: dict[str, dict]) -> dict:
    """Over all sets: mean difference, its standard error and the number of objects; and the difference by set."""
    difference, error, objects = clustered(list(parts.values()))
    by_set = {key: clustered([part])[0] for key, part in parts.items()}
    return {"difference": difference, "error": error, "objects": objects, "bySet": by_set}


def text(report: dict) -> str:
    """A few lines of markdown."""
    c = report["classified"]
    lines = [
        f"seed {report['seed']}, best step {report['bestStep']}, held-out images {report['n']}",
        f"- nearest mean: {c['before']['plain']:.0%} before, {c['after']['plain']:.0%} after "
        f"(scaled {c['before']['scaled']:.0%}, {c['after']['scaled']:.0%})",
        f"- largest move of a gate's mean: {max(report['moved'].values()):.2f}; by method "
        + ", ".join(f"{m} {v:.2f}" for m, v in report["movedByMethod"].items()),
        f"- largest distance of two sets' means of a gate: {report['apart']['before']:.2f} before, {report['apart']['after']:.2f} after",
    ]
    for name, by_key in report["paired"].items():
        parts = [f"{k} {v['difference']:+.4f} ± {2 * v['error']:.4f}" for k, v in by_key.items()]
        lines.append(f"- {name} instead of its own gates: {', '.join(parts)} (n {by_key['box']['objects']})")
    return "\n".join(lines)
