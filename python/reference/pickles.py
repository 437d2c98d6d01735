"""Write small files of torch.save and the sums of their tensors: `python -m reference.pickles ../tests/vectors/pickles`."""

import argparse
import json
import sys
from collections import OrderedDict, defaultdict
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from torch import Tensor, nn

DTYPES = (
    torch.float64,
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.int64,
    torch.int32,
    torch.int16,
    torch.int8,
    torch.uint8,
    torch.bool,
)


def tensors() -> dict[str, Tensor]:
    """Every way in which a tensor lies in its storage, and every type."""
    generator = torch.Generator().manual_seed(1)
    whole = torch.randn(6, 8, generator=generator)
    named = {
        "matrix": whole.clone(),
        "transposed": whole.clone().t(),
        "rows": whole.clone()[::2, 1:4],
        "first_of_shared": whole[:3],
        "last_of_shared": whole[3:],
        "repeated": torch.randn(1, 3, generator=generator).expand(4, 3),
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 4),
        "five": torch.randn(2, 1, 3, 1, 2, generator=generator).permute(4, 2, 0, 3, 1),
        "parameter": nn.Parameter(torch.randn(3, generator=generator)),
    }
    for dtype in DTYPES:
        named[str(dtype).removeprefix("torch.")] = torch.arange(5).sub(0 if dtype == torch.uint8 else 1).to(dtype)
    return named


class Part(nn.Module):
    """A model that is saved whole."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 3)


def training() -> dict:
    """What trainers save: weights in wrappers, their own state, settings as objects."""
    torch.manual_seed(2)
    model = nn.DataParallel(nn.Sequential(nn.Linear(3, 2), nn.LayerNorm(2)))
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    return {
        "epoch": 3,
        "loss": np.float64(0.25),
        "state_dict": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "lr_scheduler": schedule.state_dict(),
        "args": argparse.Namespace(rank=4, folder=PurePosixPath("runs/1"), device=torch.device("cpu")),
        "history": defaultdict(list, {"loss": [0.5, 0.25], "names": {"a", "b"}, "large": [1 << 80, -5]}),
        "array": np.arange(3),
    }


def main(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    tied = torch.ones(2, 2)
    files = {
        "zip.pth": (tensors(), {}),
        "legacy.pth": (tensors(), {"_use_new_zipfile_serialization": False}),
        "protocol-4.pth": (tensors(), {"pickle_protocol": 4}),
        "training.pth": (training(), {}),
        "training-legacy.pth": (training(), {"_use_new_zipfile_serialization": False}),
        "newer-types.pth": (
            {"half": torch.ones(3).to(torch.float8_e4m3fn), "short": torch.arange(3).to(torch.uint16), "w": tied},
            {},
        ),
        "tied.pth": (OrderedDict(a=tied, b=tied, c=[tied[0], {"d": tied[1]}]), {}),
        "module.pth": (Part(), {}),
        "module-inside.pth": ({"model": Part(), "epoch": 1}, {}),
        "quantised.pth": ({"w": torch.quantize_per_tensor(tied, 0.1, 0, torch.qint8)}, {}),
    }
    sums = {}
    for name, (value, options) in files.items():
        torch.save(value, out / name, **options)
        (out / name).chmod(0o644)
        sums[name] = {k: described(t) for k, t in flat(value)}
    (out / "sums.json").write_text(json.dumps(sums) + "\n")


def described(tensor: Tensor) -> dict:
    """Shape, sum, and the sum of each element times its place, which a wrong order changes."""
    values = tensor.double().flatten()
    places = torch.arange(values.numel(), dtype=torch.float64)
    return {"shape": list(tensor.shape), "sum": values.sum().item(), "placed": (values * places).sum().item()}


def flat(value: object, path: str = "") -> list[tuple[str, Tensor]]:
    """Tensors by their keys joined by dots, but for the optimizer's."""
    if isinstance(value, Tensor):
        return [] if value.is_quantized else [(path, value.detach())]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else []
    return [pair for k, v in items if k != "optimizer" for pair in flat(v, f"{path}.{k}" if path else str(k))]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
