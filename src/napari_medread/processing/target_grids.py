"""The grids that volumes are resampled to."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from napari_medread.core.affines import Float, apply_affine
from napari_medread.core.geometry import PATIENT_LABELS, PLANE_LABELS, WORLD_AXES, Geometry
from napari_medread.core.size_text import format_spacing, order_columns_first
from napari_medread.core.volume import Volume
from napari_medread.errors import CannotResample

RequestedSpacing = float | Sequence[float]
"""A spacing in mm: one number for all axes, or one for each array axis."""

MAX_UNCOVERED_VOXELS = 0.01
"""A grid may end this share of a voxel before its source, as spacings are rounded numbers."""


class ResamplingTarget(NamedTuple):
    """A grid to resample to.

    Attributes
    ----------
    geometry : Geometry
        The grid.
    description : str
        What it is, for sentences: ``1 mm isotropic``.
    name_suffix : str
        What is appended to the name of the volume.
    """

    geometry: Geometry
    description: str
    name_suffix: str


def make_resampling_target(
    volume: Volume,
    *,
    spacing: RequestedSpacing | None = None,
    straighten: bool = False,
    like: Volume | None = None,
) -> ResamplingTarget:
    """Return the grid to which ``napari_medread.resample`` resamples with the same arguments.

    Raises
    ------
    CannotResample
        If the volume cannot be resampled to such a grid.
    """
    source = _get_geometry(volume)
    if like is not None:
        if spacing is not None or straighten:
            raise CannotResample(
                f"{volume.name}: another volume's grid has its own spacing and axes. Ask for one "
                "or the other."
            )
        return _target_from_volume(volume.name, source, like)
    if straighten:
        if source.ndim != 3:
            raise CannotResample(
                f"{volume.name}: it is an image without a position in the patient, so the "
                "patient's axes are not known."
            )
        steps = [source.spacing[n] for n in source.world_order]
        if spacing is not None:
            steps = _check_spacing(volume.name, spacing, 3)
        grid = _make_straight_grid(source, steps)
        description = f"the patient's axes, {describe_spacing(steps, grid.slice_axis)}"
        return ResamplingTarget(grid, description, "straightened")
    steps = _check_spacing(
        volume.name, min(source.spacing) if spacing is None else spacing, source.ndim
    )
    description = describe_spacing(steps, source.slice_axis)
    name_suffix = description.replace(" isotropic", "").partition(" (")[0]
    return ResamplingTarget(_change_spacing(source, steps), description, name_suffix)


def describe_spacing(spacing: Sequence[float], slice_axis: int = 0) -> str:
    """Return a spacing with its axes: ``1 mm isotropic``, ``0.5 × 0.5 × 3 mm (RL × AP × SI)``.

    Parameters
    ----------
    spacing, slice_axis
        In mm, as in ``format_spacing``.
    """
    if len({f"{n:.4g}" for n in spacing}) == 1:
        return f"{spacing[0]:.4g} mm isotropic"
    labels = PATIENT_LABELS if len(spacing) == 3 else PLANE_LABELS
    axes = " × ".join(order_columns_first(labels, slice_axis))
    return f"{format_spacing(spacing, slice_axis)} ({axes})"


def find_index_bounds(
    matrix: Float, shape: Sequence[int], edge: float = 0.0
) -> tuple[Float, Float]:
    """Return the lowest and highest coordinates of the voxels of a grid after a transform.

    Parameters
    ----------
    matrix : (n + 1, n + 1) array
        Transform of array indices of the grid.
    shape : sequence of int
        Number of voxels along each axis of the grid.
    edge : float
        0 for the centres of the voxels, 0.5 for the outer edges.

    Returns
    -------
    low, high : (n,) array
    """
    corners = np.array([*itertools.product(*((-edge, n - 1 + edge) for n in shape))])
    transformed = apply_affine(matrix, corners)
    return transformed.min(axis=0), transformed.max(axis=0)


def _get_geometry(volume: Volume) -> Geometry:
    """Return the geometry of a volume that can be resampled."""
    if volume.geometry is None:
        raise CannotResample(
            f"{volume.name}: the size of its pixels in mm is not known. Set the layer's scale "
            "and units to mm first."
        )
    if not all(volume.shape):
        raise CannotResample(f"{volume.name}: it is empty, there is nothing to resample.")
    return volume.geometry


def _check_spacing(name: str, spacing: RequestedSpacing, ndim: int) -> list[float]:
    """Return one spacing for each axis."""
    steps = []
    if np.size(spacing) in (1, ndim):
        steps = [float(n) for n in np.broadcast_to(np.ravel(spacing), ndim)]
    if not steps or not all(math.isfinite(n) and n > 0 for n in steps):
        raise CannotResample(
            f"{name}: {spacing} is not a valid spacing. Give one number above 0 in mm, or {ndim} "
            "of them."
        )
    return steps


def _count_voxels(length: float, step: float) -> int:
    """Return how many voxels cover a length, both in mm."""
    return max(1, math.ceil(length / step - MAX_UNCOVERED_VOXELS))


def _change_spacing(source: Geometry, steps: Sequence[float]) -> Geometry:
    """Return a grid with the axes and the field of view of the source, and another spacing.

    The new voxels cover all old voxels, from outer edge to outer edge. If the new spacing does not
    divide the field of view, the excess is shared by both ends. It is less than half a voxel at
    each end, so that no new voxel has its centre outside the field of view.
    """
    n = source.ndim
    counts, affine = [], np.array(source.affine)
    for axis, (old, length, new) in enumerate(
        zip(source.spacing, source.shape, steps, strict=True)
    ):
        count = _count_voxels(length * old, new)
        # Index of the first new voxel in voxels of the source.
        first = (length - 1) / 2 - (count - 1) / 2 * new / old
        affine[:n, n] += source.affine[:n, axis] * first
        affine[:n, axis] *= new / old
        counts.append(count)
    return Geometry(counts, affine, source.slice_axis)


def _make_straight_grid(source: Geometry, steps: Sequence[float]) -> Geometry:
    """Return the grid along the patient's axes (SI, AP, RL) that covers the whole source."""
    to_world = np.eye(4)
    to_world[:3] = WORLD_AXES.T @ source.affine[:3]
    low, high = find_index_bounds(to_world, source.shape, edge=0.5)
    counts = [_count_voxels(length, step) for length, step in zip(high - low, steps, strict=True)]
    first = (low + high) / 2 - (np.array(counts) - 1) / 2 * steps
    return Geometry.from_components(
        counts,
        spacing=steps,
        origin=(WORLD_AXES @ first).tolist(),
        direction=WORLD_AXES,
        slice_axis=source.world_order.index(source.slice_axis),
    )


def _target_from_volume(name: str, source: Geometry, like: Volume) -> ResamplingTarget:
    """Return the grid of another volume.

    Parameters
    ----------
    name : str
        Name of the volume to resample, for errors.
    source : Geometry
        Its geometry.
    like : Volume
        The other volume.
    """
    target = like.geometry
    if target is None:
        raise CannotResample(
            f"{name} cannot be resampled to the grid of {like.name}: the size of its pixels in mm "
            "is not known."
        )
    if target.ndim != source.ndim:
        plane, volume = (name, like.name) if source.ndim == 2 else (like.name, name)
        raise CannotResample(
            f"{name} cannot be resampled to the grid of {like.name}: {plane} is an image without "
            f"a position in the patient, {volume} is a volume."
        )
    for one, other in ((source, target), (target, source)):
        low, high = find_index_bounds(other.index_map(one), other.shape, edge=0.5)
        if (low >= np.array(one.shape) - 0.5).any() or (high <= -0.5).any():
            raise CannotResample(
                f"{name} and {like.name} do not overlap, so the result would be empty. Choose "
                "another layer's grid."
            )
    return ResamplingTarget(target, f"the grid of {like.name}", f"on {like.name}")
