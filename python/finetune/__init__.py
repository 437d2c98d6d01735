"""MoPEFT fine-tuning in PyTorch: a twin of the engine's training (`src/train`), draw for draw and step for step."""
