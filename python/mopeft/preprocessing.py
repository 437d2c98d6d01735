"""How an image becomes the model's input, and low-resolution logits an image's mask (`src/data/preprocess.ts`)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from .errors import AdapterError, ModelError, MopeftError

Rgb = tuple[float, float, float]


@dataclass(frozen=True)
class MeanStd:
    """(v − mean) / std with v from 0 to `range`, 1 or 255."""

    mean: Rgb
    std: Rgb
    range: int = 255


@dataclass(frozen=True)
class Preprocessing:
    """aspect: `keep` (the longer side to the model's size, the rest padded) or `stretch` (both sides).

    normalisation: None scales each image by its own minimum and maximum.
    """

    aspect: str
    normalisation: MeanStd | None


IMAGENET = Preprocessing("keep", MeanStd((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), 1))
SAM_PREPROCESSING = Preprocessing("keep", MeanStd((123.675, 116.28, 103.53), (58.395, 57.12, 57.375), 255))


def input_shape(shape: tuple[int, int], size: int, aspect: str = "keep") -> tuple[int, int]:
    """The (height, width) that an image [H, W] fills in a model's square of that size."""
    if aspect == "stretch":
        return size, size
    scale = size / max(shape)
    return max(1, int(shape[0] * scale + 0.5)), max(1, int(shape[1] * scale + 0.5))


def preprocess(
    image: np.ndarray, size: int, how: Preprocessing = IMAGENET, tone: np.ndarray | None = None
) -> tuple[Tensor, tuple[int, int]]:
    """uint8 [H, W, 3] -> normalised [1, 3, size, size], padded with 0, and the (height, width) that the image fills.

    tone: uint8 [256], what each value becomes once the image is resized.
    """
    nh, nw = input_shape(image.shape[:2], size, how.aspect)
    small = np.asarray(Image.fromarray(image).resize((nw, nh), Image.Resampling.BILINEAR))
    values = (small if tone is None else tone[small]).astype(np.float32)
    if how.normalisation is None:
        mean, std = values.min(), np.float32(max(float(values.max() - values.min()), 1e-8))
    else:
        values = values / 255 if how.normalisation.range == 1 else values
        mean, std = (np.array(v, np.float32) for v in (how.normalisation.mean, how.normalisation.std))
    out = torch.zeros(1, 3, size, size)
    out[0, :, :nh, :nw] = torch.from_numpy(((values - mean) / std).transpose(2, 0, 1))
    return out, (nh, nw)


def postprocess(masks: Tensor, size: int, fill: tuple[int, int], original: tuple[int, int]) -> Tensor:
    """SAM's postprocess_masks: low-res logits [N, T, h, w] -> logits [N, T, *original]."""
    full = F.interpolate(masks, (size, size), mode="bilinear", align_corners=False)
    return F.interpolate(full[..., : fill[0], : fill[1]], original, mode="bilinear", align_corners=False)


def preprocessing_of(record: object, where: object) -> Preprocessing:
    """An adapter's `preprocessing`. AdapterError for what is none."""
    wrong = AdapterError("adapter/not-an-adapter", "Its preprocessing cannot be read.", where, "Export the adapter again.")
    if not isinstance(record, Mapping) or record.get("aspect") not in ("keep", "stretch"):
        raise wrong
    how = record.get("normalisation")
    if not isinstance(how, Mapping):
        raise wrong
    if how.get("kind") == "min-max":
        return Preprocessing(record["aspect"], None)
    if how.get("kind") != "mean-std" or how.get("range") not in (1, 255):
        raise wrong
    return Preprocessing(record["aspect"], MeanStd(rgb_of(how.get("mean"), wrong), rgb_of(how.get("std"), wrong), how["range"]))


def rgb_of(values: object, wrong: MopeftError) -> Rgb:
    is_rgb = isinstance(values, list | tuple) and len(values) == 3
    if not is_rgb or not all(isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v) for v in values):
        raise wrong
    return tuple(values)


def record_of(how: Preprocessing) -> dict:
    """The inverse of `preprocessing_of`."""
    if how.normalisation is None:
        return {"aspect": how.aspect, "normalisation": {"kind": "min-max"}}
    mean, std, value_range = how.normalisation.mean, how.normalisation.std, how.normalisation.range
    return {"aspect": how.aspect, "normalisation": {"kind": "mean-std", "mean": list(mean), "std": list(std), "range": value_range}}


def preprocessor_of(json: object, where: object) -> Preprocessing:
    """Hugging Face's `preprocessor_config.json`, with the studio's own `aspect` and `normalisation`."""
    wrong = ModelError("config/invalid", "The preprocessing cannot be read.", where, "Download or save it again.")
    if not isinstance(json, Mapping):
        raise wrong
    size = json.get("size")
    is_square = isinstance(size, Mapping) and "height" in size and "width" in size
    aspect = json.get("aspect", "stretch" if is_square else "keep")
    if aspect not in ("keep", "stretch"):
        raise wrong
    if json.get("normalisation") == "min-max":
        return Preprocessing(aspect, None)
    plain = {"image_mean": (0.0, 0.0, 0.0), "image_std": (1.0, 1.0, 1.0)} if json.get("do_normalize") is False else json
    mean = rgb_of(plain.get("image_mean", IMAGENET.normalisation.mean), wrong)
    std = rgb_of(plain.get("image_std", IMAGENET.normalisation.std), wrong)
    if min(std) <= 0:
        raise wrong
    return Preprocessing(aspect, MeanStd(mean, std, range_of(json, wrong)))


def range_of(json: Mapping, wrong: MopeftError) -> int:
    """What 255 becomes before mean and standard deviation: 1, or 255 as it is."""
    factor = json.get("rescale_factor", 1 / 255)
    if json.get("do_rescale") is False or factor == 1:
        return 255
    if not isinstance(factor, int | float) or abs(factor * 255 - 1) >= 1e-3:
        raise wrong
    return 1
