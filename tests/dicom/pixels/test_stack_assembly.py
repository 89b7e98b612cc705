"""Pixels of every encoding become modality values and contrast limits."""

import base64
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    ExplicitVRBigEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)

from helpers.builders import make_image, make_series, save_dataset, stored_slice, write_series
from napari_medread.api import read
from napari_medread.errors import UnreadableFile


def shipped(name):
    """Return the path of a file that pydicom ships."""
    return Path(get_testdata_file(name))


def voxels(path):
    """Return the values of the one volume at a path, without axes of length one."""
    (volume,) = read(path)
    return np.squeeze(volume.data)


def one(tmp_path, pixels, **attributes):
    """Return the volume of a one-image series."""
    (volume,) = read(save_dataset(make_image(pixels, **attributes), tmp_path / "IM1"))
    return volume


# --- Transfer syntaxes -------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "MR_small_implicit.dcm",
        "MR_small_bigendian.dcm",
        "MR_small_RLE.dcm",
        "MR_small_jp2klossless.dcm",
        "MR_small_jpeg_ls_lossless.dcm",
    ],
)
def test_every_lossless_encoding_of_an_image_gives_its_values(name):
    plain = np.frombuffer(dcmread(shipped("MR_small.dcm")).PixelData, "<i2").reshape(64, 64)
    np.testing.assert_array_equal(voxels(shipped(name)), plain)


@pytest.mark.parametrize(
    "name",
    [
        "image_dfl.dcm",  # deflated
        "JPEG-LL.dcm",  # JPEG lossless
        "JPGLosslessP14SV1_1s_1f_8b.dcm",
        "JPGExtended.dcm",  # JPEG extended, 12 bit
        "JPEG2000.dcm",
        "JPEGLSNearLossless_16.dcm",
        "ExplVR_BigEnd.dcm",
        "CT_small.dcm",
    ],
)
def test_values_equal_those_of_simpleitk(name):
    judge = np.squeeze(sitk.GetArrayFromImage(sitk.ReadImage(str(shipped(name)))))
    np.testing.assert_allclose(voxels(shipped(name)), judge, atol=1e-3)


HTJ2K = (
    "/0//UQApQAAAAAAQAAAADAAAAAAAAAAAAAAAEAAAAAwAAAAAAAAAAAABDwEB/1AACAACAAAACv9SAAwAAgABAAUEBEAB/1wA"
    "EyCIkJCQkJCQkJCQkJCQiIiI/2QAFwABT3BlbkpQSCBWZXIgMC4yNi4zLv+QAAoAAAAAAHsAAf+TwAAmCfYFB3QAAMAAEsAA"
    "EwD+AId0ABD0A4d0AMAAEsAAEwDeAAJ0AKenAEI0AMAAE8AAFYDu/qMjwnUARCUqUYn6wFKBvrYAwAAqoAAWoCRJ/ueAp6dC"
    "dwBWWrFixYoVK1b++hCAe/ZCAey6AP/Z"
)
"""300 * row + 7 * column on 12 x 16 pixels, encoded without loss by OpenJPH 0.26.3."""


def test_htj2k_gives_the_encoded_values(tmp_path):
    row, column = np.mgrid[:12, :16]
    expected = (300 * row + 7 * column).astype(np.uint16)
    ds = make_image(expected)
    ds.PixelData = encapsulate([base64.b64decode(HTJ2K)])
    path = save_dataset(ds, tmp_path / "IM1", HTJ2KLossless)
    np.testing.assert_array_equal(voxels(path), expected)


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_a_compressed_series_gives_the_encoded_values(tmp_path, syntax):
    datasets = make_series()
    expected = [stored_slice(n, 40, 50) for n in range(4)]  # JPEG 2000 needs a minimum size
    for n, ds in enumerate(datasets):
        ds.Rows, ds.Columns, ds.PixelData = 40, 50, expected[n].tobytes()
        path = save_dataset(ds, tmp_path / f"IM{n}")
        ds.compress(syntax, generate_instance_uid=False)
        ds.save_as(path)
    # Row x column of an axial series points to the head: the last slice comes first.
    np.testing.assert_array_equal(voxels(tmp_path), expected[::-1])


def test_a_syntax_without_a_decoder_is_named(tmp_path):
    path = save_dataset(make_image(stored_slice(0)), tmp_path / "IM1")
    content = path.read_bytes()
    mpeg = b"1.2.840.10008.1.2.1"
    path.write_bytes(content.replace(mpeg, b"1.2.840.10008.1.2.9"))
    with pytest.raises(UnreadableFile, match=r"IM1: .*1\.2\.840\.10008\.1\.2\.9"):
        read(path)


def test_one_image_that_cannot_be_decoded_leaves_an_empty_plane_and_a_note(tmp_path):
    datasets = make_series()
    for n, ds in enumerate(datasets):
        path = save_dataset(ds, tmp_path / f"IM{n}")
        ds.compress(RLELossless, generate_instance_uid=False)
        ds.save_as(path)
    broken = tmp_path / "IM1"
    content = bytearray(broken.read_bytes())
    at = content.rindex(b"\xfe\xff\x00\xe0") + 8
    content[at:] = bytes(len(content) - at)
    broken.write_bytes(content)
    (volume,) = read(tmp_path)
    assert (volume.data[2] == 1).all()  # the lowest value of the rest
    np.testing.assert_array_equal(volume.data[3], stored_slice(0))
    assert [note for note in volume.notes if note.startswith("IM1: the pixels cannot be decoded")]


# --- Stored bits --------------------------------------------------------------------------

VALUES_12 = np.array([[0, 1, 2047], [2048, 4094, 4095]], dtype=np.uint16)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_encodings_of_plain_numbers(tmp_path, syntax):
    pixels = VALUES_12
    ds = make_image(pixels)
    if syntax == ExplicitVRBigEndian:
        ds.PixelData = pixels.astype(">u2").tobytes()
    np.testing.assert_array_equal(voxels(save_dataset(ds, tmp_path / "IM1", syntax)), pixels)


def test_an_overlay_in_the_spare_bits_is_left_out(tmp_path):
    dirty = VALUES_12 | 0xF000
    volume = one(tmp_path, dirty, BitsStored=12, HighBit=11)
    np.testing.assert_array_equal(volume.data, VALUES_12)


def test_bits_stored_at_the_top_are_shifted_down(tmp_path):
    volume = one(tmp_path, (VALUES_12 << 4) | 0x000A, BitsStored=12, HighBit=15)
    np.testing.assert_array_equal(volume.data, VALUES_12)


def test_signed_12_bit_values(tmp_path):
    signed = np.array([[-2048, -1, 0], [1, 5, 2047]], dtype=np.int16)
    stored = signed.view(np.uint16) & 0x0FFF
    volume = one(tmp_path, stored, BitsStored=12, HighBit=11, PixelRepresentation=1)
    np.testing.assert_array_equal(volume.data, signed)


# --- Modality values -----------------------------------------------------------------------

FULL = np.array([[0, 1000], [40000, 65535]], dtype=np.uint16)


@pytest.mark.parametrize(
    ("pixels", "slope", "intercept", "dtype"),
    [
        (np.array([[0, 255]], np.uint8), None, None, np.int16),
        (np.array([[0, 4095]], np.uint16), "1", "-1024", np.int16),
        (FULL, None, None, np.uint16),
        (FULL, "1", "-1024", np.int32),
        (FULL, "2", "0", np.int32),
        (FULL, "0.5", "0", np.float32),
        (FULL, "1", "0.5", np.float32),
        (np.array([[-32768, 32767]], np.int16), "1", "-1024", np.int32),
        (np.array([[-2000, 3071]], np.int16), "1", "-1024", np.int16),
        (np.array([[0, 2**31 - 1]], np.uint32), None, None, np.int32),
    ],
)
def test_rescaled_values_take_the_smallest_type_that_holds_them(
    tmp_path, pixels, slope, intercept, dtype
):
    rescale = {"RescaleSlope": slope, "RescaleIntercept": intercept} if slope else {}
    volume = one(tmp_path, pixels, **rescale)
    expected = pixels * np.float64(slope or 1) + np.float64(intercept or 0)
    np.testing.assert_allclose(volume.data, expected)
    assert volume.data.dtype == dtype


def test_slopes_that_differ_from_slice_to_slice(tmp_path):
    def slope(n, ds):
        ds.RescaleSlope, ds.RescaleIntercept = str(0.25 * (n + 1)), "-8"

    (volume,) = read(write_series(tmp_path, make_series(change=slope)))
    expected = [stored_slice(n) * 0.25 * (n + 1) - 8 for n in range(4)]
    np.testing.assert_allclose(volume.data, expected[::-1])
    assert volume.data.dtype == np.float32


def test_a_later_slice_beyond_the_type_widens_it_and_nothing_wraps(tmp_path):
    def slope(n, ds):
        ds.RescaleSlope, ds.RescaleIntercept = ("1", "0") if n else ("200", "0")

    (volume,) = read(write_series(tmp_path, make_series(change=slope)))
    expected = [stored_slice(n).astype(int) * (1 if n else 200) for n in range(4)]
    np.testing.assert_array_equal(volume.data, expected[::-1])


def test_a_modality_lut_is_applied(tmp_path):
    table = Dataset()
    table.LUTDescriptor = [4, 10, 16]
    table.LUTData = [5, 100, 3000, 40000]
    table.ModalityLUTType = "US"
    ds = make_image(np.array([[9, 10, 11], [12, 13, 14]], np.uint16))
    ds.ModalityLUTSequence = [table]
    ds.ModalityLUTSequence[0]["LUTDescriptor"].VR = "US"
    ds.ModalityLUTSequence[0]["LUTData"].VR = "US"
    # PS3.3 C.11.1.1: values outside the table take its first or last entry.
    expected = [[5, 5, 100], [3000, 40000, 40000]]
    np.testing.assert_array_equal(voxels(save_dataset(ds, tmp_path / "IM1")), expected)


# --- Display --------------------------------------------------------------------------------


def test_the_first_window_sets_the_contrast_limits_and_all_are_kept(tmp_path):
    volume = one(
        tmp_path,
        VALUES_12,
        WindowCenter=["40", "-600"],
        WindowWidth=["400", "1500"],
        WindowCenterWidthExplanation=["SOFT", "LUNG"],
    )
    assert volume.windows == ((40, 400, "SOFT"), (-600, 1500, "LUNG"))
    assert volume.contrast_limits == (-160, 239)


@pytest.mark.parametrize(
    ("function", "limits", "notes"),
    [("LINEAR_EXACT", (-160, 240), 0), ("SIGMOID", (-160, 240), 1), ("LINEAR", (-160, 239), 0)],
)
def test_window_functions(tmp_path, function, limits, notes):
    volume = one(tmp_path, VALUES_12, WindowCenter="40", WindowWidth="400", VOILUTFunction=function)
    assert volume.contrast_limits == limits
    assert sum("sigmoid" in note for note in volume.notes) == notes


def test_padding_does_not_affect_contrast_limits(tmp_path):
    pixels = np.full((100, 100), -2000, np.int16)
    pixels[40:60] = np.arange(2000).reshape(20, 100)
    volume = one(
        tmp_path,
        pixels,
        Modality="MR",
        PixelPaddingValue=-2000,
        RescaleSlope="2",
        RescaleIntercept="-1024",
    )
    low, high = volume.contrast_limits
    assert -1024 <= low <= -1024 + 2 * 20
    assert 2 * 1979 - 1024 <= high <= 2 * 2000 - 1024 + 10
    assert volume.data.min() == -2000 * 2 - 1024


def test_a_padding_range_does_not_affect_contrast_limits(tmp_path):
    pixels = np.arange(10_000, dtype=np.uint16).reshape(100, 100)
    volume = one(tmp_path, pixels, PixelPaddingValue=0, PixelPaddingRangeLimit=4999)
    low, high = volume.contrast_limits
    assert 5000 <= low <= 5050
    assert 9949 <= high <= 10_000


def test_monochrome1_keeps_its_values_and_is_shown_inverted(tmp_path):
    volume = one(tmp_path, VALUES_12, PhotometricInterpretation="MONOCHROME1")
    assert volume.inverted
    np.testing.assert_array_equal(volume.data, VALUES_12)


@pytest.mark.parametrize(
    ("attributes", "unit"),
    [
        ({"RescaleType": "HU", "RescaleSlope": "1", "RescaleIntercept": "0"}, "HU"),
        ({}, "HU"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, ""),
        ({"Modality": "MR"}, ""),
        ({"Modality": "PT", "Units": "BQML"}, "Bq/ml"),
        ({"Modality": "MR", "RescaleType": "US"}, ""),
    ],
)
def test_the_unit_of_values(tmp_path, attributes, unit):
    assert one(tmp_path, VALUES_12, **attributes).value_unit == unit
