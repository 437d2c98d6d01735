"""`adapter.safetensors` with the record in it (docs/formats.md, `src/peft/adapter-file.ts`)."""

import itertools
import json
import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from .config import MopeftConfig, checked
from .errors import AdapterError, AskError
from .files import whole
from .preprocessing import Preprocessing, preprocessing_of, record_of
from .sam.model import Sam
from .tensors import module_specs, shared_specs

FORMAT, VERSION = "mopeft-adapter", 1
WEIGHTS, RECORD = "adapter.safetensors", "adapter.json"


@dataclass(frozen=True)
class Adapter:
    """What training left behind. base_name, base_hash: of the model that it belongs to.

    tensors: every trained one, by name. threshold: the logit above which a pixel belongs to a mask. training: for people.
    """

    base_name: str
    base_hash: str
    config: MopeftConfig
    tensors: Mapping[str, Tensor]
    preprocessing: Preprocessing
    threshold: float = 0
    training: Mapping[str, object] = field(default_factory=dict)

    @property
    def scale(self) -> int | None:
        """Side in pixels of the crops in which all datasets were seen; None for whole images."""
        scale = self.training.get("scale")
        return scale if isinstance(scale, int) and not isinstance(scale, bool) and scale > 0 else None


def read_adapter(source: object) -> Adapter:
    """An adapter of its file, of the folder or run that holds it, or of a zip of them; not yet checked against a model.

    AdapterError `adapter/…` that names the file and says what to do.
    """
    if not isinstance(source, str | PathLike):
        what = f"A {type(source).__name__} is no path of an adapter."
        raise AdapterError("adapter/not-found", what, "adapter", f"Give {WEIGHTS}, or None for the base model alone.")
    path = Path(source)
    if not path.exists():
        raise AdapterError("adapter/not-found", "There is no such file or folder.", path, f"Give {WEIGHTS}, or the folder or zip with it.")
    data, beside, where = read_files(path)
    try:
        tensors = load(data)
        metadata = metadata_of(data)
    except (SafetensorError, ValueError, RecursionError, KeyError) as error:
        cure = f"Choose {WEIGHTS} as the studio exported it."
        raise AdapterError("adapter/not-an-adapter", f"The file is no safetensors file ({error}).", where, cure) from error
    text = metadata.get("record", beside)
    if text is None:
        what = f"The file has no record, and there is no {RECORD} beside it."
        raise AdapterError("adapter/not-an-adapter", what, where, f"Put {RECORD} beside it, or export the adapter again.")
    return adapter_of(record_in(text, where), tensors, where)


def read_files(path: Path) -> tuple[bytes, str | None, Path]:
    """The bytes of the weights, the text of the record beside them if there is one, and the weights' path."""
    if path.is_file() and zipfile.is_zipfile(path):
        return read_zip(path)
    if path.name == RECORD:
        path = path.parent
    where = path / WEIGHTS if path.is_dir() else path
    if not where.is_file():
        cure = "Give the folder of a run, or of an exported adapter."
        raise AdapterError("adapter/not-found", f"There is no {WEIGHTS} in the folder.", path, cure)
    beside = where.parent / RECORD
    return where.read_bytes(), beside.read_text("utf-8", "replace") if beside.is_file() else None, where


def read_zip(path: Path) -> tuple[bytes, str | None, Path]:
    try:
        with zipfile.ZipFile(path) as archive:
            found = {name: name for name in archive.namelist() if name.rpartition("/")[2] in (WEIGHTS, RECORD)}
            weights = [name for name in found if name.endswith(WEIGHTS)]
            if len(weights) != 1:
                what = f"The zip holds {len(weights)} adapters."
                raise AdapterError("adapter/not-found", what, path, f"Give a zip with one {WEIGHTS}, or the file itself.")
            folder = weights[0].removesuffix(WEIGHTS)
            beside = archive.read(folder + RECORD).decode("utf-8", "replace") if folder + RECORD in found else None
            return archive.read(weights[0]), beside, path / weights[0]
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError) as error:
        what = f"The zip cannot be read ({error})."
        raise AdapterError("adapter/not-an-adapter", what, path, "Download it again, or give the file in it.") from error


def metadata_of(data: bytes) -> dict[str, str]:
    """The texts in the header of a safetensors file that was read before, so that its header is known to be whole."""
    length = int.from_bytes(data[:8], "little")
    found = json.loads(data[8 : 8 + length]).get("__metadata__") or {}
    return {key: value for key, value in found.items() if isinstance(value, str)}


def record_in(text: str, where: object) -> Mapping[str, object]:
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise not_an_adapter("the record is no JSON", where) from error
    if not isinstance(record, Mapping) or record.get("format") != FORMAT:
        raise not_an_adapter(f"its format is not {FORMAT}", where)
    if record.get("version") != VERSION:
        what = f"Its version is {record.get('version')!r}, and version {VERSION} is read here."
        raise AdapterError("adapter/version", what, where, "Update the package mopeft.")
    return record


def not_an_adapter(detail: str, where: object) -> AdapterError:
    cure = "Export the adapter again, or choose another file."
    return AdapterError("adapter/not-an-adapter", f"The file does not describe an adapter ({detail}).", where, cure)


def adapter_of(record: Mapping[str, object], tensors: Mapping[str, Tensor], where: object) -> Adapter:
    def part(source: Mapping[str, object], name: str, kind: type, default: object = None) -> object:
        value = source.get(name, default)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise not_an_adapter(f"{name} is {str(value)[:40]!r}", where)
        return value

    def blocks(values: object, name: str) -> tuple[int, ...]:
        is_list = isinstance(values, list) and all(isinstance(v, int) and not isinstance(v, bool) and v >= 0 for v in values)
        if not is_list or any(a >= b for a, b in itertools.pairwise(values)):
            raise not_an_adapter(f"{name} must be ascending block numbers, each once", where)
        return tuple(values)

    base, mopeft = part(record, "base", Mapping), part(record, "mopeft", Mapping)
    methods = part(mopeft, "methods", Mapping)
    names = part(mopeft, "datasets", list, [])
    if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise not_an_adapter("datasets must be names, each once", where)
    budget = part(mopeft, "budget", int | float) if "budget" in mopeft else None
    config = MopeftConfig(
        {id: part(methods, id, Mapping) for id in methods},
        part(mopeft, "gate", str),
        blocks(mopeft.get("blocks"), "blocks"),
        part(mopeft, "trainDecoder", bool),
        part(mopeft, "token", bool, False),
        tuple(names),
        budget,
        part(mopeft, "budgetBy", str) if "budgetBy" in mopeft else None,
        {id: blocks(own, f"pruned.{id}") for id, own in part(mopeft, "pruned", Mapping, {}).items()},
    )
    threshold = part(record, "maskThreshold", int | float, 0)
    if not math.isfinite(threshold):
        raise not_an_adapter(f"maskThreshold is {threshold}", where)
    preprocessing = preprocessing_of(record.get("preprocessing"), where)
    training = part(record, "training", Mapping, {})
    return Adapter(part(base, "name", str), part(base, "hash", str), config, tensors, preprocessing, threshold, training)


def fit(adapter: Adapter, sam: Sam, where: object) -> Adapter:
    """The adapter with every setting filled in and the tensors that a model needs, in float32 on the model's device.

    AdapterError for a method, gate form, block or shape that does not fit. Whether the model has the right weights is not asked.
    """
    try:
        config = checked(adapter.config, sam.image_encoder.sites, str(where))
    except AskError as error:
        raise AdapterError("adapter/not-an-adapter", error.what, error.where, error.cure) from None
    specs = module_specs(config, sam.image_encoder.sites) | shared_specs(config, sam.config["output_channels"])
    shapes = {name: spec.shape for name, spec in specs.items()}
    if config.train_decoder:
        shapes |= {f"mask_decoder.{name}": tuple(p.shape) for name, p in sam.mask_decoder.named_parameters()}
    tensors = {}
    for name, shape in shapes.items():
        found = adapter.tensors.get(name)
        if found is None or tuple(found.shape) != shape or not found.is_floating_point():
            what = "is missing" if found is None else f"is {list(found.shape)} of {found.dtype}, and {list(shape)} is asked for"
            cure = f"Use {WEIGHTS} as it was exported, with the model that it was trained on."
            raise AdapterError("adapter/tensors", f"The tensor {name} {what}.", where, cure)
        if not found.isfinite().all():
            what = f"The tensor {name} holds values that are no numbers."
            raise AdapterError("adapter/not-finite", what, where, "Use another export; the training of this one failed.")
        tensors[name] = found.to(sam.device, torch.float32)
    return Adapter(**(vars(adapter) | {"config": config, "tensors": tensors}))


def record_for(adapter: Adapter) -> dict:
    """The record, in the order in which the studio writes it."""
    c = adapter.config
    some = {"token": True} if c.token else {}
    some |= {"datasets": list(c.datasets)} if c.datasets and c.tells_datasets_apart else {}
    some |= {} if c.budget is None else {"budget": c.budget}
    some |= {} if c.budget_by is None else {"budgetBy": c.budget_by}
    some |= {"pruned": {id: list(own) for id, own in c.pruned.items()}} if c.pruned else {}
    methods = {id: dict(values) for id, values in c.methods.items()}
    mopeft = {"methods": methods, "gate": c.gate, "blocks": list(c.blocks), "trainDecoder": c.train_decoder, **some}
    return {
        "format": FORMAT,
        "version": VERSION,
        "base": {"name": adapter.base_name, "hash": adapter.base_hash},
        "mopeft": mopeft,
        "preprocessing": record_of(adapter.preprocessing),
        "maskThreshold": adapter.threshold,
        "training": dict(adapter.training),
    }


def write_adapter(adapter: Adapter, path: Path) -> None:
    """Writes both files: into a folder, which is made where it is missing, or as a file with the record beside it."""
    weights = path if path.suffix == ".safetensors" else path / WEIGHTS
    text = json.dumps(record_for(adapter), indent=2, ensure_ascii=False) + "\n"
    tensors = {name: adapter.tensors[name].detach().cpu().float().contiguous() for name in sorted(adapter.tensors)}
    if broken := [name for name, value in tensors.items() if not value.isfinite().all()]:
        what = f"The tensor {broken[0]} holds values that are no numbers."
        raise AdapterError("adapter/not-finite", what, weights, "Train again with lower learning rates.")
    weights.parent.mkdir(parents=True, exist_ok=True)
    data = save(tensors, {"format": FORMAT, "base": adapter.base_hash, "record": text})
    for file, content in ((weights.parent / RECORD, text.encode()), (weights, data)):
        with whole(file) as part:
            part.write_bytes(content)
