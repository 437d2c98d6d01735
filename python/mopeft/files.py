"""Files that are written completely or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`; it is renamed to `path`, replacing an older file, if the block ends without an error."""
    part = path.with_suffix(".tmp")
    yield part
    os.replace(part, path)
