"""What is in a set of DICOM files: patients, their studies, series, and the volumes in them.

Only headers are read. A catalogue is the one place where patients have names: for a person who
chooses what to open. They are left out of every ``repr``, and no volume knows its patient.
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

    Attributes
    ----------
    volume : Volume
        It, read lazily: slices are only read when they are looked at.
    """

    volume: Volume
    _stack: Stack = field(repr=False)

    @property
    def name(self) -> str:
        """What it is called once it is read."""
        return self.volume.name

    @property
    def source(self) -> tuple[Path, ...]:
        """Its files."""
        return self.volume.source

    def preview(self) -> list[Volume]:
        """Return what describes it, without its voxels."""
        return [self.volume]

    def read(self, progress: Progress = no_progress, lazy_above: int | None = None) -> list[Volume]:
        """Read its voxels into memory, unless they take much of what is free.

        Parameters
        ----------
        progress : Progress
            Reports progress, and may stop it.
        lazy_above : int or None
            Read slices of more bytes than this in all only when they are looked at; None:
            as memory allows.

        Raises
        ------
        UnreadableFile
            Where it cannot be decoded, or its files have gone.
        """
        volume = build_volume(self._stack, progress, lazy_above=lazy_above)
        volume.name = self.name
        return [volume]


@dataclass(eq=False)
class DicomSeries:
    """Volumes that share a SeriesInstanceUID.

    Attributes
    ----------
    name : str
        Number and description.
    entries : list of Entry
        At least one.
    """

    name: str
    entries: list[DicomEntry] = field(default_factory=list)


@dataclass(eq=False)
class DicomStudy:
    """One examination.

    Attributes
    ----------
    date : str
        As ISO 8601 has it, empty where absent.
    description : str
        StudyDescription, unless it mentions the patient.
    series : list of Series
        By number.
    """

    date: str
    description: str
    series: list[DicomSeries] = field(default_factory=list)


@dataclass(eq=False)
class DicomPatient:
    """Who was examined.

    Attributes
    ----------
    name, patient_id : str
        PatientName, the family name first, and PatientID. Either may be empty.
    studies : list of Study
        The latest first.
    """

    name: str = field(repr=False)
    patient_id: str = field(repr=False)
    studies: list[DicomStudy] = field(default_factory=list)


def list_patients(
    paths: Iterable[Path], progress: Progress = no_progress
) -> tuple[list[DicomPatient], list[str]]:
    """Sort DICOM files into patients, studies, series and volumes.

    Parameters
    ----------
    paths : iterable of Path
        Files, in any order and of any name; others are passed over.
    progress : Progress
        Reports progress, and may stop it.

    Returns
    -------
    patients : list of Patient
        By name.
    skipped : list of str
        What was DICOM and could not be read, and why.
    """
    found = scan_headers(paths, progress)
    skipped = list(found.skipped)
    shelf = _Shelf()
    for series in progress(group_by_series(found.headers), "Sorting series"):
        entries = []
        for stack in split_series(series):
            try:
                entries.append(DicomEntry(build_volume(stack, lazy=True), stack))
            except UnreadableFile as error:
                skipped.append(str(error))
        if entries:
            dataset = series.frames[0].header.dataset
            first = entries[0]
            name = first.name.removesuffix(f" ({first._stack.label})")
            shelf.study_of(dataset).series.append(DicomSeries(name, entries))
    return shelf.sorted(), skipped


class _Shelf:
    """Patients and studies as they are met."""

    def __init__(self) -> None:
        self._patients: dict[tuple[str, str], DicomPatient] = {}
        self._studies: dict[tuple[DicomPatient, str], DicomStudy] = {}

    def study_of(self, dataset: Dataset) -> DicomStudy:
        """Return the study that a file is of."""
        patient_id = attributes.get_text(dataset, "PatientID")
        name = _readable(attributes.get_text(dataset, "PatientName"))
        # An ID alone may be given to two patients by two hospitals.
        key = (patient_id.casefold(), name.casefold())
        patient = self._patients.setdefault(key, DicomPatient(name, patient_id))
        date = _iso(attributes.get_text(dataset, "StudyDate"))
        description = attributes.get_text(dataset, "StudyDescription")
        if has_patient_identifier(description, dataset):
            description = ""
        uid = attributes.get_text(dataset, "StudyInstanceUID") or f"{date} {description}"
        if (patient, uid) not in self._studies:
            self._studies[patient, uid] = DicomStudy(date, description)
            patient.studies.append(self._studies[patient, uid])
        return self._studies[patient, uid]

    def sorted(self) -> list[DicomPatient]:
        """Return the patients with everything in its order."""
        patients = sorted(self._patients.values(), key=lambda p: (p.name.casefold(), p.patient_id))
        for patient in patients:
            patient.studies.sort(key=lambda study: study.date, reverse=True)
            for study in patient.studies:
                study.series.sort(
                    key=lambda series: series_number_from_name(series.entries[0].volume)
                )
        every = [s for p in patients for study in p.studies for s in study.series]
        make_names_unique([entry.volume for series in every for entry in series.entries])
        return patients


def _readable(name: str) -> str:
    """Return a person's name as it is written in a list (PS3.5 6.2.1).

    Its groups, alphabetic, ideographic and phonetic, are divided by ``=``, the components of each
    by ``^``: family, given, middle name, prefix and suffix.
    """
    groups = []
    for group in name.split("=")[:2]:
        family, *given = [part.strip() for part in group.split("^")][:3]
        rest = " ".join(filter(None, given))
        groups.append(", ".join(filter(None, (family, rest))))
    first, *other = [group for group in groups if group] or [""]
    return f"{first} ({other[0]})" if other else first


def _iso(date: str) -> str:
    """Return a date, ``YYYYMMDD`` or with dots as in old files, as ISO 8601 has it."""
    digits = date.replace(".", "")
    if len(digits) == 8 and digits.isdigit():
        return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"
    return date
