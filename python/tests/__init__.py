"""Numbers are the same on every CPU: wider vectors sum in another order, which three steps enlarge to 0.3 % of a norm."""

import os

os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX2")
