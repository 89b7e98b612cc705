"""Lengths, angles and areas of drawn shapes, computed from their points.

Points are rows of two or three coordinates along orthogonal axes with one unit, such as
millimetres. Results are in that unit (areas in its square) and do not depend on the plane in
which the points lie.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from napari_medread.core.affines import Float

ELLIPSE_SAMPLES = 2048
"""Points at which the outline of an ellipse is sampled to integrate its length. For a smooth closed
curve this sum converges faster than any power, so that it is exact to rounding unless the ellipse
is almost a line."""

MAX_PLANE_DEVIATION = 1e-3
"""Points lie in a plane if none is farther from it than this share of their extent. Viewers store
points in single precision."""

SIDE_PAIRS_PER_STEP = 1 << 16
"""Pairs of polygon sides that are tested for a crossing at a time."""


def measure_length(points: ArrayLike, *, closed: bool = False) -> float:
    """Return the length of a path: the sum of the lengths of its segments.

    Parameters
    ----------
    points : (n, d) array
    closed : bool
        Whether a segment joins the last point with the first.
    """
    path = np.asarray(points, dtype=float)
    if closed:
        path = np.concatenate([path, path[:1]])
    return float(np.linalg.norm(np.diff(path, axis=0), axis=1).sum())


def measure_angle(points: ArrayLike) -> float:
    """Return the angle at the middle one of three points, in degrees from 0 to 180.

    Parameters
    ----------
    points : (3, d) array

    Returns
    -------
    float
        nan if the first or the last point coincides with the middle one.
    """
    first, middle, last = np.asarray(points, dtype=float)
    a, b = first - middle, last - middle
    if not (a.any() and b.any()):
        return math.nan
    # Exact for small angles too, where the arc cosine is not.
    return math.degrees(math.atan2(_parallelogram_area(a, b), float(a @ b)))


def measure_polygon_area(points: ArrayLike) -> float:
    """Return the area of a polygon in any plane, by the shoelace formula.

    If sides cross, parts of the area cancel each other; see ``is_self_intersecting``.

    Parameters
    ----------
    points : (n, d) array
        Corners in order. A side joins the last one with the first.
    """
    corners = _to_three_coordinates(points)
    corners = corners - corners.mean(axis=0)
    return float(np.linalg.norm(np.cross(corners, np.roll(corners, -1, axis=0)).sum(axis=0)) / 2)


def measure_ellipse_area(corners: ArrayLike) -> float:
    """Return the area of the ellipse inscribed in a parallelogram.

    Parameters
    ----------
    corners : (4, d) array
        Corners of the parallelogram in order. The ellipse touches the middle of each side.
    """
    _, a, b = find_conjugate_radii(corners)
    return math.pi * _parallelogram_area(a, b)


def measure_ellipse_perimeter(corners: ArrayLike) -> float:
    """Return the perimeter of the ellipse inscribed in a parallelogram.

    Parameters
    ----------
    corners : (4, d) array
        As for ``measure_ellipse_area``.
    """
    _, a, b = find_conjugate_radii(corners)
    phase = np.arange(ELLIPSE_SAMPLES)[:, None] * (2 * math.pi / ELLIPSE_SAMPLES)
    speed = np.linalg.norm(b * np.cos(phase) - a * np.sin(phase), axis=1)
    return float(2 * math.pi * speed.mean())


def find_conjugate_radii(corners: ArrayLike) -> tuple[Float, Float, Float]:
    """Return the centre and two conjugate radii of the ellipse inscribed in a parallelogram.

    The outline consists of the points ``centre + a * cos(t) + b * sin(t)``.

    Parameters
    ----------
    corners : (4, d) array
        As for ``measure_ellipse_area``.

    Returns
    -------
    centre, a, b : (d,) array
    """
    points = np.asarray(corners, dtype=float)
    return points.mean(axis=0), (points[1] - points[0]) / 2, (points[2] - points[1]) / 2


def project_to_plane(points: ArrayLike) -> Float | None:
    """Return points as coordinates in the plane in which they lie.

    Parameters
    ----------
    points : (n, d) array

    Returns
    -------
    (n, 2) array or None
        Coordinates along the direction in which the points extend most, and across it. None if
        the points do not lie in one plane.
    """
    centred = _to_three_coordinates(points)
    centred = centred - centred.mean(axis=0)
    directions = np.linalg.svd(centred, full_matrices=False)[2]
    if len(directions) < 3:
        return np.asarray(centred @ directions[:2].T)
    projected = centred @ directions.T
    if np.abs(projected[:, 2]).max() > MAX_PLANE_DEVIATION * np.abs(projected[:, 0]).max():
        return None
    return np.asarray(projected[:, :2])


def is_self_intersecting(points: ArrayLike) -> bool:
    """Return whether sides of a polygon cross, in which case its area is ambiguous.

    Parameters
    ----------
    points : (n, 2) array
        Corners in the plane of the polygon, as ``project_to_plane`` returns them.
    """
    starts = np.asarray(points, dtype=float)
    ends = np.roll(starts, -1, axis=0)
    # Sort the sides by their left ends. Sides can only cross if they overlap from left to right:
    # each side is compared with those after it that begin before it ends.
    order = np.argsort(np.minimum(starts, ends)[:, 0], kind="stable")
    starts, ends = starts[order], ends[order]
    left, right = np.minimum(starts, ends)[:, 0], np.maximum(starts, ends)[:, 0]
    partner_counts = np.searchsorted(left, right, "right") - np.arange(len(starts)) - 1
    # The pairs of all sides are numbered one after another; first_pairs[n] is side n's first.
    first_pairs = np.concatenate([[0], np.cumsum(np.maximum(partner_counts, 0))])
    pair_count = int(first_pairs[-1])
    for first in range(0, pair_count, SIDE_PAIRS_PER_STEP):
        pairs = np.arange(first, min(first + SIDE_PAIRS_PER_STEP, pair_count))
        one = np.searchsorted(first_pairs, pairs, "right") - 1
        other = one + 1 + pairs - first_pairs[one]
        if _has_crossing(starts[one], ends[one], starts[other], ends[other]):
            return True
    return False


def _has_crossing(a: Float, b: Float, c: Float, d: Float) -> bool:
    """Return whether any side from a to b crosses the side from c to d with the same index."""
    low, high = np.minimum(c, d)[:, 1], np.maximum(c, d)[:, 1]
    overlaps = (np.minimum(a, b)[:, 1] <= high) & (low <= np.maximum(a, b)[:, 1])
    a, b, c, d = a[overlaps], b[overlaps], c[overlaps], d[overlaps]
    # The product is 0, not negative, for sides that only touch, as neighbours do.
    is_first_crossed = _find_line_side(a, b, c) * _find_line_side(a, b, d) < 0
    is_second_crossed = _find_line_side(c, d, a) * _find_line_side(c, d, b) < 0
    return bool((is_first_crossed & is_second_crossed).any())


def _find_line_side(start: Float, end: Float, point: Float) -> Float:
    """Return the side of a line on which a point lies, 1 or -1; 0 if it lies on the line."""
    line, offset = end - start, point - start
    product = line[..., 0] * offset[..., 1] - line[..., 1] * offset[..., 0]
    size = np.abs(line).max(axis=-1) * np.abs(offset).max(axis=-1)
    return np.asarray(np.where(np.abs(product) <= 1e-9 * size, 0.0, np.sign(product)))


def _parallelogram_area(a: Float, b: Float) -> float:
    """Return the area of the parallelogram that two vectors span."""
    a, b = _to_three_coordinates([a, b])
    return float(np.linalg.norm(np.cross(a, b)))


def _to_three_coordinates(points: ArrayLike) -> Float:
    """Return points with a third coordinate of 0 where they have two."""
    array = np.asarray(points, dtype=float)
    return np.pad(array, ((0, 0), (0, 3 - array.shape[1])))
