"""Volumes of several patients and studies, told apart without the patients' data."""

import pytest
from pydicom.dataset import Dataset

import napari_medread
from helpers.patients import write_scan
from napari_medread.core.warning_filters import suppress_warnings
from napari_medread.dicom.headers.series_references import make_series_reference


def names(path):
    return [volume.name for volume in napari_medread.read(path)]


def test_a_single_patient_has_plain_names(tmp_path):
    write_scan(tmp_path / "1")
    write_scan(tmp_path / "2", number=4)
    assert names(tmp_path) == ["3 chest", "4 chest"]


def test_patients_are_numbered_as_their_files_come(tmp_path):
    write_scan(tmp_path / "1", "B", number=7)
    write_scan(tmp_path / "2", "A", number=3)
    write_scan(tmp_path / "3", "B", "20120506", number=2)
    assert names(tmp_path) == [
        "P1: 2 chest, 2012-05-06", "P1: 7 chest, 2011-03-04", "P2: 3 chest, 2011-03-04",
    ]  # fmt: skip


def test_two_studies_of_a_patient_are_told_apart_by_their_dates(tmp_path):
    write_scan(tmp_path / "1")
    write_scan(tmp_path / "2", date="20120506")
    write_scan(tmp_path / "3", date="20120506")
    assert names(tmp_path) == [
        "3 chest, 2011-03-04", "3 chest, 2012-05-06 [1]", "3 chest, 2012-05-06 [2]",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("date", "expected"),
    [("20110304", "2011-03-04"), ("2011.03.04", "2011-03-04"), ("", ""), ("unknown", ""),
     ("20119999", "")],
)  # fmt: skip
def test_only_what_is_a_date_is_used(date, expected):
    dataset = Dataset()
    with suppress_warnings():  # pydicom warns about values that are no date
        dataset.StudyDate = date
    assert make_series_reference(dataset, "3 chest").study_date == expected


def test_the_patients_are_named_nowhere(tmp_path):
    for patient in ("Ypsilon", "Zeta"):
        write_scan(tmp_path / patient[:1], patient)
    for volume in napari_medread.read(tmp_path):
        text = repr(volume)
        assert not any(word in text for word in ("Ypsilon", "Zeta", "Doe"))
