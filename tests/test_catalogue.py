"""What there is to read at a path: the same as is read."""

import numpy as np
import pytest
import SimpleITK as sitk

from helpers.builders import make_series, save_dataset, write_series
from helpers.dicom_objects import write_dicomdir
from helpers.picture_files import deep_png
from napari_medread import catalogue
from napari_medread.api import read
from napari_medread.catalogue import CatalogueSearch, browse
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


def test_a_search_shows_what_it_finds_before_it_ends(folder, monkeypatch):
    """Series whose files are still being searched for are listed, and cannot be read yet."""
    monkeypatch.setattr(catalogue, "FIRST_PUBLISH_DELAY_S", 0)
    monkeypatch.setattr(catalogue, "PUBLISH_INTERVAL_S", 0)
    monkeypatch.setattr(catalogue, "monotonic", lambda: 0.0)  # so that it is always time to
    for n, ds in enumerate(make_series(slices=range(9), SeriesInstanceUID="1.2.9", SeriesNumber=9)):
        save_dataset(ds, folder / "others" / f"{n % 2}" / f"{n}")
    published, shares = [], []

    def publish(found):
        published.append(
            [
                (series.name, len(series.entries), series.file_count)
                for patient in found.patients
                for study in patient.studies
                for series in study.series
            ]
        )
        shares.append(search.done_share)

    search = CatalogueSearch(folder, publish)
    found = search.run()
    assert published[0] == []  # a file of another format
    first = next(each for each in published if each)
    assert first == [("9 Test series", 0, 1)]
    counts = [{name: count for name, _, count in each} for each in published]
    assert [each["9 Test series"] for each in counts if each][:4] == [1, 2, 3, 4]
    assert [("4 Test series", 1, 4), ("9 Test series", 1, 9)] in published
    assert published[-1] == [("4 Test series", 1, 4), ("9 Test series", 1, 9)]
    # The number of files is known at the end, and then all of it is done.
    known = [share for share in shares if share is not None]
    assert all(0 <= share <= 1 for share in known)
    assert search.done_share == 1
    assert search.searched_count == search.file_count
    # What it ends with is what is listed at once.
    at_once = browse(folder)
    assert names(found) == names(at_once)
    assert found.skipped == at_once.skipped
