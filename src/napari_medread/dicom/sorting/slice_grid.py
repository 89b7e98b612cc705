"""The regular grid of planes on which a stack of slices is put."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class SliceGrid:
    """A regular grid of planes along the slice normal, and the slice on each plane.

    Attributes
    ----------
    slices : tuple of int or None
        For each plane the index of its slice, None where the slice is missing. For a grid that
        needs interpolation, the indices of all slices.
    step : (3,) array
        Vector from one plane to the next in LPS mm. It includes the shear of a tilted gantry.
    interpolated_from : tuple of float
        Positions of the slices in units of planes, only for a grid that needs interpolation.
    interpolated_planes : int
        Number of planes, only for a grid that needs interpolation.
    line_deviation : float
        Largest distance in mm of a slice from the straight line on which it was put.
    origin : (3,) array or None
        Position of the first plane in LPS mm, where it is not the position of the first slice.
    """

    slices: tuple[int | None, ...]
    step: NDArray[np.float64]
    interpolated_from: tuple[float, ...] = ()
    interpolated_planes: int = 0
    line_deviation: float = 0.0
    origin: NDArray[np.float64] | None = None

    @property
    def needs_interpolation(self) -> bool:
        """Whether the slices lie between the planes and must be interpolated."""
        return bool(self.interpolated_from)

    @property
    def missing_planes(self) -> tuple[int, ...]:
        """Indices of the planes without a slice."""
        return tuple(n for n, index in enumerate(self.slices) if index is None)

    def renumber_from(self, start: int) -> SliceGrid:
        """Return the same grid with its slice indices increased by ``start``."""
        slices = tuple(None if index is None else index + start for index in self.slices)
        return replace(self, slices=slices)
