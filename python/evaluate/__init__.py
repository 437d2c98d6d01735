"""The evaluation of `mopeft evaluate`, in PyTorch."""
