"""Reading DICOM: paths -> headers -> series -> stacks -> volumes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from napari_medread.core.progress import Progress, no_progress
from napari_medread.core.series_names import PatientNumbers, SeriesReference, compose_names
from napari_medread.core.volume import Volume
from napari_medread.dicom.headers.header_scan import scan_headers
from napari_medread.dicom.sorting.series_splitting import group_by_series, split_series
from napari_medread.dicom.volume_building import (
    build_volume,
    make_names_unique,
    series_number_from_name,
)
from napari_medread.errors import UnreadableFile


def read_dicom(
    paths: Iterable[Path],
    progress: Progress = no_progress,
    *,
    lazy: bool | None = None,
    lazy_above: int | None = None,
) -> tuple[list[Volume], list[str]]:
    """Read all volumes of the DICOM files among ``paths``.

    Parameters
    ----------
    paths : iterable of Path
        Files of any number of series, in any order and with any name. Files that are not DICOM
        are ignored.
    progress : Progress
        Reports progress, and may cancel.
    lazy : bool or None
        Whether slices are read on demand. None: all volumes but the largest, and the largest too
        if it would take much of the free memory.
    lazy_above : int or None
        Number of bytes above which the largest volume is read on demand if ``lazy`` is None; see
        ``read_stack``.

    Returns
    -------
    volumes : list of Volume
        By patient and series number, with names that tell them apart.
    skipped : list of str
        One sentence for every DICOM file or stack that cannot be read. Both lists are empty if
        there are no DICOM files.
    """
    scan = scan_headers(paths, progress)
    volumes: list[Volume] = []
    skipped = list(scan.skipped)
    stacks = [stack for series in group_by_series(scan.headers) for stack in split_series(series)]
    largest = max(stacks, key=lambda stack: stack.size, default=None)
    for stack in stacks:
        stack_lazy = True if lazy is None and stack is not largest else lazy
        try:
            volumes.append(build_volume(stack, progress, lazy=stack_lazy, lazy_above=lazy_above))
        except UnreadableFile as error:
            skipped.append(str(error))
    return _name_and_sort(volumes), skipped


def _name_and_sort(volumes: Iterable[Volume]) -> list[Volume]:
    """Return volumes by patient and series number, with names that tell them apart."""
    numbers = PatientNumbers()
    referenced = [(volume.series or SeriesReference(volume.name), volume) for volume in volumes]
    names = compose_names([reference for reference, _ in referenced], numbers)
    for (_, volume), name in zip(referenced, names, strict=True):
        volume.name = name
    referenced.sort(
        key=lambda each: (numbers.find(each[0]) or 0, series_number_from_name(each[0].name))
    )
    sorted_volumes = [volume for _, volume in referenced]
    make_names_unique(sorted_volumes)
    return sorted_volumes
