"""Which frame of which file each slice of a volume was read from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_medread.core.affines import invert_affine
from napari_medread.core.geometry import Geometry

MAX_SLICE_DISTANCE = 0.5 + 1e-6
"""In slices: a slice has no source image where the nearest one is farther away."""

SAME_SLICE_DISTANCE = 1e-3
"""In slices: an image no farther away is the image of the slice, but for rounding."""


class SourceImage(NamedTuple):
    """One image of a file.

    Attributes
    ----------
    file_index : int
        Its file, as an index in the volume's ``source``.
    frame_index : int
        Its frame in that file, from 0; 0 for all slices of a mosaic.
    distance : float
        Distance in mm, along the slice normal, from the requested position. 0 where the image
        lies at that position.
    """

    file_index: int
    frame_index: int
    distance: float


@dataclass(frozen=True, eq=False)
class SliceSources:
    """The images that a volume was read from, found by their position.

    As they are found by position, a volume that was cropped, flipped or resampled still finds
    the images of its slices.

    Attributes
    ----------
    file_indices : (*leading, n) int array
        The file of every image, as an index in the volume's ``source``.
    frame_indices : (*leading, n) int array
        The frame of every image in that file, from 0.
    slice_indices : (n,) float array
        Where the images lie along the slice axis, as continuous indices of ``grid``. A missing
        slice is not listed; indices between slices belong to images that were interpolated.
    grid : Geometry or None
        The volume's geometry as it was read; None for images without a position, where n is 1.
    """

    file_indices: NDArray[np.intp]
    frame_indices: NDArray[np.intp]
    slice_indices: NDArray[np.float64]
    grid: Geometry | None = None

    @property
    def leading_shape(self) -> tuple[int, ...]:
        """Lengths of the leading axes."""
        return self.file_indices.shape[:-1]

    def is_valid_for(self, file_count: int, leading_shape: Sequence[int]) -> bool:
        """Return whether a volume with this many files and these leading axes can use them."""
        return (
            self.leading_shape == tuple(leading_shape) and int(self.file_indices.max()) < file_count
        )

    @property
    def is_interpolated(self) -> bool:
        """Whether images lie between the slices, which were interpolated from them."""
        return bool((self.slice_indices != np.rint(self.slice_indices)).any())

    def follow_motion(
        self, before: ArrayLike | None, after: Geometry | None
    ) -> SliceSources | None:
        """Return the sources of the volume after it was moved as a whole.

        Parameters
        ----------
        before : (4, 4) array_like or None
            Matrix from array index to LPS mm before the volume was moved.
        after : Geometry or None
            Geometry of the same voxels now.

        Returns
        -------
        SliceSources or None
            None if the volume has lost its position, and with it what its slices are.
        """
        if self.grid is None:
            return self
        if before is None or after is None or after.ndim != 3:
            return None
        motion = after.affine @ invert_affine(before)
        grid = Geometry(self.grid.shape, motion @ self.grid.affine, self.grid.slice_axis)
        return replace(self, grid=grid)

    def find_nearest(
        self, leading: Sequence[int], index: ArrayLike = (), grid: Geometry | None = None
    ) -> SourceImage | None:
        """Return the image nearest to a voxel.

        Parameters
        ----------
        leading : sequence of int
            Indices along the leading axes.
        index : (3,) array_like
            Array index of the voxel on ``grid``.
        grid : Geometry or None
            Geometry of a volume that was derived from this one; None for the geometry as read.

        Returns
        -------
        SourceImage or None
            None if the slice was missing, or the voxel lies outside the images.
        """
        n, distance = 0, 0.0
        if self.grid is not None:
            position = (grid or self.grid).to_patient(index)
            wanted = self.grid.to_index(position)[self.grid.slice_axis]
            offsets = np.abs(self.slice_indices - wanted)
            n = int(np.argmin(offsets))
            is_between = (
                self.is_interpolated
                and self.slice_indices.min() <= wanted <= self.slice_indices.max()
            )
            if offsets[n] > MAX_SLICE_DISTANCE and not is_between:
                return None
            if offsets[n] > SAME_SLICE_DISTANCE:
                distance = float(offsets[n] * self.grid.spacing[self.grid.slice_axis])
        where = (*leading, n)
        return SourceImage(int(self.file_indices[where]), int(self.frame_indices[where]), distance)
