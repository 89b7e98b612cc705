"""The rows of the series browser: what they say, and which of them a filter leaves. No Qt."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from napari_medread.core.size_text import format_size, format_spacing
from napari_medread.core.volume import Volume

if TYPE_CHECKING:  # these import what reads DICOM, for which opening the panel should not wait
    from napari_medread.catalogue import Catalogue, FileEntry
    from napari_medread.dicom.listing.series_catalogue import (
        DicomEntry,
        DicomPatient,
        DicomSeries,
        DicomStudy,
    )

CatalogueEntry: TypeAlias = "DicomEntry | FileEntry"
"""What can be loaded: the volume of a DICOM series, or a file of another format."""

MAX_PREVIEW_BYTES = 1 << 28
"""Larger files of other formats are not read for a thumbnail."""

SEPARATOR = " · "
"""Stands between the parts of a line."""


@dataclass(eq=False)
class CatalogueRow:
    """One row of the tree.

    Attributes
    ----------
    title : str
        The first line.
    details : tuple of str
        The lines below it.
    tooltip : str
    entry : DicomEntry, FileEntry or None
        What the row loads.
    children : list of CatalogueRow
        The rows below it.
    is_series : bool
        Whether it stands for what is loaded together: a volume, or a series of several volumes.
    key : hashable
        What tells it from all other rows of its list, and is the same in a later list of a folder.
    """

    title: str
    details: tuple[str, ...] = ()
    tooltip: str = ""
    entry: CatalogueEntry | None = None
    children: list[CatalogueRow] = field(default_factory=list)
    is_series: bool = False
    key: Hashable = None

    @property
    def entries(self) -> Iterator[CatalogueEntry]:
        """What the row and those below it load."""
        if self.entry is not None:
            yield self.entry
        for child in self.children:
            yield from child.entries

    @property
    def text(self) -> str:
        """The text that the filter searches, without regard to case."""
        return "\n".join([self.title, *self.details]).casefold()


def make_rows(catalogue: Catalogue, *, names: bool) -> list[CatalogueRow]:
    """Return the rows of the tree: patients, studies, series, volumes; then other files.

    Parameters
    ----------
    catalogue : Catalogue
    names : bool
        Whether patients are titled by name and ID, or only numbered.
    """
    titles = make_patient_titles(catalogue, names=names)
    rows = [
        CatalogueRow(
            titles[patient.key,],
            children=[_make_study_row(study, (patient.key,)) for study in patient.studies],
            key=(patient.key,),
        )
        for patient in catalogue.patients
    ]
    if catalogue.files:
        children = [_make_file_row(entry) for entry in catalogue.files]
        rows.append(CatalogueRow("Files", children=children, key="files"))
    return rows


def make_patient_titles(catalogue: Catalogue, *, names: bool) -> dict[Hashable, str]:
    """Return the titles of the patients' rows by their keys: names and IDs, or numbers."""
    return {
        (patient.key,): _make_patient_title(patient) if names else f"Patient {n}"
        for n, patient in enumerate(catalogue.patients, 1)
    }


def _make_patient_title(patient: DicomPatient) -> str:
    known = [patient.name, f"ID {patient.patient_id}" if patient.patient_id else ""]
    return SEPARATOR.join(filter(None, known)) or "Patient without a name"


def _make_study_row(study: DicomStudy, above: tuple[Hashable, ...]) -> CatalogueRow:
    title = SEPARATOR.join(filter(None, (study.date, study.description))) or "Study without a date"
    key = (*above, study.key)
    children = [_make_series_row(series, key) for series in study.series]
    return CatalogueRow(title, children=children, key=key)


def _make_series_row(series: DicomSeries, above: tuple[Hashable, ...]) -> CatalogueRow:
    key = (*above, series.key)
    if not series.entries:
        return _make_unfinished_row(series, key)
    if len(series.entries) == 1:
        return _make_volume_row(series.entries[0], key)
    modalities = dict.fromkeys(entry.volume.modality for entry in series.entries)
    details = SEPARATOR.join(filter(None, (*modalities, f"{len(series.entries)} volumes")))
    children = [_make_volume_row(entry, (*key, n)) for n, entry in enumerate(series.entries)]
    return CatalogueRow(series.name, (details,), children=children, is_series=True, key=key)


def _make_unfinished_row(series: DicomSeries, key: Hashable) -> CatalogueRow:
    """Return the row of a series whose files are still being searched for: it loads nothing."""
    count = f"{series.file_count} {'file' if series.file_count == 1 else 'files'} so far"
    details = SEPARATOR.join(filter(None, (series.modality, count)))
    tooltip = "It can be loaded once all of its files were found."
    return CatalogueRow(series.name, (details,), tooltip, is_series=True, key=key)


def _make_volume_row(entry: DicomEntry, key: Hashable) -> CatalogueRow:
    details, tooltip = describe_volumes(entry.preview())
    return CatalogueRow(entry.name, details, tooltip, entry, is_series=True, key=key)


def _make_file_row(entry: FileEntry) -> CatalogueRow:
    tooltip = "The size of its image is shown once it is loaded." if is_large(entry) else ""
    details = (_format_bytes(_get_size(entry.path)),)
    return CatalogueRow(
        entry.path.name, details, tooltip, entry, is_series=True, key=("file", entry.path)
    )


def is_large(entry: CatalogueEntry) -> bool:
    """Return whether reading a file for its thumbnail would take long."""
    from napari_medread.catalogue import FileEntry

    return isinstance(entry, FileEntry) and _get_size(entry.path) > MAX_PREVIEW_BYTES


def _get_size(path: Path) -> int:
    """Return the size of a file in bytes, 0 where it cannot be read."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _format_bytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{math.ceil(size / 1e3)} kB"


def describe_volumes(volumes: Sequence[Volume]) -> tuple[tuple[str, ...], str]:
    """Return lines that describe volumes read together, and their notes as one text."""
    volume = volumes[0]
    notes = [note for each in volumes for note in each.notes]
    count = f"{len(volumes)} volumes" if len(volumes) > 1 else ""
    leading = [f"{n} × {axis.label}" for axis, n in zip(volume.leading, volume.shape, strict=False)]
    lines = (
        SEPARATOR.join(filter(None, (count, volume.modality, _format_size(volume)))),
        _format_spacing(volume),
        SEPARATOR.join(leading),
        f"{len(notes)} {'note' if len(notes) == 1 else 'notes'}" if notes else "",
    )
    return tuple(filter(None, lines)), "\n".join(notes)


def _format_size(volume: Volume) -> str:
    """Return the number of columns, rows and slices."""
    grid = volume.shape[len(volume.leading) :]
    size = format_size(grid, volume.slice_axis) + (" voxels" if len(grid) == 3 else " pixels")
    return f"{size}{SEPARATOR}colour" if volume.rgb else size


def _format_spacing(volume: Volume) -> str:
    if volume.geometry is None:
        return "spacing unknown"
    return format_spacing(volume.geometry.spacing, volume.slice_axis)


def filter_rows(rows: Sequence[CatalogueRow], text: str) -> set[CatalogueRow]:
    """Return the rows that a filter leaves.

    A row matches if each word of the filter is in it or in a row above it. The rows above and
    below a match stay, too.

    Parameters
    ----------
    rows : sequence of CatalogueRow
        The rows at the top of the tree.
    text : str
        The words of the filter.
    """
    words = text.casefold().split()
    left: set[CatalogueRow] = set()

    def visit(row: CatalogueRow, text_above: str) -> bool:
        row_text = f"{text_above}\n{row.text}"
        matches_below = [visit(child, row_text) for child in row.children]  # all of them
        if any(matches_below) or all(word in row_text for word in words):
            left.add(row)
            return True
        return False

    for row in rows:
        visit(row, "")
    return left
