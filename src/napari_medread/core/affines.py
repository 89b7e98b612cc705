"""Affine matrices: applying, inverting and combining them.

An affine matrix of n dimensions has shape (n + 1, n + 1). It takes a point ``p`` to
``matrix[:n, :n] @ p + matrix[:n, n]``, and its last row is ``(0, ..., 0, 1)``. All linear algebra
on such matrices is done here, so that the order of the factors is written down once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float = NDArray[np.float64]


def apply_affine(matrix: ArrayLike, points: ArrayLike) -> Float:
    """Return points after an affine transform.

    Parameters
    ----------
    matrix : (n + 1, n + 1) array_like
    points : (..., n) array_like

    Returns
    -------
    (..., n) array
    """
    affine = np.asarray(matrix, dtype=np.float64)
    n = len(affine) - 1
    return np.asarray(np.asarray(points, dtype=np.float64) @ affine[:n, :n].T + affine[:n, n])


def invert_affine(matrix: ArrayLike) -> Float:
    """Return the inverse of an affine transform.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the transform takes different points to the same one.
    """
    return np.asarray(np.linalg.inv(np.asarray(matrix, dtype=np.float64)))


def relative_affine(target: ArrayLike, source: ArrayLike) -> Float:
    """Return the transform between the inputs of two affine transforms with a common output.

    For two grids, this is the matrix from an array index of the source to the array index of
    the target that lies at the same position: ``inverse(target) @ source``.

    Parameters
    ----------
    target, source : (n + 1, n + 1) array_like
        Transforms into the same space.

    Returns
    -------
    (n + 1, n + 1) array

    Raises
    ------
    numpy.linalg.LinAlgError
        If ``target`` cannot be inverted.
    """
    # More accurate than multiplying with the inverse.
    return np.asarray(
        np.linalg.solve(np.asarray(target, dtype=np.float64), np.asarray(source, dtype=np.float64))
    )
