"""Headers in little memory: what is unpacked is what was packed."""

from dataclasses import replace

import numpy as np
import pytest
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from helpers.builders import make_enhanced, make_plane_position, make_series, save_dataset
from napari_medread.dicom.headers import attributes
from napari_medread.dicom.headers.header_scan import read_header
from napari_medread.dicom.listing.packed_headers import PackedHeaders


@pytest.fixture
def headers(tmp_path):
    """Return headers that differ in values, attributes, character sets, encodings and kinds."""
    region = Dataset()
    region.PhysicalDeltaX, region.PhysicalDeltaY = 0.1, 0.2
    datasets = [
        *make_series(),
        *make_series(slices=range(2), WindowCenter=[40, 50], WindowWidth=[80, 90]),
        *make_series(slices=range(2), WindowCenter=40, WindowWidth=80, SeriesDescription=""),
        *make_series(slices=[0], PatientName="Müller^Jörg", SpecificCharacterSet="ISO_IR 100"),
        *make_series(slices=[0], PatientName="Müller^Jörg", SpecificCharacterSet="ISO_IR 192"),
        *make_series(slices=range(2), SequenceOfUltrasoundRegions=[region]),
        make_enhanced([make_plane_position(n) for n in range(3)]),
        make_enhanced([make_plane_position(n) for n in range(2)]),
    ]
    paths = [save_dataset(ds, tmp_path / f"{n}") for n, ds in enumerate(datasets)]
    for syntax in (ImplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian):
        paths += [save_dataset(ds, tmp_path / syntax / ds.SOPInstanceUID, syntax)
                  for ds in make_series(slices=range(2))]  # fmt: skip
    shuffled = np.random.default_rng(3).permutation(len(paths))
    return [read_header(paths[n]) for n in shuffled]


def assert_equal(unpacked, header):
    assert unpacked.path == header.path
    assert unpacked.pixels == header.pixels
    assert unpacked.transfer_syntax == header.transfer_syntax
    assert unpacked.has_preamble == header.has_preamble
    assert list(unpacked.dataset.keys()) == list(header.dataset.keys())
    assert unpacked.dataset.original_encoding == header.dataset.original_encoding
    assert attributes.get_text(unpacked.dataset, "PatientName") == attributes.get_text(
        header.dataset, "PatientName"
    )
    assert unpacked.dataset == header.dataset


def test_headers_come_back_as_they_were_in_their_order(headers):
    packed = PackedHeaders()
    for header in headers:
        packed.append(header)
    for unpacked, header in zip(packed.unpack(), headers, strict=True):
        assert_equal(unpacked, header)
    assert [each.path for each in packed.unpack(5)] == [each.path for each in headers[:5]]


def test_values_that_were_asked_for_before_come_back_too(headers):
    packed = PackedHeaders()
    for n, header in enumerate(headers):
        if n % 2:
            attributes.get_value(header.dataset, "SeriesDescription")
            attributes.get_value(header.dataset, "WindowCenter")
        packed.append(header)
    for unpacked, header in zip(packed.unpack(), headers, strict=True):
        assert_equal(unpacked, header)


def test_an_absent_value_is_not_an_empty_one(headers):
    header = headers[0]
    element = header.dataset.get_item("SOPInstanceUID")
    assert isinstance(element, RawDataElement)
    values = [element.value, None, b"", element.value]
    packed = PackedHeaders()
    for value in values:
        dataset = Dataset(
            {**dict(header.dataset.items()), element.tag: element._replace(value=value)}
        )
        dataset.set_original_encoding(*header.dataset.original_encoding, [])
        packed.append(replace(header, dataset=dataset))
    found = [dict(each.dataset.items())[element.tag].value for each in packed.unpack()]
    assert found == values


def test_what_is_asked_of_one_header_leaves_the_others_as_they_are(headers):
    packed = PackedHeaders()
    for header in headers:
        packed.append(header)
    for each in packed.unpack():
        list(each.dataset)  # converts its values
        each.dataset.clear()
    for unpacked, header in zip(packed.unpack(), headers, strict=True):
        assert_equal(unpacked, header)
