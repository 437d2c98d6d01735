"""Writes numpy1.json or numpy2.json, by the version that runs it: small files of arrays and the values that NumPy knows.

Run with numpy 1.26 and with numpy 2:
python tests/vectors/arrays/make.py
`values` are the pixels as float32 or, where these do not hold them, float64, rows top to bottom, channels side by side, of each image in turn.
"""

import base64
import io
import json
import pathlib
import pickle

import numpy as np

HEIGHT, WIDTH = 9, 13
MAJOR = int(np.__version__.split(".")[0])
cases: list[dict] = []


def add(name: str, file: bytes, pages: list[np.ndarray], path: str = "a.npy") -> None:
    height, width = pages[0].shape[:2]
    values = np.stack(pages).astype("<f8")
    if (values == values.astype("<f4")).all():
        values = values.astype("<f4")
    cases.append(
        {
            "name": name,
            "path": path,
            "file": base64.b64encode(file).decode(),
            "pages": len(pages),
            "width": width,
            "height": height,
            "channels": 1 if pages[0].ndim == 2 else pages[0].shape[2],
            "dtype": values.dtype.str,
            "values": base64.b64encode(values.tobytes()).decode(),
        }
    )


def saved(array: object, protocol: int | None = None) -> bytes:
    """What np.save writes, of objects with another protocol where one is given."""
    out = io.BytesIO()
    np.save(out, array, allow_pickle=True)
    if protocol is None:
        return out.getvalue()
    out.seek(0)
    np.lib.format.read_magic(out)
    np.lib.format.read_array_header_1_0(out)
    return out.getvalue()[: out.tell()] + pickle.dumps(np.asanyarray(array), protocol=protocol)


def cells(dtype: str, top: int = 3, size: tuple[int, int] = (HEIGHT, WIDTH)) -> np.ndarray:
    """Blocks of the numbers 1 … top, the last of them the largest that the type holds."""
    masks = np.zeros(size, dtype)
    for i in range(top):
        masks[1 + 3 * (i // 4) : 3 + 3 * (i // 4), 1 + 3 * (i % 4) : 3 + 3 * (i % 4)] = i + 1
    return masks


def cellpose(masks: np.ndarray, size: tuple[int, ...] | None = None) -> dict:
    """The dictionary of cellpose.gui.io._save_sets, its image and flows of another size for a longer file."""
    shape = size or masks.shape[-2:]
    flows = [
        np.full((*shape, 3), 7, np.uint8),
        np.full(shape, 8, np.uint8),
        [],
        np.linspace(0, 1, 2 * int(np.prod(shape)), dtype=np.float32).reshape(2, *shape),
    ]
    return {
        "outlines": masks * 0,
        "colors": np.arange(24, dtype=np.uint8).reshape(8, 3),
        "masks": masks,
        "chan_choose": [0, 0],
        "img": np.arange(int(np.prod(shape)), dtype=np.float32).reshape(shape),
        "filename": "/home/me/cells/a.tif",
        "flows": flows,
        "ismanual": np.zeros(8, bool),
        "manual_changes": [["2026-01-01 10:00:00", "removed mask", [4]]],
        "model_path": 0,
        "flow_threshold": 0.4,
        "cellprob_threshold": np.float32(0.5),
        "normalize_params": {"lowhigh": None, "percentile": [1.0, 99.0], "invert": False},
        "est_diam": np.float64(30.0),
        "restore": None,
        "ratio": 1.0,
        "diameter": 30.0,
    }


def pickled() -> None:
    for dtype in ("uint8", "uint16", "int32", "uint32", "int64", ">u2"):
        masks = cells(dtype)
        masks[8, 12] = min(70_000, np.iinfo(dtype).max)
        add(f"Cellpose masks of {dtype}", saved(cellpose(masks)), [masks], "a_seg.npy")
    masks = cells("uint16", 8)
    for protocol in (2, 3, 4, 5):
        add(f"Cellpose masks by protocol {protocol}", saved(cellpose(masks), protocol), [masks], "a_seg.npy")
    add("Cellpose masks in Fortran order", saved(cellpose(np.asfortranarray(masks))), [masks], "a_seg.npy")
    large = cells("uint16", 8, (24, 25))
    for protocol in (2, 5):
        file = saved(cellpose(large, (24, 25)), protocol)
        add(f"longer Cellpose masks by protocol {protocol}", file, [large], "a_seg.npy")
    volume = np.stack([cells("uint16", n) for n in (1, 4, 2)])
    pages = list(volume)
    add("Cellpose masks of three planes", saved(cellpose(volume)), pages, "a_seg.npy")


def plain() -> None:
    rng = np.random.default_rng(1)
    kinds = ("|b1", "|u1", "|i1", "<u2", ">u2", "<i2", ">i4", "<u4", "<i8", ">u8", "<f2", ">f4", "<f8")
    for kind in kinds:
        top = 2 if kind == "|b1" else 120
        values = rng.integers(0, top, (HEIGHT, WIDTH)).astype(kind)
        if np.dtype(kind).kind == "f":
            values = (values / 16).astype(kind)
        if np.dtype(kind).kind == "i":
            values[0, 0] = -3
        add(f"an array of {kind}", saved(values), [values])
    values = rng.integers(0, 60_000, (HEIGHT, WIDTH)).astype("<u2")
    add("an array in Fortran order", saved(np.asfortranarray(values)), [values])
    for version in ((2, 0), (3, 0)):
        out = io.BytesIO()
        np.lib.format.write_array(out, values, version=version)
        add(f"an array by version {version[0]}", out.getvalue(), [values])
    for channels in (1, 2, 3, 4):
        colours = rng.integers(0, 256, (HEIGHT, WIDTH, channels)).astype("|u1")
        page = colours[..., 0] if channels == 1 else colours
        add(f"an array of {channels} channels", saved(colours), [page])
    colours = rng.integers(0, 256, (HEIGHT, WIDTH, 3)).astype("<f8")
    add("bytes as floats, in Fortran order", saved(np.asfortranarray(colours)), [colours])
    stack = rng.integers(0, 60_000, (4, HEIGHT, WIDTH)).astype(">u2")
    add("a stack", saved(stack), list(stack))
    add("a stack in Fortran order", saved(np.asfortranarray(stack)), list(stack))
    add("a stack of one", saved(stack[:1]), [stack[0]])
    stack = rng.integers(0, 256, (3, HEIGHT, WIDTH, 3)).astype("<f8")
    add("a stack of colours", saved(stack), list(stack))
    add("a stack of colours, channels first", saved(np.ascontiguousarray(np.moveaxis(stack, -1, 1))), list(stack))
    stack = rng.random((3, HEIGHT, WIDTH, 1)).astype("<f4")
    add("a stack of one channel", saved(stack), [page[..., 0] for page in stack])


pickled()
if MAJOR == 2:
    plain()
path = pathlib.Path(__file__).with_name(f"numpy{MAJOR}.json")
path.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
print(f"{len(cases)} cases by NumPy {np.__version__}, {path.stat().st_size} bytes")
