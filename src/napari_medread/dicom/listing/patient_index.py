"""Series to patients and studies: whose a series is, and the order of the list."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import NamedTuple

from pydicom.dataset import Dataset

from napari_medread.dicom.headers import attributes
from napari_medread.dicom.headers.patient_words import has_patient_identifier
from napari_medread.dicom.listing.series_catalogue import DicomPatient, DicomSeries, DicomStudy
from napari_medread.dicom.volume_building import series_number_from_name


class SeriesOwner(NamedTuple):
    """Whose a series is, and of which study.

    Attributes
    ----------
    patient_name, patient_id, study_date, study_description : str
        As they are shown.
    study_key : str
        StudyInstanceUID, or date and description where that is absent.
    """

    patient_name: str
    patient_id: str
    study_key: str
    study_date: str
    study_description: str


def find_owner(dataset: Dataset) -> SeriesOwner:
    """Return whose the series of a file is."""
    date = _format_date(attributes.get_text(dataset, "StudyDate"))
    description = attributes.get_text(dataset, "StudyDescription")
    if has_patient_identifier(description, dataset):
        description = ""
    return SeriesOwner(
        _format_person_name(attributes.get_text(dataset, "PatientName")),
        attributes.get_text(dataset, "PatientID"),
        attributes.get_text(dataset, "StudyInstanceUID") or f"{date} {description}",
        date,
        description,
    )


def arrange_series(series: Iterable[tuple[SeriesOwner, DicomSeries]]) -> list[DicomPatient]:
    """Return patients by name, their studies, the latest first, and series, by number.

    Parameters
    ----------
    series : iterable of (SeriesOwner, DicomSeries)
        In the order in which equal ones are to be listed.
    """
    patients: dict[Hashable, DicomPatient] = {}
    studies: dict[Hashable, DicomStudy] = {}
    for owner, each in series:
        new = DicomPatient(owner.patient_name, owner.patient_id)
        patient = patients.setdefault(new.key, new)
        key = (patient.key, owner.study_key)
        if key not in studies:
            studies[key] = DicomStudy(
                owner.study_date, owner.study_description, key=owner.study_key
            )
            patient.studies.append(studies[key])
        studies[key].series.append(each)
    for study in studies.values():
        study.series.sort(key=lambda each: series_number_from_name(each.name))
    for patient in patients.values():
        patient.studies.sort(key=lambda study: study.date, reverse=True)
    return sorted(patients.values(), key=lambda p: (p.name.casefold(), p.patient_id))


def _format_person_name(name: str) -> str:
    """Return a PatientName as it is written in a list, the family name first (PS3.5 6.2.1).

    Alphabetic, ideographic and phonetic groups are separated by ``=``. Family name, given name,
    middle name, prefix and suffix in each of them are separated by ``^``.
    """
    groups = []
    for group in name.split("=")[:2]:
        family, *given = [part.strip() for part in group.split("^")][:3]
        given_names = " ".join(filter(None, given))
        groups.append(", ".join(filter(None, (family, given_names))))
    first, *other = [group for group in groups if group] or [""]
    return f"{first} ({other[0]})" if other else first


def _format_date(date: str) -> str:
    """Return a date, ``YYYYMMDD`` or with dots as in old files, in ISO 8601 form."""
    digits = date.replace(".", "")
    if len(digits) == 8 and digits.isdigit():
        return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"
    return date
