"""What the series browser shows of a catalogue, line by line."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from napari_medread.core.progress import Progress
from napari_medread.core.thumbnail_image import find_acquisition_plane
from napari_medread.core.volume import Volume

if TYPE_CHECKING:  # they import what reads DICOM, for which opening the panel should not wait
    from napari_medread.catalogue import Catalogue, FileEntry
    from napari_medread.dicom.series_catalogue import (
        DicomEntry,
        DicomPatient,
        DicomSeries,
        DicomStudy,
    )

CatalogueEntry: TypeAlias = "DicomEntry | FileEntry"
"""What can be loaded."""

MAX_PREVIEW_BYTES = 1 << 28
"""Files of other formats with more bytes are not read for their thumbnail."""

SEPARATOR = " · "
"""Between the parts of a line."""


def list_rows(place: Path, progress: Progress) -> tuple[Catalogue, list[Row]]:
    """List what there is to read at a path, and the rows that show it, with patients' names."""
    from napari_medread.catalogue import browse

    found = browse(place, progress=progress)
    return found, make_rows(found, names=True)


@dataclass(eq=False)
class CatalogueRow:
    """One row of the tree.

    Attributes
    ----------
    title : str
        Its first line.
    details : tuple of str
        The lines below it.
    tip : str
        Shown when the pointer rests on it.
    entry : Entry, FileEntry or None
        What it loads.
    children : list of Row
        The rows below it.
    is_series : bool
        Whether it stands for what is loaded together: a volume, or a series of several.
    """

    title: str
    details: tuple[str, ...] = ()
    tip: str = ""
    entry: CatalogueEntry | None = None
    children: list[CatalogueRow] = field(default_factory=list)
    is_series: bool = False

    @property
    def entries(self) -> Iterator[CatalogueEntry]:
        """What it and the rows below it load."""
        if self.entry is not None:
            yield self.entry
        for child in self.children:
            yield from child.entries

    @property
    def text(self) -> str:
        """What the filter looks at, in small letters."""
        return "\n".join([self.title, *self.details]).casefold()


def make_rows(catalogue: Catalogue, *, names: bool) -> list[CatalogueRow]:
    """Return the rows of a tree: patients, studies, series, volumes; then other files.

    Parameters
    ----------
    catalogue : Catalogue
        What there is.
    names : bool
        Whether patients go by their name and ID, or are only numbered.
    """
    rows = [
        CatalogueRow(title, children=[_study(study) for study in patient.studies])
        for title, patient in zip(
            patient_titles(catalogue, names=names), catalogue.patients, strict=True
        )
    ]
    if catalogue.files:
        rows.append(CatalogueRow("Files", children=[_file(file) for file in catalogue.files]))
    return rows


def patient_titles(catalogue: Catalogue, *, names: bool) -> list[str]:
    """Return what the rows of patients are called, by their names or numbered."""
    if names:
        return [_patient(patient) for patient in catalogue.patients]
    return [f"Patient {n}" for n in range(1, len(catalogue.patients) + 1)]


def _patient(patient: DicomPatient) -> str:
    known = [patient.name, f"ID {patient.patient_id}" if patient.patient_id else ""]
    return SEPARATOR.join(filter(None, known)) or "Patient without a name"


def _study(study: DicomStudy) -> CatalogueRow:
    title = SEPARATOR.join(filter(None, (study.date, study.description))) or "Study without a date"
    return CatalogueRow(title, children=[_series(series) for series in study.series])


def _series(series: DicomSeries) -> CatalogueRow:
    if len(series.entries) == 1:
        return _volume(series.entries[0])
    modalities = dict.fromkeys(entry.volume.modality for entry in series.entries)
    details = SEPARATOR.join(filter(None, (*modalities, f"{len(series.entries)} volumes")))
    children = [_volume(entry) for entry in series.entries]
    return CatalogueRow(series.name, (details,), children=children, is_series=True)


def _volume(entry: DicomEntry) -> CatalogueRow:
    details, tip = describe_volumes(entry.preview())
    return CatalogueRow(entry.name, details, tip, entry, is_series=True)


def _file(entry: FileEntry) -> CatalogueRow:
    tip = "Its size is shown when it is loaded." if is_large(entry) else ""
    return CatalogueRow(entry.path.name, (_bytes(entry.path),), tip, entry, is_series=True)


def is_large(entry: CatalogueEntry) -> bool:
    """Tell whether a file would take long to look into."""
    from napari_medread.catalogue import FileEntry

    return isinstance(entry, FileEntry) and _size(entry.path) > MAX_PREVIEW_BYTES


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _bytes(path: Path) -> str:
    size = _size(path)
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{math.ceil(size / 1e3)} kB"


def describe_volumes(volumes: Sequence[Volume]) -> tuple[tuple[str, ...], str]:
    """Return lines that describe volumes read together, and their notes as one text."""
    volume = volumes[0]
    notes = [note for each in volumes for note in each.notes]
    several = f"{len(volumes)} volumes" if len(volumes) > 1 else ""
    lead = [f"{n} × {axis.label}" for axis, n in zip(volume.leading, volume.shape, strict=False)]
    lines = (
        SEPARATOR.join(filter(None, (several, volume.modality, _voxels(volume)))),
        _spacing(volume),
        SEPARATOR.join(lead),
        f"{len(notes)} {'note' if len(notes) == 1 else 'notes'}" if notes else "",
    )
    return tuple(filter(None, lines)), "\n".join(notes)


def _voxels(volume: Volume) -> str:
    """Say how many voxels there are: across, down, slices."""
    down, across, through = find_acquisition_plane(volume)
    shape = volume.shape
    grid = [shape[across], shape[down], *([] if through is None else [shape[through]])]
    size = " × ".join(map(str, grid)) + (" voxels" if len(grid) == 3 else " pixels")
    return f"{size}{SEPARATOR}colour" if volume.rgb else size


def _spacing(volume: Volume) -> str:
    if volume.geometry is None:
        return "spacing unknown"
    down, across, through = find_acquisition_plane(volume)
    first = len(volume.leading)
    axes = [across, down, *([] if through is None else [through])]
    return " × ".join(f"{volume.geometry.spacing[n - first]:.4g}" for n in axes) + " mm"


def filter_rows(rows: Sequence[CatalogueRow], wanted: str) -> set[CatalogueRow]:
    """Return the rows that a filter leaves.

    A row stays if every word stands in it or in the rows above it, and so do the rows
    below and above it.
    """
    words = wanted.casefold().split()
    shown: set[CatalogueRow] = set()

    def visit(row: CatalogueRow, above: str) -> bool:
        text = f"{above}\n{row.text}"
        below = [visit(child, text) for child in row.children]
        if any(below) or all(word in text for word in words):
            shown.add(row)
            return True
        return False

    for row in rows:
        visit(row, "")
    return shown
