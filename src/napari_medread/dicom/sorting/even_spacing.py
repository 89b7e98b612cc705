"""Evenly spaced slice positions: the tolerance, the usual spacing, and rounded positions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_medread.dicom.sorting.slice_grid import SliceGrid

Float = NDArray[np.float64]

EVEN_SPACING_SHARE = 0.01
"""Slices are evenly spaced if each is within this share of the spacing from its plane."""

ROUNDING_MM = 0.01
"""They are also evenly spaced within this many mm: positions often have two decimals."""

MAX_ROUNDING_SHARE = 0.1
"""Rounding may never move a slice by more than this share of the spacing (very thin slices)."""

LAST_DIGIT_SHARE = 0.6
"""Rounding moves a position by at most half of its last written digit. The rest of this share
allows for the error of the fitted line."""

USUAL_STEP_SHARE = 0.1
"""Steps that differ by less than this share of the usual step are measurements of one spacing."""

MIN_RUN_SLICES = 3
"""Fewest slices from which an even spacing can be inferred."""


def spacing_tolerance(spacing: float) -> float:
    """Return how far in mm a slice may lie from its plane on an even grid."""
    spacing = abs(spacing)
    return max(EVEN_SPACING_SHARE * spacing, min(ROUNDING_MM, MAX_ROUNDING_SHARE * spacing))


def is_evenly_spaced(positions: Float, distances: Float, planes: Float | None = None) -> bool:
    """Return whether slices lie on the planes of an even grid along one straight line.

    Parameters
    ----------
    positions : (n, 3) array
        Image positions in LPS mm, sorted along the normal.
    distances : (n,) array
        The same positions measured along the normal, in mm.
    planes : (n,) array or None
        The plane number of each slice, starting with 0. None: 0, 1, 2, ...
    """
    planes = np.arange(len(distances), dtype=float) if planes is None else planes
    step = (positions[-1] - positions[0]) / planes[-1]
    spacing = (distances[-1] - distances[0]) / planes[-1]
    errors = positions - positions[0] - np.outer(planes, step)
    return bool(np.linalg.norm(errors, axis=1).max() <= spacing_tolerance(spacing))


def make_even_grid(positions: Float, start: int = 0) -> SliceGrid:
    """Return the grid of evenly spaced slices, of which ``start`` is the index of the first."""
    step = (positions[-1] - positions[0]) / (len(positions) - 1)
    return SliceGrid(tuple(range(start, start + len(positions))), np.asarray(step))


def find_usual_spacing(steps: Float) -> float:
    """Return the most common of some slice steps: the mean of those close to the lower median.

    The lower median is a step that occurs, also where half of the steps are gaps.
    """
    lower_middle = (len(steps) - 1) // 2
    median = np.partition(steps, lower_middle)[lower_middle]
    return float(steps[np.abs(steps - median) <= USUAL_STEP_SHARE * median].mean())


def fit_rounded_positions(
    positions: Float, distances: Float, last_digit: float
) -> SliceGrid | None:
    """Return the even grid whose positions were rounded when the file was written, if there is one.

    Interpolating between such positions would blur what only the rounding made uneven.

    Parameters
    ----------
    positions : (n, 3) array
        Image positions in LPS mm, sorted along the normal.
    distances : (n,) array
        The same positions measured along the normal, in mm.
    last_digit : float
        Value of the last written digit of the positions, in mm.
    """
    planes = np.arange(len(distances), dtype=float)
    step, origin = np.polyfit(planes, positions, 1)
    error = np.abs(positions - origin - np.outer(planes, step)).max()
    spacing = (distances[-1] - distances[0]) / planes[-1]
    allowed = min(LAST_DIGIT_SHARE * last_digit, MAX_ROUNDING_SHARE * spacing)
    if len(distances) < MIN_RUN_SLICES or error > allowed:
        return None
    return SliceGrid(tuple(range(len(distances))), np.asarray(step), origin=np.asarray(origin))
