"""Closed contours in patient space become voxels of a grid.

A voxel belongs to a structure when its centre lies inside by the even-odd rule. Contours lie in
parallel planes, most often those of the slices; a plane holds half-way to its neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.geometry import Geometry
from napari_medread.core.voxel_runs import VoxelRuns, fill_contours, make_runs

Float = NDArray[np.float64]
Integers = NDArray[np.int64]

MAX_PLANE_DEVIATION = 0.1
"""A contour whose points stay within this many voxels of a grid plane lies in it."""

MAX_FLATNESS_ERROR_MM = 1.0
"""A contour whose points deviate from a plane by more than this does not lie in one."""

SAME_PLANE_DISTANCE = 0.05
"""Contours no farther apart than this, in grid planes, lie in the same plane."""

MIN_GAPS = 3
"""Fewest gaps between planes from which the usual distance of planes is inferred."""

MIN_NORMAL_COSINE = 0.999
"""Contours whose normals enclose a smaller cosine are not parallel."""


@dataclass(eq=False)
class ContourVoxels:
    """The voxels of one structure.

    Attributes
    ----------
    runs : VoxelRuns
        The voxels.
    notes : list of str
        What was assumed between planes, and contours that were left out.
    """

    runs: VoxelRuns
    notes: list[str] = field(default_factory=list)


def find_contour_voxels(
    contours: Sequence[Float], geometry: Geometry, usual_distance: float | None = None
) -> ContourVoxels:
    """Return the voxels whose centres lie inside the contours of one structure.

    Parameters
    ----------
    contours : sequence of (n, 3) array
        Points of closed contours in LPS mm, at least three each.
    geometry : Geometry
        The grid, in the order of the array.
    usual_distance : float or None
        Distance of contour planes in slices that is usual for similar structures, for one with too
        few planes to tell.

    Returns
    -------
    ContourVoxels
    """
    notes: list[str] = []
    indices = [geometry.to_index(contour) for contour in contours]
    by_axis: dict[int, list[Float]] = {}
    oblique: list[Float] = []
    for contour, index in zip(contours, indices, strict=True):
        spread = np.ptp(index, axis=0)
        # The slice axis first: a contour of a few points may lie in several planes.
        axes = sorted(range(3), key=lambda n: n != geometry.slice_axis)
        axis = next((n for n in axes if spread[n] <= MAX_PLANE_DEVIATION), None)
        if axis is None:
            oblique.append(contour)
        else:
            by_axis.setdefault(axis, []).append(index)
    parts = [
        _fill_grid_planes(members, axis, geometry.shape, usual_distance, notes)
        for axis, members in by_axis.items()
    ]
    if oblique:
        parts.append(_fill_oblique_planes(oblique, geometry, notes))
    if len(parts) == 1:
        return ContourVoxels(parts[0], notes)
    return ContourVoxels(_join(parts, geometry.shape), notes)


def find_usual_plane_distance(
    structures: Sequence[Sequence[Float]], geometry: Geometry
) -> float | None:
    """Return the distance of contour planes, in slices, that most structures of a set have.

    Parameters
    ----------
    structures : sequence of sequences of (n, 3) array
        The closed contours of each structure in LPS mm.
    geometry : Geometry
        The grid.

    Returns
    -------
    float or None
        None if no structure has enough planes to tell.
    """
    distances = []
    for contours in structures:
        heights = [geometry.to_index(contour[0])[geometry.slice_axis] for contour in contours]
        planes, _ = _group_heights(np.array(heights)) if heights else (np.empty(0), None)
        if len(planes) > MIN_GAPS:
            distances.append(_find_plane_distance(planes, None))
    return float(np.sort(distances)[(len(distances) - 1) // 2]) if distances else None


def _fill_grid_planes(
    contours: Sequence[Float],
    axis: int,
    shape: tuple[int, ...],
    usual_distance: float | None,
    notes: list[str],
) -> VoxelRuns:
    """Return the voxels of contours that lie in planes across one axis of the grid."""
    heights = np.array([np.median(contour[:, axis]) for contour in contours])
    planes, plane_of = _group_heights(heights)
    distance = _find_plane_distance(planes, usual_distance)
    nearest = _find_nearest_planes(planes, distance, shape[axis])
    if distance > 1.5 and len(planes) > 1:
        notes.append(
            f"its contours are {distance:.3g} slices apart: each holds half-way to its neighbours"
        )
    elif distance < 0.75 and len(planes) > 1:
        notes.append("it has more contours than slices: each slice has those next to its centre")
    elif np.abs(planes - np.rint(planes)).max() > MAX_PLANE_DEVIATION:
        notes.append("its contours lie between slices: each slice has those next to its centre")
    members: list[list[int]] = [[] for _ in planes]
    for n, plane in enumerate(plane_of):
        members[plane].append(n)
    drawn: list[Float] = []
    where: list[int] = []
    across = [n for n in range(3) if n != axis]
    for grid_plane, plane in enumerate(nearest):
        for n in members[plane] if plane >= 0 else ():
            drawn.append(contours[n][:, across])
            where.append(grid_plane)
    first, second = (shape[n] for n in across)
    runs = fill_contours(drawn, where, (shape[axis], first, second))
    if axis == 0:
        return runs
    indices = np.concatenate([*runs.iterate_indices(), np.empty(0, np.int64)])
    coordinates = np.unravel_index(indices, (shape[axis], first, second))
    order = [axis, *across]
    return make_runs(
        np.ravel_multi_index([coordinates[order.index(n)] for n in range(3)], shape), shape
    )


def _group_heights(heights: Float) -> tuple[Float, Integers]:
    """Return the distinct heights in rising order, and the index of each contour's."""
    order = np.argsort(heights, kind="stable")
    is_new = np.concatenate([[True], np.diff(heights[order]) > SAME_PLANE_DISTANCE])
    group = np.empty(len(heights), np.int64)
    group[order] = np.cumsum(is_new) - 1
    sums = np.bincount(group, heights)
    return sums / np.bincount(group), group


def _find_plane_distance(planes: Float, usual_distance: float | None) -> float:
    """Return the usual distance of contour planes, in grid planes.

    It is the lower median of the gaps, so that a structure in two parts is not filled between them.
    """
    gaps = np.sort(np.diff(planes))
    if len(gaps) >= MIN_GAPS:
        return float(gaps[(len(gaps) - 1) // 2])
    usual = usual_distance or 1.0
    return min(float(gaps[0]), usual) if len(gaps) else usual


def _find_nearest_planes(planes: Float, distance: float, count: int) -> Integers:
    """Return the contour plane next to each grid plane; -1 beyond half of the usual distance."""
    grid = np.arange(count, dtype=np.float64)
    after = np.searchsorted(planes, grid - 1e-6).clip(0, len(planes) - 1)
    before = (after - 1).clip(0)
    # Of two planes that are equally near, the one before, so that none is used twice.
    nearest = np.where(grid - planes[before] <= planes[after] - grid + 1e-6, before, after)
    offset = grid - planes[nearest]
    holds = (offset > -distance / 2 + 1e-6) & (offset <= distance / 2 + 1e-6)
    return np.where(holds, nearest, -1)


def _fill_oblique_planes(
    contours: Sequence[Float], geometry: Geometry, notes: list[str]
) -> VoxelRuns:
    """Return the voxels of contours in planes across no axis of the grid."""
    waiting = [
        (contour, normal) for contour in contours if (normal := _find_normal(contour)) is not None
    ]
    if len(waiting) < len(contours):
        notes.append(
            f"{len(contours) - len(waiting)} of its contours lie in no plane and are left out"
        )
    parts = []
    while waiting:
        normal = waiting[0][1]
        family = [c for c, n in waiting if abs(n @ normal) >= MIN_NORMAL_COSINE]
        waiting = [(c, n) for c, n in waiting if abs(n @ normal) < MIN_NORMAL_COSINE]
        parts.append(_fill_parallel_planes(family, normal, geometry))
    return _join(parts, geometry.shape)


def _find_normal(contour: Float) -> Float | None:
    """Return the unit normal of a contour; None if it is not flat or encloses no area."""
    centred = contour - contour.mean(axis=0)
    area = np.cross(centred, np.roll(centred, -1, axis=0)).sum(axis=0)
    length = float(np.linalg.norm(area))
    if length < 1e-6:
        return None
    normal = area / length
    return normal if np.abs(centred @ normal).max() <= MAX_FLATNESS_ERROR_MM else None


def _fill_parallel_planes(
    contours: Sequence[Float], normal: Float, geometry: Geometry
) -> VoxelRuns:
    """Return the voxels of contours in parallel planes; each plane holds half-way to the next."""
    shape = geometry.shape
    heights = np.array([float((contour @ normal).mean()) for contour in contours])
    step = min(geometry.spacing)
    planes, plane_of = _group_heights(heights / step)
    distance = _find_plane_distance(planes, None)
    first = np.argmax(np.abs(np.cross(normal, np.eye(3))).sum(axis=1))
    u = np.cross(normal, np.eye(3)[first])
    u /= np.linalg.norm(u)
    v = np.cross(normal, u)
    corners = np.concatenate(contours)
    margin = normal * step * distance
    box = geometry.to_index(np.concatenate([corners - margin, corners + margin]))
    low = np.floor(box.min(axis=0)).clip(0, shape).astype(int)
    high = (np.ceil(box.max(axis=0)) + 1).clip(0, shape).astype(int)
    inside_indices = []
    # One plane of the grid at a time bounds the memory.
    rows, columns = np.mgrid[low[1] : high[1], low[2] : high[2]]
    for grid_plane in range(low[0], high[0]):
        index = np.stack([np.full(rows.size, grid_plane), rows.ravel(), columns.ravel()], axis=1)
        points = geometry.to_patient(index)
        height = points @ normal / step
        after = np.searchsorted(planes, height).clip(0, len(planes) - 1)
        before = (after - 1).clip(0)
        nearest = np.where(height - planes[before] <= planes[after] - height, before, after)
        holds = np.abs(height - planes[nearest]) <= distance / 2
        flat = np.stack([points @ u, points @ v], axis=1)
        for n, contour in enumerate(contours):
            chosen = np.flatnonzero(holds & (nearest == plane_of[n]))
            if chosen.size:
                polygon = np.stack([contour @ u, contour @ v], axis=1)
                is_in = _is_inside(flat[chosen], polygon)
                inside_indices.append(np.ravel_multi_index(index[chosen[is_in]].T, shape))
    if not inside_indices:
        return make_runs(np.empty(0, np.int64), shape)
    voxels, counts = np.unique(np.concatenate(inside_indices), return_counts=True)
    return make_runs(voxels[counts % 2 == 1], shape)


def _is_inside(points: Float, polygon: Float) -> NDArray[np.bool_]:
    """Return whether points lie inside a polygon by the even-odd rule."""
    inside = np.zeros(len(points), bool)
    for (y0, x0), (y1, x1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if y0 == y1:
            continue
        crosses = (y0 <= points[:, 0]) != (y1 <= points[:, 0])
        x = x0 + (points[crosses, 0] - y0) * ((x1 - x0) / (y1 - y0))
        inside[crosses] ^= x <= points[crosses, 1]
    return inside


def _join(parts: Sequence[VoxelRuns], shape: tuple[int, ...]) -> VoxelRuns:
    """Return the union of sets of voxels."""
    indices = [piece for part in parts for piece in part.iterate_indices()]
    return make_runs(
        np.unique(np.concatenate(indices)) if indices else np.empty(0, np.int64), shape
    )
