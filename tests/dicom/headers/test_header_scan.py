"""Which files are DICOM images, and what their headers say."""

import struct
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
)

from helpers.builders import make_image, make_series, save_dataset, stored_slice, write_series
from napari_medread.dicom.headers import attributes
from napari_medread.dicom.headers.file_discovery import is_dicom, walk_files
from napari_medread.dicom.headers.header_scan import read_header, scan_headers
from napari_medread.errors import UnreadableFile

SHIPPED = {
    name: Path(get_testdata_file(f"{name}.dcm")) for name in ("reportsi", "rtplan", "rtdose")
}


@pytest.mark.parametrize("name", ["IM0001", "1.2.840.113619.2.1", "x.txt", "slice.png", "a.DCM"])
def test_content_decides_and_not_the_name(tmp_path, name):
    path = save_dataset(make_image(stored_slice(0)), tmp_path / name)
    assert [h.path for h in scan_headers([path]).headers] == [path]


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, None])
def test_a_dataset_without_a_preamble_is_accepted_if_it_holds_an_image(tmp_path, syntax):
    ds = make_image(stored_slice(0))
    path = tmp_path / "bare"
    if syntax is None:
        ds.save_as(path, implicit_vr=False, little_endian=True)
    else:
        ds.save_as(
            path,
            implicit_vr=syntax == ImplicitVRLittleEndian,
            little_endian=syntax != ExplicitVRBigEndian,
        )
    assert scan_headers([path]).headers[0].rows == ds.Rows


@pytest.mark.parametrize(
    "content",
    [b"", b"plain text\n" * 50, b"\x08\x00" * 200, bytes(range(256)) * 4, b"\x02\x00\x00\x00UL"],
    ids=["empty", "text", "repeated group", "ramp", "short"],
)
def test_other_files_are_ignored_silently(tmp_path, content):
    path = tmp_path / "file"
    path.write_bytes(content)
    found = scan_headers([path])
    assert (found.headers, found.skipped) == ([], [])


@pytest.mark.parametrize("kept", [0.2, 0.6, 0.99])
def test_a_truncated_file_is_named_and_the_rest_is_read(tmp_path, kept):
    write_series(tmp_path, make_series())
    whole = (tmp_path / "IM0000").read_bytes()
    (tmp_path / "broken").write_bytes(whole[: int(len(whole) * kept)])
    found = scan_headers(walk_files(tmp_path))
    assert len(found.headers) == 4
    (note,) = found.skipped
    assert note.startswith("broken: the file ")


def test_missing_pixels_are_reported_with_both_numbers_of_bytes(tmp_path):
    path = save_dataset(make_image(stored_slice(0), Rows=6), tmp_path / "IM1")
    with pytest.raises(UnreadableFile, match=r"^IM1: .* holds 70 bytes .* promises 84"):
        read_header(path)


def test_a_file_named_dcm_that_is_not_dicom_is_named(tmp_path):
    path = tmp_path / "notes.dcm"
    path.write_text("not DICOM " * 30)
    assert scan_headers([path]).skipped == ["notes.dcm: this is not a DICOM file."]


def test_objects_that_are_not_images_are_reported(tmp_path):
    found = scan_headers([SHIPPED["reportsi"], SHIPPED["rtplan"]])
    assert found.headers == []
    assert found.skipped == [
        f"{SHIPPED['reportsi'].name}: Basic Text SR Storage is not an image.",
        f"{SHIPPED['rtplan'].name}: RT Plan Storage is not an image.",
    ]


def test_a_file_that_is_no_image_is_named_unless_its_name_is_the_patients(tmp_path):
    plan = pydicom.dcmread(SHIPPED["rtplan"])
    plan.PatientName, plan.PatientID = "Ypsilon^Zeta", "4711"
    paths = [tmp_path / name for name in ("RP_4711.dcm", "RP.Ypsilon.dcm", "RP_a.dcm", "RP_b.dcm")]
    for path in paths:
        plan.save_as(path)
    sentence = "RT Plan Storage is not an image."
    assert scan_headers(paths[:1]).skipped == [f"1 file: {sentence}"]
    assert scan_headers(paths[:2]).skipped == [f"2 files: {sentence}"]
    assert scan_headers(paths[:3]).skipped == [f"RP_a.dcm and 2 more files: {sentence}"]
    assert scan_headers(paths[2:]).skipped == [f"RP_a.dcm and 1 more file: {sentence}"]


def test_the_pixels_are_located_without_being_read(tmp_path):
    pixels = stored_slice(3)
    header = read_header(save_dataset(make_image(pixels), tmp_path / "IM1"))
    content = header.path.read_bytes()
    assert content[header.pixels.offset :][: header.pixels.length] == pixels.tobytes()


def test_a_deflated_header_is_read(tmp_path):
    path = save_dataset(
        make_image(stored_slice(1)), tmp_path / "IM1", DeflatedExplicitVRLittleEndian
    )
    assert read_header(path).rows == 5


@pytest.mark.parametrize(
    ("charset", "encoding", "text"),
    [
        ("ISO_IR 192", "utf-8", "Tête ÄÖÜ 頭部"),
        ("ISO_IR 100", "latin-1", "Schädel"),
        ("\\ISO 2022 IR 87", "iso2022_jp", "頭部"),
    ],
)
def test_text_is_decoded_with_its_character_set(tmp_path, charset, encoding, text):
    ds = make_image(stored_slice(0), SpecificCharacterSet=charset.split("\\"))
    ds.SeriesDescription = text
    header = read_header(save_dataset(ds, tmp_path / "IM1"))
    assert text.encode(encoding) in header.path.read_bytes()
    assert attributes.get_text(header.dataset, "SeriesDescription") == text


def test_sequences_of_undefined_length_are_stepped_over(tmp_path):
    found = read_header(SHIPPED["rtdose"])
    assert found.pixels.length == found.rows * found.columns * found.number_of_frames * 4


def test_elements_with_an_unknown_vr_are_stepped_over(tmp_path):
    path = save_dataset(make_image(stored_slice(0)), tmp_path / "IM0001")
    before, content = read_header(path), path.read_bytes()
    at = content.index(struct.pack("<HH", 0x7FE0, 0x0010))
    for value in (b"", b"abcd", bytes(70_000)):  # PS3.5 7.1.2: 32 bits of length
        element = struct.pack("<HH2sHL", 0x0043, 0x9999, b"XX", 0, len(value)) + value
        path.write_bytes(content[:at] + element + content[at:])
        found = read_header(path)
        assert (found.rows, found.columns) == (before.rows, before.columns)
        assert found.pixels.offset == before.pixels.offset + len(element)


def test_progress_is_reported_for_every_header(tmp_path):
    write_series(tmp_path, make_series())
    reported = []

    def progress(items, description):
        reported.append((description, len(items)))
        return iter(items)

    scan_headers(walk_files(tmp_path), progress)
    assert reported == [("Reading headers", 4)]


def test_a_preamble_alone_is_not_enough(tmp_path):
    path = tmp_path / "IM1"
    path.write_bytes(bytes(128) + b"DICM" + np.random.default_rng(0).bytes(3000))
    assert is_dicom(path)
    found = scan_headers([path])
    assert found.headers == []
    assert found.skipped[0].startswith("IM1: ")
