"""Names of directions, positions and planes in the patient, and how planes are displayed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike


class PlaneAxes(NamedTuple):
    """How a plane is displayed in a reading room, as indices of napari's world axes (SI, AP, RL).

    Attributes
    ----------
    stacked : int
        The axis along which the slices are stacked.
    down, right : int
        The axes displayed downwards and to the right.
    """

    stacked: int
    down: int
    right: int


PLANE_AXES = {
    "axial": PlaneAxes(0, 1, 2),
    "coronal": PlaneAxes(1, 0, 2),
    "sagittal": PlaneAxes(2, 0, 1),
}
"""Axial seen from the feet, coronal from the front, sagittal from the patient's left."""

_POSITIVE_LETTERS, _NEGATIVE_LETTERS = "LPS", "RAI"
"""The ends of x, y and z in LPS at which the coordinate is positive and negative."""

MIN_NAMED_COMPONENT = np.sin(np.radians(20.0))
"""Smallest component of a unit direction for which a further axis is named."""


def order_axes_for_plane(plane: str, ndim: int) -> tuple[int, ...]:
    """Return the order of a viewer's axes that displays a plane.

    Parameters
    ----------
    plane : str
        A key of ``PLANE_AXES``.
    ndim : int
        Number of axes of the viewer, at least 3. The last three are those of the patient.
    """
    first = ndim - 3
    return (*range(first), *(first + axis for axis in PLANE_AXES[plane]))


def find_plane_along_axis(axis: int) -> str:
    """Return the plane whose slices are stacked along a world axis (0 SI, 1 AP, 2 RL)."""
    return next(name for name, plane in PLANE_AXES.items() if plane.stacked == axis)


def format_direction(direction: ArrayLike) -> str:
    """Return the letters of a direction in the patient, in the order of PS3.3 C.7.6.1.1.1.

    The letter of the nearest axis comes first. Others follow if the direction leans towards them
    by more than 20 degrees.

    Parameters
    ----------
    direction : array_like
        (3,) in LPS, of any length.

    Returns
    -------
    str
        One to three of L, R, A, P, S and I; empty if the length is zero or not finite.
    """
    vector = np.asarray(direction, dtype=np.float64)
    length = np.linalg.norm(vector)
    if not np.isfinite(length) or length == 0:
        return ""
    unit = np.round(vector / length, 9)  # rounded so that axes at equal angles keep their order
    order = np.argsort(-np.abs(unit), kind="stable")
    named = [
        axis for n, axis in enumerate(order) if n == 0 or abs(unit[axis]) > MIN_NAMED_COMPONENT
    ]
    return "".join(_find_letter(axis, unit[axis]) for axis in named)


def format_position(position: ArrayLike) -> str:
    """Return a position in the patient as text: ``L 12.3  P 40.0  S 88.1 mm``.

    Parameters
    ----------
    position : array_like
        (3,) in LPS mm.
    """
    coordinates = (
        format_coordinate(axis, value) for axis, value in enumerate(np.asarray(position))
    )
    return "  ".join(coordinates) + " mm"


def format_coordinate(axis: int, value: float) -> str:
    """Return a coordinate as a letter and a distance: ``L 12.3``.

    Parameters
    ----------
    axis : int
        0, 1 or 2 for x, y or z in LPS.
    value : float
        The coordinate in mm.
    """
    rounded = round(float(value), 1)
    return f"{_find_letter(axis, rounded)} {abs(rounded):.1f}"


def _find_letter(axis: int, value: float) -> str:
    """Return the letter of the end of an axis at which a coordinate lies."""
    return (_NEGATIVE_LETTERS if value < 0 else _POSITIVE_LETTERS)[axis]
