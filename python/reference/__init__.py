"""A second witness of the engine: vectors from PyTorch and the official segment_anything modules."""
