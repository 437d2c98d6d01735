"""Prefix tuning: learned keys and values before those of every window."""

from .method import Method

prefix = Method(
    lambda c: {name: ((c["prefix_length"], c["attention_width"]), 0.5) for name in "KV"},
    "norm1",
    prefix=lambda t: (t["K"], t["V"]),
)
