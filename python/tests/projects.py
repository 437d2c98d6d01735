"""Projects of the twin's sets, as the studio exports them."""

import json
import shutil
import tarfile
import zipfile
from pathlib import Path

from PIL import Image

from evaluate.folders import samples

ROOT = Path(__file__).parents[2]
TWIN = ROOT / "tests/vectors/twin"
ENGINE = ROOT / "tests/vectors/train/engine"
EXPORTED = ROOT / "tests/vectors/train/engine.mopeft.zip"
"""The same run with its sets, as `mopeft export --as project` writes it."""
CROPS, CROPS_AFTER = ROOT / "tests/vectors/train/crops.mopeft.zip", ROOT / "tests/vectors/train/crops-after.jsonl"
"""A run in crops, left after two of four steps, and its metrics after the last."""
PLAIN = {"samples": "grey", "background": 0, "ignored": [], "levels": None, "threshold": None, "zeroLabel": 0, "transparentUnder": None}
READINGS = {"masks": PLAIN | {"meaning": "foreground"}, "instances": PLAIN | {"meaning": "objects"}}
SETS = {"blobs": "mask", "stripes": "instances"}


def write_dataset(root: Path, id: str, source: Path, role: str) -> None:
    folder = root / "datasets" / id
    files, listed = [], []
    for image, masks in samples(source):
        [mask] = masks.values()
        stored = {}
        for name, path in (("image", image), (role, mask)):
            to = folder / path.relative_to(source)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, to)
            stored[name] = {"path": path.relative_to(source).as_posix(), "size": path.stat().st_size}
        width, height = Image.open(image).size
        files.append(stored)
        listed.append({"name": image.name, "width": width, "height": height, "objects": 1, "labels": [1], "foreground": 0.5})
    about = {"version": 5, "id": id, "name": source.name, "created": 0, "files": files, "reading": READINGS, "scale": "whole"}
    (folder / "dataset.json").write_text(json.dumps(about | {"samples": listed}))


def write_project(root: Path, ids: dict[str, str], runs: dict[str, Path] | None = None) -> Path:
    """An unpacked project of the twin's sets under other ids; runs: folders by id."""
    root.mkdir(parents=True)
    for name, id in ids.items():
        write_dataset(root, id, TWIN / name, SETS[name])
    for id, folder in (runs or {}).items():
        shutil.copytree(folder, root / "runs" / id)
    named = [{"id": id, "name": name} for name, id in ids.items()]
    told = [{"id": id, "name": id, "model": "", "hasCheckpoint": True} for id in runs or {}]
    about = {"format": "mopeft-project", "version": 1, "studio": "0", "created": 0, "datasets": named, "runs": told, "models": []}
    (root / "mopeft-project.json").write_text(json.dumps(about))
    return root


def packed(root: Path) -> Path:
    """The same as a zip."""
    out = root.with_suffix(".mopeft.zip")
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(root.rglob("*"), key=lambda p: p.name != "mopeft-project.json"):
            if path.is_file():
                archive.write(path, path.relative_to(root).as_posix())
    return out


def sharded(root: Path, out: Path, shards: int = 2) -> Path:
    """The same with all files but the descriptions in tar archives."""
    files = sorted(path for path in root.rglob("*") if path.is_file())
    for path in (path for path in files if path.suffix == ".json"):
        to = out / path.relative_to(root)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, to)
    others = [path for path in files if path.suffix != ".json"]
    for shard in range(shards):
        with tarfile.open(out / f"shard-{shard}.tar", "w") as archive:
            for path in others[shard::shards]:
                archive.add(path, f"./{path.relative_to(root).as_posix()}")
    return out
