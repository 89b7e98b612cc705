"""Frames to stacks: which images of a series make one volume, and in what order."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.volume import Axis
from napari_medread.dicom import values
from napari_medread.dicom.dimensions import find_dimensions
from napari_medread.dicom.frames import Frame
from napari_medread.dicom.multiframe import frames_of
from napari_medread.dicom.scan import Header
from napari_medread.dicom.spacing import Grid, regular_grids
from napari_medread.dicom.stack import Stack
from napari_medread.dicom.unplaced import thickness, unplaced_stacks

Float = NDArray[np.float64]

SAME_DIRECTION = 1e-4
"""Direction cosines that differ by less are one orientation."""

SAME_PLACE = 0.01
"""Slices less than this many mm apart are at one position."""


@dataclass(eq=False)
class Series:
    """The frames that share a SeriesInstanceUID."""

    frames: list[Frame]
    notes: list[str] = field(default_factory=list)


def group_by_series(headers: Iterable[Header]) -> list[Series]:
    """Group files by SeriesInstanceUID, or by folder where it is absent."""
    groups: dict[Hashable, list[Header]] = defaultdict(list)
    for header in headers:
        uid = values.text(header.dataset, "SeriesInstanceUID")
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
        kept.setdefault(values.text(header.dataset, "SOPInstanceUID") or header.path, header)
    return list(kept.values()), len(headers) - len(kept)


def stacks_of(series: Series) -> list[Stack]:
    """Sort a series' frames into stacks.

    Every stack carries the series' own notes too.
    """
    stacks: list[Stack] = []
    for group in _alike(series.frames):
        if all(frame.is_placed for frame in group):
            stacks += [s for line in _lines(group) for s in _placed_stacks(line)]
        else:
            stacks += unplaced_stacks(group)
    for stack in stacks:
        stack.notes[:0] = series.notes
    return stacks


def _alike(frames: Sequence[Frame]) -> list[list[Frame]]:
    """Split frames by all that must be equal within one grid."""
    groups: dict[Hashable, list[Frame]] = defaultdict(list)
    orientations: list[Float] = []
    for frame in frames:
        header = frame.header
        spacing = frame.pixel_spacing
        key = (
            values.text(header.dataset, "SOPClassUID"),
            frame.rows,
            frame.columns,
            header.samples,
            header.photometric,
            None if spacing is None else tuple(float(f"{mm:.4g}") for mm in spacing),
            _nearest(orientations, frame.orientation),
            frame.position is None,
            "LOCALIZER" in frame.image_type,
            _film(frame),
        )
        groups[key].append(frame)
    return list(groups.values())


def _film(frame: Frame) -> Hashable:
    """Return what an unplaced frame of a multi-frame object belongs to: its own object."""
    if frame.is_placed or (frame.header.frames == 1 and frame.tile is None):
        return None
    return values.text(frame.header.dataset, "ConcatenationUID") or frame.header.path


def _nearest(known: list[Float], orientation: Float | None) -> int:
    """Return the number of an orientation among those known, which it may join."""
    if orientation is None:
        return -1
    for number, other in enumerate(known):
        if np.abs(other - orientation).max() <= SAME_DIRECTION:
            return number
    known.append(orientation)
    return len(known) - 1


def _placed(frame: Frame) -> tuple[Float, Float, tuple[float, float]]:
    """Return position, orientation and pixel spacing of a frame that has all three."""
    if frame.position is None or frame.orientation is None or frame.pixel_spacing is None:
        raise AssertionError("frames without a place are stacked apart")
    return frame.position, frame.orientation, frame.pixel_spacing


def _normal(frame: Frame) -> Float:
    """Return the slice normal, row x column, turned to grow along its world axis.

    So axial stacks come out superior first, coronal ones anterior first and sagittal
    ones right first.
    """
    _, (row, column), _ = _placed(frame)
    normal = np.cross(row, column)
    normal /= np.linalg.norm(normal)
    world = np.array([normal[0], normal[1], -normal[2]])  # growth along RL, AP, SI
    return normal if world[np.argmax(np.abs(world))] >= 0 else -normal


def _lines(frames: list[Frame]) -> list[list[Frame]]:
    """Split frames that lie side by side in the same planes into one group a line."""
    normal = _normal(frames[0])
    _, axes, spacing = _placed(frames[0])
    positions = np.array([_placed(f)[0] for f in frames])
    inplane = positions @ axes.T
    for members in _clusters(positions @ normal, SAME_PLACE):
        if np.ptp(inplane[members], axis=0).max() > max(spacing):
            break
    else:
        return [frames]
    keys: list[Float] = []
    groups: dict[int, list[Frame]] = defaultdict(list)
    for frame, place in zip(frames, inplane, strict=True):
        near = [n for n, key in enumerate(keys) if np.abs(key - place).max() <= max(spacing)]
        if not near:
            keys.append(place)
        groups[near[0] if near else len(keys) - 1].append(frame)
    return list(groups.values())


def _clusters(numbers: Float, gap: float) -> list[NDArray[np.intp]]:
    """Return the indices of numbers, sorted, split where two are more than ``gap`` apart."""
    order = np.argsort(numbers, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(numbers[order]) > gap) + 1)


def _placed_stacks(frames: list[Frame], label: str = "") -> list[Stack]:
    """Make stacks of frames along one line, sorted by position (never by name or number)."""
    normal = _normal(frames[0])
    along = np.array([_placed(f)[0] @ normal for f in frames])
    planes = [[frames[n] for n in members] for members in _clusters(along, SAME_PLACE)]
    if max(map(len, planes)) == 1:
        return _regular(np.array([planes], dtype=object)[..., 0], (), label, [])
    for keyword in ("FrameType", "ComplexImageComponent", "StackID", "ConvolutionKernel"):
        parts = _split(planes, frames, keyword)
        if parts:
            return [s for name, part in parts for s in _placed_stacks(part, name)]
    found = find_dimensions(planes)
    if found is not None:
        return _regular(found.frames, found.axes, label, found.notes)
    for keyword in ("AcquisitionNumber", "EchoTime", "EchoNumbers", "SequenceName"):
        parts = _split(planes, frames, keyword)
        if parts:
            return [s for name, part in parts for s in _placed_stacks(part, name)]
    return _sets_by_instance(planes, label)


def _split(
    planes: list[list[Frame]], frames: list[Frame], keyword: str
) -> list[tuple[str, list[Frame]]]:
    """Split frames by an attribute, where it tells frames of one position apart."""
    parts: dict[str, list[Frame]] = defaultdict(list)
    for frame in frames:
        parts[_attribute(frame, keyword)].append(frame)
    if len(parts) < 2 or not any(len({_attribute(f, keyword) for f in p}) > 1 for p in planes):
        return []
    if keyword == "FrameType":
        return [(_what_differs(name, parts), part) for name, part in sorted(parts.items())]
    return sorted(parts.items())


def _what_differs(name: str, others: Iterable[str]) -> str:
    """Return the values of an ImageType that not all of some have."""
    common = set.intersection(*(set(other.split("\\")) for other in others))
    return " ".join(value for value in name.split("\\") if value not in common)


def _attribute(frame: Frame, keyword: str) -> str:
    return (
        "\\".join(frame.image_type)
        if keyword == "FrameType"
        else values.text(frame.dataset, keyword)
    )


def _sets_by_instance(planes: list[list[Frame]], label: str) -> list[Stack]:
    """Make a stack of the first frame of every position, one of the second, and so on."""
    ordered = [sorted(plane, key=lambda f: f.order) for plane in planes]
    stacks = []
    for n in range(max(map(len, ordered))):
        members = np.array([[plane[n] for plane in ordered if len(plane) > n]], dtype=object)
        note = (
            "Positions are repeated and nothing in the headers says why: the images were "
            "stacked by InstanceNumber."
        )
        stacks += _regular(members, (), label or f"set {n + 1}", [note])
    return stacks


def _regular(
    frames: NDArray[np.object_], axes: tuple[Axis, ...], label: str, notes: list[str]
) -> list[Stack]:
    """Put frames, (*leading, slice), on regular grids."""
    lead_shape = frames.shape[:-1] if axes else ()
    rows = frames.reshape(-1, frames.shape[-1])
    first: Frame = rows[0, 0]
    _, (row, column), (between_rows, between_columns) = _placed(first)
    positions = np.array([_placed(f)[0] for f in rows[0]])
    if len(positions) == 1:
        step, doubt = thickness(first)
        grids = [Grid((0,), _normal(first) * (step or 1.0))]
        notes = [*notes, *(doubt or ["A single slice of unknown thickness: drawn 1 mm thick."])]
    else:
        grids = regular_grids(positions, _normal(first))
    stacks = []
    for grid in grids:
        start = positions[next(s for s in grid.slices if s is not None)]
        affine = np.eye(4)
        affine[:3] = np.column_stack(
            [grid.step, column * between_rows, row * between_columns, start]
        )
        stack = Stack(
            [[None if s is None else line[s] for s in grid.slices] for line in rows],
            axes, lead_shape, affine, grid=grid if grid.resampled else None, label=label,
            notes=[*notes, *_grid_notes(grid, affine, len(grids))],
        )  # fmt: skip
        stacks.append(stack)
    return stacks


TILT_SHOWN = 0.1
"""A stack that leans by less than this many degrees is not worth a note."""


def _grid_notes(grid: Grid, affine: Float, runs: int) -> list[str]:
    spacing = abs(grid.step @ np.cross(affine[:3, 1], affine[:3, 2]))
    spacing /= np.linalg.norm(np.cross(affine[:3, 1], affine[:3, 2]))
    notes = []
    if grid.missing:
        indices = ", ".join(map(str, grid.missing))
        notes.append(
            f"{len(grid.missing)} missing {'slice' if len(grid.missing) == 1 else 'slices'} "
            f"filled with the lowest value, at index {indices}."
        )
    if runs > 1:
        notes.append(
            f"The slice spacing changes within the series: {runs} volumes, "
            f"this one of {len(grid.slices)} slices every {spacing:.4g} mm."
        )
    if grid.resampled:
        notes.append(
            f"The slices are unevenly spaced: interpolated linearly to their median spacing "
            f"of {spacing:.4g} mm."
        )
    lean = math.degrees(math.acos(min(1.0, float(spacing / np.linalg.norm(grid.step)))))
    if lean > TILT_SHOWN and len(grid.slices) > 1:
        notes.append(
            f"The gantry was tilted by {lean:.1f}°: drawn upright, the true geometry is in "
            "patient_affine."
        )
    return notes
