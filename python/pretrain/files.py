"""Files that are there whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; it takes the name, and the place of an older file, if the block ends without an error."""
    part = path.with_suffix(".tmp")
    yield part
    os.replace(part, path)
