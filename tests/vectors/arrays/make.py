"""Writes numpy1.json, or numpy2.json and archives.json, by the version that runs it: small files of arrays and the values that NumPy knows.

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


def archives() -> list[dict]:
    """Archives as sets ship them: `images` and `masks` are the files expected, with the sum of the values of each."""
    rng = np.random.default_rng(2)
    found: list[dict] = []

    def archive(name: str, arrays: dict, images: dict, masks: dict | None = None, path: str = "a.npz") -> None:
        for kind, save in (("deflated", np.savez_compressed), ("stored", np.savez)):
            out = io.BytesIO()
            save(out, **arrays)
            found.append(
                {
                    "name": f"{name}, {kind}",
                    "path": path,
                    "file": base64.b64encode(out.getvalue()).decode(),
                    "images": {at: float(page.sum()) for at, page in images.items()},
                    "masks": {at: float(page.sum()) for at, page in (masks or {}).items()},
                }
            )

    def pages(at: str, stack: np.ndarray) -> dict:
        return {f"{at} page {n + 1}.npy": page for n, page in enumerate(stack)}

    grey = rng.integers(0, 256, (HEIGHT, WIDTH)).astype("|u1")
    stack = rng.integers(0, 256, (3, HEIGHT, WIDTH)).astype("|u1")
    colour = rng.integers(0, 256, (HEIGHT, WIDTH, 3)).astype("|u1")
    colours = rng.integers(0, 256, (3, HEIGHT, WIDTH, 2)).astype("|u1")
    mask = cells("uint8")
    masks = np.stack([cells("uint16", n) for n in (1, 4, 2)])
    spacing = np.array([1.0, 0.7, 0.7])
    archive(
        "Synapse",
        {"image": (grey / 256).astype("<f4"), "label": mask.astype("<f4")},
        {"train_npz/case0005_slice012.npy": (grey / 256).astype("<f4")},
        {"train_npz/case0005_slice012_labels.npy": mask},
        "train_npz/case0005_slice012.npz",
    )
    archive(
        "MedSAM of slices",
        {"imgs": stack, "gts": masks, "spacing": spacing},
        pages("a", stack),
        pages("a_mask", masks),
    )
    archive(
        "MedSAM with embeddings",
        {"imgs": stack, "gts": masks, "img_embeddings": np.ones((3, 5, 8, 8), "<f4"), "number": np.int64(3)},
        pages("a", stack),
        pages("a_mask", masks),
    )
    archive("MedSAM of a photograph", {"imgs": colour, "gts": mask}, {"a.npy": colour}, {"a_mask.npy": mask})
    archive(
        "MedSAM to be segmented",
        {"imgs": stack, "boxes": np.ones((3, 4), "<i4"), "spacing": spacing},
        pages("a", stack),
    )
    archive("StarDist", {"X": colours, "y": masks[..., None]}, pages("a", colours), pages("a_mask", masks))
    archive(
        "Keras",
        {"x_train": stack, "y_train": masks, "x_test": stack[:2], "y_test": masks[:2]},
        pages("train/a", stack) | pages("test/a", stack[:2]),
        pages("train/a_mask", masks) | pages("test/a_mask", masks[:2]),
    )
    for image, label, field in (
        ("img", "mask", "mask"),
        ("images", "masks", "mask"),
        ("data", "labels", "labels"),
        ("image", "instances", "instances"),
    ):
        archive(
            f"{image} and {label}", {image: colour, label: mask}, {"a.npy": colour}, {f"a_{field}.npy": mask}
        )
    archive("masks for each object", {"image": colour, "masks": masks}, {"a.npy": colour}, pages("a_mask", masks))
    archive("one without a name", {"arr_0": colour}, {"a.npy": colour})
    archive("one and a list", {"frame": grey, "spacing": spacing}, {"a.npy": grey})
    archive("a stack alone", {"volume": stack}, pages("a", stack))
    archive("masks alone", {"masks": mask}, {}, {"a_mask.npy": mask})
    archive("masks alone, called so", {"masks": mask}, {}, {"a_seg.npy": mask}, "a_seg.npz")
    return found


def write(name: str, values: list[dict]) -> None:
    path = pathlib.Path(__file__).with_name(name)
    path.write_text("[\n" + ",\n".join(json.dumps(value) for value in values) + "\n]\n")
    print(f"{name}: {len(values)} cases by NumPy {np.__version__}, {path.stat().st_size} bytes")


pickled()
if MAJOR == 2:
    plain()
    write("archives.json", archives())
write(f"numpy{MAJOR}.json", cases)
