"""Images of files and of memory, as uint8 RGB (`src/data/decode`)."""

from os import PathLike
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from .errors import ImageError

FORMATS = ("PNG", "JPEG", "MPO", "TIFF", "WEBP")
"""MPO: a JPEG followed by more images; the first one is read."""
MODES = ("1", "L", "P", "LA", "RGB", "RGBA")
SAMPLE_FORMAT, SIGNED = 339, 2


def opened(source: Path | BinaryIO, name: object = None) -> tuple[Image.Image, str]:
    """The file, before its orientation is applied, and the raw mode of its samples ('' if the decoder has none).

    name: how messages call it; its path, if left out. ImageError for a file that the studio does not read, or reads differently from
    Pillow.
    """
    path = source if name is None else name
    try:
        image = Image.open(source)
    except FileNotFoundError:
        raise refusal(path, "there is no such file", "give the path of an image") from None
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError):
        raise refusal(path, "this is no image that can be read", "save it as PNG, or leave it out") from None
    if image.format not in FORMATS:
        raise refusal(path, f"a {image.format} is not read here", "save it as PNG")
    if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
        raise refusal(path, "it holds several pages", "save each as a PNG of its own")
    if image.format == "TIFF":
        if str(image.info.get("compression")).endswith(("jpeg", "webp")):
            raise refusal(path, "this TIFF is compressed in a way that is not read here", "save it as PNG")
        if SIGNED in image.tag_v2.get(SAMPLE_FORMAT, ()):
            raise refusal(path, "this TIFF holds signed numbers", "save it as PNG")
    args = image.tile[0].args if image.tile else ""
    return image, args if isinstance(args, str) else args[0]


def refusal(path: object, what: str, cure: str) -> ImageError:
    return ImageError("data/image", what, path, cure)


def read_pixels(source: Path | BinaryIO, name: object = None) -> np.ndarray:
    """An image upright, uint8 [H, W, 3]; name: as for `opened`.

    ImageError for more than 8 bits, which the studio maps by percentiles and Pillow clips.
    """
    path = source if name is None else name
    image, raw = opened(source, name)
    if image.mode not in MODES or "16" in raw:
        raise refusal(path, f"its samples are {raw or image.mode}, and 8-bit grey, palette and RGB are read", "save it as an 8-bit PNG")
    try:
        return np.array(ImageOps.exif_transpose(image).convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        raise refusal(path, f"its pixels cannot be read ({error})", "save it again as PNG") from error


def rgb_pixels(image: object) -> np.ndarray:
    """uint8 [H, W, 3] of a path, an image of Pillow, or an array [H, W], [H, W, 3] or [H, W, 4] of uint8."""
    if isinstance(image, str | PathLike):
        return read_pixels(Path(image))
    if isinstance(image, Image.Image):
        if image.mode not in MODES:
            raise refusal("image", f"its mode is {image.mode}, and 8-bit grey, palette and RGB are read", "convert it to RGB")
        return np.array(ImageOps.exif_transpose(image).convert("RGB"))
    pixels = np.asarray(image)
    if pixels.dtype != np.uint8:
        cure = "scale its values to 0 to 255 and convert it to uint8"
        raise refusal("image", f"its values are of {pixels.dtype}, and uint8 is read", cure)
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, 2)
    if pixels.ndim != 3 or pixels.shape[2] not in (3, 4) or 0 in pixels.shape:
        raise refusal("image", f"its shape is {list(pixels.shape)}, and [H, W], [H, W, 3] and [H, W, 4] are read", "give rows of RGB")
    return np.ascontiguousarray(pixels[..., :3])
