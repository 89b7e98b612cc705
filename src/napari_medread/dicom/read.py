"""Reading DICOM: paths -> headers -> series -> stacks -> volumes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from napari_medread.core.contours import ContourSet
from napari_medread.core.progress import Progress, no_progress
from napari_medread.core.series_names import PatientNumbers, SeriesReference, compose_names
from napari_medread.core.volume import Volume
from napari_medread.dicom.headers import attributes
from napari_medread.dicom.headers.header_scan import DicomFileHeader, scan_headers
from napari_medread.dicom.objects.object_kinds import OBJECT_UIDS, get_object_reader
from napari_medread.dicom.objects.structure_set import is_structure_set
from napari_medread.dicom.objects.structure_voxels import read_structure_contours
from napari_medread.dicom.sorting.series_splitting import group_by_series, split_series
from napari_medread.dicom.sorting.stack import Stack
from napari_medread.dicom.volume_building import (
    build_volume,
    make_names_unique,
    series_number_from_name,
)
from napari_medread.errors import UnreadableFile


@dataclass(eq=False)
class DicomContents:
    """What a set of DICOM files holds.

    Attributes
    ----------
    volumes : list of Volume
        By patient and series number, with names that tell them apart.
    contours : list of ContourSet
        Contours of structure sets that become no labels.
    skipped : list of str
        One sentence for every DICOM file or stack that cannot be read.
    """

    volumes: list[Volume]
    contours: list[ContourSet]
    skipped: list[str]


def read_dicom(
    paths: Iterable[Path],
    progress: Progress = no_progress,
    *,
    lazy: bool | None = None,
    lazy_above: int | None = None,
) -> DicomContents:
    """Read all volumes of the DICOM files among ``paths``.

    Segmentations and structure sets become label images on the grid of the image that they refer
    to, if it is among the files.

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
    DicomContents
        All lists are empty if there are no DICOM files.
    """
    headers, stacks, skipped = _find_stacks(paths, progress)
    volumes: list[Volume] = []
    contours: list[ContourSet] = []
    largest = max(stacks, key=lambda stack: stack.size, default=None)
    for stack in stacks:
        stack_lazy = True if lazy is None and stack is not largest else lazy
        try:
            volumes.append(build_volume(stack, progress, lazy=stack_lazy, lazy_above=lazy_above))
        except UnreadableFile as error:
            skipped.append(str(error))
    for header in headers:
        read_object = get_object_reader(header)
        if read_object is None:
            continue
        try:
            contents = read_object(header, stacks, progress)
        except UnreadableFile as error:
            skipped.append(str(error))
            continue
        volumes += contents.volumes
        contours += contents.contours
    return DicomContents(_name_and_sort(volumes), contours, skipped)


def read_dicom_contours(
    paths: Iterable[Path], progress: Progress = no_progress
) -> tuple[list[ContourSet], list[str]]:
    """Read all contours of the structure sets among ``paths``, also those that become labels.

    Returns
    -------
    contours : list of ContourSet
        By file, with the grid of the image that they were drawn on if it is among the files.
    skipped : list of str
        One sentence for every DICOM file that cannot be read.
    """
    headers, stacks, skipped = _find_stacks(paths, progress)
    contours: list[ContourSet] = []
    for header in progress([h for h in headers if is_structure_set(h)], "Reading contours"):
        try:
            contours += read_structure_contours(header, stacks)
        except UnreadableFile as error:
            skipped.append(str(error))
    return contours, skipped


def _find_stacks(
    paths: Iterable[Path], progress: Progress
) -> tuple[list[DicomFileHeader], list[Stack], list[str]]:
    """Return the headers of objects drawn on images, the stacks of images, and what is skipped."""
    scan = scan_headers(paths, progress, OBJECT_UIDS)
    objects = [header for header in scan.headers if get_object_reader(header) is not None]
    images = [header for header in scan.headers if get_object_reader(header) is None]
    stacks = [stack for series in group_by_series(images) for stack in split_series(series)]
    # Of a copy in another folder nothing is read twice, as with images.
    unique: dict[str, DicomFileHeader] = {}
    for header in objects:
        uid = attributes.get_text(header.dataset, "SOPInstanceUID") or str(header.path)
        unique.setdefault(uid, header)
    return list(unique.values()), stacks, list(scan.skipped)


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
