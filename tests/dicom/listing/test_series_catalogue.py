"""Listing DICOM files by patient, study, series and volume."""

import numpy as np
import pytest
from pydicom import config

from helpers.builders import ORIENTATIONS, make_series, make_uid, write_series
from napari_medread.dicom.listing.series_collector import list_patients
from napari_medread.dicom.read import read_dicom


def list_files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def write_study_series(folder, patient, study, number, **attributes):
    """Write a series of a patient and a study, both given as attributes."""
    given = {"SeriesInstanceUID": make_uid(), "SeriesNumber": number, "SeriesDescription": "T1"}
    with config.disable_value_validation():
        datasets = make_series(**{**given, **patient, **study, **attributes})
    return write_series(folder / make_uid(), datasets)


JANE = {"PatientName": "Doe^Jane^Q", "PatientID": "J7"}
ADAM = {"PatientName": "Abel^Adam", "PatientID": "A1"}
OLD = {"StudyInstanceUID": make_uid(), "StudyDate": "2019.02.28", "StudyDescription": "Knee"}
NEW = {"StudyInstanceUID": make_uid(), "StudyDate": "20240131", "StudyDescription": "Head of Jane"}


def test_patients_studies_and_series_are_sorted(tmp_path):
    write_study_series(tmp_path, JANE, OLD, 1)
    write_study_series(tmp_path, JANE, NEW, 10)
    write_study_series(tmp_path, JANE, NEW, 9, SeriesDescription="T2")
    write_study_series(tmp_path, ADAM, {"StudyInstanceUID": make_uid(), "StudyDate": "20200101"}, 3)
    patients, skipped = list_patients(list_files(tmp_path))
    assert skipped == []
    assert [(p.name, p.patient_id) for p in patients] == [
        ("Abel, Adam", "A1"),
        ("Doe, Jane Q", "J7"),
    ]
    new, old = patients[1].studies
    # A description that names the patient is not shown.
    assert [(s.date, s.description) for s in (new, old)] == [
        ("2024-01-31", ""),
        ("2019-02-28", "Knee"),
    ]
    assert [s.name for s in new.series] == ["9 T2", "10 T1"]
    assert [s.name for s in old.series] == ["1 T1"]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada, Tarou (山田, 太郎)"),
        ("Adams^John Robert Quincy^^Rev.^B.A.", "Adams, John Robert Quincy"),
        ("ANON", "ANON"),
        ("^Only", "Only"),
        ("", ""),
    ],
)
def test_patient_names_are_written_with_the_family_name_first(tmp_path, written, shown):
    write_study_series(
        tmp_path, {"PatientName": written, "SpecificCharacterSet": "ISO_IR 192"}, {}, 1
    )
    (patient,), _ = list_patients(list_files(tmp_path))
    assert patient.name == shown


def test_patients_are_distinguished_by_name_and_id(tmp_path):
    write_study_series(tmp_path, JANE, NEW, 1)
    write_study_series(tmp_path, {**JANE, "PatientName": "DOE^JANE^Q"}, OLD, 1)
    write_study_series(tmp_path, {**ADAM, "PatientID": "J7"}, OLD, 1)
    patients, _ = list_patients(list_files(tmp_path))
    assert [len(p.studies) for p in patients] == [1, 2]


def test_entries_read_the_same_volumes_as_the_reader(tmp_path):
    """One series has two volumes, and only the other series has a window."""
    shared = {"SeriesInstanceUID": make_uid(), "SeriesDescription": "Both (plain)"}
    write_study_series(tmp_path, JANE, NEW, 2, **shared, orientation=ORIENTATIONS["axial"])
    write_study_series(tmp_path, JANE, NEW, 2, **shared, orientation=ORIENTATIONS["sagittal"])
    write_study_series(tmp_path, JANE, NEW, 4, WindowCenter=100, WindowWidth=50)
    patients, _ = list_patients(list_files(tmp_path))
    both, single = patients[0].studies[0].series
    assert both.name == "2 Both (plain)"
    assert [len(s.entries) for s in (both, single)] == [2, 1]
    read = read_dicom(list_files(tmp_path), lazy=False).volumes
    entries = [*both.entries, *single.entries]
    assert sorted(e.name for e in entries) == sorted(v.name for v in read)
    for volume in read:
        (entry,) = (e for e in entries if e.name == volume.name)
        assert entry.volume.shape == volume.shape
        (found,) = entry.read()
        assert isinstance(found.data, np.ndarray)
        np.testing.assert_array_equal(found.data, volume.data)
        np.testing.assert_array_equal(found.patient_affine, volume.patient_affine)
        assert (found.data.dtype, found.contrast_limits) == (
            volume.data.dtype,
            volume.contrast_limits,
        )
        assert (found.notes, found.windows, found.source) == (
            volume.notes,
            volume.windows,
            volume.source,
        )


def test_no_repr_and_no_volume_contains_the_patient(tmp_path):
    write_study_series(tmp_path, JANE, NEW, 1, SeriesDescription="Doe head")
    patients, _ = list_patients(list_files(tmp_path))
    (entry,) = patients[0].studies[0].series[0].entries
    for text in (repr(patients), str(patients[0]), repr(entry.volume), repr(entry.read())):
        assert not any(word in text for word in ("Doe", "Jane", "J7"))


def test_broken_files_are_reported(tmp_path):
    folder = write_study_series(tmp_path, JANE, NEW, 1)
    broken = list_files(folder)[0]
    broken.write_bytes(broken.read_bytes()[:-20])
    patients, skipped = list_patients(list_files(tmp_path))
    assert len(patients[0].studies[0].series[0].entries) == 1
    assert [each.split(":")[0] for each in skipped] == [broken.name]
