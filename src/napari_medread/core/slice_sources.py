"""Which image of which file each slice of a volume was read from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_medread.core.affines import invert_affine
from napari_medread.core.geometry import Geometry

_WITHIN = 0.5 + 1e-6
"""Of a slice: an image farther away is none of a place's."""

_SAME = 1e-3
"""Of a slice: an image that is no farther away lies there."""


class SourceImage(NamedTuple):
    """One image of a file.

    Attributes
    ----------
    file : int
        Its index in the volume's ``source``.
    number : int
        The frame in that file, from 0; 0 for all slices of a mosaic.
    distance : float
        How many mm it lies from the place that was asked for, along the normal; 0 where
        it is the image of that place.
    """

    file: int
    number: int
    distance: float


@dataclass(frozen=True, eq=False)
class SliceSources:
    """The images that a volume was read from.

    They are known by their place, so that whatever is cut out of the volume or laid on
    another grid still finds them.

    Attributes
    ----------
    files : (*leading, n) int array
        For every image its index in the volume's ``source``.
    numbers : (*leading, n) int array
        Its frame in that file, from 0.
    at : (n,) float array
        Where the images lie along the slice axis, in slices of ``grid``. What is not there
        was missing; images between slices were interpolated.
    grid : Geometry or None
        The volume's geometry as it was read; None for planes without a place, with n = 1.
    """

    files: NDArray[np.intp]
    numbers: NDArray[np.intp]
    at: NDArray[np.float64]
    grid: Geometry | None = None

    @property
    def lead_shape(self) -> tuple[int, ...]:
        """Lengths of the leading axes."""
        return self.files.shape[:-1]

    def fit(self, files: int, lead_shape: Sequence[int]) -> bool:
        """Tell whether they are those of a volume of so many files and such leading axes."""
        return self.lead_shape == tuple(lead_shape) and int(self.files.max()) < files

    @property
    def interpolated(self) -> bool:
        """Whether the images lie between the slices."""
        return bool((self.at != np.rint(self.at)).any())

    def moved(self, before: ArrayLike | None, after: Geometry | None) -> SliceSources | None:
        """Return them for a volume that was moved as a whole.

        Parameters
        ----------
        before : (4, 4) array_like or None
            From an index of the volume to LPS mm, before it was moved.
        after : Geometry or None
            Of the same voxels now.

        Returns
        -------
        Frames or None
            None where the volume has lost its place, and with it what its slices are.
        """
        if self.grid is None:
            return self
        if before is None or after is None or after.ndim != 3:
            return None
        motion = after.affine @ invert_affine(before)
        grid = Geometry(self.grid.shape, motion @ self.grid.affine, self.grid.slice_axis)
        return replace(self, grid=grid)

    def nearest(
        self, leading: Sequence[int], index: ArrayLike = (), grid: Geometry | None = None
    ) -> SourceImage | None:
        """Return the image at a voxel, or the nearest one.

        Parameters
        ----------
        leading : sequence of int
            Indices along the leading axes.
        index : (3,) array_like
            Of the voxel on ``grid``.
        grid : Geometry or None
            Of a volume that was made of this one; None: as it was read.

        Returns
        -------
        Image or None
            None where no image is: the slice was missing, or lies outside.
        """
        n, distance = 0, 0.0
        if self.grid is not None:
            place = (grid or self.grid).to_patient(index)
            wanted = self.grid.to_index(place)[self.grid.slice_axis]
            off = np.abs(self.at - wanted)
            n = int(np.argmin(off))
            is_between = self.interpolated and self.at.min() <= wanted <= self.at.max()
            if off[n] > _WITHIN and not is_between:
                return None
            if off[n] > _SAME:
                distance = float(off[n] * self.grid.spacing[self.grid.slice_axis])
        which = (*leading, n)
        return SourceImage(int(self.files[which]), int(self.numbers[which]), distance)
