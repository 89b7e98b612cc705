"""PNG, JPEG, BMP and GIF: the pixels are what the test put there, or what imageio says."""

import imageio.v3 as iio
import numpy as np
import pytest
from PIL import Image

from helpers.picture_files import deep_png
from napari_medread.formats.pictures import picture_reader

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (5, 7), dtype=np.uint8)
RGB = RNG.integers(0, 256, (5, 7, 3), dtype=np.uint8)
RGBA = RNG.integers(0, 256, (5, 7, 4), dtype=np.uint8)
DEEP = RNG.integers(0, 65536, (5, 7), dtype=np.uint16)
DEEP_RGB = RNG.integers(0, 65536, (5, 7, 3), dtype=np.uint16)
DEEP_RGBA = RNG.integers(0, 65536, (5, 7, 4), dtype=np.uint16)
BITS = GREY > 127
SMOOTH = np.add.outer(np.arange(40), np.arange(60))[..., None] * np.array([1, 2, 0], np.uint8)


def read(path):
    (volume,) = picture_reader.read(path)
    return volume


def palette(transparent=None):
    image = Image.fromarray(GREY % 4).convert("L")
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
    if transparent is not None:
        image.info["transparency"] = transparent
    return image


COLOURS = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [9, 9, 9]], np.uint8)[GREY % 4]
SEE_THROUGH = np.where(GREY % 4 == 2, 0, 255).astype(np.uint8)[..., None]
GREY_ALPHA = np.stack([GREY, GREY[::-1]], axis=-1)

EXACT = {
    "grey png": ("a.png", Image.fromarray(GREY), GREY),
    "grey bmp": ("a.bmp", Image.fromarray(GREY), GREY),
    "deep grey png": ("a.png", Image.fromarray(DEEP), DEEP),
    "one bit png": ("a.png", Image.fromarray(BITS), BITS.astype(np.uint8)),
    "one bit bmp": ("a.bmp", Image.fromarray(BITS), BITS.astype(np.uint8)),
    "rgb png": ("a.png", Image.fromarray(RGB), RGB),
    "rgb bmp": ("a.bmp", Image.fromarray(RGB), RGB),
    "rgba png": ("a.PNG", Image.fromarray(RGBA), RGBA),
    "grey and alpha": (
        "a.png",
        Image.fromarray(GREY_ALPHA, "LA"),
        np.concatenate([np.repeat(GREY[..., None], 3, 2), GREY[::-1, :, None]], axis=2),
    ),
    "palette png": ("a.png", palette(), COLOURS),
    "palette bmp": ("a.bmp", palette(), COLOURS),
    "palette gif": ("a.gif", palette(), COLOURS),
    "palette with a hole": ("a.png", palette(2), np.concatenate([COLOURS, SEE_THROUGH], axis=2)),
    "grey gif": ("a.gif", Image.fromarray(GREY), GREY),
}


@pytest.mark.parametrize(("name", "image", "expected"), EXACT.values(), ids=EXACT)
def test_lossless_pictures(tmp_path, name, image, expected):
    image.save(tmp_path / name)
    volume = read(tmp_path / name)
    assert np.array_equal(volume.data, expected)
    assert volume.data.dtype == expected.dtype
    assert volume.rgb == (expected.ndim == 3)
    assert volume.units == ("pixel", "pixel")


@pytest.mark.parametrize("pixels", [DEEP_RGB, DEEP_RGBA], ids=["RGB", "RGBA"])
def test_deep_colour_png_keeps_all_its_bits(tmp_path, pixels):
    (tmp_path / "a.png").write_bytes(deep_png(pixels))
    volume = read(tmp_path / "a.png")
    assert np.array_equal(volume.data, pixels)
    assert volume.data.dtype == np.uint16
    assert volume.rgb


JPEGS = {
    "colour": SMOOTH,
    "grey": SMOOTH[..., 1],
}


@pytest.mark.parametrize("pixels", JPEGS.values(), ids=JPEGS)
@pytest.mark.parametrize("name", ["a.jpg", "a.JPEG"])
def test_jpeg(tmp_path, pixels, name):
    Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / name, dpi=(300, 300))
    volume = read(tmp_path / name)
    assert np.array_equal(volume.data, iio.imread(tmp_path / name))
    assert volume.geometry is None  # a camera's 300 dpi are nobody's millimetres


def test_jpeg_of_printing_inks_is_shown_in_rgb(tmp_path):
    Image.fromarray(SMOOTH.astype(np.uint8)).convert("CMYK").save(tmp_path / "a.jpg")
    volume = read(tmp_path / "a.jpg")
    assert np.array_equal(volume.data, iio.imread(tmp_path / "a.jpg", mode="RGB"))


@pytest.mark.parametrize("orientation", range(10))
@pytest.mark.parametrize("grey", [False, True])
def test_photographs_are_turned_as_exif_says(tmp_path, orientation, grey):
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray((SMOOTH[..., 1] if grey else SMOOTH).astype(np.uint8))
    image.save(tmp_path / "flat.jpg")
    image.save(tmp_path / "a.jpg", exif=exif)
    flat = iio.imread(tmp_path / "flat.jpg")
    turned = {
        2: flat[:, ::-1],
        3: flat[::-1, ::-1],
        4: flat[::-1],
        5: flat.swapaxes(0, 1),
        6: flat[::-1].swapaxes(0, 1),
        7: flat[::-1, ::-1].swapaxes(0, 1),
        8: flat[:, ::-1].swapaxes(0, 1),
    }.get(orientation, flat)
    assert np.array_equal(read(tmp_path / "a.jpg").data, turned)


def test_only_the_photograph_of_a_photograph_with_previews_is_read(tmp_path):
    image = Image.fromarray(SMOOTH.astype(np.uint8))
    small = image.resize((10, 10))
    image.save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[small])
    assert read(tmp_path / "a.jpg").shape == (40, 60)


def frames(count=3):
    return [Image.fromarray(np.roll(COLOURS, n, axis=0)) for n in range(count)]


@pytest.mark.parametrize("name", ["a.gif", "a.png"])
@pytest.mark.parametrize(
    ("duration", "label", "unit", "step"),
    [
        (40, "time", "s", 0.04),
        (1500, "time", "s", 1.5),
        ([40, 40, 90], "frame", "pixel", 1),
        (0, "frame", "pixel", 1),
    ],
)
def test_animations_are_a_stack(tmp_path, name, duration, label, unit, step):
    first, *rest = frames()
    first.save(tmp_path / name, save_all=True, append_images=rest, duration=duration, loop=0)
    volume = read(tmp_path / name)
    assert np.array_equal(volume.data[..., :3], np.stack([np.asarray(f) for f in frames()]))
    (axis,) = volume.leading
    assert (axis.label, axis.unit, axis.step) == (label, unit, pytest.approx(step))
    assert volume.rgb


def test_grey_animation_stays_grey(tmp_path):
    first, *rest = [Image.fromarray(np.roll(GREY, n)) for n in range(3)]
    first.save(tmp_path / "a.gif", save_all=True, append_images=rest, duration=100)
    volume = read(tmp_path / "a.gif")
    assert volume.axis_labels == ("time", "row", "column")
    assert np.array_equal(volume.data, np.stack([np.roll(GREY, n) for n in range(3)]))


@pytest.mark.parametrize(
    ("dpi", "spacing"),
    [
        ((254, 254), (0.1, 0.1)),
        ((254, 127), (0.2, 0.1)),  # x, y: half the density down, rows twice as far apart
        ((72, 144), (0.17638, 0.35278)),
        ((72, 72), None),
        ((96, 96), None),
        (None, None),
    ],
)
def test_png_pixel_size(tmp_path, dpi, spacing):
    Image.fromarray(GREY).save(tmp_path / "a.png", **({"dpi": dpi} if dpi else {}))
    geometry = read(tmp_path / "a.png").geometry
    if spacing is None:
        assert geometry is None
    else:
        assert geometry.spacing == pytest.approx(spacing, rel=1e-3)


@pytest.mark.parametrize("density", [(0, 0), (0, 5000)])
def test_impossible_png_density_is_no_pixel_size(tmp_path, density):
    (tmp_path / "a.png").write_bytes(deep_png(DEEP[..., None], per_metre=density))
    assert read(tmp_path / "a.png").geometry is None


def test_pixel_size_of_a_deep_colour_png(tmp_path):
    (tmp_path / "a.png").write_bytes(deep_png(DEEP_RGB, per_metre=(10000, 5000)))
    assert read(tmp_path / "a.png").geometry.spacing == pytest.approx((0.2, 0.1))


@pytest.mark.parametrize(
    ("pixels", "limits"),
    [
        (GREY, (0, 255)),
        (BITS.astype(np.uint8), (0, 1)),
        (np.full((5, 5), 7, np.uint8), (0, 255)),
        (RGB, None),
    ],
)
def test_contrast_limits(tmp_path, pixels, limits):
    image = Image.fromarray(pixels > 0) if pixels.max() == 1 else Image.fromarray(pixels)
    image.save(tmp_path / "a.png")
    assert read(tmp_path / "a.png").contrast_limits == limits
