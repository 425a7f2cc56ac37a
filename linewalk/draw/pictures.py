"""Pictures as text for a page: WebP by Pillow, and PNG of Python's own where there is no Pillow, as in a browser."""

import base64
import io
import struct
import zlib
from dataclasses import dataclass

try:
    from PIL import Image
except ImportError:
    Image = None

_TRUECOLOUR, _PALETTE = 2, 3  # kinds of PNG: https://www.w3.org/TR/png/#6Colour-values


@dataclass
class Picture:
    """width, height: in pixels. pixels: row after row, a byte each into `palette`, [(red, green, blue, opacity)], or
    three bytes each, RGB, where that is None."""

    width: int
    height: int
    pixels: bytes
    palette: list | None = None


def data_uri(picture, **how):
    """The picture as an address that holds it; `how`: Pillow's options for WebP."""
    if Image is None:
        return f"data:image/png;base64,{base64.b64encode(_png(picture)).decode()}"
    size = picture.width, picture.height
    if picture.palette is None:
        made = Image.frombytes("RGB", size, picture.pixels)
    else:
        made = Image.frombytes("P", size, picture.pixels)
        made.putpalette([value for colour in picture.palette for value in colour], "RGBA")
        made = made.convert("RGBA")
    stored = io.BytesIO()
    made.save(stored, "WebP", lossless=picture.palette is not None, **how)
    return "data:image/webp;base64," + base64.b64encode(stored.getvalue()).decode()


def _png(picture):
    stride = picture.width * (3 if picture.palette is None else 1)
    rows = b"".join(
        b"\0" + picture.pixels[start:start + stride] for start in range(0, len(picture.pixels), stride)
    )
    kind = _TRUECOLOUR if picture.palette is None else _PALETTE
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", picture.width, picture.height, 8, kind, 0, 0, 0))]
    if picture.palette is not None:
        chunks += [(b"PLTE", bytes(value for colour in picture.palette for value in colour[:3]))]
        chunks += [(b"tRNS", bytes(colour[3] for colour in picture.palette))]
    chunks += [(b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
