"""Writes images.json, formats.json and stacks.json: small files of every kind that is read, and the values that Pillow,
NumPy or their writer knows. The Python twin reads those of images.json too.

Run with pillow, numpy, pypng, tifffile, imagecodecs, nibabel and pydicom installed: python tests/vectors/images/make.py
`values` are the stored samples (interleaved, before orientation), `upright` is what an image must look like as RGB.
"""

import base64
import gzip
import io
import json
import pathlib
import struct

import imagecodecs
import nibabel
import numpy as np
import png
import pydicom
import tifffile
from PIL import Image

WIDTH, HEIGHT = 13, 9
cases: list[dict] = []
rare: list[dict] = []
"""What goes into formats.json."""


def noise(shape: tuple[int, ...], top: int, seed: int) -> np.ndarray:
    """Whole numbers 0 … top in patches of two columns, so that filters, runs and predictors have something to do."""
    values = np.random.default_rng(seed).integers(0, top + 1, shape)
    values[:, 1::2] = values[:, : values[:, 1::2].shape[1] * 2 : 2]
    return values


def add(name: str, data: bytes, values: np.ndarray, to: list[dict] = cases, **more: object) -> None:
    if values.dtype == np.float32:
        kind = "<f4"
    elif values.dtype.kind == "f" or values.min() < 0 or values.max() > 65535:
        kind = "<f8"
    else:
        kind = "<u2" if values.max() > 255 else "|u1"
    to.append(
        {
            "name": name,
            "file": base64.b64encode(data).decode(),
            "width": values.shape[1],
            "height": values.shape[0],
            "channels": 1 if values.ndim == 2 else values.shape[2],
            "dtype": kind,
            "values": base64.b64encode(values.astype(kind).tobytes()).decode(),
            **more,
        }
    )


def pngs() -> None:
    for interlace in (False, True):
        tail = " interlaced" if interlace else ""
        for bits in (1, 2, 4, 8, 16):
            grey = noise((HEIGHT, WIDTH), 2**bits - 1, bits)
            out = io.BytesIO()
            png.Writer(WIDTH, HEIGHT, greyscale=True, bitdepth=bits, interlace=interlace).write(
                out, grey.tolist()
            )
            add(f"png grey {bits}{tail}", out.getvalue(), grey, bits=bits)
        for bits in (8, 16):
            for channels in (2, 3, 4):
                values = noise((HEIGHT, WIDTH, channels), 2**bits - 1, bits + channels)
                out = io.BytesIO()
                writer = png.Writer(
                    WIDTH,
                    HEIGHT,
                    greyscale=channels == 2,
                    alpha=channels != 3,
                    bitdepth=bits,
                    interlace=interlace,
                )
                writer.write(out, values.reshape(HEIGHT, -1).tolist())
                add(f"png {channels} channels {bits}{tail}", out.getvalue(), values, bits=bits)
        for bits in (1, 2, 4, 8):
            n = min(2**bits, 20)
            palette = [(i * 11 % 256, i * 37 % 256, 255 - i) for i in range(n)]
            index = noise((HEIGHT, WIDTH), n - 1, 40 + bits)
            out = io.BytesIO()
            png.Writer(WIDTH, HEIGHT, palette=palette, bitdepth=bits, interlace=interlace).write(
                out, index.tolist()
            )
            upright = np.asarray(palette, np.uint8)[index]
            add(f"png palette {bits}{tail}", out.getvalue(), index, bits=bits, upright=b64(upright))
    smooth = (np.add.outer(np.arange(20), np.arange(21))[..., None] * [1, 2, 3] % 256).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(smooth).save(out, "PNG")
    add("png by Pillow, all filters", out.getvalue(), smooth, bits=8)


def b64(values: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(values, dtype=np.uint8).tobytes()).decode()


def jpegs() -> None:
    rng = np.random.default_rng(5)
    image = np.asarray(Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize((45, 31)))
    for name, options in {
        "jpeg 4:2:0": {"quality": 80},
        "jpeg 4:4:4": {"quality": 95, "subsampling": 0},
        "jpeg 4:2:2 progressive": {"quality": 70, "subsampling": 1, "progressive": True},
    }.items():
        out = io.BytesIO()
        Image.fromarray(image).save(out, "JPEG", **options)
        add(name, out.getvalue(), np.asarray(Image.open(out)), bits=8)
    out = io.BytesIO()
    Image.fromarray(image).convert("L").save(out, "JPEG")
    add("jpeg grey", out.getvalue(), np.asarray(Image.open(out)), bits=8)


def webps() -> None:
    values = noise((HEIGHT, WIDTH, 4), 255, 77).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(values).save(out, "WEBP", lossless=True, exact=True)
    add("webp lossless", out.getvalue(), values, bits=8)
    out = io.BytesIO()
    Image.fromarray(values[..., :3]).save(out, "WEBP", quality=90)
    decoded = np.asarray(Image.open(out).convert("RGBA"))
    add("webp lossy", out.getvalue(), decoded, bits=8)


def tiffs() -> None:
    for compression in (None, "lzw", "zlib", "packbits"):
        for bits, kind in ((8, np.uint8), (16, np.uint16)):
            for channels in (1, 3, 4):
                shape = (20, 21) if channels == 1 else (20, 21, channels)
                values = noise(shape, 2**bits - 1, bits + channels).astype(kind)
                out = io.BytesIO()
                photometric = "minisblack" if channels == 1 else "rgb"
                options = {"rowsperstrip": 8, "compression": compression, "photometric": photometric}
                if channels == 4:
                    options["extrasamples"] = ["unassalpha"]
                tifffile.imwrite(out, values, **options)
                add(f"tiff {bits} bits {channels} channels {compression}", out.getvalue(), values, bits=bits)
    values = noise((20, 21, 3), 255, 9).astype(np.uint8)
    for name, options in {
        "tiff tiles": {"tile": (16, 16)},
        "tiff tiles lzw predictor": {"tile": (16, 16), "compression": "lzw", "predictor": True},
        "tiff planes": {"planarconfig": "separate"},
        "tiff zlib predictor": {"compression": "zlib", "predictor": True},
        "tiff big-endian": {"byteorder": ">"},
    }.items():
        out = io.BytesIO()
        image = np.moveaxis(values, 2, 0) if "planarconfig" in options else values
        tifffile.imwrite(out, image, photometric="rgb", **options)
        add(name, out.getvalue(), values, bits=8)
    wide = noise((20, 21), 65535, 10).astype(np.uint16)
    out = io.BytesIO()
    tifffile.imwrite(out, wide, byteorder=">", compression="lzw", predictor=True)
    add("tiff 16 big-endian lzw predictor", out.getvalue(), wide, bits=16)
    real = np.random.default_rng(3).normal(size=(HEIGHT, WIDTH)).astype(np.float32)
    out = io.BytesIO()
    tifffile.imwrite(out, real)
    add("tiff float", out.getvalue(), real, bits=32)
    bits1 = noise((HEIGHT, WIDTH), 1, 12).astype(bool)
    out = io.BytesIO()
    Image.fromarray(bits1).save(out, "TIFF")
    add("tiff 1 bit by Pillow", out.getvalue(), bits1.astype(np.uint8), bits=1)
    out = io.BytesIO()
    white = values[..., 0]
    tifffile.imwrite(out, white, photometric="miniswhite")
    upright = b64(np.repeat(255 - white[..., None], 3, axis=2))
    add("tiff white is zero", out.getvalue(), white, bits=8, isWhiteZero=True, upright=upright)
    index = noise((HEIGHT, WIDTH), 3, 13).astype(np.uint8)
    colours = np.zeros((3, 256), np.uint16)
    colours[:, :4] = np.array([[0, 255, 10, 7], [0, 0, 20, 8], [0, 128, 30, 9]]) * 257
    out = io.BytesIO()
    tifffile.imwrite(out, index, photometric="palette", colormap=colours)
    add("tiff palette", out.getvalue(), index, bits=8, upright=b64((colours // 257).T[index]))
    # A long run makes LZW fill its table and clear it.
    long = np.random.default_rng(8).integers(0, 256, (60, 80)).astype(np.uint8)
    out = io.BytesIO()
    tifffile.imwrite(out, long, compression="lzw", rowsperstrip=60)
    add("tiff lzw, table full", out.getvalue(), long, bits=8)


def tiff(name: str, values: np.ndarray, to: list[dict] = rare, stored: np.ndarray | None = None, **options: object) -> None:
    """A case of tifffile's. `bits`, `hasAlpha` and `isWhiteZero` of the options are what the reader must say."""
    facts = {key: options.pop(key) for key in ("bits", "hasAlpha", "isWhiteZero", "upright") if key in options}
    facts.setdefault("bits", values.dtype.itemsize * 8)
    out = io.BytesIO()
    tifffile.imwrite(out, values, **options)
    add(f"tiff {name}", out.getvalue(), values if stored is None else stored, to, **facts)


def sample_types() -> None:
    """Bands, signed and wide integers, floats, and the predictors for them."""
    rng = np.random.default_rng(21)
    grey = {"photometric": "minisblack"}
    bands = rng.integers(0, 4000, (HEIGHT, WIDTH, 5)).astype(np.uint16)
    tiff("5 bands", bands, planarconfig="contig", **grey)
    tiff("5 bands in planes", np.moveaxis(bands, 2, 0), stored=bands, planarconfig="separate", **grey)
    tiff("2 channels", bands[..., :2].astype(np.uint8), planarconfig="contig", **grey)
    options = {"planarconfig": "contig", "extrasamples": ["unassalpha"], "hasAlpha": True}
    tiff("grey and alpha", bands[..., :2].astype(np.uint8), **options, **grey)
    tiff("red, green, blue, near infrared", bands[..., :4], photometric="rgb", extrasamples=["unspecified"])
    for kind in (np.int8, np.int16, np.int32, np.int64, np.uint32, np.uint64):
        info = np.iinfo(kind)
        low, high = max(info.min, -(2**53)), min(info.max, 2**53)
        values = rng.integers(low, high, (HEIGHT, WIDTH), dtype=kind, endpoint=True)
        tiff(np.dtype(kind).name, values)
        tiff(f"{np.dtype(kind).name} big-endian, differences", values, byteorder=">", compression="zlib", predictor=2)
    for kind in (np.float16, np.float32, np.float64):
        values = (rng.normal(size=(HEIGHT, WIDTH, 3)) * 1000).astype(kind)
        values[0, :4, 0] = np.nan, np.inf, -np.inf, -0.0
        wide = values.astype(np.float32) if kind == np.float16 else values
        tiff(np.dtype(kind).name, values, stored=wide, photometric="rgb")
        options = {"byteorder": ">", "tile": (16, 16), "compression": "zlib", "predictor": 3, "photometric": "rgb"}
        tiff(f"{np.dtype(kind).name} big-endian, differences", values, stored=wide, **options)
    wide = rng.integers(0, 4096, (HEIGHT, WIDTH)).astype(np.uint16)
    tiff("12 bits", wide, bits=12, photometric="minisblack", bitspersample=12)


def containers() -> None:
    """BigTIFF, the codecs that other formats bring, and CMYK."""
    rgb = noise((20, 21, 3), 255, 31).astype(np.uint8)
    for order, name in (("<", "little"), (">", "big")):
        tiff(f"BigTIFF, {name}-endian", rgb, bigtiff=True, byteorder=order, photometric="rgb", rowsperstrip=7)
    tiff("zstd", rgb, photometric="rgb", compression="zstd", rowsperstrip=7)
    wide = noise((20, 21), 65535, 32).astype(np.uint16)
    tiff("zstd differences", wide, compression="zstd", predictor=2, tile=(16, 16))
    smooth = np.asarray(Image.fromarray(rgb[:6, :8]).resize((40, 26)))
    for name, image, options in (
        ("RGB", smooth, {"photometric": "rgb"}),
        ("YCbCr", smooth, {"photometric": "ycbcr", "subsampling": (2, 2), "tile": (32, 32)}),
        ("grey", smooth[..., 0], {"rowsperstrip": 16}),
    ):
        out = io.BytesIO()
        tifffile.imwrite(out, image, compression="jpeg", compressionargs={"level": 90}, **options)
        add(f"tiff jpeg {name}", out.getvalue(), tifffile.imread(io.BytesIO(out.getvalue())), rare, bits=8, lossy=True)
    out = io.BytesIO()
    Image.fromarray(smooth).save(out, "TIFF", compression="jpeg")
    add("tiff jpeg by Pillow, with shared tables", out.getvalue(), np.asarray(Image.open(out)), rare, bits=8, lossy=True)
    tiff("webp", smooth, photometric="rgb", compression="webp", compressionargs={"lossless": True})
    inks = noise((HEIGHT, WIDTH, 4), 255, 33).astype(np.uint8)
    colours = np.asarray(Image.fromarray(inks, "CMYK").convert("RGB"))
    tiff("CMYK", inks, stored=colours, photometric="separated")
    for name, options in (("CMYK", {}), ("CMYK progressive", {"progressive": True})):
        out = io.BytesIO()
        Image.fromarray(smooth).convert("CMYK").save(out, "JPEG", quality=95, **options)
        colours = np.asarray(Image.open(out).convert("RGB"))
        add(f"jpeg {name}", out.getvalue(), colours, rare, bits=8, lossy=True, within=2)
    # Slowly changing colours: the reader repeats halved chroma where libjpeg interpolates.
    slow = np.dstack(np.broadcast_arrays(*np.ogrid[:26, 40:80], np.float64(90))).astype(np.uint8) * [3, 2, 1]
    inks = np.dstack([slow, np.full(slow.shape[:2], 200)]).astype(np.uint8)
    data = imagecodecs.jpeg8_encode(inks, level=95, colorspace="CMYK", outcolorspace="YCCK")
    colours = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    add("jpeg YCCK", data, colours, rare, bits=8, lossy=True, within=3)
    for directory in (False, True):
        name = f"in directories, {16 if directory else 8} bits"
        planes = noise((2, HEIGHT, WIDTH), 255, 34).astype(np.uint16 if directory else np.uint8)
        options = {"imagej": True, "metadata": {"axes": "CYX"}}
        if directory:
            options["compression"] = "zlib"
        tiff(f"ImageJ, 2 channels {name}", planes, stored=np.moveaxis(planes, 0, 2), **options)


def bitmaps() -> None:
    """BMP and GIF by Pillow."""
    rgb = noise((HEIGHT, WIDTH, 3), 255, 51).astype(np.uint8)
    grey = rgb[..., 0]
    index = np.arange(HEIGHT * WIDTH, dtype=np.uint8).reshape(HEIGHT, WIDTH) % 16
    colours = [(i * 11 % 256, i * 37 % 256, 255 - i) for i in range(256)]
    for kind in ("BMP", "GIF"):
        for name, image in {
            "grey": Image.fromarray(grey),
            "palette": paletted(index, colours[:16] if kind == "GIF" else colours),
            "black and white": Image.fromarray(grey > 127),
            "RGB": Image.fromarray(rgb),
            "RGBA": Image.fromarray(np.dstack([rgb, grey])),
        }.items():
            if kind == "GIF" and name.startswith("RGB"):
                continue
            out = io.BytesIO()
            image.save(out, kind)
            again = Image.open(out)
            upright = b64(np.asarray(again.convert("RGB")))
            values = np.asarray(again).astype(np.uint8)
            bits = 8
            if kind == "BMP" and name == "black and white":
                bits = 1
            if kind == "GIF" and name == "palette":
                values = index
            if kind == "GIF" and name == "black and white":
                values = (grey > 127).astype(np.uint8) * (255 if values.max() > 1 else 1)
            add(f"{kind.lower()} {name}", out.getvalue(), values, rare, bits=bits, upright=upright)
    many = np.random.default_rng(52).integers(0, 256, (90, 70)).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(many).save(out, "GIF", interlace=0)
    add("gif not interlaced, table full", out.getvalue(), many, rare, bits=8)


def paletted(index: np.ndarray, colours: list[tuple[int, int, int]]) -> Image.Image:
    image = Image.fromarray(index)
    image.putpalette([value for colour in colours for value in colour])
    return image


def medical() -> None:
    """NIfTI by nibabel, whose first axis is x, and DICOM by pydicom."""
    rng = np.random.default_rng(61)
    for kind in (np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64):
        values = (rng.normal(size=(HEIGHT, WIDTH)) * 100).astype(np.int64).astype(kind)
        bits = values.dtype.itemsize * 8
        image = nibabel.Nifti1Image(values.T, None, dtype=kind)
        add(f"nifti {values.dtype.name}", image.to_bytes(), values, rare, bits=bits)
    values = (rng.normal(size=(HEIGHT, WIDTH)) * 100).astype(np.int16)
    add("nifti 2", nibabel.Nifti2Image(values.T, None).to_bytes(), values, rare, bits=16)
    header = nibabel.Nifti1Header(endianness=">")
    header.set_data_dtype(">i2")
    big = nibabel.Nifti1Image(values.T.astype(">i2"), None, header)
    add("nifti big-endian, packed", gzip.compress(big.to_bytes(), mtime=0), values, rare, bits=16)
    both = np.stack([values, -values], axis=-1)
    many = nibabel.Nifti1Image(both.transpose(1, 0, 2)[:, :, None], None)
    add("nifti of two contrasts", many.to_bytes(), both, rare, bits=16)
    scaled = nibabel.Nifti1Image(values.T, None)
    data = bytearray(scaled.to_bytes())
    struct.pack_into("<ff", data, 112, 2.0, -1024.0)
    add("nifti scaled", bytes(data), (values * 2.0 - 1024).astype(np.float32), rare, bits=16)
    for name, signed, syntax, photometric in (
        ("explicit", True, pydicom.uid.ExplicitVRLittleEndian, "MONOCHROME2"),
        ("implicit", True, pydicom.uid.ImplicitVRLittleEndian, "MONOCHROME2"),
        ("unsigned, big-endian", False, pydicom.uid.ExplicitVRBigEndian, "MONOCHROME1"),
    ):
        stored = np.clip(values, -2047, 2047) if signed else np.abs(values).astype(np.uint16)
        data = dicom(stored, syntax, photometric, 12 if signed else 16)
        known = stored.astype(np.int64) * 2 - 1024 if signed else stored
        white = {} if photometric == "MONOCHROME2" else {"isWhiteZero": True}
        add(f"dicom {name}", data, known, rare, bits=12 if signed else 16, **white)
    rgb = noise((HEIGHT, WIDTH, 3), 255, 62).astype(np.uint8)
    add("dicom RGB", dicom(rgb, pydicom.uid.ExplicitVRLittleEndian, "RGB", 8), rgb, rare, bits=8, upright=b64(rgb))


def dicom(values: np.ndarray, syntax: str, photometric: str, bits: int) -> bytes:
    file = pydicom.Dataset()
    file.file_meta = pydicom.dataset.FileMetaDataset()
    file.file_meta.TransferSyntaxUID = syntax
    file.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    file.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    file.file_meta.ImplementationClassUID = "1.2.3.4"
    file.Rows, file.Columns = values.shape[:2]
    file.SamplesPerPixel = 1 if values.ndim == 2 else 3
    file.PhotometricInterpretation = photometric
    if values.ndim == 3:
        file.PlanarConfiguration = 0
    file.BitsAllocated = values.dtype.itemsize * 8
    file.BitsStored = bits
    file.HighBit = bits - 1
    file.PixelRepresentation = int(values.dtype.kind == "i")
    if values.dtype.kind == "i":
        file.RescaleSlope, file.RescaleIntercept = "2", "-1024"
        file.WindowCenter, file.WindowWidth = ["40", "600"], ["400", "1500"]
        # Bits above the stored ones hold an overlay.
        values = (values.astype(np.uint16) & 0xFFF) | 0xA000
    stored = values.astype(values.dtype.newbyteorder(">" if syntax.endswith(".2.2") else "<"))
    data = stored.tobytes() + bytes(stored.nbytes % 2)
    file.add_new(0x7FE00010, "OW" if file.BitsAllocated > 8 else "OB", data)
    out = io.BytesIO()
    file.save_as(out, enforce_file_format=True)
    return out.getvalue()


stacks: list[dict] = []
"""What goes into stacks.json: files of several images, and the values of each, interleaved."""


def stack(name: str, data: bytes, pages: np.ndarray) -> None:
    """pages: [page, height, width] or [page, height, width, channel]."""
    cases: list[dict] = []
    for page in pages:
        add("", b"", page, cases)
    first = {key: cases[0][key] for key in ("width", "height", "channels", "dtype")}
    values = [case["values"] for case in cases]
    stacks.append({"name": name, "file": base64.b64encode(data).decode(), **first, "pages": values})


def tiff_stacks() -> None:
    planes = noise((3, HEIGHT, WIDTH), 255, 41).astype(np.uint8)
    wide = noise((3, HEIGHT, WIDTH), 65535, 42).astype(np.uint16)
    wide[:, 0, 0] = 65535

    def written(values: np.ndarray, **options: object) -> bytes:
        out = io.BytesIO()
        tifffile.imwrite(out, values, **options)
        return out.getvalue()

    def behind_one(values: np.ndarray, axes: str) -> bytes:
        """As ImageJ itself writes it: the directories of all planes but the first are left out."""
        data = written(values, imagej=True, metadata={"axes": axes})
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            start = file.pages[0].dataoffsets[0]
            link = file.pages[0].offset + 2 + 12 * len(file.pages[0].tags)
        return data[:link] + bytes(4) + data[link + 4 : start + values.nbytes]

    grey = {"photometric": "minisblack"}
    stack("a TIFF of three pages", written(wide, compression="zlib", **grey), wide)
    options = {"bigtiff": True, "byteorder": ">", "compression": "lzw", "predictor": 2, "rowsperstrip": 4}
    stack("a BigTIFF of three pages", written(wide, **options, **grey), wide)
    stack("an ImageJ stack behind one directory", behind_one(planes, "ZYX"), planes)
    both = noise((2, 2, HEIGHT, WIDTH), 255, 43).astype(np.uint8)
    data = behind_one(both, "ZCYX")
    stack("an ImageJ stack of two slices with two channels", data, np.moveaxis(both, 1, 3))
    data = behind_one(both[0], "CYX")
    stack("an ImageJ image of two channels behind one directory", data, np.moveaxis(both[:1], 1, 3))
    wide_both = both.astype(np.uint16) * 257
    wide_both[:, :, 0, 0] = 65535
    data = written(wide_both, imagej=True, compression="zlib", metadata={"axes": "ZCYX"})
    stack("the same in directories", data, np.moveaxis(wide_both, 1, 3))
    rgb = noise((2, HEIGHT, WIDTH, 3), 255, 44).astype(np.uint8)
    stack("an ImageJ stack in RGB", behind_one(rgb, "ZYXS"), rgb)
    stack("pages in tiles and planes", written(rgb.transpose(0, 3, 1, 2), planarconfig="separate", tile=(16, 16), photometric="rgb"), rgb)
    stack("a TIFF of shape (1, height, width)", written(planes[:1], **grey), planes[:1])
    volume = wide.astype(np.int32)
    data = nibabel.Nifti1Image(volume.transpose(2, 1, 0), None).to_bytes()
    stack("a NIfTI volume", gzip.compress(data, mtime=0), wide)
    labels = planes % 3
    stack("a NIfTI volume of labels", nibabel.Nifti2Image(labels.transpose(2, 1, 0), None).to_bytes(), labels)
    data = nibabel.Nifti1Image(both.transpose(3, 2, 0, 1), None).to_bytes()
    stack("a NIfTI volume of two contrasts", data, np.moveaxis(both, 1, 3))
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        for page in planes[:2]:
            writer.write(page, **grey)
            writer.write(page[::2, ::2], subfiletype=1, **grey)
    stack("pages with thumbnails", out.getvalue(), planes[:2])
    out = io.BytesIO()
    with tifffile.TiffWriter(out, ome=True) as writer:
        writer.write(planes[0], subifds=1, **grey)
        writer.write(planes[0, ::2, ::2], subfiletype=1, **grey)
    stack("an OME pyramid", out.getvalue(), planes[:1])
    stack("an OME-TIFF of two slices with two channels", written(both, ome=True, metadata={"axes": "ZCYX"}, **grey), np.moveaxis(both, 1, 3))
    data = written(both.swapaxes(0, 1), ome=True, metadata={"axes": "CZYX"}, **grey)
    stack("an OME-TIFF with the slices of one channel after another", data, np.moveaxis(both, 1, 3))
    stack("an OME-TIFF of three channels", written(planes, ome=True, metadata={"axes": "CYX"}, **grey), np.moveaxis(planes[None], 1, 3))


def orientations() -> None:
    values = np.arange(6 * 4 * 3, dtype=np.uint8).reshape(4, 6, 3) * 3
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        for kind, options in {"PNG": {}, "WEBP": {"lossless": True}, "TIFF": {}}.items():
            out = io.BytesIO()
            Image.fromarray(values).save(out, kind, exif=exif, **options)
            upright = transposed(values, orientation)
            stored = (
                values if kind != "WEBP" else np.dstack([values, np.full(values.shape[:2], 255, np.uint8)])
            )
            add(
                f"{kind.lower()} orientation {orientation}",
                out.getvalue(),
                stored,
                bits=8,
                upright=b64(upright),
            )
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.kron(values, np.ones((8, 8, 1), np.uint8))).save(out, "JPEG", exif=exif)
    stored = np.asarray(Image.open(out))
    add("jpeg orientation 6", out.getvalue(), stored, bits=8, upright=b64(transposed(stored, 6)))


def transposed(values: np.ndarray, orientation: int) -> np.ndarray:
    """What Pillow's ImageOps.exif_transpose does."""
    ways = [
        None,
        Image.Transpose.FLIP_LEFT_RIGHT,
        Image.Transpose.ROTATE_180,
        Image.Transpose.FLIP_TOP_BOTTOM,
        Image.Transpose.TRANSPOSE,
        Image.Transpose.ROTATE_270,
        Image.Transpose.TRANSVERSE,
        Image.Transpose.ROTATE_90,
    ]
    way = ways[orientation - 1]
    return values if way is None else np.asarray(Image.fromarray(values).transpose(way))


def main() -> None:
    for part in (pngs, jpegs, webps, tiffs, sample_types, containers, bitmaps, medical, tiff_stacks, orientations):
        part()
    for name, content in (("images.json", cases), ("formats.json", rare), ("stacks.json", stacks)):
        path = pathlib.Path(__file__).with_name(name)
        path.write_text("[\n" + ",\n".join(json.dumps(case) for case in content) + "\n]\n")
        print(name, len(content), "cases,", path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
