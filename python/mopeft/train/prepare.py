"""An image prepared for a step (`src/train/prepare.ts`, `batches.ts`): variant, objects, targets, first prompts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..errors import TrainError
from ..preprocessing import IMAGENET, Preprocessing, preprocess
from ..random import Random
from .augment import augment
from .config import TrainConfig, least_area
from .crops import ObjectCrops, seen_shape
from .images import LabelledImage
from .objects import IGNORED, Objects, Region, find_objects
from .prompts import Prompt, box_prompt, click_prompt, first_prompts, jittered_box
from .reduce import reduced, reduction
from .sampler import Sampler
from .targets import low_res

MAX_FRUITLESS = 200
"""Images in a row whose objects are all too small after which a run fails; images without any are passed over."""


@dataclass
class Prepared:
    """input [1, 3, S, S], targets [N, side, side] (0, 1, IGNORED), one prompt per object; fill: the image's (height, width) in it.

    dataset: index of the set that it was drawn from.
    """

    input: Tensor
    targets: Tensor
    prompts: list[Prompt]
    fill: tuple[int, int]
    dataset: int = 0


class Batches:
    """Draws the images of every step. sets: the training images of each dataset; how: the model's preprocessing."""

    def __init__(self, model: dict, config: TrainConfig, sets: Sequence[Sequence[LabelledImage]], how: Preprocessing = IMAGENET) -> None:
        self.how = how
        self.size = model["image_size"]
        self.side = 4 * self.size // model["patch_size"]
        self.config = config
        self.sets = sets
        self.sampler = Sampler([len(s) for s in sets], config.seed)
        self.augmenting = Random(config.seed, "augment")
        self.prompting = Random(config.seed, "prompts")
        self.kinds = first_prompts(config)
        self.prompt_count = 0
        self.empty: set[tuple[int, int]] = set()

    def state(self) -> dict:
        """What determines the images, variants and prompts to come, as a checkpoint has it."""
        random = {"augment": self.augmenting.state, "prompts": self.prompting.state}
        return {"sampler": self.sampler.state(), "promptCount": self.prompt_count, "random": random}

    def resume(self, state: dict) -> None:
        self.sampler.resume(state["sampler"])
        self.augmenting, self.prompting = (Random.of_state(state["random"][name]) for name in ("augment", "prompts"))
        self.prompt_count = state["promptCount"]

    def next(self) -> list[Prepared]:
        images: list[Prepared] = []
        fruitless = 0
        while len(images) < self.config.imagesPerStep:
            dataset, sample = self.sampler.next()
            labelled = self.sets[dataset][sample]
            image = self.prepare(labelled)
            if image is None and not (labelled.labels > 0).any():
                self.empty.add((dataset, sample))
                if len(self.empty) == sum(len(s) for s in self.sets):
                    what = "No training image has an object: all of their masks are empty."
                    raise TrainError("train/no-objects", what, "masks", "Label objects in more images, or choose another dataset.")
                continue
            images += [replace(image, dataset=dataset)] if image else []
            fruitless = 0 if image else fruitless + 1
            if fruitless >= MAX_FRUITLESS:
                what = f"{MAX_FRUITLESS} images in a row had no object that is large enough to train on."
                raise TrainError("train/no-objects", what, "minSize", "Check the masks, or lower minSize.")
        return images

    def prepare(self, sample: LabelledImage) -> Prepared | None:
        """One variant of an image; None if it holds nothing to prompt for."""
        sample = reduced(sample, reduction(seen_shape(sample.image.shape, sample.side), self.size, self.config.minCrop))
        variant = augment(sample.image, [sample.labels, sample.classes], self.augmenting, self.config, self.crops(sample))
        labels, classes = variant.maps
        objects = find_objects(labels, sample.rule, self.least(labels.shape))
        pixels, fill = preprocess(variant.image, self.size, self.how, variant.tone)
        chosen = self.prompting.shuffled(objects.regions)[: self.config.objectsPerImage]
        targets, prompts = [], []
        for i, region in enumerate(chosen):
            kind = self.kinds[(self.prompt_count + i) % len(self.kinds)]
            mask, ignored, prompt = self.ask(objects, classes, region, kind, fill)
            target = low_res(mask, ignored, fill, self.size, self.side)
            if (target == 1).any():
                targets.append(target)
                prompts.append(prompt)
        self.prompt_count += len(chosen)
        return Prepared(pixels, torch.tensor(np.stack(targets), dtype=torch.get_default_dtype()), prompts, fill) if targets else None

    def least(self, shape: tuple[int, int]) -> float:
        return least_area(self.config, shape, self.size, self.how.aspect)

    def crops(self, sample: LabelledImage) -> ObjectCrops | None:
        """Those in which the image is seen; None where it is seen whole."""
        if sample.side is None:
            return None
        least = self.least(seen_shape(sample.image.shape, sample.side))
        return ObjectCrops(sample.side, find_objects(sample.labels, sample.rule, least).regions)

    def ask(
        self, objects: Objects, classes: np.ndarray, region: Region, kind: str, fill: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray, Prompt]:
        """The target mask [H, W], the pixels that take no part [H, W], and the first prompt."""
        h, w = objects.map.shape
        scale = (fill[1] / w, fill[0] / h)
        random = self.prompting
        if kind == "whole":
            values = np.unique(classes[classes > 0])
            k = random.integer(max(1, len(values)))
            # A crop may hold an object of instances/ but no class; it then has no target.
            wanted = classes == values[k] if len(values) else np.zeros((h, w), bool)
            return wanted, classes == IGNORED, box_prompt((0, 0, w, h), scale)
        if kind == "click":
            prompt = click_prompt(objects, region, scale, random)
        else:
            prompt = box_prompt(jittered_box((h, w), region, self.config.boxJitter, random), scale)
        return objects.map == region.id, objects.map == IGNORED, prompt
