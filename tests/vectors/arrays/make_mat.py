"""Writes matlab.json: small files of MATLAB, by SciPy, and the numbers that it reads from them.

python tests/vectors/arrays/make_mat.py
`arrays` are all numbers of a file by where they are, as float64, the last axis fastest.
SciPy writes the order of bytes of this machine only; files of the other are made of these, and SciPy reads them alike.
"""

import base64
import io
import json
import pathlib
import struct
import sys

import numpy as np
import scipy
import scipy.io
import scipy.sparse

HEIGHT, WIDTH = 9, 13
WIDTHS = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8, 16: 1}
cases: list[dict] = []


def swapped(data: bytes) -> bytes:
    """Elements of a file without compression in the other order of bytes."""
    out, at = b"", 0
    while at < len(data):
        (word,) = struct.unpack_from("<I", data, at)
        kind, length = (word & 0xFFFF, word >> 16) if word >> 16 else struct.unpack_from("<II", data, at)
        small = word >> 16 != 0
        start = at + (4 if small else 8)
        own = data[start : start + length]
        own = swapped(own) if kind == 14 else b"".join(
            own[i : i + WIDTHS[kind]][::-1] for i in range(0, length, WIDTHS[kind])
        )
        room = 4 if small else -(-length // 8) * 8
        out += (struct.pack(">I", word) if small else struct.pack(">II", kind, length)) + own.ljust(room, b"\0")
        at = start + room
    return out


def big(file: bytes) -> bytes:
    return file[:124] + b"\x01\x00MI" + swapped(file[128:])


def numbers(value: object, name: str, found: dict) -> dict:
    """All arrays of numbers below a value as `loadmat` gives it, by their names in MATLAB."""
    array = np.asanyarray(value)
    if scipy.sparse.issparse(value) or array.dtype.kind in "USc":
        return found
    if array.dtype.names is None and array.dtype.kind != "O":
        found[name] = array
        return found
    for i, element in enumerate(array.flatten("F")):
        number = "" if array.size == 1 else f"{i + 1}"
        if array.dtype.names is None:
            numbers(element, f"{name}{{{number}}}" if number else name, found)
        else:
            for field in array.dtype.names:
                numbers(element[field], f"{name}({number}).{field}" if number else f"{name}.{field}", found)
    return found


def add(name: str, variables: dict, path: str = "a.mat", **options: object) -> None:
    for kind in ("packed", "plain", "big-endian"):
        out = io.BytesIO()
        scipy.io.savemat(out, variables, do_compression=kind == "packed", **options)
        file = big(out.getvalue()) if kind == "big-endian" else out.getvalue()
        # A date is in the head.
        file = b"MATLAB 5.0 MAT-file".ljust(116) + file[116:]
        found: dict = {}
        for key, value in scipy.io.loadmat(io.BytesIO(file)).items():
            if not key.startswith("__"):
                numbers(value, key, found)
        cases.append(
            {
                "name": f"{name}, {kind}",
                "path": path,
                "file": base64.b64encode(file).decode(),
                "arrays": {
                    key: {
                        "shape": list(value.shape),
                        "values": base64.b64encode(np.ascontiguousarray(value).astype("<f8").tobytes()).decode(),
                    }
                    for key, value in found.items()
                },
            }
        )


def cells(top: int, kind: str = "<f8") -> np.ndarray:
    masks = np.zeros((HEIGHT, WIDTH), kind)
    for i in range(top):
        masks[1 + 3 * (i // 4) : 3 + 3 * (i // 4), 1 + 3 * (i % 4) : 3 + 3 * (i % 4)] = i + 1
    return masks


def objects(values: list, shape: tuple[int, ...]) -> np.ndarray:
    array = np.empty(len(values), object)
    array[:] = values
    return array.reshape(shape, order="F")


def main() -> None:
    rng = np.random.default_rng(3)
    for kind in "u1 i1 u2 i2 u4 i4 u8 i8 f4 f8".split():
        values = rng.integers(0, 120, (HEIGHT, WIDTH)).astype(kind)
        if kind[0] != "u":
            values[0, 0] = -3
        add(f"an array of {kind}", {"values": values / np.float32(16) if kind[0] == "f" else values})
    add("true and false", {"mask": cells(3) > 0})
    add("a few numbers", {"one": 3, "two": np.array([1.5, 2.5]), "none": np.zeros((0, 0)), "text": "hello"})
    add("numbers of other sorts", {"i": np.eye(9) * 1j, "s": scipy.sparse.eye(9).tocsc(), "mask": cells(3)})
    add("slices and channels", {"scan": rng.integers(0, 99, (9, 13, 7)), "image": rng.integers(0, 99, (9, 13, 3))})
    volume = {"images": rng.integers(0, 99, (9, 13, 7)), "masks": rng.integers(0, 2, (9, 13, 7), "u1")}
    add("a volume and its masks", volume)
    add("four axes", {"X": rng.integers(0, 9, (5, 6, 3, 2))})
    add("a struct in a struct", {"anno": {"name": "a", "mask": cells(2), "more": {"map": cells(3), "n": 3}}})
    outlines = [rng.random((n, 2)) for n in (4, 5, 9)]
    add("CoNSeP", {"inst_map": cells(3), "type_map": cells(3) % 3, "inst_type": np.ones((3, 1)), "inst_centroid": outlines[0]}, "Labels/a.mat")
    add("HoVer-Net", {"inst_map": cells(3), "inst_contour": objects(outlines, (3, 1))})
    lists = {"id": np.array([[6], [2], [4]]), "class": np.array([[3], [1], [2]])}
    add("Lizard", {"inst_map": 2 * cells(3), **lists, "bbox": np.ones((3, 4)), "centroid": outlines[0]}, "Labels/a.mat")
    add("classes of other objects", {"inst_map": cells(3), "inst_type": np.ones((2, 1))}, "Labels/a.mat")
    edges = objects([scipy.sparse.csc_matrix(cells(3) == k) for k in (1, 2, 3)], (3, 1))
    inst = {"Boundaries": edges, "Segmentation": cells(3, "u1"), "Categories": np.array([[1], [2], [1]])}
    add("SBD, objects", {"GTinst": inst}, "inst/a.mat")
    classes = {"Boundaries": edges, "Segmentation": (cells(3) % 2 + (cells(3) > 0)).astype("u1")}
    add("SBD, classes", {"GTcls": classes}, "cls/a.mat")
    annotators = [{"Segmentation": cells(n, "u2") + 1, "Boundaries": cells(n) > 1} for n in (4, 2, 3)]
    add("BSDS500", {"groundTruth": objects(annotators, (1, 3))}, "groundTruth/a.mat")
    parts = np.zeros((1, 3), [("class", "O"), ("mask", "O")])
    for k in range(3):
        parts[0, k] = ("dog", (cells(3) == k + 1).astype("u1"))
    add("PASCAL-Part", {"anno": {"imname": "a", "objects": parts}})
    add("Clothing Co-Parsing", {"groundtruth": cells(3, "u1")})
    add("COCO-Stuff", {"S": cells(3, "u1"), "regionMapStuff": cells(4, "u2"), "captions": objects(["a", "b"], (2, 1))})
    add("an image and its mask", {"image": rng.integers(0, 4000, (HEIGHT, WIDTH)), "mask": cells(3) > 0})
    add("a list", {"labels": np.ones((1, 40))})
    path = pathlib.Path(__file__).with_name("matlab.json")
    path.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
    print(f"{len(cases)} cases by SciPy {scipy.__version__}, {path.stat().st_size} bytes")


assert sys.byteorder == "little"
main()
