"""Where DICOM series are split: files become series, series become stacks, one for every volume.

The steps in their order, with the module of each:

1. ``group_by_series`` (here) groups files by SeriesInstanceUID and drops duplicate files.
   ``frames.multiframe_objects`` makes the frames of every file.
2. ``split_series`` (here) groups frames that fit on one grid: equal SOP class, size, colour, pixel
   spacing and orientation; localizers, stacks of enhanced objects and films on their own.
3. ``positioned_stacks.stack_positioned_frames`` takes the groups with a patient position. Stacks
   side by side are split into straight lines (``collinear_positions``).
4. ``positioned_stacks`` splits a line by attribute where that explains repeated positions, or
   uneven ones: image type, component, StackID, kernel; later acquisition, echo and sequence.
5. ``repeated_positions`` explains other repeated positions as leading axes such as time or b-value;
   ``leading_axis_values`` gives the values along them.
6. ``regular_grids.place_on_regular_grids`` puts the sorted frames on regular grids, which
   ``slice_spacing`` finds: ``even_spacing``, ``gap_filling`` (gaps become empty planes),
   ``spacing_changes`` (one volume for every run), ``irregular_spacing`` (interpolation).
7. ``unpositioned_stacks.stack_unpositioned_frames`` takes the groups without a patient position.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.size_text import format_size
from napari_medread.dicom.frames.frame import Frame
from napari_medread.dicom.frames.multiframe_objects import make_frames
from napari_medread.dicom.headers import attributes
from napari_medread.dicom.headers.header_scan import DicomFileHeader
from napari_medread.dicom.sorting.positioned_stacks import stack_positioned_frames
from napari_medread.dicom.sorting.stack import Stack
from napari_medread.dicom.sorting.unpositioned_stacks import stack_unpositioned_frames

Float = NDArray[np.float64]

MAX_COSINE_DIFFERENCE = 1e-4
"""Orientations whose direction cosines differ by no more than this are equal."""

MAX_SPACING_DIFFERENCE = 5e-4
"""Pixel spacings that differ by no more than this share are equal: less than a pixel over a whole
image."""


@dataclass(eq=False)
class SeriesFrames:
    """The frames that share a SeriesInstanceUID.

    Attributes
    ----------
    frames : list of Frame
        In the order of the files.
    notes : list of str
        Guesses and repairs that apply to every volume of the series.
    """

    frames: list[Frame]
    notes: list[str] = field(default_factory=list)


def group_by_series(headers: Iterable[DicomFileHeader]) -> list[SeriesFrames]:
    """Group files by SeriesInstanceUID, or by folder where it is absent, and make their frames."""
    groups: dict[Hashable, list[DicomFileHeader]] = defaultdict(list)
    for header in headers:
        groups[find_series_key(header)].append(header)
    return [make_series_frames(key, group) for key, group in groups.items()]


def find_series_key(header: DicomFileHeader) -> Hashable:
    """Return what the files of one series share: SeriesInstanceUID, or the folder without one."""
    return attributes.get_text(header.dataset, "SeriesInstanceUID") or header.path.parent


def make_series_frames(key: Hashable, headers: Sequence[DicomFileHeader]) -> SeriesFrames:
    """Return the frames of the files that share a key, each file once."""
    series = SeriesFrames([])
    if not isinstance(key, str):
        series.notes.append("SeriesInstanceUID is missing: files were grouped by their folder.")
    unique, dropped = _drop_duplicates(headers)
    if dropped:
        series.notes.append(
            f"{dropped} duplicate {'file was' if dropped == 1 else 'files were'} left out."
        )
    for header in unique:
        series.frames += make_frames(header)
    return series


def _drop_duplicates(headers: Sequence[DicomFileHeader]) -> tuple[list[DicomFileHeader], int]:
    """Return the first file of every SOPInstanceUID, and how many others there were."""
    unique: dict[Hashable, DicomFileHeader] = {}
    for header in headers:
        uid = attributes.get_text(header.dataset, "SOPInstanceUID")
        unique.setdefault(uid or header.path, header)
    return list(unique.values()), len(headers) - len(unique)


def split_series(series: SeriesFrames) -> list[Stack]:
    """Split a series into stacks of sorted frames, one for every volume.

    Every stack carries the notes of the series too.
    """
    stacks: list[Stack] = []
    groups = _group_frames_that_fit_together(series.frames)
    for group, label in zip(groups, _describe_differences(groups), strict=True):
        if all(frame.is_positioned for frame in group):
            stacks += stack_positioned_frames(group, label)
        else:
            unpositioned = stack_unpositioned_frames(group)
            for stack in unpositioned:
                stack.label = stack.label or label
            stacks += unpositioned
    for stack in stacks:
        stack.notes[:0] = series.notes
    return stacks


def _group_frames_that_fit_together(frames: Sequence[Frame]) -> list[list[Frame]]:
    """Group frames by everything that must be equal within one grid."""
    groups: dict[Hashable, list[Frame]] = defaultdict(list)
    log_spacings = _ToleranceClasses(MAX_SPACING_DIFFERENCE)
    orientations = _ToleranceClasses(MAX_COSINE_DIFFERENCE)
    for frame in frames:
        header = frame.header
        log_spacing = None if frame.pixel_spacing is None else np.log(frame.pixel_spacing)
        key = (
            attributes.get_text(header.dataset, "SOPClassUID"),
            frame.rows,
            frame.columns,
            header.samples_per_pixel,
            header.photometric_interpretation,
            log_spacings.classify(log_spacing),
            orientations.classify(frame.image_orientation),
            frame.image_position is None,
            "LOCALIZER" in frame.image_type,
            # The frames of an enhanced object give the stack that they belong to. In single-frame
            # files StackID only matters where positions repeat (PS3.3 C.7.6.16.2.2.4).
            attributes.get_text(frame.dataset, "StackID") if header.number_of_frames > 1 else "",
            _film_key(frame),
        )
        groups[key].append(frame)
    return list(groups.values())


class _ToleranceClasses:
    """Numbers arrays so that those within a tolerance of one another get one number."""

    def __init__(self, tolerance: float) -> None:
        self._tolerance = tolerance
        self._representatives: list[Float] = []

    def classify(self, array: Float | None) -> int:
        """Return the number of the first array within the tolerance; -1 for None."""
        if array is None:
            return -1
        for number, representative in enumerate(self._representatives):
            if np.abs(representative - array).max() <= self._tolerance:
                return number
        self._representatives.append(array)
        return len(self._representatives) - 1


def _film_key(frame: Frame) -> Hashable:
    """Return the object that an unpositioned frame of a multi-frame file belongs to, else None.

    Such frames are never mixed with those of another object, except the parts of a concatenation.
    """
    is_single = frame.header.number_of_frames == 1 and frame.tile is None
    if frame.is_positioned or is_single:
        return None
    return attributes.get_text(frame.header.dataset, "ConcatenationUID") or frame.header.path


def _describe_differences(groups: Sequence[Sequence[Frame]]) -> list[str]:
    """Return a label for each group of what distinguishes it from the others, for its name."""
    descriptions = [
        (
            "localizer" if "LOCALIZER" in frame.image_type else "",
            f"stack {attributes.get_text(frame.dataset, 'StackID')}",
            _nearest_plane_name(frame.image_orientation),
            format_size((frame.rows, frame.columns)),
            f"{frame.pixel_spacing[1]:.4g} mm pixels" if frame.pixel_spacing else "",
        )
        for frame in (group[0] for group in groups)
    ]
    traits = [trait for trait in zip(*descriptions, strict=True) if len(set(trait)) > 1]
    # One trait that distinguishes all groups is enough; otherwise as many as needed.
    for trait in traits:
        if len(set(trait)) == len(groups):
            return list(trait)
    count = 0
    while count < len(traits) and len(set(zip(*traits[:count], strict=True))) < len(groups):
        count += 1
    rows = zip(*traits[:count], strict=True) if count else [()] * len(groups)
    return [", ".join(filter(None, row)) for row in rows]


def _nearest_plane_name(orientation: Float | None) -> str:
    """Return the name of the anatomical plane closest to an image, empty where unknown."""
    if orientation is None:
        return ""
    normal = np.abs(np.cross(*orientation))
    return ("sagittal", "coronal", "axial")[int(np.argmax(normal))]
