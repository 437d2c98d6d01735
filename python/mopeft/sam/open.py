"""Base models: a folder, a file of weights, or a model that is in memory, of transformers or of `segment_anything`."""

import hashlib
import json
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ..errors import ModelError
from ..preprocessing import SAM_PREPROCESSING, Preprocessing, preprocessor_of
from .model import Sam
from .names import original_name
from .shapes import misfit, missing, section_of

COPY = "prompt_encoder.shared_embedding.positional_embedding"
"""Hugging Face's name of a tensor a second time."""
SPARE = (
    "num_batches_tracked",
    "attention_bias_idxs",
    ".attn.ab",
    "image_encoder.head.",
    "image_encoder.norm_head.",
    "pixel_mean",
    "pixel_std",
)
"""In names of tensors that a file may hold and no answer depends on."""


@dataclass(frozen=True)
class Base:
    """A base model: frozen, in float32. name: for people."""

    sam: Sam
    name: str
    preprocessing: Preprocessing


def read_model(folder: Path) -> Sam:
    """The model of a folder alone."""
    return open_base(folder).sam


def open_base(source: object) -> Base:
    """A base model of a path (a folder of Hugging Face's, a file of weights) or of a model in memory.

    The tensors of a model in memory are shared where they are float32; it is never changed. ModelError `checkpoint/…`, `config/…`.
    """
    if isinstance(source, nn.Module):
        told = {}
        if config := getattr(source, "config", None):
            told = told_by(config.to_dict() if hasattr(config, "to_dict") else {})
        elif decoder := getattr(source, "mask_decoder", None):
            told = {"decoder_heads": decoder.transformer.num_heads, "image_size": source.image_encoder.img_size}
        name = type(source).__name__
        return Base(sam_of(source.state_dict(), told, name), name, SAM_PREPROCESSING)
    if not isinstance(source, str | PathLike):
        cure = "Give a folder, a file of weights, or a SamModel or Sam that is in memory."
        raise ModelError("checkpoint/not-found", f"A {type(source).__name__} is no model.", "model", cure)
    path = Path(source)
    if not path.exists():
        cure = "Give the folder of the model, or its weights; what a hub has is not downloaded here."
        raise ModelError("checkpoint/not-found", "There is no such file or folder.", path, cure)
    folder = path if path.is_dir() else path.parent
    state = read_folder(path) if path.is_dir() else read_weights(path)
    told = told_by(read_json(folder / "config.json"))
    return Base(sam_of(state, told, path), path.resolve().name, preprocessing_in(folder))


def preprocessing_in(folder: Path) -> Preprocessing:
    """How images are prepared for the model of a folder: `preprocessor_config.json`, else SAM's own way."""
    path = folder / "preprocessor_config.json"
    told = read_json(path)
    return preprocessor_of(told, path) if told else SAM_PREPROCESSING


def told_by(config: object) -> dict[str, object]:
    """What Hugging Face's config, or a flat one, says that no shape tells."""
    if not isinstance(config, Mapping):
        return {}
    decoder = config.get("mask_decoder_config")
    decoder = decoder if isinstance(decoder, Mapping) else {}
    found = {
        "decoder_heads": decoder.get("num_attention_heads", config.get("decoder_heads")),
        "decoder_norm_eps": decoder.get("layer_norm_eps"),
        "image_size": config.get("image_size"),
    }
    return {name: value for name, value in found.items() if value is not None}


def read_json(path: Path) -> object:
    """None if there is no such file."""
    if not path.exists():
        return None
    try:
        return json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ModelError("config/no-json", f"The file is not JSON: {error}.", path, "Download or save it again.") from error


def read_folder(folder: Path) -> dict[str, Tensor]:
    """`model.safetensors`, or the shards that its index names."""
    whole, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
    if whole.exists() or not index.exists():
        return read_weights(whole)
    shards = read_json(index)
    names = shards.get("weight_map") if isinstance(shards, Mapping) else None
    if not isinstance(names, Mapping) or not all(isinstance(n, str) and Path(n).name == n for n in names.values()):
        raise ModelError("checkpoint/shards", "Its weight_map names no files of this folder.", index, "Download or save it again.")
    return {name: value for file in sorted(set(names.values())) for name, value in read_weights(folder / file).items()}


def read_weights(path: Path) -> dict[str, Tensor]:
    """Tensors by name, of safetensors or of PyTorch's file (of weights alone: no code in it runs)."""
    device = torch.get_default_device()
    try:
        with path.open("rb") as file:
            is_pytorch = file.read(2) in (b"PK", b"\x80\x02")
        found = torch.load(path, device, weights_only=True) if is_pytorch else load_file(path, str(device))
    except FileNotFoundError as error:
        cure = "Give the folder that holds model.safetensors, or the file of the weights."
        raise ModelError("checkpoint/not-found", "There is no such file.", path, cure) from error
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, ValueError, OSError) as error:
        what = f"The file holds no tensors that can be read ({str(error).splitlines()[0]})."
        raise ModelError("checkpoint/format", what, path, "Download or save it again, as safetensors.") from error
    for inner in ("model", "state_dict"):
        if isinstance(found, Mapping) and isinstance(found.get(inner), Mapping):
            found = found[inner]
    if not isinstance(found, Mapping):
        raise ModelError("checkpoint/format", "The file holds no tensors by name.", path, "Save the model's state_dict().")
    return {str(name): value for name, value in found.items() if isinstance(value, Tensor)}


def sam_of(state: Mapping[str, Tensor], told: Mapping[str, object], where: object) -> Sam:
    """A frozen SAM with the tensors of a state dict, under original or Hugging Face's names, in PyTorch's default type."""
    is_hugging_face = any(name.startswith("vision_encoder.") for name in state)
    used = {n: t for n, t in state.items() if n != COPY and not any(part in n for part in SPARE)}
    named = {original_name(n): t for n, t in used.items()} if is_hugging_face else used
    shapes = {name: tuple(t.shape) for name, t in named.items()}
    config = section_of(shapes, told, where)
    with torch.device("meta"):
        sam = Sam(config)
    expected = {name: tuple(t.shape) for name, t in sam.state_dict().items()}
    for name, shape in expected.items():
        if name not in shapes:
            raise missing(name, where)
        if shapes[name] != shape:
            raise misfit(where, f"The tensor {name} is {list(shapes[name])} and not {list(shape)}.")
        if not named[name].is_floating_point():
            raise misfit(where, f"The tensor {name} is of {named[name].dtype}, and weights are floating-point numbers.")
    if strangers := [name for name in named if name not in expected and name.partition(".")[0].endswith(("encoder", "decoder"))]:
        what = f"{len(strangers)} tensors such as {strangers[0]} belong to no SAM; without them it would answer as another model."
        raise ModelError("checkpoint/tuned", what, where, "Merge what was tuned into the weights, or give the base model.")
    sam.load_state_dict({name: named[name].detach().to(torch.get_default_dtype()) for name in expected}, assign=True)
    return sam.requires_grad_(False).eval()


def weights_hash(sam: Sam) -> str:
    """The identity of a base model, see docs/conformance.md: 64 hexadecimal digits."""
    lines = []
    for name, value in sam.state_dict().items():
        digest = hashlib.sha256(value.detach().cpu().contiguous().numpy().astype("<f4", copy=False).data).hexdigest()
        lines.append(f"{name} [{', '.join(map(str, value.shape))}] {digest}\n")
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()
