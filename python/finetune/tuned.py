"""The twin's models: what is trained is a `Mopeft`."""

from pathlib import Path

from safetensors.torch import load_file, save_file

from mopeft.sam.model import Sam
from mopeft.sam.open import read_model
from mopeft.train.tuned import Tuned

from .config import Mopeft


def tuned_of(sam: Sam, mopeft: Mopeft, seed: int) -> Tuned:
    """A base model with fresh modules. sam must belong to this run alone, since training changes its mask decoder."""
    tuned = Tuned(sam, mopeft.on(sam.image_encoder.sites), seed)
    tuned.off = set(mopeft.dropped)
    return tuned


def open_tuned(model: Path, mopeft: Mopeft, seed: int, weights: Path | None = None) -> Tuned:
    """A base model from its folder, with fresh modules or with those of a finished run."""
    tuned = tuned_of(read_model(model), mopeft, seed)
    if weights:
        tuned.load(load_file(weights))
    return tuned


def save_weights(tuned: Tuned, path: Path) -> None:
    save_file({name: value.contiguous() for name, value in tuned.state().items()}, path)
