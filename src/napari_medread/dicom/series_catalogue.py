"""Listing the patients, studies, series and volumes in a set of DICOM files.

Only headers are read. A catalogue is the only place that holds patients' names, so that the user
can choose what to open. They are left out of every ``repr``, and volumes do not hold them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pydicom.dataset import Dataset

from napari_medread.core.progress import Progress, no_progress
from napari_medread.core.volume import Volume
from napari_medread.dicom.headers import attributes
from napari_medread.dicom.headers.header_scan import scan_headers
from napari_medread.dicom.sorting.series_splitting import group_by_series, split_series
from napari_medread.dicom.sorting.stack import Stack
from napari_medread.dicom.volume_building import (
    build_volume,
    has_patient_identifier,
    make_names_unique,
    series_number_from_name,
)
from napari_medread.errors import UnreadableFile


@dataclass(eq=False)
class DicomEntry:
    """A volume that can be read.

    It has the same methods as ``FileEntry``.

    Attributes
    ----------
    volume : Volume
        The volume, whose slices are read on demand.
    """

    volume: Volume
    _stack: Stack = field(repr=False)

    @property
    def name(self) -> str:
        """The name of the volume."""
        return self.volume.name

    @property
    def source(self) -> tuple[Path, ...]:
        """Its files."""
        return self.volume.source

    def preview(self) -> list[Volume]:
        """Return the volume, for its properties and a thumbnail, without reading its voxels."""
        return [self.volume]

    def read(self, progress: Progress = no_progress, lazy_above: int | None = None) -> list[Volume]:
        """Read the volume, into memory unless it would take much of the free memory.

        Parameters
        ----------
        progress : Progress
            Reports progress, and may cancel.
        lazy_above : int or None
            Number of bytes above which slices are read on demand; None: a share of the free
            memory.

        Raises
        ------
        UnreadableFile
            If it cannot be decoded, or its files no longer exist.
        """
        volume = build_volume(self._stack, progress, lazy_above=lazy_above)
        volume.name = self.name
        return [volume]


@dataclass(eq=False)
class DicomSeries:
    """The volumes that share a SeriesInstanceUID.

    Attributes
    ----------
    name : str
        Series number and description.
    entries : list of DicomEntry
        At least one.
    """

    name: str
    entries: list[DicomEntry] = field(default_factory=list)


@dataclass(eq=False)
class DicomStudy:
    """One examination of a patient.

    Attributes
    ----------
    date : str
        StudyDate in ISO 8601 form; empty where absent.
    description : str
        StudyDescription; empty where absent or where it contains the patient's name or ID.
    series : list of DicomSeries
        By series number.
    """

    date: str
    description: str
    series: list[DicomSeries] = field(default_factory=list)


@dataclass(eq=False)
class DicomPatient:
    """A patient and the studies of that patient.

    Attributes
    ----------
    name : str
        PatientName, the family name first; may be empty.
    patient_id : str
        PatientID; may be empty.
    studies : list of DicomStudy
        The latest first.
    """

    name: str = field(repr=False)
    patient_id: str = field(repr=False)
    studies: list[DicomStudy] = field(default_factory=list)


def list_patients(
    paths: Iterable[Path], progress: Progress = no_progress
) -> tuple[list[DicomPatient], list[str]]:
    """List DICOM files by patient, study, series and volume.

    Parameters
    ----------
    paths : iterable of Path
        Files, in any order and with any name. Files that are not DICOM are ignored.
    progress : Progress
        Reports progress, and may cancel.

    Returns
    -------
    patients : list of DicomPatient
        By name.
    skipped : list of str
        One sentence for every DICOM file or stack that cannot be read.
    """
    scan = scan_headers(paths, progress)
    skipped = list(scan.skipped)
    index = _PatientIndex()
    for series in progress(group_by_series(scan.headers), "Sorting series"):
        entries = []
        for stack in split_series(series):
            try:
                entries.append(DicomEntry(build_volume(stack, lazy=True), stack))
            except UnreadableFile as error:
                skipped.append(str(error))
        if entries:
            study = index.find_or_add_study(series.frames[0].header.dataset)
            name = entries[0].name.removesuffix(f" ({entries[0]._stack.label})")
            study.series.append(DicomSeries(name, entries))
    return index.sort_patients(), skipped


class _PatientIndex:
    """The patients and studies of the files so far."""

    def __init__(self) -> None:
        self._patients: dict[tuple[str, str], DicomPatient] = {}
        self._studies: dict[tuple[DicomPatient, str], DicomStudy] = {}

    def find_or_add_study(self, dataset: Dataset) -> DicomStudy:
        """Return the study of a file, added to its patient if it is new."""
        patient_id = attributes.get_text(dataset, "PatientID")
        name = _format_person_name(attributes.get_text(dataset, "PatientName"))
        # Two hospitals may have given the same ID to two patients.
        key = (patient_id.casefold(), name.casefold())
        patient = self._patients.setdefault(key, DicomPatient(name, patient_id))
        date = _format_date(attributes.get_text(dataset, "StudyDate"))
        description = attributes.get_text(dataset, "StudyDescription")
        if has_patient_identifier(description, dataset):
            description = ""
        uid = attributes.get_text(dataset, "StudyInstanceUID") or f"{date} {description}"
        if (patient, uid) not in self._studies:
            self._studies[patient, uid] = DicomStudy(date, description)
            patient.studies.append(self._studies[patient, uid])
        return self._studies[patient, uid]

    def sort_patients(self) -> list[DicomPatient]:
        """Return the patients by name, with sorted studies and series and unique volume names."""
        patients = sorted(self._patients.values(), key=lambda p: (p.name.casefold(), p.patient_id))
        for patient in patients:
            patient.studies.sort(key=lambda study: study.date, reverse=True)
            for study in patient.studies:
                study.series.sort(
                    key=lambda series: series_number_from_name(series.entries[0].volume)
                )
        all_series = [s for p in patients for study in p.studies for s in study.series]
        make_names_unique([entry.volume for series in all_series for entry in series.entries])
        return patients


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
