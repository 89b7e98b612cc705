"""Sorted frames are put on regular grids, with a note for every guess and repair."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.volume import Axis
from napari_medread.dicom.frames.frame import Frame
from napari_medread.dicom.frames.stored_values import find_padding_range
from napari_medread.dicom.headers import attributes
from napari_medread.dicom.sorting.gap_filling import describe_missing_slices
from napari_medread.dicom.sorting.image_plane import (
    find_stacking_normal,
    get_image_plane,
    guess_slice_spacing,
)
from napari_medread.dicom.sorting.slice_grid import SliceGrid
from napari_medread.dicom.sorting.slice_spacing import find_slice_grids
from napari_medread.dicom.sorting.stack import Stack, join_labels

Float = NDArray[np.float64]

MIN_NOTED_TILT_DEGREES = 0.1
"""A stack that is sheared by less than this has no note on a tilted gantry."""


def place_on_regular_grids(
    frames: NDArray[np.object_], axes: tuple[Axis, ...], label: str, notes: list[str]
) -> list[Stack]:
    """Return one stack for each regular grid on which the slices lie.

    Parameters
    ----------
    frames : object array of Frame
        Shape (*leading, slice), sorted along the stacking normal. All with a patient position.
    axes : tuple of Axis
        The leading axes.
    label : str
        What distinguishes the frames from others of their series.
    notes : list of str
        What is known about the frames so far.
    """
    rows = frames.reshape(-1, frames.shape[-1])
    first: Frame = rows[0, 0]
    normal = find_stacking_normal(first)
    positions = np.array([get_image_plane(frame).position for frame in rows[0]])
    if len(positions) == 1:
        guess, doubt = guess_slice_spacing(first)
        grids = [SliceGrid((0,), normal * (guess or 1.0))]
        notes = [*notes, *(doubt or ["A single slice of unknown thickness: drawn 1 mm thick."])]
    else:
        grids = find_slice_grids(positions, normal, _find_last_digit(rows[0]))
    stacks = []
    for grid in grids:
        spacing = float(grid.step @ normal)
        stack = Stack(
            [[None if n is None else row[n] for n in grid.slices] for row in rows],
            axes,
            frames.shape[:-1] if axes else (),
            _make_affine(grid, positions, first),
            grid=grid if grid.needs_interpolation else None,
            label=join_labels(label, f"{spacing:.4g} mm" if len(grids) > 1 else ""),
            notes=[*notes, *_describe_grid(grid, spacing, len(grids), first)],
        )
        stacks.append(stack)
    return stacks


def _make_affine(grid: SliceGrid, positions: Float, first: Frame) -> Float:
    """Return the (4, 4) matrix from (slice, row, column) of a grid to LPS mm."""
    _, (row, column), (between_rows, between_columns) = get_image_plane(first)
    origin = grid.origin
    if origin is None:
        origin = positions[next(n for n in grid.slices if n is not None)]
    affine = np.eye(4)
    affine[:3] = np.column_stack([grid.step, column * between_rows, row * between_columns, origin])
    return affine


def _find_last_digit(frames: Iterable[Frame]) -> float:
    """Return the value in mm of the last digit with which positions are written.

    It is 0 for positions with an exponent, whose digits are not limited.
    """
    decimals = 0
    for frame in frames:
        for text in attributes.get_texts(frame.dataset, "ImagePositionPatient"):
            if "e" in text.lower():
                return 0.0
            decimals = max(decimals, len(text.partition(".")[2]))
    return 10.0**-decimals


def _describe_grid(grid: SliceGrid, spacing: float, grid_count: int, first: Frame) -> list[str]:
    """Return notes on every way in which a grid differs from the positions in the files."""
    notes = []
    if grid.missing_planes:
        has_padding = find_padding_range(first) is not None
        notes.append(describe_missing_slices(grid, has_padding=has_padding))
    if grid_count > 1:
        count = f"{len(grid.slices)} slices every" if len(grid.slices) > 1 else "one slice of"
        notes.append(
            f"The slice spacing changes within the series: {grid_count} volumes, "
            f"this one of {count} {spacing:.4g} mm."
        )
    if grid.needs_interpolation:
        notes.append(
            f"The slices are unevenly spaced: interpolated linearly to their median spacing "
            f"of {spacing:.4g} mm."
        )
    if grid.origin is not None:
        notes.append(
            "The positions are rounded: the slices are assumed to be evenly spaced, "
            f"{spacing:.4g} mm apart."
        )
    if grid.line_deviation:
        notes.append(
            f"The slices deviate from a straight line by up to {grid.line_deviation:.2g} mm: "
            "drawn on the line."
        )
    tilt = math.degrees(math.acos(min(1.0, spacing / float(np.linalg.norm(grid.step)))))
    if tilt > MIN_NOTED_TILT_DEGREES and len(grid.slices) > 1:
        notes.append(
            f"The gantry was tilted by {tilt:.1f}°: drawn upright; the true geometry is in "
            "patient_affine."
        )
    return notes
