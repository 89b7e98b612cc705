"""Files to groups of alike images: what belongs to one series, and what to one kind of image."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_medread.dicom.frames.frame import Frame
from napari_medread.dicom.frames.multiframe_objects import frames_of
from napari_medread.dicom.headers import attributes
from napari_medread.dicom.headers.header_scan import Header
from napari_medread.dicom.sorting.positioned_stacks import placed_stacks
from napari_medread.dicom.sorting.stack import Stack
from napari_medread.dicom.sorting.unpositioned_stacks import unplaced_stacks

Float = NDArray[np.float64]

SAME_DIRECTION = 1e-4
"""Direction cosines that differ by less are one orientation."""

SAME_SPACING = 5e-4
"""Pixel spacings that differ by a smaller share are one: less than a pixel over a whole image."""


@dataclass(eq=False)
class Series:
    """The frames that share a SeriesInstanceUID."""

    frames: list[Frame]
    notes: list[str] = field(default_factory=list)


def group_by_series(headers: Iterable[Header]) -> list[Series]:
    """Group files by SeriesInstanceUID, or by folder where it is absent."""
    groups: dict[Hashable, list[Header]] = defaultdict(list)
    for header in headers:
        uid = attributes.text(header.dataset, "SeriesInstanceUID")
        groups[uid or header.path.parent].append(header)
    found = []
    for key, members in groups.items():
        series = Series([])
        if not isinstance(key, str):
            series.notes.append("SeriesInstanceUID is missing: files were grouped by their folder.")
        members, dropped = _without_duplicates(members)
        if dropped:
            series.notes.append(
                f"{dropped} duplicate {'file was' if dropped == 1 else 'files were'} left out."
            )
        for header in members:
            series.frames += frames_of(header)
        found.append(series)
    return found


def _without_duplicates(headers: Sequence[Header]) -> tuple[list[Header], int]:
    """Drop files whose SOPInstanceUID was seen before."""
    kept: dict[Hashable, Header] = {}
    for header in headers:
        kept.setdefault(attributes.text(header.dataset, "SOPInstanceUID") or header.path, header)
    return list(kept.values()), len(headers) - len(kept)


def stacks_of(series: Series) -> list[Stack]:
    """Sort a series' frames into stacks.

    Every stack carries the series' own notes too.
    """
    stacks: list[Stack] = []
    groups = _alike(series.frames)
    for group, label in zip(groups, _labels(groups), strict=True):
        if all(frame.is_placed for frame in group):
            stacks += placed_stacks(group, label)
        else:
            found = unplaced_stacks(group)
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
            attributes.text(header.dataset, "SOPClassUID"),
            frame.rows,
            frame.columns,
            header.samples,
            header.photometric,
            spacings.number(spacing, SAME_SPACING),
            orientations.number(frame.orientation, SAME_DIRECTION),
            frame.position is None,
            "LOCALIZER" in frame.image_type,
            # The frames of an enhanced object say which of them are one stack; of single-frame
            # files only what repeats tells (PS3.3 C.7.6.16.2.2.4).
            attributes.text(frame.dataset, "StackID") if header.frames > 1 else "",
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
    if frame.is_placed or (frame.header.frames == 1 and frame.tile is None):
        return None
    return attributes.text(frame.header.dataset, "ConcatenationUID") or frame.header.path


def _labels(groups: Sequence[Sequence[Frame]]) -> list[str]:
    """Say for each group in what a person sees it differ from the others."""
    told = [
        (
            "localizer" if "LOCALIZER" in frame.image_type else "",
            f"stack {attributes.text(frame.dataset, 'StackID')}",
            _plane(frame.orientation),
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
