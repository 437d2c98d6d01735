"""`python -m pretrain COMMAND`: build the packs, train, calibrate, export, write vectors and the card."""

import argparse
from pathlib import Path

import torch

from . import config as configs


def main() -> None:
    p = argparse.ArgumentParser(prog="pretrain", description=__doc__)
    p.add_argument("command", choices=["build", "train", "calibrate", "export", "vectors", "card"])
    p.add_argument("--config", type=Path, default=Path(__file__).parent / "tiny.json")
    p.add_argument("--sets", type=Path, help="the folder of the pretraining sets (build)")
    p.add_argument("--out", type=Path, required=True, help="the run's folder (vectors: where they go)")
    p.add_argument("--model", type=Path, help="the exported model's folder (export, vectors, card; train: begin with its weights)")
    p.add_argument("--size", type=int, default=256, help="input size (calibrate)")
    p.add_argument("--images", type=int, default=400, help="training images to look at (calibrate)")
    p.add_argument("--device", default="auto", help="cpu, cuda or auto")
    p.add_argument("--ranks", type=int, default=2, help="processes that share the work (CPU only)")
    p.add_argument("--threads", type=int, default=1, help="CPU threads of each process")
    p.add_argument("--stop-after", type=int, default=0, help="stop at this step (0: the config's end)")
    a = p.parse_args()
    config = configs.load(a.config)
    device = a.device if a.device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    if a.command == "build":
        from .build import build

        build(config, a.sets, a.out)
    elif a.command == "export":
        from .export import export, exported

        export(exported(a.out), a.model)
    elif a.command == "calibrate":
        from .calibrate import calibrate

        calibrate(a.out, a.size, a.images, device)
    elif a.command == "vectors":
        from .vectors import write_vectors

        write_vectors(a.model, a.out)
    elif a.command == "card":
        from .card import write_card

        write_card(a.out, a.model, a.config.with_suffix(".notes.md"))
    else:
        from .loop import train

        train(config, a.out, device, a.ranks, a.threads, a.stop_after, a.model)


if __name__ == "__main__":
    main()
