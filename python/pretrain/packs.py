"""One file of decoded pictures: uint8 pixels and labels, memory-mapped.

A pack is a folder: `images.u8` and `labels.u8` (all pictures one after the other), `index.npz`, `sets.json`.
"""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

Item = tuple[np.ndarray, np.ndarray, list[list[int]], str]


def write_pack(folder: Path, items: Iterable[Item]) -> int:
    """Items are image [H, W, 3] uint8, label [H, W] uint8, objects (lists of label ids), set name."""
    folder.mkdir(parents=True, exist_ok=True)
    sets: list[str] = []
    rows, ids, id_end, object_end, offset = [], [], [0], [0], 0
    with (folder / "images.u8").open("wb") as images, (folder / "labels.u8").open("wb") as labels:
        for image, label, objects, name in items:
            if name not in sets:
                sets.append(name)
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
    }
    np.savez(folder / "index.npz", **arrays)
    (folder / "sets.json").write_text(json.dumps(sets))
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
        """Indices of the pictures of a set."""
        return np.flatnonzero(self.rows[:, 3] == self.sets.index(name))

    def __getitem__(self, i: int) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
        """Image [H, W, 3], label [H, W] (views), and the objects as arrays of label ids."""
        offset, h, w, _ = self.rows[i]
        n = h * w
        image = self.images[3 * offset : 3 * (offset + n)].reshape(h, w, 3)
        label = self.labels[offset : offset + n].reshape(h, w)
        first, last = self.object_end[i], self.object_end[i + 1]
        return image, label, [self.ids[self.id_end[k] : self.id_end[k + 1]] for k in range(first, last)]
