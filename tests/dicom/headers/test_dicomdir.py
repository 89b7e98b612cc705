"""The files that a DICOMDIR references (PS3.10 8, PS3.3 F)."""

from pathlib import Path

import numpy as np
import pydicom
import pytest

from helpers.builders import make_series, save_dataset, stored_slice
from helpers.dicom_objects import write_dicomdir
from napari_medread.api import read
from napari_medread.errors import UnreadableFile

SHIPPED = Path(pydicom.__file__).parent / "data" / "test_files" / "dicomdirtests"


def write_images(folder, names):
    """Write one series, each slice under one of the names, and return their paths."""
    datasets = make_series(slices=range(len(names)))
    return [save_dataset(ds, folder / name) for name, ds in zip(names, datasets, strict=True)]


def test_referenced_files_are_read(tmp_path):
    write_images(tmp_path, ["A/B/IM1", "A/B/IM2", "A/B/NOT_MINE"])
    path = write_dicomdir(tmp_path, [["A", "B", "IM1"], ["A", "B", "IM2"]])
    (volume,) = read(path)
    np.testing.assert_array_equal(volume.data, [stored_slice(1), stored_slice(0)])
    assert volume.notes == ()


@pytest.mark.parametrize("name", ["DICOMDIR", "dicomdir", "Dicomdir.dcm"])
def test_a_dicomdir_is_recognised_by_its_content(tmp_path, name):
    write_images(tmp_path, ["IM1"])
    (volume,) = read(write_dicomdir(tmp_path, ["IM1"], name))
    assert volume.shape[0] == 1


@pytest.mark.parametrize(
    "name", ["images/im1", "Images/Im1", "IMAGES/IM1;1", "images/im1;1", "IMAGES/IM1."]
)
def test_names_are_found_as_media_change_them(tmp_path, name):
    write_images(tmp_path, [name])
    (volume,) = read(write_dicomdir(tmp_path, [["IMAGES", "IM1"]]))
    assert [p.name for p in volume.source] == [Path(name).name]


def test_a_file_referenced_twice_is_read_once(tmp_path):
    write_images(tmp_path, ["IM1", "IM2"])
    (volume,) = read(write_dicomdir(tmp_path, ["IM1", "IM2", "IM1"]))
    assert volume.shape[0] == 2
    assert volume.notes == ()


def test_missing_files_are_named_and_the_rest_is_read(tmp_path):
    write_images(tmp_path, ["IM1", "IM2"])
    (volume,) = read(write_dicomdir(tmp_path, ["IM1", "IM2", "IM3", ["SUB", "IM4"]]))
    assert volume.shape[0] == 2
    assert volume.notes == ("Skipped DICOMDIR: 2 referenced files are missing: IM3, SUB/IM4.",)


def test_only_the_first_missing_files_are_named(tmp_path):
    with pytest.raises(UnreadableFile) as raised:
        read(write_dicomdir(tmp_path, [f"IM{n}" for n in range(50)]))
    assert str(raised.value) == (
        "DICOMDIR: 50 referenced files are missing: IM0, IM1, IM2 and 47 more."
    )


@pytest.mark.parametrize(
    "reference",
    [
        ["..", "OUTSIDE"],
        ["SUB", "..", "..", "OUTSIDE"],
        ["LINK"],
        ["FOLDER", "OUTSIDE"],
        "/{outside}",
        "../OUTSIDE",
    ],
    ids=["up", "down and up", "link", "link to a folder", "absolute", "slash"],
)
def test_files_outside_its_folder_are_not_opened(tmp_path, reference):
    outside, inside = tmp_path / "secret", tmp_path / "medium"
    write_images(outside, ["OUTSIDE"])
    write_images(tmp_path, ["OUTSIDE"])
    (inside / "SUB").mkdir(parents=True)
    (inside / "LINK").symlink_to(outside / "OUTSIDE")
    (inside / "FOLDER").symlink_to(outside, target_is_directory=True)
    if isinstance(reference, str):
        reference = reference.format(outside=outside / "OUTSIDE")
    path = write_dicomdir(inside, ["PLACEHOLDER"])
    ds = pydicom.dcmread(path)
    # pydicom checks names unless validation is disabled.
    with pydicom.config.disable_value_validation():
        ds.DirectoryRecordSequence[1].ReferencedFileID = reference
        ds.save_as(path)
    with pytest.raises(UnreadableFile, match=r"^DICOMDIR: 1 referenced file is outside"):
        read(path)


def test_a_link_to_the_medium_itself_is_inside(tmp_path):
    write_images(tmp_path / "medium", ["IM1"])
    path = write_dicomdir(tmp_path / "medium", ["IM1"])
    (tmp_path / "link").symlink_to(tmp_path / "medium", target_is_directory=True)
    (volume,) = read(tmp_path / "link" / path.name)
    assert volume.shape[0] == 1


def test_a_folder_is_walked_and_its_dicomdir_ignored(tmp_path):
    write_images(tmp_path, ["IM1", "IM2"])
    write_dicomdir(tmp_path, ["IM1"])
    (volume,) = read(tmp_path)
    assert volume.shape[0] == 2
    assert volume.notes == ()


@pytest.mark.parametrize("references", [[], None], ids=["no images", "no records"])
def test_a_dicomdir_without_images_says_so(tmp_path, references):
    path = write_dicomdir(tmp_path, references or [])
    if references is None:
        ds = pydicom.dcmread(path)
        del ds.DirectoryRecordSequence
        ds.save_as(path)
    with pytest.raises(UnreadableFile, match=r"^DICOMDIR: it references no images\.$"):
        read(path)


@pytest.mark.parametrize("kept", [0.5, 0.75, 0.95])
def test_a_broken_dicomdir_is_one_sentence(tmp_path, kept):
    write_images(tmp_path, ["IM1", "IM2"])
    path = write_dicomdir(tmp_path, ["IM1", "IM2"])
    content = path.read_bytes()
    path.write_bytes(content[: 144 + int((len(content) - 144) * kept)])
    with pytest.raises(UnreadableFile, match=r"^DICOMDIR: [^\n]*\.$"):
        read(path)


def test_a_dicomdir_in_a_dicomdir_is_not_followed(tmp_path):
    with pytest.raises(UnreadableFile, match="not an image"):
        read(write_dicomdir(tmp_path, ["DICOMDIR"]))


@pytest.mark.parametrize(
    ("name", "count"),
    [("DICOMDIR", 31), ("DICOMDIR-implicit", 31), ("DICOMDIR-bigEnd", 31)],
)
def test_shipped_directories(name, count):
    volumes = read(SHIPPED / name)
    assert len({path for v in volumes for path in v.source}) == count


def test_a_shipped_directory_whose_images_have_no_pixels():
    with pytest.raises(UnreadableFile, match="pixels"):
        read(SHIPPED / "TINY_ALPHA" / "DICOMDIR")
