"""Irregular slice spacing: slices are interpolated, but never across a wide gap."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from napari_medread.dicom.sorting.even_spacing import EVEN_SPACING_SHARE, find_usual_spacing
from napari_medread.dicom.sorting.slice_grid import SliceGrid

Float = NDArray[np.float64]

WIDE_GAP_SPACINGS = 4.0
"""Irregular slices farther apart than this many usual spacings are not interpolated between."""


def split_at_wide_gaps(distances: Float) -> list[tuple[int, int]]:
    """Return (start, stop) of the parts of irregular slices between which gaps are wide.

    Parameters
    ----------
    distances : (n,) array
        Sorted slice positions along the normal, in mm.
    """
    steps = np.diff(distances)
    wide = np.flatnonzero(steps > WIDE_GAP_SPACINGS * find_usual_spacing(steps))
    return list(itertools.pairwise([0, *(int(n) + 1 for n in wide), len(distances)]))


def make_median_grid(positions: Float, distances: Float) -> SliceGrid:
    """Return a grid of the median spacing from the first to the last slice, for interpolation.

    Parameters
    ----------
    positions : (n, 3) array
        Image positions in LPS mm, sorted along the normal.
    distances : (n,) array
        The same positions measured along the normal, in mm.
    """
    extent = distances[-1] - distances[0]
    spacing = float(np.median(np.diff(distances)))
    step = (positions[-1] - positions[0]) / extent * spacing
    return SliceGrid(
        tuple(range(len(distances))),
        np.asarray(step),
        tuple(((distances - distances[0]) / spacing).tolist()),
        int(extent / spacing + EVEN_SPACING_SHARE) + 1,
    )
