"""Pictures of every kind become one kind of tensor; what is no picture becomes one sentence."""

import io

import matplotlib.cbook
import numpy as np
import pytest
import torch
from PIL import Image

from linewalk import ImageError, load_image
from linewalk.images import IMAGENET_MEAN, IMAGENET_STD, denormalize


def picture(mode="RGB", size=(40, 30)):
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 4), dtype=np.uint8)
    return Image.fromarray(noise, "RGBA").convert(mode)


def encoded(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def flat(mode, colour, size=(8, 8)):
    return Image.new(mode, size, colour)


def shown(data):
    """The colour of a flat picture as `load_image` gives it, in 0…255."""
    pixels = denormalize(load_image(data, size=4))[0] * 255
    assert pixels.std((1, 2)).max() < 0.5
    return [round(channel.item()) for channel in pixels.mean((1, 2))]


@pytest.mark.parametrize("make", [
    lambda: encoded(picture(), "PNG"),
    lambda: encoded(picture(), "JPEG"),
    lambda: encoded(picture(), "WEBP"),
    lambda: encoded(picture("RGBA"), "WEBP"),
    lambda: encoded(picture("L"), "PNG"),
    lambda: encoded(picture("L"), "JPEG"),
    lambda: encoded(picture("1"), "PNG"),
    lambda: encoded(picture("LA"), "PNG"),
    lambda: encoded(picture("RGBA"), "PNG"),
    lambda: encoded(picture().quantize(16), "PNG"),
    lambda: encoded(picture().quantize(16), "PNG", transparency=3),
    lambda: encoded(picture(), "PNG", transparency=(1, 2, 3)),
    lambda: encoded(Image.fromarray(np.arange(1200, dtype=np.uint16).reshape(30, 40)), "PNG"),
    lambda: encoded(picture("CMYK"), "JPEG"),
    lambda: encoded(picture().quantize(16), "GIF"),
    lambda: encoded(picture(size=(1, 1)), "PNG"),
    lambda: encoded(picture(size=(3000, 2)), "PNG"),
    lambda: encoded(picture(size=(1, 4000)), "PNG"),
    lambda: encoded(picture(size=(2500, 1900)), "JPEG"),
])
@pytest.mark.parametrize("size", [224, 33])
def test_any_picture(make, size):
    x = load_image(make(), size)
    assert x.shape == (1, 3, size, size) and x.dtype is torch.float32 and x.isfinite().all()


def test_paths_and_streams(tmp_path):
    data = encoded(picture(), "PNG")
    path = tmp_path / "图片.png"
    path.write_bytes(data)
    results = [load_image(source) for source in (path, str(path), data, io.BytesIO(data))]
    assert all(torch.equal(x, results[0]) for x in results)


def test_the_packaged_photograph():
    x = load_image()
    with Image.open(matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)) as image:
        width, height = image.size
        side = min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        expected = image.convert("RGB").resize(
            (224, 224), Image.Resampling.BICUBIC, (left, top, left + side, top + side)
        )
    expected = torch.from_numpy(np.array(expected)).permute(2, 0, 1) / 255
    expected = (expected - torch.tensor(IMAGENET_MEAN)[:, None, None]) / torch.tensor(IMAGENET_STD)[:, None, None]
    assert x.shape == (1, 3, 224, 224) and torch.allclose(x[0], expected, atol=1e-5)
    assert not x.requires_grad and x.is_contiguous()


def test_colours():
    assert shown(encoded(flat("RGB", (10, 128, 250)), "PNG")) == [10, 128, 250]
    assert shown(encoded(flat("L", 99), "PNG")) == [99, 99, 99]
    assert shown(encoded(flat("RGBA", (200, 0, 0, 0)), "PNG")) == [255, 255, 255]  # transparent: the white paper
    assert shown(encoded(flat("RGBA", (0, 0, 0, 51)), "PNG")) == [204, 204, 204]
    assert shown(encoded(flat("LA", (0, 0)), "PNG")) == [255, 255, 255]
    assert shown(encoded(flat("P", 0), "PNG", transparency=0)) == [255, 255, 255]


def test_sixteen_bits_keep_their_range():
    ramp = np.linspace(0, 65535, 64, dtype=np.uint16)[None].repeat(64, 0)
    pixels = denormalize(load_image(encoded(Image.fromarray(ramp), "PNG"), 64))[0, 0, 0]
    assert torch.allclose(pixels, torch.linspace(0, 1, 64), atol=0.02)


def test_the_rotation_mark_is_obeyed():
    pixels = np.zeros((20, 20, 3), np.uint8)
    pixels[:10] = 255  # white above
    image = Image.fromarray(pixels)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn a quarter clockwise: the top is then on the right
    x = denormalize(load_image(encoded(image, "JPEG", exif=exif), 20))[0].mean(0)
    assert x[:, 12:].mean() > 0.9 > 0.1 > x[:, :8].mean()


def test_the_middle_is_kept():
    pixels = np.zeros((10, 30, 3), np.uint8)
    pixels[:, 10:20] = 255
    assert denormalize(load_image(encoded(Image.fromarray(pixels), "PNG"), 10)).min() > 0.9


GOOD = {kind: encoded(picture(size=(64, 64)), kind) for kind in ("PNG", "JPEG", "WEBP")}


@pytest.mark.parametrize("data", [
    b"",
    b"not a picture",
    *[GOOD[kind][: int(len(GOOD[kind]) * share)] for kind in GOOD for share in (0.01, 0.2, 0.6)],
    *[GOOD[kind][:60] + b"\xff" * 40 + GOOD[kind][100:500] for kind in GOOD],
])
def test_broken_bytes(data):
    with pytest.raises(ImageError) as caught:
        load_image(data)
    assert_both_languages(caught.value, "PNG、JPEG 或 WebP", "PNG, JPEG or WebP")


def test_broken_files(tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("卷积")
    for thing in (text, str(text), tmp_path):
        with pytest.raises(ImageError) as caught:
            load_image(thing)
        assert_both_languages(caught.value, str(thing), str(thing))
    with pytest.raises(ImageError) as caught:
        load_image(tmp_path / "missing.png")
    assert_both_languages(caught.value, "没有", "There is no file")


@pytest.mark.parametrize("thing", [5, torch.zeros(1), [1], object()])
def test_no_file_at_all(thing):
    with pytest.raises(ImageError):
        load_image(thing)


@pytest.mark.parametrize("size", [0, -5, "224", 22.4, None])
def test_a_size_that_is_none(size):
    with pytest.raises(ImageError) as caught:
        load_image(GOOD["PNG"], size=size)
    assert_both_languages(caught.value, repr(size), f"such as 224, not {size!r}")


def test_a_bomb(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(ImageError, match="bomb"):
        load_image(GOOD["PNG"])


def assert_both_languages(error, chinese, english):
    said = str(error).split("\n")
    assert len(said) == 2 and chinese in said[0] and english in said[1], said
