"""A project as the studio exports it (docs/formats.md, Project), read file by file: a zip, or its unpacked folder, whose files may lie in
tar archives."""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from threading import Lock

from ..errors import TrainError
from .shards import Shards

DESCRIPTION, VERSION = "mopeft-project.json", 1
MOST_BYTES = 512 * 2**20
"""Of one file."""


class Project:
    """datasets, runs: names by id, in their order. Close it when done."""

    def __init__(self, path: Path) -> None:
        """TrainError `project/…` for what is no project, or one of a newer version."""
        self.path = path
        self._zip: zipfile.ZipFile | None = None
        self._lock = Lock()
        if not path.exists():
            raise TrainError("project/not-found", "There is no such file or folder.", path, "Give a project that the studio exported.")
        if path.is_file():
            try:
                self._zip = zipfile.ZipFile(path)
            except (zipfile.BadZipFile, OSError) as error:
                raise damaged(path, str(error)) from error
            names = self._zip.namelist()
        else:
            names = [p.relative_to(path).as_posix() for p in path.rglob(DESCRIPTION)]
        found = sorted((n for n in names if PurePosixPath(n).name == DESCRIPTION), key=lambda n: n.count("/"))
        if not found:
            cure = "Export the project on the studio's Export page."
            raise TrainError("project/not-found", f"There is no {DESCRIPTION} in it.", path, cure)
        self._top = found[0].removesuffix(DESCRIPTION)
        self._shards = Shards(path / self._top if self._zip is None else None)
        about = self.json(DESCRIPTION)
        if about.get("format") != "mopeft-project":
            raise damaged(path, "its description is of another format")
        if about.get("version") != VERSION:
            what = f"It is of version {about.get('version')!r}, and version {VERSION} is read here."
            raise TrainError("project/newer", what, path, "Update the package mopeft.")
        try:
            self.datasets = {str(each["id"]): str(each["name"]) for each in about["datasets"]}
            self.runs = {str(each["id"]): str(each["name"]) for each in about["runs"]}
        except (KeyError, TypeError) as error:
            raise damaged(path, "its description names no datasets and runs") from error

    def close(self) -> None:
        if self._zip:
            self._zip.close()

    def has(self, name: str) -> bool:
        """Whether there is such a file, by its path in the project."""
        if self._zip:
            return self._top + name in self._zip.NameToInfo
        return name in self._shards or (self.path / self._top / name).is_file()

    def read(self, name: str) -> bytes:
        """A file's bytes. TrainError `project/missing-file`, `project/damaged`."""
        if ".." in PurePosixPath(name).parts or name.startswith("/"):
            raise damaged(self.path, f"{name} leads out of it")
        if not self.has(name):
            what = "This file is named in the project and is not in it."
            raise TrainError("project/missing-file", what, f"{self.path}/{name}", "Export the project again.")
        try:
            if self._zip is None:
                return self._shards.read(name) if name in self._shards else (self.path / self._top / name).read_bytes()
            with self._lock:
                if self._zip.getinfo(self._top + name).file_size > MOST_BYTES:
                    raise damaged(self.path, f"{name} is larger than {MOST_BYTES >> 20} MiB")
                return self._zip.read(self._top + name)
        except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, EOFError) as error:
            raise damaged(self.path, f"{name}: {error}") from error

    def json(self, name: str) -> Mapping[str, object]:
        """TrainError `project/damaged` for what is no JSON object."""
        try:
            found = json.loads(self.read(name))
        except (ValueError, RecursionError) as error:
            raise damaged(self.path, f"{name} is no JSON") from error
        if not isinstance(found, Mapping):
            raise damaged(self.path, f"{name} is no JSON object")
        return found


def damaged(path: object, detail: str) -> TrainError:
    return TrainError("project/damaged", f"The project is damaged ({detail}).", path, "Copy or download it again, or export it again.")
