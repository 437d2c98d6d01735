"""Small vectors of the exported model, to check the engine with: images, prompts, outputs."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from mopeft.preprocessing import postprocess, preprocess
from mopeft.sam.decoder import BOX_FIRST, BOX_SECOND, NEGATIVE, PAD, POSITIVE
from mopeft.sam.open import read_model

from .draw.canvas import Canvas
from .draw.scenes_micro import cells
from .draw.scenes_world import cracks, plants
from .prompts import box_of, inner_click

IMAGES = {"cells": (cells, 8), "cracks": (cracks, 3), "plants": (plants, 1)}
STRIDE = 4


def drawn(scene: Callable[[np.random.Generator], Canvas], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A drawn image without noise (it compresses well), and the mask of its largest object."""
    canvas = scene(np.random.default_rng(seed))
    image = (np.clip(canvas.image, 0, 1) * 31 + 0.5).astype(np.uint8) * 8
    largest = max(canvas.objects, key=lambda ids: int(np.isin(canvas.label, ids).sum()))
    return image, np.isin(canvas.label, largest)


def prompts_for(mask: np.ndarray) -> dict[str, dict]:
    """Prompts in original pixels; `fed` names the prompt whose chosen low-res logits are the mask prompt."""
    x, y = inner_click(mask)
    box = [float(v) for v in box_of(mask)]
    click, other = [x + 0.5, y + 0.5], [box[0] + 1.5, box[1] + 1.5]
    return {
        "click": {"points": [click], "labels": [1], "token": "best of 1-3"},
        "clicks": {"points": [click, other], "labels": [1, 0], "token": 0},
        "box": {"box": box, "token": 0},
        "box_click": {"points": [other], "labels": [0], "box": box, "token": 0},
        "fed": {"points": [click, other], "labels": [1, 0], "fed": "click", "token": 0},
    }


def tokens_of(prompt: dict, by: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Points and labels as SAM orders them: clicks, then the box's corners, or else a padding point."""
    points = [np.array(p) * by for p in prompt.get("points", [])]
    labels = [POSITIVE if s else NEGATIVE for s in prompt.get("labels", [])]
    if "box" in prompt:
        points += [np.array(prompt["box"][:2]) * by, np.array(prompt["box"][2:]) * by]
        labels += [BOX_FIRST, BOX_SECOND]
    else:
        points, labels = [*points, np.zeros(2)], [*labels, PAD]
    return torch.tensor(np.stack(points), dtype=torch.float32)[None], torch.tensor(labels)[None]


@torch.inference_mode()
def write_vectors(folder: Path, out: Path) -> None:
    model = read_model(folder)
    size = model.config["image_size"]
    out.mkdir(parents=True, exist_ok=True)
    tensors, cases = {}, {}
    for name, (scene, seed) in IMAGES.items():
        image, mask = drawn(scene, seed)
        Image.fromarray(image).save(out / f"{name}.png", optimize=True)
        h, w = mask.shape
        pixels, fill = preprocess(image, size)
        by = np.array([fill[1] / w, fill[0] / h])
        embedding = model.image_encoder(pixels)
        tensors[f"{name}.input"] = pixels[0, :, ::STRIDE, ::STRIDE]
        tensors[f"{name}.embedding"] = embedding[0].permute(2, 0, 1)[:, ::STRIDE, ::STRIDE]
        prompts, chosen = prompts_for(mask), {}
        for key, prompt in prompts.items():
            points, labels = tokens_of(prompt, by)
            fed = chosen[prompt["fed"]] if "fed" in prompt else None
            has = None if fed is None else torch.tensor([True])
            masks, iou = model.decode(embedding, points, labels, size, fed, has)
            token = 1 + int(iou[0, 1:].argmax()) if key == "click" else 0
            chosen[key] = masks[:, token]
            prompt["chosen"] = token
            tensors[f"{name}.{key}.masks"] = masks[0, :, ::STRIDE, ::STRIDE]
            tensors[f"{name}.{key}.iou"] = iou[0]
            final = postprocess(masks[:, token : token + 1], size, fill, (h, w))[0, 0] > 0
            Image.fromarray(final.numpy()).save(out / f"{name}.{key}.png", optimize=True)
        cases[name] = {"image": f"{name}.png", "size": [h, w], "fill": list(fill), "prompts": prompts}
    save_file({k: v.contiguous() for k, v in tensors.items()}, out / "embedded.safetensors")
    (out / "embedded.json").write_text(json.dumps({"stride": STRIDE, "images": cases}, indent=1) + "\n")
