"""What there is to read at a path: the same as is read."""

import numpy as np
import pytest
import SimpleITK as sitk

from helpers.builders import make_series, save_dataset, write_series
from helpers.dicom_objects import write_dicomdir
from helpers.picture_files import deep_png
from napari_medread.api import read
from napari_medread.catalogue import browse
from napari_medread.errors import UnreadableFile

PICTURE = deep_png(np.zeros((2, 3, 3), np.uint16))


def names(found):
    return [
        entry.name
        for patient in found.patients
        for study in patient.studies
        for each in study.series
        for entry in each.entries
    ] + [entry.name for entry in found.files]


@pytest.fixture
def folder(tmp_path):
    """Return a folder of a series, two volumes, a picture, a broken image and a text."""
    write_series(tmp_path / "series", make_series())
    image = sitk.GetImageFromArray(np.arange(24, dtype=np.int16).reshape(2, 3, 4))
    for name in ("a.mha", "b.nii.gz"):
        sitk.WriteImage(image, tmp_path / name)
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "logo.png").write_bytes(PICTURE)
    (tmp_path / "broken.dcm").write_bytes(b"no DICOM")
    (tmp_path / "notes.txt").write_text("nothing")
    return tmp_path


def test_a_folder_of_everything(folder):
    found = browse(folder)
    assert names(found) == [v.name for v in read(folder)] == ["4 Test series", "a", "b"]
    assert found.skipped == ["broken.dcm: this is not a DICOM file."]
    (volume,) = found.files[1].read()
    np.testing.assert_array_equal(volume.data, np.arange(24).reshape(2, 3, 4))
    assert found.files[1].source == volume.source


def test_pictures_are_listed_where_there_is_nothing_else(folder):
    found = browse(folder / "pictures")
    assert names(found) == ["logo"]
    assert found.files[0].preview()[0].rgb


def test_a_directory_lists_what_it_references(tmp_path):
    for name, ds in zip(("A", "B", "C", "D"), make_series(), strict=True):
        save_dataset(ds, tmp_path / name)
    found = browse(write_dicomdir(tmp_path, ["A", "B", "LOST"]))
    (patient,) = found.patients
    assert patient.studies[0].series[0].entries[0].volume.shape[0] == 2
    assert found.skipped == ["DICOMDIR: 1 referenced file is missing: LOST."]


def test_where_there_is_nothing(tmp_path):
    found = browse(tmp_path)
    assert (found.patients, found.files, found.skipped) == ([], [], [])
    with pytest.raises(UnreadableFile, match=r"^gone: there is no such file or folder"):
        browse(tmp_path / "gone")


def test_it_stops_when_it_is_told_to(folder):
    def stopped(items, description):
        raise UnreadableFile(description)

    with pytest.raises(UnreadableFile, match="Reading headers"):
        browse(folder, progress=stopped)
