"""Training, in one process or several: `python -m mopeft.train PROJECT`."""
