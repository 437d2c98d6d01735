"""The datasets of a project, as the studio read them: its reading of the masks, its states, its order.

Images are decoded as they are asked for, and a few are kept: memory does not grow with their number.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import overload

import numpy as np
from PIL import ImageOps

from ..depth import to_eight
from ..errors import TrainError
from ..images import opened, read_pixels
from .images import LabelledImage, Split, drawn, natural_key, split_counts
from .project import Project
from .reading import Reading, classes_of_ids, labelled_reading, read_labels

EARLIEST, LATEST = 4, 5
"""Versions of `dataset.json` that have a reading for the whole dataset, and what this reads of them."""
KEPT_BYTES = 512 * 2**20
"""Of decoded images that are kept, each process."""
PARTS = ("train", "val", "test")
ROLES = {"mask": "masks", "instances": "instances", "labels": "labels"}
ORIENTATION = 0x0112


class Kept:
    """Decoded images, the last used ones up to a number of bytes."""

    def __init__(self, most: int = KEPT_BYTES) -> None:
        self.most, self.bytes = most, 0
        self._images: OrderedDict[tuple[str, str], LabelledImage] = OrderedDict()

    def get(self, key: tuple[str, str]) -> LabelledImage | None:
        if key in self._images:
            self._images.move_to_end(key)
        return self._images.get(key)

    def put(self, key: tuple[str, str], image: LabelledImage) -> None:
        self._images[key] = image
        self.bytes += size_of(image)
        while self.bytes > self.most and len(self._images) > 1:
            self.bytes -= size_of(self._images.popitem(last=False)[1])


def size_of(image: LabelledImage) -> int:
    return image.image.nbytes + image.labels.nbytes + image.classes.nbytes


class Images(Sequence[LabelledImage]):
    """Images of a dataset by their names, each decoded as it is asked for."""

    def __init__(self, dataset: "ProjectDataset", names: Sequence[str]) -> None:
        self.dataset, self.names = dataset, names

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, at: int) -> LabelledImage: ...
    @overload
    def __getitem__(self, at: slice) -> "Images": ...
    def __getitem__(self, at: int | slice) -> "LabelledImage | Images":
        return Images(self.dataset, self.names[at]) if isinstance(at, slice) else self.dataset.load(self.names[at])


class ProjectDataset:
    """One dataset. names: of its labelled images, in natural order.

    objects: how many each image has, as the studio counted them; None where it did not.
    scale: how a model sees them, `whole` or the side of crops in pixels; a run may have another one than the dataset.
    """

    def __init__(self, project: Project, id: str, kept: Kept, scale: object = None) -> None:
        """TrainError `data/…`, `project/…` for what cannot be read."""
        self.project, self.id, self.kept = project, id, kept
        self.folder = f"datasets/{id}"
        where = f"{project.path}/{self.folder}"
        about = project.json(f"{self.folder}/dataset.json")
        version = about.get("version")
        if not isinstance(version, int) or version > LATEST:
            raise TrainError("data/newer", f"Its version is {version!r}.", where, "Update the package mopeft.")
        if version < EARLIEST or about.get("reading") == "per-file":
            cure = "Import its images again in the studio, and export the project anew."
            raise TrainError("data/earlier", "It was stored by an early version, without one reading of its masks.", where, cure)
        try:
            self.name, self.scale = str(about["name"]), about["scale"] if scale is None else scale
            self.side = None if self.scale == "whole" else int(self.scale)
            self.readings = {role: Reading.of(record, where) for role, record in about["reading"].items()}
            self.files = {str(s["name"]): files for s, files in zip(about["samples"], about["files"], strict=True)}
            self.objects = {str(s["name"]): s.get("objects") for s in about["samples"]}
            self.depths = {str(s["name"]): s["depth"] for s in about["samples"] if "depth" in s}
            labelled = [name for name, files in self.files.items() if is_labelled(files)]
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise TrainError("data/damaged", f"Its description is damaged ({error}).", where, "Export the project again.") from error
        self.names = sorted(labelled, key=natural_key)

    def split(self, seed: int, order: str = "shuffled") -> dict[str, list[str]]:
        """Names by part, as `splitSamples` draws them (`src/data/split.ts`): where folders name parts, those hold."""
        told = {name: self.files[name].get("split") for name in self.names}
        given = {part: [name for name in self.names if told[name] == part] for part in ("val", "test")}
        pool = [name for name in self.names if told[name] in (None, "train")]
        total = len(self.names)
        train, val = split_counts(total)
        if not pool:
            pool, given = self.names, {"val": [], "test": []}
        else:
            most = len(pool) - 1
            val = 0 if given["val"] else min(val, most)
            test = 0 if given["test"] else min(total - split_counts(total)[0] - split_counts(total)[1], most - val)
            train = len(pool) - val - test
        own = drawn(len(pool), train, val, seed, order)
        found = {part: [pool[i] for i in chosen] + given.get(part, []) for part, chosen in own.items()}
        return {part: sorted(names, key=natural_key) for part, names in found.items()}

    def images(self, split: Mapping[str, Sequence[str]]) -> Split:
        """The images of a split. TrainError `run/images-gone` where one is not there or has no labels."""
        known = set(self.names)
        gone = [name for part in PARTS for name in split.get(part, ()) if name not in known]
        if gone:
            what = f"{len(gone)} images of this run's dataset {self.name} are not in the project, or have no labels."
            raise TrainError("run/images-gone", what, gone[0], "Export the project with them, marked as done, or start a new run.")
        return {part: Images(self, list(split.get(part, ()))) for part in PARTS}

    def load(self, name: str) -> LabelledImage:
        """Decodes an image. ImageError, TrainError `data/…`, `project/…` that name the file."""
        key = self.id, name
        image = self.kept.get(key)
        if image is None:
            image = self.decode(name)
            self.kept.put(key, image)
        return image

    def decode(self, name: str) -> LabelledImage:
        files = self.files[name]
        pixels, turn = self.pixels(name)

        def labels(file: Mapping[str, str], reading: Reading | None, role: str) -> np.ndarray:
            path = file["path"]
            where = f"{self.project.path}/{self.folder}/{path}"
            if reading is None:
                raise TrainError("data/mask-unread", f"There is no reading of its {role}.", where, "Import the dataset again.")
            data = self.project.read(f"{self.folder}/{path}")
            found = read_labels(data, reading, where)
            if found.shape != pixels.shape[:2] and turn > 1:
                found = read_labels(data, reading, where, turn)
            if found.shape != pixels.shape[:2]:
                (h, w), (ih, iw) = found.shape, pixels.shape[:2]
                what = f"The mask is {w} × {h} pixels and its image {iw} × {ih}."
                raise TrainError("data/mask-size", what, where, "Export the mask at the size of its image.")
            return found

        done = files.get("labelled")
        if done:
            masks = done["masks"]
            ids = labels(masks["instances"], labelled_reading("grey", "objects"), "instances")
            classes = labels(masks["classes"], labelled_reading(masks["samples"], "classes"), "labels")
            return LabelledImage(name, pixels, ids, "ids", classes, self.side)
        maps = {r: labels(files[r], self.readings.get(role), role) for r, role in ROLES.items() if r in files}
        meaning = {r: self.readings[role].meaning for r, role in ROLES.items() if role in self.readings}
        if "instances" not in maps and files.get("objectMasks"):
            maps["instances"] = combined([labels(file, self.readings.get("masks"), "masks") for file in files["objectMasks"]])
            meaning["instances"] = "objects"
        chosen = next(role for role in ("instances", "labels", "mask") if role in maps)
        other = next((role for role in ("labels", "mask") if role in maps), None)
        own = maps[chosen]
        is_plain = other is None or meaning[other] == "objects"
        reading = self.readings.get(ROLES[chosen])
        classes = classes_of_ids(own, reading.class_step if reading else None) if is_plain else maps[other]
        return LabelledImage(name, pixels, own, "ids" if meaning[chosen] == "objects" else "components", classes, self.side)

    def pixels(self, name: str) -> tuple[np.ndarray, int]:
        """uint8 [H, W, 3] upright, and the EXIF orientation that it had."""
        files = self.files[name]
        path = files["image"]["path"]
        where = f"{self.project.path}/{self.folder}/{path}"
        if files.get("channels") not in (None, [1, 2, 3]):
            cure = "Export the images as RGB, and import them again."
            raise TrainError("data/channels", f"It shows the channels {files['channels']}, which are not chosen here.", where, cure)
        data = BytesIO(self.project.read(f"{self.folder}/{path}"))
        image, raw = opened(data, where)
        turn = int(image.getexif().get(ORIENTATION, 1))
        depth = self.depths.get(name)
        if depth is None:
            return read_pixels(data, where), turn
        if not image.mode.startswith("I;16") and image.mode not in ("I", "F"):
            what = f"Images of samples {raw or image.mode} and more than 8 bits are not read here."
            raise TrainError("data/depth", what, where, "Export them as 8-bit PNG, and import them again.")
        values = np.asarray(ImageOps.exif_transpose(image)).astype(np.float64)
        return np.repeat(to_eight(values, depth["low"], depth["high"])[..., None], 3, 2), turn


def combined(masks: list[np.ndarray]) -> np.ndarray:
    """Masks of one object each as ids, the later on top."""
    out = np.zeros_like(masks[0])
    for k, mask in enumerate(masks, 1):
        out = np.where(mask > 0, k, np.where((mask < 0) & (out == 0), mask, out))
    return out


def is_labelled(files: Mapping[str, object]) -> bool:
    """Whether any of its files says where its objects are."""
    done = files.get("labelled")
    if done is not None:
        return bool(done.get("masks"))  # type: ignore[attr-defined]
    return any(files.get(role) for role in (*ROLES, "objectMasks"))
