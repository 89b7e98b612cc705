"""Vendors' private attributes."""

import struct

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from helpers.builders import make_series, stored_slice, write_series
from napari_medread.api import read
from napari_medread.dicom.headers.csa_header import read_csa_values
from napari_medread.dicom.headers.private_attributes import get_private_numbers

SLICES = 3


def make_diffusion(b_values, write, manufacturer):
    """Return two or more sets of slices, each with a b-value that ``write(ds, b)`` writes."""
    datasets = make_series(
        slices=list(range(SLICES)) * len(b_values), Manufacturer=manufacturer, Modality="MR"
    )
    for n, ds in enumerate(datasets):
        ds.InstanceNumber = 100 - n  # the last was acquired first
        write(ds, b_values[n // SLICES])
    return datasets


def write_tag(number, vr, convert=lambda b: b):
    """Return a function that writes a b-value as a private element."""
    return lambda ds, b: ds.add_new(number, vr, convert(b))


VENDORS = {
    "Siemens": ("SIEMENS", write_tag(0x0019100C, "IS", str)),
    "GE": ("GE MEDICAL SYSTEMS", write_tag(0x00431039, "IS", lambda b: [b, 8, 0, 0])),
    "GE, several shells": (
        "GE MEDICAL SYSTEMS",
        write_tag(0x00431039, "IS", lambda b: [1_000_000_000 + b, 8, 0, 0]),
    ),
    "Philips": ("Philips Medical Systems", write_tag(0x20011003, "FL", float)),
    "UIH": ("UIH", write_tag(0x00651009, "FD", float)),
}


@pytest.mark.parametrize(
    "syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian], ids=["explicit", "implicit"]
)
@pytest.mark.parametrize("vendor", VENDORS)
def test_b_values_of_vendors_are_a_leading_axis(tmp_path, vendor, syntax):
    manufacturer, write = VENDORS[vendor]
    datasets = make_diffusion([800, 0, 50], write, manufacturer)
    (volume,) = read(write_series(tmp_path, datasets, syntax=syntax))
    (axis,) = volume.leading
    assert (axis.label, [float(v[0]) for v in axis.values]) == ("b-value", [50, 0, 800])
    expected = [[stored_slice(first + n) for n in (2, 1, 0)] for first in (6, 3, 0)]
    np.testing.assert_array_equal(volume.data, expected)


@pytest.mark.parametrize(
    "syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian], ids=["explicit", "implicit"]
)
def test_directions_distinguish_equal_b_values(tmp_path, syntax):
    def write(ds, direction):
        ds.add_new(0x0019100C, "IS", "800")
        ds.add_new(0x0019100E, "FD", direction)

    directions = [[1.0, 0.0, 0.0], [0.0, 0.6, 0.8]]
    (volume,) = read(
        write_series(tmp_path, make_diffusion(directions, write, "SIEMENS"), syntax=syntax)
    )
    (axis,) = volume.leading
    assert axis.values == ((800, 0, 0.6, 0.8), (800, 1, 0, 0))


def test_the_standards_own_b_value_comes_first(tmp_path):
    def write(ds, b):
        ds.DiffusionBValue = float(b)
        ds.add_new(0x0019100C, "IS", str(7 * b))

    (volume,) = read(write_series(tmp_path, make_diffusion([0, 100], write, "SIEMENS")))
    assert volume.leading[0].values == ((100,), (0,))


def test_a_private_tag_of_another_vendor_is_not_a_b_value(tmp_path):
    datasets = make_diffusion([1, 2], write_tag(0x0019100C, "IS", str), "Philips")
    volumes = read(write_series(tmp_path, datasets))
    assert "b-value" not in [axis.label for v in volumes for axis in v.leading]


@pytest.mark.parametrize(
    ("raw", "numbers"),
    [
        (b"800 ", (800,)),
        (b"1000000800\\8\\0\\0", (1000000800, 8, 0, 0)),
        (struct.pack("<d", 1500), (1500,)),
        (struct.pack("<3d", 0, 0.6, 0.8), (0, 0.6, 0.8)),
        (struct.pack("<d", 0), (0,)),
        (struct.pack("<f", 1000), (1000,)),
        (struct.pack("<f", 0), (0,)),
        (struct.pack("<H", 36), (36,)),
        (struct.pack("<d", np.nan), ()),
        (b"abc", ()),
        (b"", ()),
    ],
)
def test_numbers_of_unknown_vr(raw, numbers):
    ds = Dataset()
    ds.add_new(0x0019100C, "UN", raw)
    assert get_private_numbers(ds, 0x0019100C) == pytest.approx(numbers)


@pytest.mark.parametrize("seed", range(20))
def test_arbitrary_bytes_are_a_csa_header_without_the_wanted_tags(seed):
    random = np.random.default_rng(seed)
    start = b"SV10" if seed % 2 else b""
    data = start + struct.pack("<II", 2**31 - 1, 77) + random.bytes(3000)
    assert read_csa_values(data, frozenset(["NumberOfImagesInMosaic"])) == {}
