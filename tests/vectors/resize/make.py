"""Writes resize.json: small RGB images and what Pillow's Image.resize(..., BILINEAR) makes of them.

Run with Pillow 13 or later, which resizes tall images along columns first: python tests/vectors/resize/make.py
"""

import base64
import json
import pathlib

import PIL
from PIL import Image

SIZES = [
    ((7, 5), (7, 5)),
    ((7, 5), (14, 10)),
    ((13, 9), (5, 4)),
    ((31, 17), (8, 29)),
    ((1, 1), (3, 2)),
    ((1, 23), (4, 7)),
    ((40, 3), (9, 3)),
    ((3, 40), (3, 11)),
    ((64, 48), (17, 13)),
    ((37, 53), (36, 52)),
    ((50, 20), (64, 26)),
    ((60, 45), (7, 5)),
    # The height loses more than twice what the width loses: Pillow 13 goes along columns first.
    ((20, 60), (7, 21)),
    ((30, 40), (34, 9)),
    # Just twice: along rows first.
    ((30, 40), (20, 20)),
]


def noise(width: int, height: int, seed: int) -> bytes:
    """Bytes of a 32-bit linear congruential generator, with runs of 0 and 255 among them."""
    state = seed
    out = bytearray()
    for _ in range(width * height * 3):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        byte = state >> 24
        out.append(0 if byte < 40 else 255 if byte > 215 else byte)
    return bytes(out)


def main() -> None:
    cases = []
    for index, (source, target) in enumerate(SIZES):
        pixels = noise(*source, seed=index + 1)
        resized = Image.frombytes("RGB", source, pixels).resize(target, Image.Resampling.BILINEAR)
        cases.append(
            {
                "from": source,
                "to": target,
                "input": base64.b64encode(pixels).decode(),
                "output": base64.b64encode(resized.tobytes()).decode(),
            }
        )
    path = pathlib.Path(__file__).with_name("resize.json")
    path.write_text(json.dumps({"pillow": PIL.__version__, "cases": cases}, indent=1) + "\n")


if __name__ == "__main__":
    main()
