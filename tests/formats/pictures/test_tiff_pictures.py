"""TIFF: pages, samples, byte orders, compressions and the pixel size."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_medread.errors import UnreadableFile
from napari_medread.formats.pictures import picture_reader

RNG = np.random.default_rng(0)


def pixels(shape, dtype):
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return RNG.normal(size=shape).astype(dtype)
    if dtype.kind == "b":
        return RNG.random(shape) > 0.5
    return RNG.integers(0, np.iinfo(dtype).max, shape, dtype)


def read(path):
    (volume,) = picture_reader.read(path)
    return volume


PLAIN = {
    "grey": ((20, 30), "u1", {}, False),
    "deep grey": ((20, 30), "u2", {}, False),
    "signed": ((20, 30), "i2", {}, False),
    "32 bits": ((20, 30), "i4", {}, False),
    "float": ((20, 30), "f4", {}, False),
    "double": ((20, 30), "f8", {}, False),
    "rgb": ((20, 30, 3), "u1", {"photometric": "rgb"}, True),
    "rgba": ((20, 30, 4), "u1", {"photometric": "rgb", "extrasamples": ["unassalpha"]}, True),
    "deep rgb": ((20, 30, 3), "u2", {"photometric": "rgb"}, True),
    "deflated": ((20, 30), "u2", {"compression": "zlib"}, False),
    "deflated with a predictor": ((20, 30), "u2", {"compression": "zlib", "predictor": 2}, False),
    "tiles": ((50, 70), "u2", {"tile": (16, 32)}, False),
    "deflated tiles": ((50, 70, 3), "u1", {"tile": (16, 16), "compression": "zlib"}, True),
    "one row": ((1, 30), "u1", {}, False),
    "one column": ((20, 1), "u1", {}, False),
    "one pixel": ((1, 1), "u2", {}, False),
    "big tiff": ((20, 30), "u2", {"bigtiff": True}, False),
}


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(("shape", "dtype", "options", "rgb"), PLAIN.values(), ids=PLAIN)
def test_single_pages(tmp_path, order, shape, dtype, options, rgb):
    expected = pixels(shape, dtype)
    tifffile.imwrite(tmp_path / "a.tif", expected, byteorder=order, **options)
    volume = read(tmp_path / "a.tif")
    assert np.array_equal(volume.data, expected)
    assert volume.data.dtype == np.dtype(dtype)
    assert volume.data.dtype.isnative
    assert volume.rgb == rgb
    assert volume.leading == ()


def test_one_bit(tmp_path):
    bits = pixels((20, 30), bool)
    tifffile.imwrite(tmp_path / "a.tif", bits)
    volume = read(tmp_path / "a.tif")
    assert np.array_equal(volume.data, bits.astype(np.uint8))
    assert volume.data.dtype == np.uint8


@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_planes_of_colour_one_after_the_other(tmp_path, dtype):
    planes = pixels((3, 20, 30), dtype)
    tifffile.imwrite(tmp_path / "a.tif", planes, photometric="rgb", planarconfig="separate")
    volume = read(tmp_path / "a.tif")
    assert np.array_equal(volume.data, np.moveaxis(planes, 0, -1))
    assert volume.rgb


SAMPLES = {
    "two grey": ((20, 30, 2), "u1", {"photometric": "minisblack", "planarconfig": "contig"}),
    "five grey": ((20, 30, 5), "u2", {"photometric": "minisblack", "planarconfig": "contig"}),
    "rgb of floats": ((20, 30, 3), "f4", {"photometric": "rgb"}),
    "printing inks": ((20, 30, 4), "u1", {"photometric": "separated"}),
    "Lab": ((20, 30, 3), "u1", {"photometric": "cielab"}),
}


@pytest.mark.parametrize(("shape", "dtype", "options"), SAMPLES.values(), ids=SAMPLES)
def test_other_samples_are_channels(tmp_path, shape, dtype, options):
    expected = pixels(shape, dtype)
    tifffile.imwrite(tmp_path / "a.tif", expected, **options)
    volume = read(tmp_path / "a.tif")
    assert np.array_equal(volume.data, np.moveaxis(expected, -1, 0))
    assert volume.axis_labels == ("channel", "row", "column")
    assert not volume.rgb


def test_values_that_count_from_white_are_shown_so_and_not_changed(tmp_path):
    expected = pixels((20, 30), "u1")
    tifffile.imwrite(tmp_path / "a.tif", expected, photometric="miniswhite")
    volume = read(tmp_path / "a.tif")
    assert volume.inverted
    assert np.array_equal(volume.data, expected)


@pytest.mark.parametrize("compression", [None, "tiff_deflate", "tiff_lzw"])
def test_palette_is_applied(tmp_path, compression):
    index = pixels((20, 30), "u1") % 4
    image = Image.fromarray(index)
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
    image.save(tmp_path / "a.tif", compression=compression)
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [9, 9, 9]], np.uint8)
    volume = read(tmp_path / "a.tif")
    assert np.array_equal(volume.data, colours[index])
    assert volume.rgb


STACKS = {
    "pages": ((4, 20, 30), {"photometric": "minisblack"}, ("page",)),
    "pages of colour": ((4, 20, 30, 3), {"photometric": "rgb"}, ("page",)),
    "ImageJ slices": ((4, 20, 30), {"imagej": True, "metadata": {"axes": "ZYX"}}, ("slice",)),
    "ImageJ times": ((4, 20, 30), {"imagej": True, "metadata": {"axes": "TYX"}}, ("time",)),
    "ImageJ channels": ((2, 20, 30), {"imagej": True, "metadata": {"axes": "CYX"}}, ("channel",)),
    "ImageJ hyperstack": (
        (3, 4, 2, 20, 30),
        {"imagej": True, "metadata": {"axes": "TZCYX"}},
        ("time", "slice", "channel"),
    ),
    "ImageJ colour": (
        (4, 20, 30, 3),
        {"imagej": True, "metadata": {"axes": "ZYXS"}},
        ("slice",),
    ),
}


@pytest.mark.parametrize(("shape", "options", "labels"), STACKS.values(), ids=STACKS)
def test_stacks(tmp_path, shape, options, labels):
    expected = pixels(shape, "u1")
    tifffile.imwrite(tmp_path / "a.tif", expected, **options)
    volume = read(tmp_path / "a.tif")
    assert np.array_equal(volume.data, expected)
    assert volume.axis_labels == (*labels, "row", "column")


def test_pages_of_other_sizes_are_named_in_a_note(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(pixels((20, 30), "u1"))
        file.write(pixels((5, 6), "u1"))
    volume = read(tmp_path / "a.tif")
    assert volume.shape == (20, 30)
    assert volume.notes[0] == "Another picture in the file has a different size: not opened."


@pytest.mark.parametrize(
    ("resolution", "unit", "spacing"),
    [
        ((254, 254), "INCH", (0.1, 0.1)),
        ((254, 127), "INCH", (0.2, 0.1)),  # x, y: rows are as far apart as YResolution says
        ((100, 50), "CENTIMETER", (0.2, 0.1)),
        ((72, 72), "INCH", None),
        ((96, 96), "INCH", None),
        ((28.35, 28.35), "CENTIMETER", None),  # 72 dpi
        ((72, 144), "INCH", (0.17638, 0.35278)),
        ((300, 300), "NONE", None),
        ((0, 0), "INCH", None),
    ],
)
def test_pixel_size(tmp_path, resolution, unit, spacing):
    tifffile.imwrite(
        tmp_path / "a.tif", pixels((20, 30), "u1"), resolution=resolution, resolutionunit=unit
    )
    geometry = read(tmp_path / "a.tif").geometry
    if spacing is None:
        assert geometry is None
    else:
        assert geometry.spacing == pytest.approx(spacing, rel=1e-3)


@pytest.mark.parametrize(
    ("metadata", "spacing", "slices"),
    [
        ({"unit": "mm", "spacing": 2.5}, (0.5, 0.25), ("mm", 2.5)),
        ({"unit": "micron", "spacing": 3}, (0.0005, 0.00025), ("mm", 0.003)),
        ({"unit": "um", "spacing": 3}, (0.0005, 0.00025), ("mm", 0.003)),
        ({"unit": "\\u00B5m", "spacing": 3}, (0.0005, 0.00025), ("mm", 0.003)),
        ({"unit": "cm", "spacing": -1}, (5, 2.5), ("mm", 10)),
        ({"unit": "mm"}, (0.5, 0.25), ("pixel", 1)),
        ({"unit": "mm", "spacing": 0}, (0.5, 0.25), ("pixel", 1)),
        ({"unit": "pixel", "spacing": 3}, None, ("pixel", 1)),
        ({"spacing": 3}, None, ("pixel", 1)),
    ],
)
def test_voxel_size_of_imagej_stacks(tmp_path, metadata, spacing, slices):
    tifffile.imwrite(
        tmp_path / "a.tif",
        pixels((3, 20, 30), "u1"),
        imagej=True,
        resolution=(4, 2),
        metadata={"axes": "ZYX", **metadata},
    )
    volume = read(tmp_path / "a.tif")
    (axis,) = volume.leading
    assert (axis.unit, axis.step) == (slices[0], pytest.approx(slices[1]))
    assert (volume.geometry and volume.geometry.spacing) == (spacing and pytest.approx(spacing))


PILLOWS = {
    "grey": (pixels((20, 30), "u1"), "tiff_lzw"),
    "deep grey": (pixels((20, 30), "u2"), "tiff_lzw"),
    "colour": (pixels((20, 30, 3), "u1"), "tiff_lzw"),
    "packed bits": (pixels((20, 30), "u1"), "packbits"),
    "fax": (pixels((20, 30), bool), "group4"),
}


@pytest.mark.parametrize(("expected", "compression"), PILLOWS.values(), ids=PILLOWS)
def test_compressions_that_pillow_knows(tmp_path, expected, compression):
    Image.fromarray(expected).save(tmp_path / "a.tif", compression=compression)
    volume = read(tmp_path / "a.tif")
    shown = 1 - volume.data if volume.inverted else volume.data
    assert np.array_equal(shown, expected)


def test_pages_of_a_compression_that_pillow_knows(tmp_path):
    pages = pixels((3, 20, 30), "u2")
    first, *rest = (Image.fromarray(page) for page in pages)
    first.save(tmp_path / "a.tif", compression="tiff_lzw", save_all=True, append_images=rest)
    volume = read(tmp_path / "a.tif")
    assert np.array_equal(volume.data, pages)
    assert volume.axis_labels == ("page", "row", "column")


def test_jpeg_in_tiff_is_what_pillow_makes_of_it(tmp_path):
    smooth = np.add.outer(np.arange(32), np.arange(48)).astype(np.uint8)
    image = Image.fromarray(np.stack([smooth, smooth[::-1], smooth // 2], axis=-1))
    image.save(tmp_path / "a.tif", compression="jpeg")
    with Image.open(tmp_path / "a.tif") as again:
        expected = np.asarray(again)
    assert np.array_equal(read(tmp_path / "a.tif").data, expected)


def test_a_missing_decoder_is_named(tmp_path):
    # Deep colour under LZW, which no encoder here can write: a plain file that says so.
    tifffile.imwrite(tmp_path / "a.tif", pixels((20, 30, 3), "u2"), photometric="rgb")
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+b") as file:
        file.pages.first.tags["Compression"].overwrite(5)
    with pytest.raises(UnreadableFile) as error:
        picture_reader.read(tmp_path / "a.tif")
    assert str(error.value) == (
        "a.tif: its LZW compression needs another package: pip install imagecodecs."
    )


def test_pages_are_read_once(tmp_path, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", pixels((5, 20, 30), "u1"), photometric="minisblack")
    reads = []
    original = tifffile.TiffPageSeries.asarray
    monkeypatch.setattr(
        tifffile.TiffPageSeries,
        "asarray",
        lambda self, **options: reads.append(self) or original(self, **options),
    )
    read(tmp_path / "a.tif")
    assert len(reads) == 1
