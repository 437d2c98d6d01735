"""Adapters of MoPEFT Studio in PyTorch.

model = mopeft.load("adapter.safetensors", "models/sam-vit-base")
result = model.predict("image.png", points=[(120, 80)], labels=[1])
result.mask  # [H, W] bool
"""

from .errors import AdapterError, AskError, ImageError, ModelError, MopeftError, TrainError
from .find import FoundObject
from .model import Candidate, Model, Prediction, create, load, save

__all__ = [
    "AdapterError",
    "AskError",
    "Candidate",
    "FoundObject",
    "ImageError",
    "Model",
    "ModelError",
    "MopeftError",
    "Prediction",
    "TrainError",
    "create",
    "load",
    "save",
]
