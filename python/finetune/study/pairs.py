"""Pairs of sets of the same images whose labels contradict each other: a click may mean either."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import ndimage

from evaluate.folders import image_files, read_image
from mopeft.random import Random
from mopeft.train.images import LabelledImage
from mopeft.train.objects import find_objects

from ..data import DataSet, stamp

Pair = tuple[DataSet, DataSet]
SIDE = 128
DRAWN = 40


def relabelled(image: LabelledImage, labels: np.ndarray) -> LabelledImage:
    """The same image with other objects: one for each value above 0."""
    return replace(image, labels=labels, rule="ids", classes=np.minimum(labels, 1))


def pair(name: str, version: str, images: list[tuple[LabelledImage, np.ndarray, np.ndarray]], keys: tuple[str, str]) -> Pair:
    """Images with the labels of either set; those without an object in both are left out."""
    both = [entry for entry in images if (entry[1] > 0).any() and (entry[2] > 0).any()]
    first, second = ([relabelled(image, labels[k]) for image, *labels in both] for k in (0, 1))
    return DataSet(keys[0], first, f"{name} {keys[0]} {version}"), DataSet(keys[1], second, f"{name} {keys[1]} {version}")


def discs(_: Path) -> Pair:
    """Drawn: discs with a darker ring around a bright middle. `inner` is the middle, `whole` the disc."""
    images = []
    for i in range(DRAWN):
        random = Random(i, "opposite discs")
        y, x = np.mgrid[:SIDE, :SIDE] + 0.5
        image = np.full((SIDE, SIDE, 3), 60.0) + 20 * np.array([random.uniform() for _ in range(3)])
        inner, whole = np.zeros((SIDE, SIDE), int), np.zeros((SIDE, SIDE), int)
        for cell in range(4):
            radius = random.range(16, 27)
            cy, cx = (32 + 64 * (cell // 2) + random.range(-4, 4), 32 + 64 * (cell % 2) + random.range(-4, 4))
            distance = np.hypot(y - cy, x - cx)
            colour = np.array([random.range(90, 220) for _ in range(3)])
            disc, middle = distance < radius, distance < radius * random.range(0.45, 0.6)
            image[disc], image[middle] = 0.6 * colour, colour
            whole[disc], inner[middle] = cell + 1, cell + 1
        image = ndimage.gaussian_filter(image, (0.8, 0.8, 0))
        noise = np.array([random.normal() for _ in range(SIDE * SIDE)]).reshape(SIDE, SIDE, 1)
        pixels = np.clip(image + 6 * noise, 0, 255).astype(np.uint8)
        images.append((LabelledImage(f"{i}.png", pixels, whole, "ids", np.minimum(whole, 1)), inner, whole))
    return pair("discs", "1", images, ("inner", "whole"))


def lungs(data: Path) -> Pair:
    """`one`: each lung; `both`: the two as one object."""
    return each_or_all("lungs", data / "xray_lungs", ("one", "both"))


def nuclei(data: Path) -> Pair:
    """`nucleus`: each of them; `nuclei`: all of an image as one object."""
    return each_or_all("nuclei", data / "nuclei_fluo", ("nucleus", "nuclei"))


def each_or_all(name: str, folder: Path, keys: tuple[str, str]) -> Pair:
    """Every instance as an object of its own, and all of an image as one."""
    images = []
    for path, ids in label_files(folder, "instances"):
        image = read_image(path, {"instances": ids})
        images.append((image, image.labels, np.minimum(image.labels, 1)))
    return pair(name, stamp(folder), images, keys)


def leaves(data: Path) -> Pair:
    """`leaf`: the leaf with what is sick of it; `lesion`: each sick spot."""
    folder = data / "leaf_disease"
    images = []
    for path, classes in label_files(folder, "labels"):
        image = read_image(path, {"labels": classes})
        sick = image.labels == 2
        spots = find_objects(np.where(sick, 1, 0), "components", 1).map
        images.append((image, np.minimum(np.maximum(image.labels, 0), 1), spots))
    return pair("leaves", stamp(folder), images, ("leaf", "lesion"))


def label_files(folder: Path, kind: str) -> list[tuple[Path, Path]]:
    labels = image_files(folder / kind)
    return [(path, labels[stem]) for stem, path in image_files(folder / "images").items() if stem in labels]


PAIRS: dict[str, Callable[[Path], Pair]] = {"discs": discs, "lungs": lungs, "nuclei": nuclei, "leaves": leaves}


def shuffled(sets: Pair, seed: int) -> Pair:
    """The control: of each image one version in either set, by chance, so that a set's name says nothing of the labels."""
    first, second = sets
    images: tuple[list[LabelledImage], list[LabelledImage]] = ([], [])
    random = Random(seed, "opposite shuffled")
    for a, b in zip(first.images, second.images, strict=True):
        for k, image in enumerate((a, b) if random.uniform() < 0.5 else (b, a)):
            images[k].append(image)
    return DataSet("heads", images[0], f"{first.stamp} shuffled"), DataSet("tails", images[1], f"{second.stamp} shuffled")
