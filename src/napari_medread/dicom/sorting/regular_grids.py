"""Sorted frames to stacks on regular grids, with a note for every repair."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.volume import Axis
from napari_medread.dicom.frames.frame import Frame
from napari_medread.dicom.frames.stored_values import padding
from napari_medread.dicom.headers import attributes
from napari_medread.dicom.sorting.slice_spacing import Grid, regular_grids
from napari_medread.dicom.sorting.stack import Stack
from napari_medread.dicom.sorting.unpositioned_stacks import thickness

Float = NDArray[np.float64]

TILT_SHOWN = 0.1
"""A stack that leans by less than this many degrees is not worth a note."""


def placement(frame: Frame) -> tuple[Float, Float, tuple[float, float]]:
    """Return position, orientation and pixel spacing of a frame that has all three."""
    if frame.position is None or frame.orientation is None or frame.pixel_spacing is None:
        raise AssertionError("frames without a place are stacked apart")
    return frame.position, frame.orientation, frame.pixel_spacing


def stacking_normal(frame: Frame) -> Float:
    """Return the slice normal, row x column, turned to grow along its world axis.

    So axial stacks come out superior first, coronal ones anterior first and sagittal
    ones right first.
    """
    _, (row, column), _ = placement(frame)
    normal = np.cross(row, column)
    normal /= np.linalg.norm(normal)
    world = np.array([normal[0], normal[1], -normal[2]])  # growth along RL, AP, SI
    return normal if world[np.argmax(np.abs(world))] >= 0 else -normal


def joined(*labels: str) -> str:
    """Join what sets a volume apart from others, leaving out what is empty."""
    return ", ".join(label for label in labels if label)


def regular_stacks(
    frames: NDArray[np.object_], axes: tuple[Axis, ...], label: str, notes: list[str]
) -> list[Stack]:
    """Put frames, (*leading, slice), on regular grids."""
    rows = frames.reshape(-1, frames.shape[-1])
    first: Frame = rows[0, 0]
    positions = np.array([placement(frame)[0] for frame in rows[0]])
    if len(positions) == 1:
        step, doubt = thickness(first)
        grids = [Grid((0,), stacking_normal(first) * (step or 1.0))]
        notes = [*notes, *(doubt or ["A single slice of unknown thickness: drawn 1 mm thick."])]
    else:
        grids = regular_grids(positions, stacking_normal(first), _last_digit(rows[0]))
    _, (row, column), (between_rows, between_columns) = placement(first)
    normal = stacking_normal(first)
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
            label=joined(label, f"{spacing:.4g} mm" if len(grids) > 1 else ""),
            notes=[*notes, *_grid_notes(grid, spacing, len(grids), first)],
        )
        stacks.append(stack)
    return stacks


def _last_digit(frames: Iterable[Frame]) -> float:
    """Return what the last written digit of some positions counts in mm, 0 if there are many."""
    decimals = 0
    for frame in frames:
        for text in attributes.texts(frame.dataset, "ImagePositionPatient"):
            if "e" in text.lower():
                return 0.0
            decimals = max(decimals, len(text.partition(".")[2]))
    return 10.0**-decimals


def _grid_notes(grid: Grid, spacing: float, runs: int, first: Frame) -> list[str]:
    notes = []
    if grid.missing:
        indices = ", ".join(map(str, grid.missing))
        notes.append(
            f"{len(grid.missing)} missing {'slice' if len(grid.missing) == 1 else 'slices'} "
            f"filled with the {'lowest' if padding(first) is None else 'padding'} value, "
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
    if lean > TILT_SHOWN and len(grid.slices) > 1:
        notes.append(
            f"The gantry was tilted by {lean:.1f}°: drawn upright, the true geometry is in "
            "patient_affine."
        )
    return notes
