"""Values of functional groups, from the bytes of sequences in every encoding."""

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from helpers.builders import make_image, save_dataset
from napari_medread.dicom.headers.functional_groups import BrokenSequence, iterate_frame_values
from napari_medread.dicom.headers.header_scan import read_header

GROUPS = ("PlanePositionSequence", "SegmentIdentificationSequence")
ELEMENTS = ("ImagePositionPatient", "ReferencedSegmentNumber")
KEYWORD = "PerFrameFunctionalGroupsSequence"


def make_frames(count=4):
    """Return frames with positions of different lengths, and a sequence nobody asks for."""
    frames = []
    for n in range(count):
        frame, position, segment, content = Dataset(), Dataset(), Dataset(), Dataset()
        position.ImagePositionPatient = [0, 10**n, n]
        segment.ReferencedSegmentNumber = n + 1
        content.DimensionIndexValues = [1, n + 1]
        nested = Dataset()
        nested.ImagePositionPatient = [9, 9, 9]
        content.PlanePositionSequence = [nested]
        frame.FrameContentSequence = [content]
        frame.PlanePositionSequence = [position]
        frame.SegmentIdentificationSequence = [segment]
        frames.append(frame)
    return frames


def mark_undefined(dataset):
    """Write all sequences and items of a dataset with undefined length."""
    for element in dataset:
        if element.VR == "SQ":
            element.is_undefined_length = True
            for item in element.value:
                item.is_undefined_length_sequence_item = True
                mark_undefined(item)


def read(folder, frames, syntax=ExplicitVRLittleEndian, *, undefined=False):
    """Return the header of a file with these frames, whose sequences are not converted."""
    dataset = make_image(np.zeros((2, 2), np.uint8), PerFrameFunctionalGroupsSequence=frames)
    if undefined:
        mark_undefined(dataset)
    return read_header(save_dataset(dataset, folder / "a.dcm", syntax)).dataset


def find_values(dataset):
    return list(iterate_frame_values(dataset, KEYWORD, GROUPS, ELEMENTS))


def replace_bytes(dataset, change):
    """Change the bytes of the sequence."""
    element = dataset.get_item(0x52009230)
    dataset._dict[element.tag] = element._replace(value=change(element.value))


@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian]
)
def test_the_values_of_every_frame_are_found(tmp_path, syntax, undefined):
    found = find_values(read(tmp_path, make_frames(), syntax, undefined=undefined))
    order = "big" if syntax == ExplicitVRBigEndian else "little"
    numbers = [int.from_bytes(each["ReferencedSegmentNumber"], order) for each in found]
    assert numbers == [1, 2, 3, 4]
    positions = [each["ImagePositionPatient"].decode().strip().split("\\") for each in found]
    assert [list(map(float, each)) for each in positions] == [[0, 10**n, n] for n in range(4)]


def test_a_frame_without_a_group_has_no_value(tmp_path):
    frames = make_frames()
    del frames[2].PlanePositionSequence
    found = find_values(read(tmp_path, frames))
    assert ["ImagePositionPatient" in each for each in found] == [True, True, False, True]


@pytest.mark.parametrize("removed", [1, 5, 20, 60])
def test_an_item_that_ends_too_early_is_broken(tmp_path, removed):
    dataset = read(tmp_path, make_frames())
    replace_bytes(dataset, lambda value: value[:-removed])
    with pytest.raises(BrokenSequence):
        find_values(dataset)


def test_bytes_that_are_no_items_are_broken(tmp_path):
    dataset = read(tmp_path, make_frames())
    replace_bytes(dataset, lambda _: b"no items, but text." * 3)
    with pytest.raises(BrokenSequence):
        find_values(dataset)


def test_no_sequence_has_no_frames():
    assert find_values(Dataset()) == []
