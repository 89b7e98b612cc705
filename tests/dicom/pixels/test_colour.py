"""Every kind of colour pixels becomes RGB (PS3.3 C.7.6.3.1.2)."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom import dcmread
from pydicom.pixels.processing import apply_color_lut
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)

from helpers.builders import make_image, save_dataset
from napari_medread.api import read
from napari_medread.errors import UnreadableFile

SHIPPED = Path(pydicom.__file__).parent / "data" / "test_files"

RGB = np.stack(np.mgrid[:6, :8], axis=-1) @ np.array([[9, 0, 30], [0, 25, 3]])
RGB = RGB.astype(np.uint8)
"""6 x 8 pixels whose three samples are all different."""

UNCOMPRESSED = [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian]


def colour(pixels, photometric="RGB", planar=0, **attributes):
    """Return a colour image of pixels as they are in the file."""
    given = {"SamplesPerPixel": 3, "PlanarConfiguration": planar, **attributes}
    return make_image(pixels, PhotometricInterpretation=photometric, Modality="SC", **given)


def one(tmp_path, ds, syntax=ExplicitVRLittleEndian):
    (volume,) = read(save_dataset(ds, tmp_path / "IM1", syntax))
    return volume


def test_colour_is_a_last_axis_and_has_no_contrast_limits(tmp_path):
    volume = one(tmp_path, colour(RGB, WindowCenter="40", WindowWidth="400"))
    assert volume.rgb
    assert (volume.data.shape, volume.data.dtype) == ((6, 8, 3), np.uint8)
    assert volume.contrast_limits is None


@pytest.mark.parametrize("syntax", UNCOMPRESSED)
@pytest.mark.parametrize("planar", [0, 1])
def test_both_planar_configurations(tmp_path, planar, syntax):
    ds = colour(RGB, planar=planar)
    if planar:
        ds.PixelData = np.moveaxis(RGB, -1, 0).tobytes()
    np.testing.assert_array_equal(one(tmp_path, ds, syntax).data, RGB)


@pytest.mark.parametrize("planar", [0, 1])
def test_colour_of_16_bits(tmp_path, planar):
    pixels = RGB.astype(np.uint16) * 257
    ds = colour(pixels, planar=planar)
    if planar:
        ds.PixelData = np.moveaxis(pixels, -1, 0).tobytes()
    volume = one(tmp_path, ds)
    assert volume.data.dtype == np.uint16
    np.testing.assert_array_equal(volume.data, pixels)


def test_colour_with_32_bits_is_refused_with_a_message(tmp_path):
    path = save_dataset(colour(RGB.astype(np.uint32)), tmp_path / "IM1")
    with pytest.raises(
        UnreadableFile, match=r"^IM1: colour with 32 bits per sample is not supported\.$"
    ):
        read(path)


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_compressed_without_loss(tmp_path, syntax):
    pixels = np.tile(RGB, (8, 8, 1))  # JPEG 2000 needs a minimum size
    path = save_dataset(colour(pixels), tmp_path / "IM1")
    ds = dcmread(path)
    ds.compress(syntax, generate_instance_uid=False)
    ds.save_as(path)
    (volume,) = read(path)
    np.testing.assert_array_equal(volume.data, pixels)


# ITU-T T.871: white, black, red, green and blue in 8-bit YCbCr.
YBR = {
    (255, 255, 255): (255, 128, 128),
    (0, 0, 0): (0, 128, 128),
    (254, 0, 0): (76, 85, 255),
    (0, 255, 1): (150, 44, 21),
    (0, 0, 254): (29, 255, 107),
}


def test_ybr_full_becomes_rgb(tmp_path):
    pixels = np.array([list(YBR.values())], np.uint8)
    volume = one(tmp_path, colour(pixels, "YBR_FULL"))
    np.testing.assert_allclose(volume.data[0], list(YBR), atol=2)


def test_ybr_full_422_becomes_rgb(tmp_path):
    # Two luminances, then the chrominance that the pair shares (PS3.3 C.7.6.3.1.2).
    red, white = YBR[254, 0, 0], YBR[255, 255, 255]
    stored = [red[0], red[0], *red[1:], white[0], white[0], *white[1:]] * 2
    ds = colour(np.zeros((2, 4, 3), np.uint8), "YBR_FULL_422")
    ds.PixelData = bytes(stored)
    expected = [[(254, 0, 0)] * 2 + [(255, 255, 255)] * 2] * 2
    np.testing.assert_allclose(one(tmp_path, ds).data, expected, atol=2)


@pytest.mark.parametrize(
    "name",
    [
        "SC_rgb_small_odd.dcm",
        "SC_rgb_small_odd_big_endian.dcm",
        "SC_rgb_small_odd_jpeg.dcm",
        "SC_rgb_rle.dcm",
        "SC_rgb_rle_16bit.dcm",
        "SC_ybr_full_422_uncompressed.dcm",
        "SC_rgb_jpeg_dcmtk.dcm",
        "SC_rgb_jpeg_gdcm.dcm",
        "SC_rgb_jpeg_lossy_gdcm.dcm",
        "SC_rgb_jpeg_app14_dcmd.dcm",
        "SC_jpeg_no_color_transform.dcm",
        "SC_jpeg_no_color_transform_2.dcm",
        "SC_rgb_dcmtk_+eb+cy+np.dcm",
        "SC_rgb_dcmtk_+eb+cy+n1.dcm",
        "SC_rgb_dcmtk_+eb+cy+n2.dcm",
        "SC_rgb_dcmtk_+eb+cy+s2.dcm",
        "SC_rgb_dcmtk_+eb+cy+s4.dcm",
        "SC_rgb_dcmtk_+eb+cr.dcm",
        "SC_rgb_gdcm_KY.dcm",
        "SC_rgb_jls_lossy_line.dcm",
        "SC_rgb_jls_lossy_sample.dcm",
        "GDCMJ2K_TextGBR.dcm",
        "examples_rgb_color.dcm",
        "examples_ybr_color.dcm",
        "examples_jpeg2k.dcm",
    ],
)
def test_shipped_files_are_converted_once(name):
    (volume,) = read(SHIPPED / name)
    judge = dcmread(SHIPPED / name).pixel_array  # RGB by default
    frames = np.asarray(volume.data[:3] if judge.ndim == 4 else volume.data)
    np.testing.assert_array_equal(frames, judge[:3] if judge.ndim == 4 else judge)


def test_frames_of_a_compressed_colour_run_are_a_leading_axis():
    (volume,) = read(SHIPPED / "SC_rgb_rle_2frame.dcm")
    judge = dcmread(SHIPPED / "SC_rgb_rle_2frame.dcm").pixel_array
    np.testing.assert_array_equal(volume.data, judge)
    assert len(volume.leading) == 1


# --- Palettes -------------------------------------------------------------------------------


def palette(pixels, tables, bits, first=0, entries=None, segmented=False, **attributes):
    """Return a palette image; tables are bytes of red, green and blue."""
    ds = make_image(pixels, PhotometricInterpretation="PALETTE COLOR", Modality="US", **attributes)
    for name, table in zip(("Red", "Green", "Blue"), tables, strict=True):
        descriptor = f"{name}PaletteColorLookupTableDescriptor"
        setattr(ds, descriptor, [entries % 65536, first, bits])
        ds[descriptor].VR = "US"
        prefix = "Segmented" if segmented else ""
        setattr(ds, f"{prefix}{name}PaletteColorLookupTableData", table)
    return ds


INDEX = np.array([[0, 1, 2], [3, 2, 1]], np.uint8)
ENTRIES = np.array([[1, 2, 3], [40, 50, 60], [0, 255, 128], [250, 0, 7]])


@pytest.mark.parametrize(("bits", "dtype"), [(8, np.uint8), (16, np.uint16)])
def test_palettes_of_8_and_16_bits(tmp_path, bits, dtype):
    entries = ENTRIES * (257 if bits == 16 else 1)
    tables = [entries[:, n].astype(dtype).tobytes() for n in range(3)]
    volume = one(tmp_path, palette(INDEX, tables, bits, entries=4))
    assert volume.rgb
    assert volume.data.dtype == dtype
    np.testing.assert_array_equal(volume.data, entries[INDEX])


def test_a_palette_starts_at_its_first_value_and_is_constant_beyond_its_ends(tmp_path):
    pixels = np.array([[99, 100, 101], [103, 104, 4000]], np.uint16)
    tables = [(ENTRIES[:, n] * 257).astype("<u2").tobytes() for n in range(3)]
    volume = one(tmp_path, palette(pixels, tables, 16, first=100, entries=4))
    expected = ENTRIES[[[0, 0, 1], [3, 3, 3]]] * 257
    np.testing.assert_array_equal(volume.data, expected)


def test_a_segmented_palette(tmp_path):
    # Discrete 10 and 20, then linear over 4 entries to 100 (PS3.3 C.7.9.2).
    table = np.array([0, 2, 10, 20, 1, 4, 100], "<u2").tobytes()
    pixels = np.arange(6, dtype=np.uint8).reshape(2, 3)
    volume = one(tmp_path, palette(pixels, [table] * 3, 16, entries=6, segmented=True))
    np.testing.assert_array_equal(volume.data[..., 0].ravel(), [10, 20, 40, 60, 80, 100])


def test_frames_of_a_palette_run(tmp_path):
    tables = [ENTRIES[:, n].astype(np.uint8).tobytes() for n in range(3)]
    ds = palette(INDEX, tables, 8, entries=4, NumberOfFrames=2)
    ds.PixelData = INDEX.tobytes() + INDEX[::-1].tobytes()
    volume = one(tmp_path, ds)
    np.testing.assert_array_equal(volume.data, [ENTRIES[INDEX], ENTRIES[INDEX[::-1]]])


def test_a_shipped_palette():
    path = SHIPPED / "examples_palette.dcm"
    (volume,) = read(path)
    ds = dcmread(path)
    np.testing.assert_array_equal(volume.data, apply_color_lut(ds.pixel_array, ds))


def test_a_palette_without_its_tables_is_refused_with_a_message(tmp_path):
    path = save_dataset(
        make_image(INDEX, PhotometricInterpretation="PALETTE COLOR"), tmp_path / "IM1"
    )
    with pytest.raises(UnreadableFile, match=r"^IM1: "):
        read(path)


def test_a_palette_is_ignored_for_grey_pixels(tmp_path):
    tables = [ENTRIES[:, n].astype(np.uint8).tobytes() for n in range(3)]
    ds = palette(INDEX, tables, 8, entries=4)
    ds.PhotometricInterpretation = "MONOCHROME2"
    volume = one(tmp_path, ds)
    assert not volume.rgb
    np.testing.assert_array_equal(volume.data, INDEX)
