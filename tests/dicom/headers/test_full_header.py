"""All elements of a header, compared with pydicom."""

import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
from pydicom import config, dcmread
from pydicom.data import get_charset_files, get_testdata_file
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.tag import Tag as PydicomTag
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from helpers.builders import (
    make_enhanced,
    make_image,
    make_plane_position,
    make_series,
    save_dataset,
    stored_slice,
)
from helpers.dicom_objects import make_mosaic
from napari_medread.dicom.headers.full_header import FullHeader
from napari_medread.errors import UnreadableFile

PIXELS = stored_slice(0)

COMPARED_FILES = [
    "CT_small.dcm",
    "MR_small_bigendian.dcm",
    "rtplan.dcm",
    "rtdose.dcm",
    "reportsi.dcm",
    "chrH31.dcm",
    "chrKoreanMulti.dcm",
    "chrX1.dcm",
    "nested_priv_SQ.dcm",
    "priv_SQ.dcm",
    "UN_sequence.dcm",
    "image_dfl.dcm",
    "eCT_Supplemental.dcm",
    "liver_1frame.dcm",
    "color-px.dcm",
    "empty_charset_LEI.dcm",
    "DICOMDIR",
]


def iterate_elements(dataset):
    """Yield every element as pydicom reads it, depth first."""
    for element in dataset:
        yield element
        if element.VR == "SQ":
            for item in element.value:
                yield from iterate_elements(item)


def expected_text(element):
    """Return the text of a value as stored; None for sequences, bytes and floats."""
    value = element.value
    if element.VR == "SQ" or isinstance(value, bytes) or element.VR == "FL":
        return None
    values = value if isinstance(value, MultiValue | list) else [value]
    return "\\".join("" if each is None else str(each) for each in values)


@pytest.mark.parametrize("name", COMPARED_FILES)
def test_elements_are_those_of_pydicom(name):
    path = Path(get_testdata_file(name) or get_charset_files(name)[0])
    found = [tag for _, tag in FullHeader(path).read_tags().walk() if not tag.is_item]
    with warnings.catch_warnings(), config.disable_value_validation():
        warnings.simplefilter("ignore")
        dataset = dcmread(path, stop_before_pixels=True)
        wanted = [*iterate_elements(dataset.file_meta), *iterate_elements(dataset)]
        assert len(found) == len(wanted) > 3
        for tag, element in zip(found, wanted, strict=True):
            assert tag.tag == f"({element.tag.group:04X},{element.tag.element:04X})"
            assert tag.vr == element.VR
            assert tag.keyword == element.keyword
            if element.tag.is_private and element.name.startswith("["):
                assert tag.name == element.name[1:-1]
            elif not element.tag.is_private:
                assert tag.name == element.name
            text = expected_text(element)
            if text is not None:
                assert tag.value == text
            elif element.VR == "FL":
                assert tag.numbers == pytest.approx(tuple(np.atleast_1d(element.value)))


def test_pixels_are_not_read(tmp_path):
    path = save_dataset(make_image(PIXELS), tmp_path / "a")
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.rindex(PIXELS.tobytes()[:20])])  # cut inside its pixels
    tags = FullHeader(path).read_tags()
    assert tags["Rows"].value == str(PIXELS.shape[0])
    assert not tags.find("Pixel Data")


def test_names_in_several_scripts(tmp_path):
    name = "Yamada^Tarou=山田^太郎=やまだ^たろう"
    ds = make_image(PIXELS, SpecificCharacterSet=["", "ISO 2022 IR 87"], PatientName=name)
    item = Dataset()
    item.PersonName = name
    ds.PersonIdentificationCodeSequence = [item]  # has the character set of the dataset around it
    tags = FullHeader(save_dataset(ds, tmp_path / "a")).read_tags()
    assert tags["PatientName"].value == name
    assert [tag.value for tag in tags.find("太郎")] == [name, name]


def test_private_elements_have_their_vendors_names(tmp_path):
    ds = make_image(PIXELS)
    block = ds.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    block.add_new(0x0C, "IS", 700)
    block.add_new(0xF0, "LO", "unheard of")
    # In implicit VR only elements in a dictionary have a known VR.
    for n, syntax in enumerate((ImplicitVRLittleEndian, ExplicitVRBigEndian)):
        tags = FullHeader(save_dataset(ds, tmp_path / f"{n}", syntax)).read_tags()
        (known,) = tags.find("0019,100C")
        assert (known.name, known.value, known.creator) == ("B_value", "700", "SIEMENS MR HEADER")
        (unknown,) = tags.find("0019,10F0")
        assert "unheard of" in unknown.value
        assert tags["(0019,0010)"].name == "Private Creator"


def test_values_that_break_the_rules_are_shown_as_they_are(tmp_path):
    broken = {
        "SliceThickness": (b"DS", b"five", "five"),
        "EchoNumbers": (b"IS", b"1.5 ", "1.5"),
        "StudyDate": (b"DA", b"yesterday ", "yesterday"),
        "AcquisitionMatrix": (b"US", b"\x01\x02\x03", "01 02 03"),
        "WindowCenter": (b"DS", b"40\\\\x ", "x"),
    }
    ds = make_image(PIXELS)
    del ds.PixelData
    path = save_dataset(ds, tmp_path / "a")
    with path.open("ab") as file:
        for keyword, (vr, raw, _) in broken.items():
            tag = PydicomTag(keyword)
            file.write(struct.pack("<HH2sH", tag.group, tag.element, vr, len(raw)) + raw)
    tags = FullHeader(path).read_tags()
    for keyword, (vr, _, text) in broken.items():
        assert tags[keyword].vr == vr.decode()
        assert text in tags[keyword].value


def test_an_element_read_alone_has_the_same_value(tmp_path):
    """In implicit VR another element decides whether "US or SS" is signed (PS3.3 C.7.6.3)."""
    ds = make_image(PIXELS, PixelRepresentation=1)
    ds.add_new("SmallestImagePixelValue", "SS", -1024)
    ds.add_new("PixelPaddingValue", "SS", -2000)
    path = save_dataset(ds, tmp_path / "a", ImplicitVRLittleEndian)
    for keyword, expected in (("SmallestImagePixelValue", "-1024"), ("PixelPaddingValue", "-2000")):
        tag = FullHeader(path).read_tags()[keyword]
        assert tag.value == expected
        assert FullHeader(path, tag.tag).read_tags()[keyword] == tag


def test_an_element_with_an_unknown_vr_does_not_hide_others(tmp_path):
    ds = make_image(PIXELS)
    item = Dataset()
    item.ScheduledProcedureStepDescription = "head"
    ds.RequestAttributesSequence = [item]
    ds.PatientComments = "seen"
    path = save_dataset(ds, tmp_path / "a")
    content = path.read_bytes()
    for number in (0x0007, 0x0275):  # inside the sequence, and the sequence itself
        tag = struct.pack("<HH", 0x0040, number)
        at = content.index(tag) + len(tag)
        (tmp_path / "b").write_bytes(content[:at] + b"XX" + content[at + 2 :])
        tags = FullHeader(tmp_path / "b").read_tags()
        assert tags["PatientComments"].value == "seen"


def test_binary_values_are_shown_with_their_length(tmp_path):
    ds = make_image(PIXELS)
    ds.add_new(0x00420011, "OB", bytes(range(200)))
    ds.add_new(0x00091001, "UN", b"12")
    tags = FullHeader(save_dataset(ds, tmp_path / "a")).read_tags()
    document = tags["EncapsulatedDocument"].value
    assert document.startswith("200 bytes: 00 01 02")
    assert len(document) < 80
    assert tags["(0009,1001)"].value == '2 bytes: 31 32 "12"'  # may be text, or 12849


def test_uids_are_shown_with_their_names(tmp_path):
    tags = FullHeader(save_dataset(make_image(PIXELS), tmp_path / "a")).read_tags()
    assert tags["SOPClassUID"].meaning == "CT Image Storage"
    assert tags["SOPInstanceUID"].meaning == ""
    assert tags["TransferSyntaxUID"] in tags.find("Explicit VR")


def test_a_frame_has_only_its_own_functional_groups(tmp_path):
    path = save_dataset(make_enhanced([make_plane_position(n) for n in range(4)]), tmp_path / "a")
    header = FullHeader(path)
    assert header.number_of_frames == 4
    assert len(header.read_tags().find("Image Position (Patient)")) == 4
    for n in range(4):
        tags = header.read_tags(n)
        (position,) = tags.find("Image Position (Patient)")
        assert position.numbers == pytest.approx(
            make_plane_position(n)["PlanePositionSequence"]["ImagePositionPatient"]
        )
        groups = tags["PerFrameFunctionalGroupsSequence"]
        assert groups.children[0].name == f"Item {n + 1}"
        assert tags.find("Pixel Spacing")  # shared by all frames
    assert header.read_tags(9)["PerFrameFunctionalGroupsSequence"].children == ()


def test_one_element_can_be_read_alone(tmp_path):
    ds = make_mosaic()
    path = save_dataset(ds, tmp_path / "a")
    (only,) = FullHeader(path, "(0029,1010)").read_tags().find("0029,1010")
    assert only == FullHeader(path).read_tags()["(0029,1010)"]
    assert "Rows" not in {tag.keyword for tag in FullHeader(path, "(0029,1010)").read_tags()}


@pytest.mark.parametrize("content", [b"", b"no dicom at all" * 20, None])
def test_files_that_are_not_dicom_are_refused(tmp_path, content):
    path = tmp_path / "other"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=r"^other: "):
        FullHeader(path).read_tags()


def test_a_file_that_ends_inside_its_header_gives_one_sentence(tmp_path):
    path = save_dataset(make_series()[0], tmp_path / "a")
    whole = path.read_bytes()
    refused = []
    for length in range(140, len(whole), 7):
        path.write_bytes(whole[:length])
        try:
            FullHeader(path).read_tags()
        except UnreadableFile as error:
            refused.append(str(error))
    assert all(message.startswith("a: ") for message in refused)


def test_a_long_header_is_read_completely(tmp_path):
    ds = make_image(PIXELS)
    items = []
    for n in range(1000):
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = "1.2.3", f"1.2.3.{n}"
        item.PurposeOfReferenceCodeSequence = []
        items.append(item)
    ds.ReferencedImageSequence = items
    path = save_dataset(ds, tmp_path / "a")
    # An item with two elements and an empty sequence, a thousand times.
    values = [str(each[-1].value) for each in FullHeader(path).read_tags().walk()]
    assert [value for value in values if value.startswith("1.2.3.")] == [
        f"1.2.3.{n}" for n in range(1000)
    ]
    assert len(values) > 4000
