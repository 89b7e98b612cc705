"""The grids that volumes are resampled to."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from napari_medread.core.affines import Float, apply_affine
from napari_medread.core.geometry import PATIENT_LABELS, PLANE_LABELS, WORLD_AXES, Geometry
from napari_medread.core.volume import Volume
from napari_medread.errors import CannotResample

RequestedSpacing = float | Sequence[float]

_SLIVER = 0.01
"""A grid may end this share of a voxel before its source: spacings are rounded numbers."""


class ResamplingTarget(NamedTuple):
    """A grid to resample to.

    Attributes
    ----------
    geometry : Geometry
        The grid.
    what : str
        What it is, for a sentence: ``1 mm isotropic``.
    name : str
        What to add to the volume's name.
    """

    geometry: Geometry
    what: str
    name: str


def make_resampling_target(
    volume: Volume,
    *,
    spacing: RequestedSpacing | None = None,
    straighten: bool = False,
    like: Volume | None = None,
) -> ResamplingTarget:
    """Return the grid that ``napari_medread.resample`` resamples to; see there.

    Raises
    ------
    CannotResample
        Where the volume has no such grid.
    """
    source = _geometry_of(volume)
    if like is not None:
        if spacing is not None or straighten:
            raise CannotResample(
                f"{volume.name}: another volume's grid has its own spacing and axes. Ask for one "
                "or the other."
            )
        return _grid_of(volume.name, source, like)
    if straighten:
        if source.ndim != 3:
            raise CannotResample(
                f"{volume.name}: it is an image without a position in the patient, so the "
                "patient's axes are not known."
            )
        steps = [source.spacing[n] for n in source.world_order]
        if spacing is not None:
            steps = _steps(volume.name, spacing, 3)
        return ResamplingTarget(_along_patient(source, steps), _the_patients_axes(steps), "straightened")
    steps = _steps(volume.name, min(source.spacing) if spacing is None else spacing, source.ndim)
    what = format_spacing(steps)
    name = what.replace(" isotropic", "").partition(" (")[0]
    return ResamplingTarget(_spaced(source, steps), what, name)


def format_spacing(spacing: Sequence[float]) -> str:
    """Spell a spacing: ``1 mm isotropic``, or ``3 x 0.5 x 0.5 mm (SI x AP x RL)``."""
    words = [f"{n:.4g}" for n in spacing]
    if len(set(words)) == 1:
        return f"{words[0]} mm isotropic"
    labels = PATIENT_LABELS if len(words) == 3 else PLANE_LABELS
    return f"{' x '.join(words)} mm ({' x '.join(labels)})"


def find_index_bounds(matrix: Float, shape: Sequence[int], edge: float = 0.0) -> tuple[Float, Float]:
    """Return between which coordinates, (n,) and (n,), a matrix takes the voxels of a grid.

    Their centres, or with an edge of 0.5 the whole of them.
    """
    corners = np.array([*itertools.product(*((-edge, n - 1 + edge) for n in shape))])
    places = apply_affine(matrix, corners)
    return places.min(axis=0), places.max(axis=0)


def _geometry_of(volume: Volume) -> Geometry:
    if volume.geometry is None:
        raise CannotResample(
            f"{volume.name}: the size of its pixels in mm is not known. Set the layer's scale "
            "and units to mm first."
        )
    if not all(volume.shape):
        raise CannotResample(f"{volume.name}: it is empty, there is nothing to resample.")
    return volume.geometry


def _steps(name: str, spacing: RequestedSpacing, ndim: int) -> list[float]:
    """Return one spacing for every axis."""
    found = (
        [float(n) for n in np.broadcast_to(np.ravel(spacing), ndim)]
        if (np.size(spacing) in (1, ndim))
        else []
    )
    if not found or not all(math.isfinite(n) and n > 0 for n in found):
        raise CannotResample(
            f"{name}: {spacing} is no spacing. Give one number above 0 in mm, or {ndim}."
        )
    return found


def _count(length: float, step: float) -> int:
    """Return how many voxels cover a length."""
    return max(1, math.ceil(length / step - _SLIVER))


def _spaced(source: Geometry, steps: Sequence[float]) -> Geometry:
    """Return a grid of the same axes and field of view, with other steps.

    All that the source's voxels cover is covered, from outer edge to outer edge. Where the
    steps do not divide it, what hangs over is shared by both ends: it is less than half a
    voxel at each, so that no new voxel has its centre outside.
    """
    n = source.ndim
    counts, affine = [], np.array(source.affine)
    for axis, (old, length, new) in enumerate(
        zip(source.spacing, source.shape, steps, strict=True)
    ):
        count = _count(length * old, new)
        first = (length - 1) / 2 - (count - 1) / 2 * new / old  # in voxels of the source
        affine[:n, n] += source.affine[:n, axis] * first
        affine[:n, axis] *= new / old
        counts.append(count)
    return Geometry(counts, affine, source.slice_axis)


def _along_patient(source: Geometry, steps: Sequence[float]) -> Geometry:
    """Return the grid along (SI, AP, RL) that covers all voxels of the source."""
    to_world = np.eye(4)
    to_world[:3] = WORLD_AXES.T @ source.affine[:3]
    low, high = find_index_bounds(to_world, source.shape, edge=0.5)
    counts = [_count(length, step) for length, step in zip(high - low, steps, strict=True)]
    first = (low + high) / 2 - (np.array(counts) - 1) / 2 * steps
    affine = np.eye(4)
    affine[:3, :3] = WORLD_AXES * np.asarray(steps)
    affine[:3, 3] = WORLD_AXES @ first
    return Geometry(counts, affine)


def _grid_of(name: str, source: Geometry, like: Volume) -> ResamplingTarget:
    """Return another volume's grid."""
    target = like.geometry
    if target is None:
        raise CannotResample(
            f"{name} cannot be laid on the grid of {like.name}, as the size of its pixels in mm "
            "is not known."
        )
    if target.ndim != source.ndim:
        plane, body = (name, like.name) if source.ndim == 2 else (like.name, name)
        raise CannotResample(
            f"{name} cannot be laid on the grid of {like.name}: {plane} is a plane without a "
            f"position in the patient, {body} a volume."
        )
    for one, other in ((source, target), (target, source)):
        low, high = find_index_bounds(other.index_map(one), other.shape, edge=0.5)
        if (low >= np.array(one.shape) - 0.5).any() or (high <= -0.5).any():
            raise CannotResample(
                f"{name} and {like.name} do not overlap: nothing of the one would be in the "
                "grid of the other."
            )
    return ResamplingTarget(target, f"the grid of {like.name}", f"on {like.name}")


def _the_patients_axes(steps: Sequence[float]) -> str:
    return f"the patient's axes, {format_spacing(steps)}"
