"""Photographs in, tensors out."""

import io
from importlib.resources import files
from pathlib import Path

import torch

from .errors import ImageError

# What torchvision's ImageNet models expect; the shipped features were trained with the same numbers.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
_PACKED = 224  # pixels a side of the photograph for pages, which book/python_parts.py packs


def load_image(file=None, size=224):
    """A photograph as a batch of one, ready for a ResNet.

    The shorter side is scaled to `size`, the middle is cut out square, and the channels are normalized with
    ImageNet's mean and standard deviation. Greyscale becomes three equal channels; transparency is laid on white;
    a phone's rotation mark is obeyed.

    Args:
        file: path, bytes or open file of a PNG, JPEG or WebP of any size; None takes the portrait of Grace Hopper
            that comes with matplotlib.
        size: side of the result in pixels.

    Returns:
        float32 tensor of (1, 3, size, size).

    Raises:
        ImageError: there is no such file, it is not a picture that Pillow can read, or `size` is none.
    """
    if not isinstance(size, int) or size < 1:
        raise ImageError(
            f"size 是结果的边长，要一个正整数，例如 224；拿到的是 {size!r}。",
            f"size is the side of the result in pixels, a whole number such as 224, not {size!r}.",
        )
    try:
        from PIL import Image, UnidentifiedImageError  # here, since most who walk load no picture
    except ImportError:
        return normalize(_only_photograph(file, size))
    try:
        if file is None:
            import matplotlib.cbook

            file = matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=True)
        elif isinstance(file, bytes):
            file = io.BytesIO(file)
        with Image.open(file) as image:
            pixels = _square_rgb(image, size)
    except FileNotFoundError as error:
        raise ImageError(
            f"没有 {file} 这个文件：请检查路径（现在的文件夹是 {Path.cwd()}）。",
            f"There is no file {file}: check the path (the current folder is {Path.cwd()}).",
        ) from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, AttributeError,
            Image.DecompressionBombError) as error:
        raise ImageError(
            f"{_name(file)} 读不成图片：请换一个 PNG、JPEG 或 WebP 文件（{error}）。",
            f"{_name(file)} cannot be read as a picture: use a PNG, JPEG or WebP file ({error}).",
        ) from error
    return normalize(torch.from_numpy(pixels).permute(2, 0, 1)[None].contiguous().float() / 255)


def _only_photograph(file, size):
    """The portrait as it is packed where there is no Pillow, as in a web page: RGB in 0…1."""
    packed = files("linewalk").joinpath("photograph.rgb")
    if file is not None or size != _PACKED or not packed.is_file():
        raise ImageError(
            f"这里没有 Pillow，读不了图片文件，只有书里那张照片，边长 {_PACKED}：请用 load_image()。",
            f"Without Pillow no picture can be read here; there is only the book's photograph, {_PACKED} pixels a "
            "side: call load_image().",
        )
    pixels = torch.frombuffer(bytearray(packed.read_bytes()), dtype=torch.uint8).view(_PACKED, _PACKED, 3)
    return pixels.permute(2, 0, 1)[None].contiguous().float() / 255


def normalize(pixels):
    """RGB in 0…1 to ImageNet's scale. Shapes: (N, 3, H, W) in and out."""
    return (pixels - _channels(IMAGENET_MEAN)) / _channels(IMAGENET_STD)


def denormalize(x):
    """ImageNet's scale back to RGB in 0…1. Shapes: (N, 3, H, W) in and out."""
    return (x * _channels(IMAGENET_STD) + _channels(IMAGENET_MEAN)).clamp(0, 1)


def _channels(values):
    return torch.tensor(values)[:, None, None]


def _square_rgb(image, size):
    import numpy as np
    from PIL import Image, ImageOps

    image = ImageOps.exif_transpose(image)
    if image.mode.startswith(("I", "F")):  # 16- and 32-bit greyscale: Pillow's own conversion would clip to white
        values = np.asarray(image, dtype=np.float64)
        span = np.ptp(values) or 1.0
        image = Image.fromarray(((values - values.min()) / span * 255).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = ImageOps.fit(image.convert("RGB"), (size, size), Image.Resampling.BICUBIC)
    return np.array(image)


def _name(file):
    return str(file) if isinstance(file, (str, Path)) else str(getattr(file, "name", "这个文件 / this file"))
