"""Grids for label images, and the volumes made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.affines import apply_affine, invert_affine
from napari_medread.dicom.headers import attributes
from napari_medread.dicom.sorting.even_spacing import is_evenly_spaced, spacing_tolerance
from napari_medread.dicom.sorting.slice_spacing import find_slice_grids
from napari_medread.dicom.sorting.stack import Stack

Float = NDArray[np.float64]

MAX_INDEX_ERROR = 0.1
"""Largest distance, in voxels, between equal planes of a segmentation and of an image."""

MAX_PLANES = 5000
"""A grid of more planes than this is not made for a few frames far apart."""


@dataclass(frozen=True)
class PlaneGrid:
    """A regular grid of planes, and the plane of every position.

    Attributes
    ----------
    plane_count : int
        Number of planes.
    affine : (4, 4) array
        From (plane, row, column) to LPS mm.
    planes : (n,) array of int
        The plane of each of the positions that the grid was made for.
    notes : list of str
        Guesses that were made.
    """

    plane_count: int
    affine: Float
    planes: NDArray[np.int64]
    notes: list[str]


def find_image_grid(
    positions: Float, axes: Float, size: tuple[int, int], images: Sequence[Stack]
) -> PlaneGrid | None:
    """Return the grid of the first image that has a slice at all positions, or None.

    Parameters
    ----------
    positions : (n, 3) array
        Centres of the first pixels in LPS mm.
    axes : (3, 2) array
        Steps from row to row and from column to column in LPS mm.
    size : tuple of int
        Rows and columns.
    images : sequence of Stack
        The stacks to choose from, the likeliest first.
    """
    last_pixel = np.array(size) - 1
    for stack in images:
        frame = stack.all_frames[0]
        if stack.affine is None or (frame.rows, frame.columns) != size:
            continue
        # The pixels in the far corners of both grids must coincide too.
        differences = np.linalg.norm(stack.affine[:3, 1:3] - axes, axis=0)
        steps = np.linalg.norm(axes, axis=0)
        if (differences * last_pixel > MAX_INDEX_ERROR * steps).any():
            continue
        index = apply_affine(invert_affine(stack.affine), positions)
        planes = np.rint(index[:, 0]).astype(np.int64)
        errors = np.abs(index - np.stack([planes, 0 * planes, 0 * planes], axis=1))
        if (
            errors.max() <= MAX_INDEX_ERROR
            and planes.min() >= 0
            and planes.max() < stack.plane_count
        ):
            return PlaneGrid(stack.plane_count, stack.affine, planes, [])
    return None


def make_plane_grid(
    positions: Float, axes: Float, normal: Float, spacing: float | None
) -> list[tuple[PlaneGrid, NDArray[np.int64]]]:
    """Return a regular grid for planes that may have gaps, or several where one is not enough.

    Parameters
    ----------
    positions : (n, 3) array
        Centres of the first pixels in LPS mm, in any order, repeated or not.
    axes : (3, 2) array
        Steps from row to row and from column to column in LPS mm.
    normal : (3,) array
        Direction in which planes are stacked.
    spacing : float or None
        The spacing that the file states, in mm.

    Returns
    -------
    list of (PlaneGrid, (m,) array of int)
        Each with the indices of the positions that lie on it.
    """
    distances = positions @ normal
    order = np.argsort(distances, kind="stable")
    tolerance = spacing_tolerance(spacing) if spacing else 1e-3
    is_new = np.concatenate([[True], np.diff(distances[order]) > tolerance])
    level = np.empty(len(order), np.int64)
    level[order] = np.cumsum(is_new) - 1
    firsts = order[is_new]
    unique, levels = positions[firsts], distances[firsts]
    everything = np.arange(len(positions))
    if len(unique) == 1:
        notes = [] if spacing else ["A single plane of unknown thickness: drawn 1 mm thick."]
        affine = _make_affine(normal * (spacing or 1.0), axes, unique[0])
        return [(PlaneGrid(1, affine, level, notes), everything)]
    gaps = np.diff(levels)
    for step in (spacing, float(gaps.min()), float(np.median(gaps))):
        if not step:
            continue
        planes = np.rint((levels - levels[0]) / step)
        count = int(planes[-1]) + 1
        if (
            (np.diff(planes) >= 1).all()
            and count <= max(MAX_PLANES, 4 * len(unique))
            and is_evenly_spaced(unique, levels, planes)
        ):
            affine = _make_affine((unique[-1] - unique[0]) / planes[-1], axes, unique[0])
            return [(PlaneGrid(count, affine, planes.astype(np.int64)[level], []), everything)]
    return _split_into_grids(unique, axes, normal, level)


def _split_into_grids(
    unique: Float, axes: Float, normal: Float, level: NDArray[np.int64]
) -> list[tuple[PlaneGrid, NDArray[np.int64]]]:
    """Return the grids of unevenly spaced planes: one for every run of an even spacing."""
    grids = []
    for grid in find_slice_grids(unique, normal, 0.0):
        if grid.needs_interpolation:
            # Label numbers cannot be interpolated: every plane goes to the nearest one.
            planes = np.rint(grid.interpolated_from).astype(np.int64)
            affine = _make_affine(grid.step, axes, unique[0])
            notes = [
                "The planes are unevenly spaced: each is drawn on the nearest plane of a grid."
            ]
            every = np.arange(len(level))
            grids.append((PlaneGrid(grid.interpolated_planes, affine, planes[level], notes), every))
            continue
        plane_of_level = {s: n for n, s in enumerate(grid.slices) if s is not None}
        kept = np.flatnonzero(np.isin(level, list(plane_of_level)))
        planes = np.array([plane_of_level[int(n)] for n in level[kept]], np.int64)
        first = next(s for s in grid.slices if s is not None)
        origin = unique[first] if grid.origin is None else grid.origin
        affine = _make_affine(grid.step, axes, origin)
        grids.append((PlaneGrid(len(grid.slices), affine, planes, []), kept))
    return grids


def _make_affine(step: Float, axes: Float, origin: Float) -> Float:
    """Return the (4, 4) matrix from (plane, row, column) to LPS mm."""
    affine = np.eye(4)
    affine[:3] = np.column_stack([step, axes, origin])
    return affine


def get_frame_of_reference(stack: Stack) -> str:
    """Return FrameOfReferenceUID of a stack's images; empty where absent."""
    return attributes.get_text(stack.all_frames[0].dataset, "FrameOfReferenceUID")


def sort_by_reference(
    images: Sequence[Stack], series_uids: Sequence[str], frame_of_reference: str
) -> list[Stack]:
    """Return the stacks that an object can lie on, those of the series it refers to first.

    Parameters
    ----------
    images : sequence of Stack
        What was read with the object.
    series_uids : sequence of str
        SeriesInstanceUID of the series that the object refers to.
    frame_of_reference : str
        Its FrameOfReferenceUID. Stacks with another one are left out, unless their series is
        referred to.
    """
    fitting = [
        stack
        for stack in images
        if is_of_series(stack, series_uids)
        or (frame_of_reference and get_frame_of_reference(stack) == frame_of_reference)
    ]
    return sorted(fitting, key=lambda stack: not is_of_series(stack, series_uids))


def is_of_series(stack: Stack, series_uids: Sequence[str]) -> bool:
    """Return whether a stack belongs to one of some series, given by SeriesInstanceUID."""
    header = stack.all_frames[0].header
    return attributes.get_text(header.dataset, "SeriesInstanceUID") in series_uids
