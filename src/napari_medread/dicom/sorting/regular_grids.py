"""Sorted frames to stacks on regular grids, with a note for every repair."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.volume import Axis
from napari_medread.dicom.frames.frame import Frame
from napari_medread.dicom.frames.stored_values import find_padding_range
from napari_medread.dicom.headers import attributes
from napari_medread.dicom.sorting.slice_spacing import SliceGrid, find_slice_grids
from napari_medread.dicom.sorting.stack import Stack
from napari_medread.dicom.sorting.unpositioned_stacks import guess_slice_spacing

Float = NDArray[np.float64]

MIN_REPORTED_TILT_DEGREES = 0.1
"""A stack that leans by less than this many degrees is not worth a note."""


def get_image_plane(frame: Frame) -> tuple[Float, Float, tuple[float, float]]:
    """Return position, orientation and pixel spacing of a frame that has all three."""
    if (
        frame.image_position is None
        or frame.image_orientation is None
        or frame.pixel_spacing is None
    ):
        raise AssertionError("frames without a place are stacked apart")
    return frame.image_position, frame.image_orientation, frame.pixel_spacing


def find_stacking_normal(frame: Frame) -> Float:
    """Return the slice normal, row x column, turned to grow along its world axis.

    So axial stacks come out superior first, coronal ones anterior first and sagittal
    ones right first.
    """
    _, (row, column), _ = get_image_plane(frame)
    normal = np.cross(row, column)
    normal /= np.linalg.norm(normal)
    world = np.array([normal[0], normal[1], -normal[2]])  # growth along RL, AP, SI
    return normal if world[np.argmax(np.abs(world))] >= 0 else -normal


def join_labels(*labels: str) -> str:
    """Join what sets a volume apart from others, leaving out what is empty."""
    return ", ".join(label for label in labels if label)


def place_on_regular_grids(
    frames: NDArray[np.object_], axes: tuple[Axis, ...], label: str, notes: list[str]
) -> list[Stack]:
    """Put frames, (*leading, slice), on regular grids."""
    rows = frames.reshape(-1, frames.shape[-1])
    first: Frame = rows[0, 0]
    positions = np.array([get_image_plane(frame)[0] for frame in rows[0]])
    if len(positions) == 1:
        step, doubt = guess_slice_spacing(first)
        grids = [SliceGrid((0,), find_stacking_normal(first) * (step or 1.0))]
        notes = [*notes, *(doubt or ["A single slice of unknown thickness: drawn 1 mm thick."])]
    else:
        grids = find_slice_grids(positions, find_stacking_normal(first), _last_digit(rows[0]))
    _, (row, column), (between_rows, between_columns) = get_image_plane(first)
    normal = find_stacking_normal(first)
    stacks = []
    for grid in grids:
        start = grid.origin
        if start is None:
            start = positions[next(s for s in grid.slices if s is not None)]
        affine = np.eye(4)
        affine[:3] = np.column_stack(
            [grid.step, column * between_rows, row * between_columns, start]
        )
        spacing = float(grid.step @ normal)
        stack = Stack(
            [[None if s is None else line[s] for s in grid.slices] for line in rows],
            axes,
            frames.shape[:-1] if axes else (),
            affine,
            grid=grid if grid.resampled else None,
            label=join_labels(label, f"{spacing:.4g} mm" if len(grids) > 1 else ""),
            notes=[*notes, *_grid_notes(grid, spacing, len(grids), first)],
        )
        stacks.append(stack)
    return stacks


def _last_digit(frames: Iterable[Frame]) -> float:
    """Return what the last written digit of some positions counts in mm, 0 if there are many."""
    decimals = 0
    for frame in frames:
        for text in attributes.get_texts(frame.dataset, "ImagePositionPatient"):
            if "e" in text.lower():
                return 0.0
            decimals = max(decimals, len(text.partition(".")[2]))
    return 10.0**-decimals


def _grid_notes(grid: SliceGrid, spacing: float, runs: int, first: Frame) -> list[str]:
    notes = []
    if grid.missing:
        indices = ", ".join(map(str, grid.missing))
        notes.append(
            f"{len(grid.missing)} missing {'slice' if len(grid.missing) == 1 else 'slices'} "
            f"filled with the {'lowest' if find_padding_range(first) is None else 'padding'} value, "
            f"at index {indices}."
        )
    if runs > 1:
        count = f"{len(grid.slices)} slices every" if len(grid.slices) > 1 else "one slice of"
        notes.append(
            f"The slice spacing changes within the series: {runs} volumes, "
            f"this one of {count} {spacing:.4g} mm."
        )
    if grid.resampled:
        notes.append(
            f"The slices are unevenly spaced: interpolated linearly to their median spacing "
            f"of {spacing:.4g} mm."
        )
    if grid.origin is not None:
        notes.append(
            f"The positions are rounded: the slices are taken as evenly spaced, {spacing:.4g} mm "
            "apart."
        )
    if grid.beside:
        notes.append(
            f"The slices lie up to {grid.beside:.2g} mm beside a straight line: drawn on it."
        )
    lean = math.degrees(math.acos(min(1.0, spacing / float(np.linalg.norm(grid.step)))))
    if lean > MIN_REPORTED_TILT_DEGREES and len(grid.slices) > 1:
        notes.append(
            f"The gantry was tilted by {lean:.1f}°: drawn upright, the true geometry is in "
            "patient_affine."
        )
    return notes
