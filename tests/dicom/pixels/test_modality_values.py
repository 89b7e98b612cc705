"""Stored values become modality values: tables, floats, single bits, padding, doses."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels.utils import pack_bits
from pydicom.uid import RTDoseStorage, SegmentationStorage

from helpers.builders import (
    COLUMN_SPACING,
    COLUMNS,
    ORIENTATIONS,
    ROW_SPACING,
    ROWS,
    find_normal,
    make_enhanced,
    make_image,
    make_plane_position,
    make_series,
    make_shared_groups,
    save_dataset,
    stored_slice,
    write_series,
)
from napari_medread.api import read
from napari_medread.errors import UnreadableFile

SHIPPED = Path(pydicom.__file__).parent / "data" / "test_files"


def one(tmp_path, ds):
    (volume,) = read(save_dataset(ds, tmp_path / "IM1"))
    return volume


# --- Kinds of stored numbers ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("keyword", "vr", "dtype"),
    [("FloatPixelData", "OF", np.float32), ("DoubleFloatPixelData", "OD", np.float64)],
)
def test_floating_point_pixels(tmp_path, keyword, vr, dtype):
    pixels = np.array([[0.25, -1e-3, 1e6], [7.5, 0, -2.5]], dtype)
    ds = make_image(pixels)
    for absent in ("PixelData", "BitsStored", "HighBit", "PixelRepresentation"):
        delattr(ds, absent)
    ds.add_new(keyword, vr, pixels.tobytes())
    volume = one(tmp_path, ds)
    assert volume.data.dtype == np.float32
    np.testing.assert_allclose(volume.data, pixels, rtol=1e-6)


@pytest.mark.parametrize("rows", [3, 5, 8])
@pytest.mark.parametrize("columns", [3, 7, 8])
def test_single_bits(tmp_path, rows, columns):
    bits = (np.arange(rows * columns) % 3 == 0).astype(np.uint8).reshape(rows, columns)
    ds = make_image(bits, BitsAllocated=1, BitsStored=1, HighBit=0)
    ds.PixelData = pack_bits(bits)
    np.testing.assert_array_equal(one(tmp_path, ds).data, bits)


def segmentation(segments, bits=1):
    """Return a segmentation of 5 x 7 x 3 voxels, and its values as (segment, slice, ...)."""
    values = np.random.default_rng(1).integers(0, 2, (segments, 3, ROWS, COLUMNS), np.uint8)
    frames = [
        make_plane_position(p)
        | {"SegmentIdentificationSequence": {"ReferencedSegmentNumber": s + 1}}
        | {"FrameContentSequence": {"DimensionIndexValues": [s + 1, p + 1]}}
        for s in range(segments)
        for p in range(3)
    ]
    pixels = values.reshape(-1, ROWS, COLUMNS)
    ds = make_enhanced(
        frames, make_shared_groups(), pixels, SOPClassUID=SegmentationStorage, Modality="SEG"
    )
    if bits == 1:
        ds.BitsAllocated, ds.BitsStored, ds.HighBit = 1, 1, 0
        ds.PixelData = pack_bits(pixels.ravel())
    ds.DimensionIndexSequence = [Dataset(), Dataset()]
    ds.DimensionIndexSequence[0].DimensionIndexPointer = 0x0062000B  # ReferencedSegmentNumber
    ds.DimensionIndexSequence[1].DimensionIndexPointer = 0x00200032  # ImagePositionPatient
    return ds, values[:, ::-1]


@pytest.mark.parametrize("bits", [1, 8])
def test_a_segmentation_of_one_segment_is_a_volume(tmp_path, bits):
    ds, values = segmentation(1, bits)
    np.testing.assert_array_equal(one(tmp_path, ds).data, values[0])


@pytest.mark.parametrize(
    ("pixels", "dtype"),
    [
        (np.array([[-(2**31), 2**31 - 1]], np.int32), np.int32),
        (np.array([[0, 2**31 - 1]], np.uint32), np.int32),
        (np.array([[0, 2**32 - 1]], np.uint32), np.float32),
    ],
)
def test_32_bits(tmp_path, pixels, dtype):
    volume = one(tmp_path, make_image(pixels))
    assert volume.data.dtype == dtype
    np.testing.assert_allclose(volume.data, pixels, rtol=1e-6)


def test_an_image_of_constant_value_has_contrast_limits(tmp_path):
    low, high = one(tmp_path, make_image(np.full((4, 4), 7, np.uint16))).contrast_limits
    assert low < high


# --- Tables ---------------------------------------------------------------------------------


def table(entries, first, bits=16, vr="US"):
    found = Dataset()
    found.add_new("LUTDescriptor", vr, [len(entries), first, bits])
    found.ModalityLUTType = "US"
    found.add_new("LUTData", "OW", np.array(entries, "<u2").tobytes())
    return found


def test_a_modality_lut_of_signed_pixels_may_begin_below_zero(tmp_path):
    ds = make_image(np.array([[-3, -2, -1], [0, 1, 2]], np.int16))
    ds.ModalityLUTSequence = [table([11, 22, 33, 44], -2, vr="SS")]
    expected = [[11, 11, 22], [33, 44, 44]]
    np.testing.assert_array_equal(one(tmp_path, ds).data, expected)


def test_every_slice_has_its_own_modality_lut(tmp_path):
    def own(n, ds):
        entries = np.arange(2048) * (n + 1) % 65536
        ds.ModalityLUTSequence = [table(entries, 0)]

    (volume,) = read(write_series(tmp_path, make_series(change=own)))
    expected = [stored_slice(n).astype(int) * (n + 1) for n in (3, 2, 1, 0)]
    np.testing.assert_array_equal(volume.data, expected)


def test_pet_slopes_that_differ_give_one_scale_of_values(tmp_path):
    def slope(n, ds):
        ds.RescaleSlope, ds.RescaleIntercept = f"{1.5**n:.6f}", "0"

    datasets = make_series(change=slope, Modality="PT", Units="BQML")
    (volume,) = read(write_series(tmp_path, datasets))
    expected = [stored_slice(n) * 1.5**n for n in (3, 2, 1, 0)]
    np.testing.assert_allclose(volume.data, expected, rtol=1e-6)
    assert volume.value_unit == "Bq/ml"


@pytest.mark.parametrize("spoil", ["LUTData", "LUTDescriptor"])
def test_a_broken_modality_lut_is_refused_with_a_message(tmp_path, spoil):
    ds = make_image(np.array([[9, 10, 11]], np.uint16))
    ds.ModalityLUTSequence = [table([1, 2, 3], 9)]
    delattr(ds.ModalityLUTSequence[0], spoil)
    with pytest.raises(UnreadableFile, match=r"^IM1: its modality LUT is broken\.$"):
        read(save_dataset(ds, tmp_path / "IM1"))


@pytest.mark.parametrize("slope", ["1E+30", "-1E+300", "1E-300"])
def test_extreme_slopes_are_read(tmp_path, slope):
    volume = one(tmp_path, make_image(stored_slice(0), RescaleSlope=slope, RescaleIntercept="0"))
    low, high = volume.contrast_limits
    assert np.isfinite([low, high]).all()
    assert low < high


@pytest.mark.parametrize("bits", [0, 17, 65535])
def test_impossible_bits_stored_means_all_bits(tmp_path, bits):
    volume = one(tmp_path, make_image(stored_slice(3), BitsStored=bits))
    np.testing.assert_array_equal(volume.data, stored_slice(3))


def test_pixels_of_no_bits_are_refused_with_a_message(tmp_path):
    with pytest.raises(UnreadableFile, match=r"^IM1: the pixels cannot be decoded"):
        read(save_dataset(make_image(stored_slice(0), BitsAllocated=0), tmp_path / "IM1"))


# --- Padding --------------------------------------------------------------------------------


def test_padding_written_unsigned_for_signed_pixels_is_still_padding(tmp_path):
    pixels = np.full((100, 100), -2000, np.int16)
    pixels[40:60] = np.arange(2000).reshape(20, 100)
    ds = make_image(pixels, Modality="MR")
    ds.add_new("PixelPaddingValue", "US", 65536 - 2000)
    low, high = one(tmp_path, ds).contrast_limits
    assert 0 <= low <= 20
    assert 1979 <= high <= 2000


def test_padding_above_bits_stored_does_not_hide_values(tmp_path):
    pixels = np.arange(10_000, dtype=np.uint16).reshape(100, 100) % 4096
    ds = make_image(pixels, BitsStored=12, HighBit=11, PixelPaddingValue=63536)
    assert one(tmp_path, ds).contrast_limits[0] < 60


def test_an_image_of_padding_alone_has_contrast_limits(tmp_path):
    low, high = one(
        tmp_path, make_image(np.zeros((4, 4), np.uint16), PixelPaddingValue=0)
    ).contrast_limits
    assert low < high


# --- Doses ----------------------------------------------------------------------------------

AXIAL = ORIENTATIONS["axial"]


def dose(offsets, orientation=AXIAL, bits=32, **attributes):
    """Return a dose grid whose plane n holds ``stored_slice(n)``."""
    kind = np.uint32 if bits == 32 else np.uint16
    pixels = np.array([stored_slice(n) for n in range(len(offsets))]).astype(kind)
    ds = make_image(
        pixels[0],
        SOPClassUID=RTDoseStorage,
        Modality="RTDOSE",
        NumberOfFrames=len(offsets),
        ImagePositionPatient=[-12.0, 34.0, -56.0],
        ImageOrientationPatient=[float(x) for pair in orientation for x in pair],
        PixelSpacing=[ROW_SPACING, COLUMN_SPACING],
        GridFrameOffsetVector=list(offsets),
        DoseUnits="GY",
        DoseGridScaling="0.001",
        **attributes,
    )
    ds.PixelData = pixels.tobytes()
    return ds


@pytest.mark.parametrize("bits", [16, 32])
def test_doses_are_in_gray(tmp_path, bits):
    volume = one(tmp_path, dose([0, 2.5, 5], bits=bits))
    expected = [stored_slice(n) * 0.001 for n in (2, 1, 0)]
    np.testing.assert_allclose(volume.data, expected, rtol=1e-6)
    assert (volume.value_unit, volume.data.dtype) == ("Gy", np.float32)


@pytest.mark.parametrize(
    ("offsets", "heights"),
    [
        ([0, 2.5, 5], [-56, -53.5, -51]),
        ([0, -2.5, -5], [-56, -58.5, -61]),
        ([-56, -53.5, -51], [-56, -53.5, -51]),
        ([-56, -58.5, -61], [-56, -58.5, -61]),
    ],
    ids=["relative", "relative, descending", "absolute", "absolute, descending"],
)
def test_the_planes_of_a_dose_lie_at_their_offsets(tmp_path, offsets, heights):
    volume = one(tmp_path, dose(offsets))
    for n, height in enumerate(heights):
        index = np.linalg.solve(volume.patient_affine, [-12, 34, height, 1])[:3]
        np.testing.assert_allclose(index, np.rint(index), atol=1e-6)
        assert volume.data[tuple(np.rint(index).astype(int))] == pytest.approx(
            0.001 * (1 + 256 * n)
        )


@pytest.mark.parametrize("name", ["coronal", "sagittal"])
def test_relative_offsets_count_along_the_normal(tmp_path, name):
    orientation = ORIENTATIONS[name]
    volume = one(tmp_path, dose([0, 2.5, 5], orientation))
    place = np.array([-12, 34, -56]) + 5 * find_normal(orientation)
    index = np.linalg.solve(volume.patient_affine, [*place, 1])[:3]
    assert volume.data[tuple(np.rint(index).astype(int))] == pytest.approx(0.513)


def test_a_single_dose_plane_is_a_volume(tmp_path):
    volume = one(tmp_path, dose([0]))
    assert volume.shape == (1, ROWS, COLUMNS)


@pytest.mark.parametrize("offsets", [[0, 2.5], None], ids=["too few", "absent"])
def test_a_dose_without_offsets_has_no_patient_position(tmp_path, offsets):
    ds = dose([0, 1, 2])
    ds.GridFrameOffsetVector = offsets
    volume = one(tmp_path, ds)
    assert volume.shape == (3, ROWS, COLUMNS)
    assert volume.patient_affine is None


def test_the_shipped_dose():
    (volume,) = read(SHIPPED / "rtdose.dcm")
    ds = pydicom.dcmread(SHIPPED / "rtdose.dcm")
    offsets = np.array(ds.GridFrameOffsetVector)
    order = np.argsort(-offsets)  # superior first
    values = ds.pixel_array * float(ds.DoseGridScaling)
    np.testing.assert_allclose(volume.data, values[order], rtol=1e-6)
