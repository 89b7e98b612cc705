"""Lengths, angles and areas of what is drawn, from its points in millimetres.

Points are rows of two or three coordinates along axes at right angles and of one unit; what
comes out is in that unit, and does not depend on the plane in which the points lie.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from napari_medread.core.affines import Float

_STEPS = 2048
"""Chords by which the outline of an ellipse is measured. Of a smooth closed curve the sum
converges faster than any power; this many are exact to rounding unless it is almost a line."""

_FLAT = 1e-3
"""Points that leave their plane by more than this share of their spread lie in none. Viewers keep
them in single precision."""

_PAIRS = 1 << 16
"""Pairs of sides of a polygon that are held against one another at a time."""


def measure_length(points: ArrayLike, *, closed: bool = False) -> float:
    """Return the length of a path, the sum of its segments.

    Parameters
    ----------
    points : (n, d) array
    closed : bool
        Whether the last point is joined with the first.
    """
    path = np.asarray(points, dtype=float)
    if closed:
        path = np.concatenate([path, path[:1]])
    return float(np.linalg.norm(np.diff(path, axis=0), axis=1).sum())


def measure_angle(points: ArrayLike) -> float:
    """Return the angle at the middle one of three points, 0 to 180 degrees.

    It is nan where one of the others lies on the middle.
    """
    first, middle, last = np.asarray(points, dtype=float)
    a, b = first - middle, last - middle
    if not (a.any() and b.any()):
        return math.nan
    # Exact for small angles too, where the arc cosine is not.
    return math.degrees(math.atan2(_parallelogram(a, b), float(a @ b)))


def measure_polygon_area(points: ArrayLike) -> float:
    """Return the area of a flat polygon in any plane, by the shoelace formula.

    Where sides cross, parts count against one another: see ``is_self_intersecting``.

    Parameters
    ----------
    points : (n, d) array
        Its corners in order. The last is joined with the first.
    """
    corners = _in_space(points)
    corners = corners - corners.mean(axis=0)
    return float(np.linalg.norm(np.cross(corners, np.roll(corners, -1, axis=0)).sum(axis=0)) / 2)


def measure_ellipse_area(corners: ArrayLike) -> float:
    """Return the area of an ellipse in a parallelogram, pi times its half axes.

    Parameters
    ----------
    corners : (4, d) array
        Of the parallelogram, in order. The ellipse touches the middle of each side.
    """
    _, a, b = find_conjugate_radii(corners)
    return math.pi * _parallelogram(a, b)


def measure_ellipse_perimeter(corners: ArrayLike) -> float:
    """Return the length of the outline of an ellipse in a parallelogram; see ``measure_ellipse_area``."""
    _, a, b = find_conjugate_radii(corners)
    at = np.arange(_STEPS)[:, None] * (2 * math.pi / _STEPS)
    speed = np.linalg.norm(b * np.cos(at) - a * np.sin(at), axis=1)
    return float(2 * math.pi * speed.mean())


def find_conjugate_radii(corners: ArrayLike) -> tuple[Float, Float, Float]:
    """Return the centre of an ellipse, and the two half sides of its parallelogram.

    It consists of the points ``centre + a * cos(t) + b * sin(t)``.
    """
    found = np.asarray(corners, dtype=float)
    return found.mean(axis=0), (found[1] - found[0]) / 2, (found[2] - found[1]) / 2


def project_to_plane(points: ArrayLike) -> Float | None:
    """Return points as coordinates in the plane in which they lie, None if they lie in none.

    Parameters
    ----------
    points : (n, d) array

    Returns
    -------
    (n, 2) array
        Along the direction in which they spread most, and across it.
    """
    found = _in_space(points)
    found = found - found.mean(axis=0)
    directions = np.linalg.svd(found, full_matrices=False)[2]
    if len(directions) < 3:
        return np.asarray(found @ directions[:2].T)
    along = found @ directions.T
    if np.abs(along[:, 2]).max() > _FLAT * np.abs(along[:, 0]).max():
        return None
    return np.asarray(along[:, :2])


def is_self_intersecting(points: ArrayLike) -> bool:
    """Tell whether sides of a polygon cross, so that it has no area that one number tells.

    Parameters
    ----------
    points : (n, 2) array
        Its corners in the plane in which it lies.
    """
    start = np.asarray(points, dtype=float)
    # Of two sides that cross, the one that begins farther left begins before the other ends.
    end = np.roll(start, -1, axis=0)
    order = np.argsort(np.minimum(start, end)[:, 0], kind="stable")
    start, end = start[order], end[order]
    later = np.searchsorted(np.minimum(start, end)[:, 0], np.maximum(start, end)[:, 0], "right")
    own = np.arange(len(start))
    counts = np.maximum(later - own - 1, 0)
    before = np.concatenate([[0], np.cumsum(counts)])
    for at in range(0, int(before[-1]), _PAIRS):
        pair = np.arange(at, min(at + _PAIRS, int(before[-1])))
        one = np.searchsorted(before, pair, "right") - 1
        other = one + 1 + pair - before[one]
        if _cross(start[one], end[one], start[other], end[other]):
            return True
    return False


def _cross(a: Float, b: Float, c: Float, d: Float) -> bool:
    """Tell whether any of the sides from a to b crosses its partner from c to d."""
    low, high = np.minimum(c, d)[:, 1], np.maximum(c, d)[:, 1]
    near = (np.minimum(a, b)[:, 1] <= high) & (low <= np.maximum(a, b)[:, 1])
    a, b, c, d = a[near], b[near], c[near], d[near]
    # Sides that only touch, as neighbours do, have a product of zero.
    apart = _side(a, b, c) * _side(a, b, d)
    across = _side(c, d, a) * _side(c, d, b)
    return bool(((apart < 0) & (across < 0)).any())


def _side(a: Float, b: Float, point: Float) -> Float:
    """Return 1 or -1 for the side of a line on which a point lies, 0 for on it."""
    along, to = b - a, point - a
    turn = along[..., 0] * to[..., 1] - along[..., 1] * to[..., 0]
    size = np.abs(along).max(axis=-1) * np.abs(to).max(axis=-1)
    return np.asarray(np.where(np.abs(turn) <= 1e-9 * size, 0.0, np.sign(turn)))


def _parallelogram(a: Float, b: Float) -> float:
    """Return the area between two vectors."""
    a, b = _in_space([a, b])
    return float(np.linalg.norm(np.cross(a, b)))


def _in_space(points: ArrayLike) -> Float:
    """Return points with three coordinates."""
    found = np.asarray(points, dtype=float)
    return np.pad(found, ((0, 0), (0, 3 - found.shape[1])))
