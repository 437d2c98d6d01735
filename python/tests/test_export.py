import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from mopeft.sam.model import Sam
from pretrain import calibrate, export
from pretrain.draw import draw
from pretrain.initial import initialise
from pretrain.packs import write_pack
from tests.test_resume import recipe


def checkpoint(path: Path, step: int) -> Path:
    """A file with what is read of a checkpoint."""
    config = recipe()
    model = Sam(config["model"])
    initialise(model, 1)
    torch.save({"config": config, "step": step, "ema": model.state_dict()}, path)
    return path


def test_the_calibrated_checkpoint_is_exported_if_it_is_of_the_last_step(tmp_path: Path) -> None:
    last = checkpoint(tmp_path / "last.pt", 4)
    assert export.exported(tmp_path) == last
    calibrated = checkpoint(tmp_path / "calibrated.pt", 4)
    assert export.exported(tmp_path) == calibrated
    checkpoint(last, 6)
    with pytest.raises(SystemExit, match=r"calibrated\.pt is from step 4, last\.pt from step 6: calibrate again"):
        export.exported(tmp_path)


def test_a_calibrated_checkpoint_is_there_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items = [draw(1, i, [], []) for i in range(8)]
    write_pack(tmp_path / "drawn", items)
    write_pack(tmp_path / "open", [(*item[:3], "shapes") for item in items])
    checkpoint(tmp_path / "last.pt", 4)

    def full_disk(_: dict, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError

    with monkeypatch.context() as patch, pytest.raises(OSError):
        patch.setattr(torch, "save", full_disk)
        calibrate.calibrate(tmp_path, 32, 4, "cpu")
    assert not (tmp_path / "calibrated.pt").exists()
    calibrate.calibrate(tmp_path, 32, 4, "cpu")
    assert export.exported(tmp_path) == tmp_path / "calibrated.pt"


def test_a_refused_export_leaves_the_folder_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "model"
    export.export(checkpoint(tmp_path / "last.pt", 4), out)
    assert export.exported_step(out) == 4
    with safe_open(out / "model.safetensors", "pt") as f:
        for name in ("config", "preprocessor_config"):
            assert json.loads(f.metadata()[name]) == json.loads((out / f"{name}.json").read_text())
    (out / "README.md").write_text("the card")
    before = {p.name: p.read_bytes() for p in out.iterdir()}
    monkeypatch.setattr(export, "compare_with_hugging_face", lambda *_: 1.0)
    with pytest.raises(SystemExit, match="differs"):
        export.export(checkpoint(tmp_path / "last.pt", 6), out)
    assert {p.name: p.read_bytes() for p in out.iterdir()} == before
    assert {p.name for p in tmp_path.iterdir()} == {"last.pt", "model"}
    monkeypatch.undo()
    export.export(tmp_path / "last.pt", out)
    assert export.exported_step(out) == 6
    assert (out / "README.md").read_text() == "the card"
