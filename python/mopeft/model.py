"""A model that answers prompts with masks, as the studio does."""

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor, nn

from .adapter_file import Adapter, fit, read_adapter, write_adapter
from .config import MopeftConfig, checked
from .device import usable
from .errors import AdapterError, AskError
from .fields import Number
from .find import Crop, FoundObject, Proposal, crops_of, find_settings, grid_points, proposed, select
from .gate_forms import FORMS
from .images import rgb_pixels
from .methods import METHODS, RECIPES, ids_in
from .preprocessing import postprocess, preprocess
from .prompts import Point, Region, number, prompt_of
from .sam.decoder import PAD, POSITIVE
from .sam.model import Sam
from .sam.open import Base, open_base, weights_hash
from .tensors import first_values, module_specs, shared_specs
from .tuned import TunedSam

CLICKS = 64
"""Clicks that are answered at once where all objects are found."""
SEED = Number(0, 0, 2**32 - 1)


@dataclass(frozen=True)
class Candidate:
    """One of SAM's masks for a prompt. mask [H, W] bool; iou: as the model predicts it; token: 0 to 3.

    logits [4G, 4G] float32: before scaling, over the model's square.
    """

    mask: np.ndarray
    iou: float
    token: int
    logits: np.ndarray


@dataclass(frozen=True)
class Prediction:
    """candidates: the best first; after a single click three, each of which may be meant, else four."""

    candidates: list[Candidate]

    @property
    def mask(self) -> np.ndarray:
        """[H, W] bool, of the image's own size."""
        return self.candidates[0].mask

    @property
    def iou(self) -> float:
        """The IoU that the model predicts for the mask."""
        return self.candidates[0].iou


class Model:
    """A SAM with an adapter, or a base model. Made by `load` and `create`."""

    def __init__(self, base: Base, adapter: Adapter) -> None:
        sam = own_decoder(base.sam, adapter)
        self.adapter = adapter
        self.tuned = TunedSam(sam, adapter.config, adapter.tensors)
        self._encoded: tuple[object, Tensor, tuple[int, int]] | None = None

    @property
    def device(self) -> torch.device:
        return self.tuned.device

    @property
    def threshold(self) -> float:
        """The logit above which a pixel belongs to a mask."""
        return self.adapter.threshold

    @threshold.setter
    def threshold(self, logit: float) -> None:
        value = number(logit)
        if not math.isfinite(value):
            raise AskError("config/invalid", f"The threshold is {logit!r}.", "threshold", "Give a logit, such as 0.")
        self.adapter = replace(self.adapter, threshold=value)

    @property
    def datasets(self) -> tuple[str, ...]:
        """Names of the datasets that it tells apart; none where it tells none apart."""
        return tuple(self.adapter.config.datasets) if self.adapter.config.tells_datasets_apart else ()

    @property
    def tensors(self) -> Mapping[str, Tensor]:
        """What an adapter trains, by name; changes of them change the answers, so none takes the place of another."""
        return MappingProxyType(self.adapter.tensors)

    def to(self, device: str | torch.device) -> "Model":
        """The same on another device. AskError for one that is not there."""
        device = usable(device)
        tensors = {name: value.to(device) for name, value in self.adapter.tensors.items()}
        sam = self.tuned.sam
        moved = Sam(sam.config)
        moved.load_state_dict({name: value.to(device) for name, value in sam.state_dict().items()}, assign=True)
        base = Base(moved.requires_grad_(False).eval(), self.adapter.base_name, self.adapter.preprocessing)
        return Model(base, replace(self.adapter, tensors=tensors))

    @torch.inference_mode()
    def predict(
        self,
        image: object,
        points: Iterable[Sequence[float]] = (),
        labels: Iterable[int] | None = None,
        box: Sequence[float] | None = None,
        dataset: str | None = None,
    ) -> Prediction:
        """The mask of what is clicked or boxed.

        image: a path, an image of Pillow, or [H, W], [H, W, 1], [H, W, 3] or [H, W, 4] of uint8 or uint16. points: (x, y) in its
        pixels. labels: 1 for the object (all, if left out), 0 for the background. box: (x0, y0, x1, y1). dataset: one of `datasets`,
        where there are several. ImageError or AskError for what cannot be used.
        """
        pixels = rgb_pixels(image)
        height, width = pixels.shape[:2]
        prompt = prompt_of(points, labels, box, width, height)
        tuned = self.asked_for(dataset)
        region = prompt.window(self.adapter.scale, width, height)
        left, top, right, bottom = region
        embedding, fill = self.encode(tuned, pixels, region)
        scale = fill[1] / (right - left), fill[0] / (bottom - top)
        coords, kinds = prompt.tokens(region, scale)
        size = tuned.config["image_size"]
        at = torch.tensor([coords], dtype=torch.float32, device=self.device)
        masks, iou = tuned.decode(embedding, at, torch.tensor([kinds], device=self.device), size)
        scores = iou[0].tolist()
        tokens = sorted(range(1, 4), key=lambda token: -scores[token])
        candidates = []
        for token in tokens if prompt.is_ambiguous else [0, *tokens]:
            full = postprocess(masks[:, token : token + 1], size, fill, (bottom - top, right - left))[0, 0]
            mask = np.zeros((height, width), bool)
            mask[top:bottom, left:right] = (full > self.threshold).cpu().numpy()
            candidates.append(Candidate(mask, scores[token], token, masks[0, token].cpu().numpy()))
        return Prediction(candidates)

    @torch.inference_mode()
    def find_all(self, image: object, dataset: str | None = None, **settings: float) -> list[FoundObject]:
        """All objects of an image: the model is asked by a grid of clicks, and of its answers the sure, stable and distinct ones stay.

        image, dataset: as of `predict`. settings: `points_per_side`, `crop_layers`, `iou`, `stability`, `box_overlap`,
        `mask_overlap`, `nesting`, `min_area` (pixels), `max_area` (share of the image), `min_region` (pixels); those left out are the
        studio's for the base model.
        An adapter that was trained in crops looks at a mosaic of such crops. ImageError or AskError for what cannot be used.
        """
        pixels = rgb_pixels(image)
        chosen = find_settings(self.adapter.base_hash, settings)
        tuned = self.asked_for(dataset)
        height, width = pixels.shape[:2]
        proposals: list[Proposal] = []
        for crop in crops_of(width, height, self.adapter.scale, int(chosen["crop_layers"])):
            points = list(grid_points(crop.box, int(chosen["points_per_side"])))
            for start in range(0, len(points), CLICKS):
                proposals += self._proposals(tuned, pixels, crop, points[start : start + CLICKS], float(chosen["iou"]))
        return select(proposals, chosen)

    def _proposals(self, tuned: TunedSam, pixels: np.ndarray, crop: Crop, points: list[Point], least: float) -> Iterator[Proposal]:
        """The answers to clicks that expect a better IoU than `least`, in the order of points and tokens 1 to 3."""
        left, top, right, bottom = crop.box
        embedding, fill = self.encode(tuned, pixels, crop.box)
        size, shape = tuned.config["image_size"], (bottom - top, right - left)
        scale = fill[1] / shape[1], fill[0] / shape[0]
        at = torch.tensor([[((x - left) * scale[0], (y - top) * scale[1]), (0, 0)] for x, y in points], dtype=torch.float32)
        kinds = torch.tensor([[POSITIVE, PAD]] * len(points))
        embeddings = embedding.expand(len(points), -1, -1, -1)
        masks, iou = tuned.decode(embeddings, at.to(self.device), kinds.to(self.device), size)
        for i, token in (iou[:, 1:] > least).nonzero().tolist():
            logits = postprocess(masks[i : i + 1, token + 1 : token + 2], size, fill, shape)[0, 0].cpu().numpy()
            found = proposed(logits, crop, pixels.shape[:2], self.threshold, float(iou[i, token + 1]), points[i])
            if found:
                yield found

    def asked_for(self, dataset: str | None) -> TunedSam:
        """The model as it answers for a dataset, an object of its own: threads may ask one model."""
        asked = copy(self.tuned)
        asked.dataset = torch.tensor([self.index_of(dataset)], device=self.device)
        return asked

    def encode(self, tuned: TunedSam, pixels: np.ndarray, region: Region) -> tuple[Tensor, tuple[int, int]]:
        """The embedding [1, G, G, D] of a region of an image, and the (height, width) that it fills; the last one is kept."""
        left, top, right, bottom = region
        seen = np.ascontiguousarray(pixels[top:bottom, left:right])
        state = [(value.data_ptr(), value._version) for value in self.adapter.tensors.values()]
        key = hashlib.blake2b(seen.data).digest(), seen.shape, int(tuned.dataset), state
        last = self._encoded
        if last is None or last[0] != key:
            input, fill = preprocess(seen, tuned.config["image_size"], self.adapter.preprocessing)
            last = key, tuned.image_encoder(input.to(self.device)), fill
            self._encoded, self.tuned.gates = last, tuned.gates
        return last[1:]

    def gates(self) -> list[dict[str, float]]:
        """The gates of the last image by block and method, from 0 to 1; a module without a gate has 1."""
        return self.tuned.gate_values()

    def index_of(self, dataset: str | None) -> int:
        names = self.datasets
        if dataset is None and len(names) < 2:
            return 0
        if dataset is None:
            what = f"The adapter answers differently for its datasets, which are {', '.join(names)}."
            raise AskError("adapter/no-dataset", what, "dataset", f"Say which is meant: dataset={names[0]!r}.")
        if dataset not in names:
            what = f"It was trained on {', '.join(names)}." if names else "The adapter tells no datasets apart."
            cure = "Give one of these names, as they are written here." if names else "Leave out the dataset."
            raise AskError("adapter/no-dataset", f"There is no dataset {dataset!r}. {what}", "dataset", cure)
        return names.index(dataset)


def own_decoder(sam: Sam, adapter: Adapter) -> Sam:
    """The model with the adapter's mask decoder; it shares everything else, and the base stays as it is."""
    state = sam.state_dict() | {name: value for name, value in adapter.tensors.items() if name.startswith("mask_decoder.")}
    with torch.device("meta"):
        own = Sam(sam.config)
    own.load_state_dict(state, assign=True)
    return own.requires_grad_(False).eval()


def load(adapter: str | PathLike | None, model: str | PathLike | nn.Module, device: str | torch.device | None = None) -> Model:
    """A model that answers as the studio does with an adapter.

    adapter: `adapter.safetensors`, the folder of a run or of an export, a zip of it; None for the base model alone. model: the base
    model that it was trained on: a Hugging Face SamModel folder, a file of weights, a `SamModel` of transformers or a `Sam` of
    `segment_anything`, whose weights are shared and never changed. MopeftError that says what is wrong, where, and what to do.
    """
    base = open_base(model)
    if adapter is None:
        empty = MopeftConfig({}, train_decoder=False)
        opened = Model(base, Adapter(base.name, weights_hash(base.sam), empty, {}, base.preprocessing))
    else:
        found = read_adapter(adapter)
        if found.base_hash != (own := weights_hash(base.sam)):
            what = (
                f"It belongs to the model {found.base_name} of the hash {found.base_hash[:8]}, "
                f"and the weights of {base.name} have {own[:8]}."
            )
            raise AdapterError("adapter/other-model", what, adapter, f"Open it with {found.base_name}, in float32.")
        opened = Model(base, fit(found, base.sam, adapter))
    return opened if device is None else opened.to(device)


def create(
    model: str | PathLike | nn.Module,
    methods: str | Mapping[str, Mapping[str, object]] = "mopeft",
    gate: str | None = None,
    *,
    datasets: Sequence[str] = (),
    token: bool = False,
    train_decoder: bool = True,
    seed: int = 0,
) -> Model:
    """A base model with fresh modules in all blocks, whose `tensors` are to be trained and written by `save`.

    methods: a recipe (`mopeft`, `decoder`), methods joined by +, or settings by method id. gate: a form; `unipelt` for several methods,
    else `none`. datasets: names, for what tells them apart. AskError for what there is none of.
    """
    if isinstance(methods, str):
        methods = {id: {} for id in ids_in(methods)}
    if not isinstance(methods, Mapping) or (unknown := [id for id in methods if id not in METHODS]):
        what = f"There is no method {unknown[0]!r}." if isinstance(methods, Mapping) else f"{methods!r} names no methods."
        cure = f"Give {', '.join(RECIPES)}, or {', '.join(METHODS)} joined by +, or settings by method."
        raise AskError("config/invalid", what, "methods", cure)
    if gate is not None and gate not in FORMS:
        raise AskError("config/invalid", f"There is no gate form {gate!r}.", "gate", f"Give {', '.join(FORMS)}.")
    if isinstance(datasets, str) or not all(isinstance(name, str) for name in datasets) or len(set(datasets)) < len(datasets):
        raise AskError("config/invalid", f"The datasets are {datasets!r}.", "datasets", "Give a list of names, each once.")
    if not SEED.allows(seed):
        raise AskError("config/invalid", f"The seed is {seed!r}.", "seed", f"Give {SEED}.")
    base = open_base(model)
    sites = base.sam.image_encoder.sites
    form = gate or ("unipelt" if len(methods) > 1 else "none")
    blocks = tuple(range(len(sites))) if methods else ()
    config = checked(MopeftConfig(methods, form, blocks, train_decoder, token, tuple(datasets)), sites, "create")
    specs = module_specs(config, sites) | shared_specs(config, base.sam.config["output_channels"])
    tensors = {name: value.to(base.sam.device) for name, value in first_values(specs, int(seed)).items()}
    if train_decoder:
        tensors |= {f"mask_decoder.{name}": p.detach().clone() for name, p in base.sam.mask_decoder.named_parameters()}
    return Model(base, Adapter(base.name, weights_hash(base.sam), config, tensors, base.preprocessing))


def save(model: Model, path: str | PathLike) -> None:
    """Writes `adapter.safetensors` and `adapter.json` into a folder, or a file of the given name; the studio opens them."""
    write_adapter(model.adapter, Path(path))
