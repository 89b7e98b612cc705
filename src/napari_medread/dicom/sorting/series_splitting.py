"""Files to groups of alike images: what belongs to one series, and what to one kind of image."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_medread.dicom.frames.frame import Frame
from napari_medread.dicom.frames.multiframe_objects import make_frames
from napari_medread.dicom.headers import attributes
from napari_medread.dicom.headers.header_scan import DicomFileHeader
from napari_medread.dicom.sorting.positioned_stacks import stack_positioned_frames
from napari_medread.dicom.sorting.stack import Stack
from napari_medread.dicom.sorting.unpositioned_stacks import stack_unpositioned_frames

Float = NDArray[np.float64]

MAX_COSINE_DIFFERENCE = 1e-4
"""Direction cosines that differ by less are one orientation."""

MAX_SPACING_DIFFERENCE = 5e-4
"""Pixel spacings that differ by a smaller share are one: less than a pixel over a whole image."""


@dataclass(eq=False)
class SeriesFrames:
    """The frames that share a SeriesInstanceUID."""

    frames: list[Frame]
    notes: list[str] = field(default_factory=list)


def group_by_series(headers: Iterable[DicomFileHeader]) -> list[SeriesFrames]:
    """Group files by SeriesInstanceUID, or by folder where it is absent."""
    groups: dict[Hashable, list[DicomFileHeader]] = defaultdict(list)
    for header in headers:
        uid = attributes.get_text(header.dataset, "SeriesInstanceUID")
        groups[uid or header.path.parent].append(header)
    found = []
    for key, members in groups.items():
        series = SeriesFrames([])
        if not isinstance(key, str):
            series.notes.append("SeriesInstanceUID is missing: files were grouped by their folder.")
        members, dropped = _without_duplicates(members)
        if dropped:
            series.notes.append(
                f"{dropped} duplicate {'file was' if dropped == 1 else 'files were'} left out."
            )
        for header in members:
            series.frames += make_frames(header)
        found.append(series)
    return found


def _without_duplicates(headers: Sequence[DicomFileHeader]) -> tuple[list[DicomFileHeader], int]:
    """Drop files whose SOPInstanceUID was seen before."""
    kept: dict[Hashable, DicomFileHeader] = {}
    for header in headers:
        kept.setdefault(
            attributes.get_text(header.dataset, "SOPInstanceUID") or header.path, header
        )
    return list(kept.values()), len(headers) - len(kept)


def split_series(series: SeriesFrames) -> list[Stack]:
    """Sort a series' frames into stacks.

    Every stack carries the series' own notes too.
    """
    stacks: list[Stack] = []
    groups = _alike(series.frames)
    for group, label in zip(groups, _labels(groups), strict=True):
        if all(frame.is_positioned for frame in group):
            stacks += stack_positioned_frames(group, label)
        else:
            found = stack_unpositioned_frames(group)
            for stack in found:
                stack.label = stack.label or label
            stacks += found
    for stack in stacks:
        stack.notes[:0] = series.notes
    return stacks


def _alike(frames: Sequence[Frame]) -> list[list[Frame]]:
    """Split frames by all that must be equal within one grid."""
    groups: dict[Hashable, list[Frame]] = defaultdict(list)
    orientations, spacings = _Known(), _Known()
    for frame in frames:
        header = frame.header
        spacing = None if frame.pixel_spacing is None else np.log(frame.pixel_spacing)
        key = (
            attributes.get_text(header.dataset, "SOPClassUID"),
            frame.rows,
            frame.columns,
            header.samples_per_pixel,
            header.photometric_interpretation,
            spacings.number(spacing, MAX_SPACING_DIFFERENCE),
            orientations.number(frame.image_orientation, MAX_COSINE_DIFFERENCE),
            frame.image_position is None,
            "LOCALIZER" in frame.image_type,
            # The frames of an enhanced object say which of them are one stack; of single-frame
            # files only what repeats tells (PS3.3 C.7.6.16.2.2.4).
            attributes.get_text(frame.dataset, "StackID") if header.number_of_frames > 1 else "",
            _film(frame),
        )
        groups[key].append(frame)
    return list(groups.values())


class _Known:
    """Arrays of numbers that were seen, of which those within a tolerance are one."""

    def __init__(self) -> None:
        self._seen: list[Float] = []

    def number(self, array: Float | None, tolerance: float) -> int:
        """Return the number of an array among those seen; None has -1."""
        if array is None:
            return -1
        for number, other in enumerate(self._seen):
            if np.abs(other - array).max() <= tolerance:
                return number
        self._seen.append(array)
        return len(self._seen) - 1


def _film(frame: Frame) -> Hashable:
    """Return what an unplaced frame of a multi-frame object belongs to: its own object."""
    if frame.is_positioned or (frame.header.number_of_frames == 1 and frame.tile is None):
        return None
    return attributes.get_text(frame.header.dataset, "ConcatenationUID") or frame.header.path


def _labels(groups: Sequence[Sequence[Frame]]) -> list[str]:
    """Say for each group in what a person sees it differ from the others."""
    told = [
        (
            "localizer" if "LOCALIZER" in frame.image_type else "",
            f"stack {attributes.get_text(frame.dataset, 'StackID')}",
            _plane(frame.image_orientation),
            f"{frame.columns} x {frame.rows}",
            f"{frame.pixel_spacing[1]:.4g} mm pixels" if frame.pixel_spacing else "",
        )
        for frame in (group[0] for group in groups)
    ]
    columns = [column for column in zip(*told, strict=True) if len(set(column)) > 1]
    # One difference that tells all groups apart is enough; else as many as it takes.
    for column in columns:
        if len(set(column)) == len(groups):
            return list(column)
    count = 0
    while count < len(columns) and len(set(zip(*columns[:count], strict=True))) < len(groups):
        count += 1
    rows = zip(*columns[:count], strict=True) if count else [()] * len(groups)
    return [", ".join(filter(None, row)) for row in rows]


def _plane(orientation: Float | None) -> str:
    """Name the plane of the patient to which an image is closest."""
    if orientation is None:
        return ""
    normal = np.abs(np.cross(*orientation))
    return ("sagittal", "coronal", "axial")[int(np.argmax(normal))]
