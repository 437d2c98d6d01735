"""The notebook of the examples, run as a person runs it."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "examples/segment.ipynb"


def test_the_notebook_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "it is kept without outputs"
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(NOTEBOOK.parent)}}).execute()
    click, count, shown = [cell.outputs[-1]["data"] for cell in notebook.cells if cell.get("outputs")]
    assert click["text/plain"].startswith("((256, 300), 0.")
    assert int(count["text/plain"]) > 5
    assert "image/png" in shown
