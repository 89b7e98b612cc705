"""What directions, places and planes in the patient are called, and how planes are looked at."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike


class PlaneAxes(NamedTuple):
    """How a plane is shown as in a reading room, by napari's world axes (SI, AP, RL).

    Attributes
    ----------
    sliced, down, right : int
        The axis along which its slices lie, and those that grow down and to the right.
    """

    sliced: int
    down: int
    right: int


PLANE_AXES = {
    "axial": PlaneAxes(0, 1, 2),
    "coronal": PlaneAxes(1, 0, 2),
    "sagittal": PlaneAxes(2, 0, 1),
}
"""Axial from the feet, coronal from the front, sagittal from the patient's left."""

_LETTERS = "LPS", "RAI"
"""Where x, y and z grow to in LPS, and where they come from."""

_SECOND = np.sin(np.radians(20.0))
"""Part of a direction along an axis from which on the axis is named."""


def order_axes_for_plane(plane: str, ndim: int) -> tuple[int, ...]:
    """Return the order of a viewer's axes that shows a plane; the patient's axes are the last.

    Parameters
    ----------
    plane : str
        A key of ``PLANE_AXES``.
    ndim : int
        Number of the viewer's axes, at least 3.
    """
    first = ndim - 3
    return (*range(first), *(first + axis for axis in PLANE_AXES[plane]))


def find_plane_along_axis(axis: int) -> str:
    """Return the plane whose slices lie along a world axis (0 SI, 1 AP, 2 RL)."""
    return next(name for name, plane in PLANE_AXES.items() if plane.sliced == axis)


def format_direction(direction: ArrayLike) -> str:
    """Return the letters of a direction in the patient, as PS3.3 C.7.6.1.1.1 orders them.

    The nearest axis comes first. Others follow where the direction leans to them by more
    than 20 degrees.

    Parameters
    ----------
    direction : array_like
        (3,) in LPS, of any length.

    Returns
    -------
    str
        One to three of L, R, A, P, S and I; empty for a direction of no length.
    """
    vector = np.asarray(direction, dtype=np.float64)
    length = np.linalg.norm(vector)
    if not np.isfinite(length) or length == 0:
        return ""
    parts = np.round(vector / length, 9)  # so that axes at equal angles keep their order
    order = np.argsort(-np.abs(parts), kind="stable")
    kept = [axis for n, axis in enumerate(order) if n == 0 or abs(parts[axis]) > _SECOND]
    return "".join(_LETTERS[int(parts[axis] < 0)][axis] for axis in kept)


def format_position(place: ArrayLike) -> str:
    """Return a place in the patient in words: ``L 12.3  P 40.0  S 88.1 mm``.

    Parameters
    ----------
    place : array_like
        (3,) in LPS mm.
    """
    return (
        "  ".join(format_coordinate(axis, value) for axis, value in enumerate(np.asarray(place)))
        + " mm"
    )


def format_coordinate(axis: int, value: float) -> str:
    """Return a coordinate along x, y or z of LPS as a letter and a distance, in mm."""
    shown = round(float(value), 1)
    return f"{_LETTERS[int(shown < 0)][axis]} {abs(shown):.1f}"
