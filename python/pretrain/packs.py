"""One file of decoded images: uint8 pixels and labels, memory-mapped.

A pack is a folder: `images.u8` and `labels.u8` (all images one after the other), `sets.json`, and `index.npz`, which comes last:
a pack that has it is complete. It also says what the pack was built from.
"""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from mopeft.files import whole

Item = tuple[np.ndarray, np.ndarray, list[list[int]], str]


def is_built(folder: Path, built_from: dict) -> bool:
    """Whether the pack exists; SystemExit if it was built from something else or does not say from what."""
    if not (folder / "index.npz").exists():
        return False
    with np.load(folder / "index.npz") as index:
        said = json.loads(str(index["built_from"])) if "built_from" in index else {}
    if said != built_from:
        other = ", ".join(k for k, v in built_from.items() if said.get(k) != v)
        what = f"was built from other values of {other} than the config's" if said else "does not say what it was built from"
        raise SystemExit(f"{folder} {what}: delete it to build it again")
    return True


def write_pack(folder: Path, items: Iterable[Item], built_from: dict | None = None) -> int:
    """Items are image [H, W, 3] uint8, label [H, W] uint8, objects (lists of label ids), set name; ValueError for another shape or type.

    `built_from` is kept for `is_built`. Returns the number of images.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sets: list[str] = []
    rows, ids, id_end, object_end, offset = [], [], [0], [0], 0
    with (folder / "images.u8").open("wb") as images, (folder / "labels.u8").open("wb") as labels:
        for image, label, objects, name in items:
            if name not in sets:
                sets.append(name)
            if image.dtype != np.uint8 or label.dtype != np.uint8 or image.shape != (*label.shape, 3):
                # Written anyway, it would shift every later image.
                raise ValueError(f"image {len(rows)}, of {name}: {image.dtype} {image.shape} with a label of {label.dtype} {label.shape}")
            h, w = label.shape
            images.write(np.ascontiguousarray(image).tobytes())
            labels.write(np.ascontiguousarray(label).tobytes())
            rows.append((offset, h, w, sets.index(name)))
            offset += h * w
            for one in objects:
                ids += one
                id_end.append(len(ids))
            object_end.append(len(id_end) - 1)
    arrays = {
        "rows": np.array(rows, np.int64),
        "ids": np.array(ids, np.uint8),
        "id_end": np.array(id_end, np.int64),
        "object_end": np.array(object_end, np.int64),
        "built_from": np.array(json.dumps(built_from or {})),
    }
    (folder / "sets.json").write_text(json.dumps(sets))
    with whole(folder / "index.npz") as path, path.open("wb") as file:
        np.savez(file, **arrays)
    return len(rows)


class Pack:
    def __init__(self, folder: Path) -> None:
        index = np.load(folder / "index.npz")
        self.rows, self.ids = index["rows"], index["ids"]
        self.id_end, self.object_end = index["id_end"], index["object_end"]
        self.sets: list[str] = json.loads((folder / "sets.json").read_text())
        self.images = np.memmap(folder / "images.u8", np.uint8, "r")
        self.labels = np.memmap(folder / "labels.u8", np.uint8, "r")

    def __len__(self) -> int:
        return len(self.rows)

    def of_set(self, name: str) -> np.ndarray:
        """Indices of the images of a set."""
        return np.flatnonzero(self.rows[:, 3] == self.sets.index(name))

    def __getitem__(self, i: int) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
        """Image [H, W, 3], label [H, W] (views), and the objects as arrays of label ids."""
        offset, h, w, _ = self.rows[i]
        n = h * w
        image = self.images[3 * offset : 3 * (offset + n)].reshape(h, w, 3)
        label = self.labels[offset : offset + n].reshape(h, w)
        first, last = self.object_end[i], self.object_end[i + 1]
        return image, label, [self.ids[self.id_end[k] : self.id_end[k + 1]] for k in range(first, last)]
