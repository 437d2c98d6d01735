"""`python -m mopeft.train PROJECT --model DIR|FILE --out RUN`: trains on a project that the studio exported.

Goes on with the project's run, or with the run that RUN holds; `--set`, `--method` or `--gate` begin a new one. With several
processes: `torchrun --nproc-per-node N -m mopeft.train …` or `accelerate launch -m mopeft.train …`.
"""

import argparse
import os
from pathlib import Path

import torch

from ..errors import MopeftError
from ..gate_forms import FORMS
from .team import open_team


def main(arguments: list[str] | None = None) -> None:
    p = argparse.ArgumentParser(prog="mopeft.train", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("project", type=Path, help="NAME.mopeft.zip, or its unpacked folder")
    p.add_argument("--model", type=Path, required=True, help="the base model: a folder of Hugging Face's, or a file of weights")
    p.add_argument("--out", type=Path, required=True, help="the run's folder; one that holds a run goes on with it")
    p.add_argument("--run", help="id or name of a run of the project, where it has several")
    p.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of a new run, such as steps=500")
    p.add_argument("--method", help="of a new run: mopeft, decoder, or methods joined by +")
    p.add_argument("--gate", choices=tuple(FORMS), help="of a new run")
    p.add_argument("--freeze-decoder", action="store_true", help="of a new run: the mask decoder is not trained")
    p.add_argument("--images-per-pass", type=count, help="images at a time in each process: fewer need less memory (default: all)")
    p.add_argument("--bf16", action="store_true", help="run the model in bfloat16")
    p.add_argument("--device", choices=("cpu", "cuda"), help="default: a GPU where there is one")
    p.add_argument("--threads", type=count, help="of each process on a CPU")
    a = p.parse_args(arguments)
    if a.threads:
        torch.set_num_threads(a.threads)
    torch.backends.cudnn.allow_tf32 = False
    is_bf16 = a.bf16 or os.environ.get("ACCELERATE_MIXED_PRECISION") == "bf16"
    try:
        from .run import Asked, train
    except ModuleNotFoundError as error:
        raise SystemExit(f"{error.name} is not installed: pip install {error.name}") from None
    asked = Asked(a.project, a.model, a.out, a.run, tuple(a.set), a.method, a.gate, not a.freeze_decoder, a.images_per_pass)
    try:
        with open_team(a.device, is_bf16) as team:
            torch.set_default_device(team.device)
            verdict = train(asked, team)
            if team.is_first:
                print(f"{verdict['sentence']} {verdict['suggestion']}" if verdict else "There is no test image, so there is no verdict.")
    except MopeftError as error:
        raise SystemExit(str(error)) from None


def count(text: str) -> int:
    """A whole number from 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1")
    return int(text)


if __name__ == "__main__":
    main()
