"""Images of files and of memory, as uint8 RGB (`src/data/decode`)."""

from os import PathLike
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from .depth import stretched
from .errors import ImageError

FORMATS = ("PNG", "JPEG", "MPO", "TIFF", "WEBP")
"""MPO: a JPEG followed by more images; the first one is read."""
MODES = ("1", "L", "P", "LA", "RGB", "RGBA")
SAMPLE_FORMAT, SIGNED = 339, 2
PHOTOMETRIC, WHITE_IS_ZERO = 262, 0
ANY = "give a path, an image of Pillow or an array of uint8"
READ = "8-bit grey, palette and RGB, and 16-bit grey, are read"


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
    return ImageError("data/image", f"{what[0].upper()}{what[1:]}.", path, f"{cure[0].upper()}{cure[1:]}.")


def read_pixels(source: Path | BinaryIO, name: object = None) -> np.ndarray:
    """An image upright, uint8 [H, W, 3], 16-bit grey by its percentiles; name: as for `opened`.

    ImageError for other samples of more than 8 bits, which Pillow clips.
    """
    path = source if name is None else name
    image, raw = opened(source, name)
    # Pillow leaves 16 bits of WhiteIsZero as they are.
    is_deep = is_16_bit_grey(image, raw) and not (image.format == "TIFF" and image.tag_v2.get(PHOTOMETRIC) == WHITE_IS_ZERO)
    if not is_deep and (image.mode not in MODES or "16" in raw):
        raise refusal(path, f"its samples are {raw or image.mode}, and {READ}", "save it as an 8-bit PNG")
    try:
        return upright_rgb(image)
    except (OSError, SyntaxError, ValueError) as error:
        raise refusal(path, f"its pixels cannot be read ({error})", "save it again as PNG") from error


def rgb_pixels(image: object) -> np.ndarray:
    """uint8 [H, W, 3] of a path, an image of Pillow, or an array [H, W], [H, W, 1], [H, W, 3] or [H, W, 4] of uint8 or uint16."""
    if isinstance(image, str | PathLike):
        return read_pixels(Path(image))
    if isinstance(image, Image.Image):
        if image.mode not in MODES and not is_16_bit_grey(image, image.mode):
            raise refusal("image", f"its mode is {image.mode}, and {READ}", "convert it to RGB")
        return upright_rgb(image)
    try:
        pixels = np.asarray(image)
    except (TypeError, ValueError, RuntimeError) as error:
        raise refusal("image", f"""it is no array ({str(error).partition(". ")[0]})""", ANY) from error
    if pixels.dtype.kind not in "biuf":
        raise refusal("image", f"a {type(image).__name__} is no image", ANY)
    if pixels.dtype not in (np.uint8, np.uint16):
        cure = "scale its values to 0 to 255 and convert it to uint8"
        raise refusal("image", f"its values are of {pixels.dtype}, and uint8 and uint16 are read", cure)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3, 4) or 0 in pixels.shape:
        what = f"its shape is {list(pixels.shape)}, and [H, W], [H, W, 1], [H, W, 3] and [H, W, 4] are read"
        raise refusal("image", what, "give one image, its channels last")
    rgb = pixels[..., :3] if pixels.shape[2] > 1 else np.repeat(pixels, 3, 2)
    return np.ascontiguousarray(rgb if rgb.dtype == np.uint8 else stretched(rgb))


def is_16_bit_grey(image: Image.Image, raw: str) -> bool:
    """Whether it has the 16 bits of its file; older Pillows open such a PNG as I."""
    return image.mode.startswith("I;16") or (image.mode == "I" and "16" in raw)


def upright_rgb(image: Image.Image) -> np.ndarray:
    """uint8 [H, W, 3] of an image of MODES or of 16-bit grey."""
    upright = ImageOps.exif_transpose(image)
    if image.mode in MODES:
        return np.array(upright.convert("RGB"))
    return np.repeat(stretched(np.asarray(upright).astype(np.uint16))[..., None], 3, 2)
