"""Files in tar archives, read where they lie: a tar is not compressed, so each of its files is one read away."""

import tarfile
from pathlib import Path

from ..errors import TrainError


class Shards:
    """The files of all `*.tar` under a folder, by their paths in the archives; none without a folder. Only their places are kept."""

    def __init__(self, folder: Path | None) -> None:
        """TrainError `project/damaged` that names an archive that cannot be read."""
        self._paths = sorted(folder.rglob("*.tar")) if folder else []
        self._places: dict[str, tuple[int, int, int]] = {}
        for shard, path in enumerate(self._paths):
            try:
                with tarfile.open(path, "r:") as archive:
                    while (member := archive.next()) is not None:
                        if member.isreg():
                            self._places[member.name.removeprefix("./")] = shard, member.offset_data, member.size
                        archive.members.clear()  # of which it would keep every one
            except (tarfile.TarError, OSError) as error:
                cure = "Write it again, as an uncompressed tar."
                raise TrainError("project/damaged", f"This archive cannot be read ({error}).", path, cure) from error

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def read(self, name: str) -> bytes:
        """A file's bytes. OSError, EOFError for an archive that was changed or cut off."""
        shard, start, size = self._places[name]
        with self._paths[shard].open("rb") as file:
            file.seek(start)
            data = file.read(size)
        if len(data) < size:
            raise EOFError(f"{self._paths[shard].name} ends inside of it")
        return data
