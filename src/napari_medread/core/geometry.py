"""Where a grid of voxels lies in patient space, and where napari draws it.

Patient space is DICOM's and ITK's LPS, in millimetres: x grows to the patient's left,
y to the back, z to the head. napari's world is drawn with axis 0 towards the viewer,
axis 1 down and axis 2 to the right; to look like a reading-room screen its axes are
(inferior, posterior, left), which is right-handed as LPS is, so nothing is mirrored.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_medread.errors import NotAVolume

Float = NDArray[np.float64]

PATIENT_LABELS = ("SI", "AP", "RL")
"""Names of napari's world axes for layers with a patient position."""

PLANE_LABELS = ("row", "column")
"""Names of the last two axes of images without a patient position."""

# Row w is the direction, in file coordinates (x, y[, z]), in which world axis w grows.
_WORLD_DIRECTIONS = {
    3: np.array([[0.0, 0, -1], [0, 1, 0], [1, 0, 0]]),
    2: np.array([[0.0, 1], [1, 0]]),
}

WORLD_AXES = _WORLD_DIRECTIONS[3].T
"""(3, 3) matrix whose columns are napari's world axes (SI, AP, RL) in LPS."""

_SHEAR = 2e-3
"""Axes whose directions' cosine is larger are not at right angles, and not by rounding."""

_SINGULAR = 1e-6
"""Directions whose determinant is smaller than this do not span a volume."""


class ITK(NamedTuple):
    """ITK's properties of a grid, in its order: x, y[, z].

    Attributes
    ----------
    size : tuple of int
    spacing, origin : tuple of float
        In mm.
    direction : tuple of float
        Row-major matrix whose columns are the directions of the axes.
    """

    size: tuple[int, ...]
    spacing: tuple[float, ...]
    origin: tuple[float, ...]
    direction: tuple[float, ...]


class Placement(NamedTuple):
    """napari's transform for a layer: ``world = flips * (scale * index + translate)``.

    Attributes
    ----------
    scale : tuple of float
        Voxel spacing in mm, positive, in array-axis order.
    translate : tuple of float
        Position of the first voxel along each array axis, in mm.
    flips : tuple of int
        -1 for every axis that runs against its world axis, else 1.
    """

    scale: tuple[float, ...]
    translate: tuple[float, ...]
    flips: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Geometry:
    """A regular grid: its shape, and the matrix from array index to millimetres.

    Parameters
    ----------
    shape : sequence of int
        Voxels along each array axis: (i, j, k), or (row, column) for an image
        without a patient position.
    affine : array_like
        (n + 1, n + 1) matrix from array index to (x, y, z) in LPS mm, or to (x, y)
        in mm for two dimensions.
    slice_axis : int
        The array axis along which slices are stacked. Its spacing is measured along
        the normal of the other two, as a tilted gantry shears the grid along it.

    Raises
    ------
    NotAVolume
        Where the matrix is not finite, or its axes do not span the space.
    """

    shape: tuple[int, ...]
    affine: Float
    slice_axis: int = 0

    def __init__(self, shape: Sequence[int], affine: ArrayLike, slice_axis: int = 0) -> None:
        matrix = np.array(affine, dtype=np.float64)
        ndim = len(shape)
        if ndim not in _WORLD_DIRECTIONS or matrix.shape != (ndim + 1, ndim + 1):
            raise NotAVolume(f"A grid of {ndim} axes has no {matrix.shape} matrix.")
        if not np.isfinite(matrix).all():
            raise NotAVolume("The geometry holds numbers that are not finite.")
        lengths = np.linalg.norm(matrix[:ndim, :ndim], axis=0)
        if not lengths.all():
            raise NotAVolume("The geometry has a spacing of zero.")
        if abs(np.linalg.det(matrix[:ndim, :ndim] / lengths)) < _SINGULAR:
            raise NotAVolume("The axes of the geometry do not span a volume.")
        matrix.setflags(write=False)
        object.__setattr__(self, "shape", tuple(int(n) for n in shape))
        object.__setattr__(self, "affine", matrix)
        object.__setattr__(self, "slice_axis", slice_axis)

    @classmethod
    def from_itk(
        cls,
        size: Sequence[int],
        spacing: Sequence[float],
        origin: Sequence[float],
        direction: Sequence[float],
    ) -> Geometry:
        """Build the geometry of ``sitk.GetArrayFromImage`` from ITK's four properties.

        Parameters
        ----------
        size, spacing, origin : sequence
            In ITK's order (x, y[, z]).
        direction : sequence of float
            Row-major direction matrix; its columns are the axes' directions.
        """
        ndim = len(size)
        axes = np.reshape(direction, (ndim, ndim)) * np.asarray(spacing, dtype=float)
        affine = np.eye(ndim + 1)
        affine[:ndim, :ndim] = axes[:, ::-1]
        affine[:ndim, ndim] = origin
        return cls(tuple(size)[::-1], affine)

    @property
    def ndim(self) -> int:
        """3 in patient space, 2 for an image with spacing alone."""
        return len(self.shape)

    @property
    def itk(self) -> ITK:
        """ITK's four properties of this grid, for the array as it is.

        The direction's columns are unit vectors. They are orthogonal only as far as the
        axes of the grid are: see ``is_sheared``.
        """
        axes = self.affine[: self.ndim, : self.ndim][:, ::-1]
        spacing = np.linalg.norm(axes, axis=0)
        return ITK(
            self.shape[::-1],
            tuple(spacing.tolist()),
            tuple((self.affine[: self.ndim, self.ndim] + 0.0).tolist()),
            tuple((axes / spacing + 0.0).ravel().tolist()),
        )

    @property
    def is_sheared(self) -> bool:
        """Whether axes are not at right angles, by more than directions rounded to 3 digits."""
        unit = self.affine[: self.ndim, : self.ndim]
        unit = unit / np.linalg.norm(unit, axis=0)
        return bool(np.abs(unit.T @ unit - np.eye(self.ndim)).max() > _SHEAR)

    @cached_property
    def directions(self) -> Float:
        """(n, n) orthonormal matrix whose columns are the array axes, drawn straight.

        The slice axis is replaced by the normal of the other two, on the side to
        which the slices go.
        """
        axes = self.affine[: self.ndim, : self.ndim]
        unit = axes / np.linalg.norm(axes, axis=0)
        if self.ndim == 3:
            a, b = (n for n in range(3) if n != self.slice_axis)
            normal = np.cross(unit[:, a], unit[:, b])
            normal *= np.sign(normal @ unit[:, self.slice_axis]) / np.linalg.norm(normal)
            unit[:, self.slice_axis] = normal
        return np.asarray(unit)

    @cached_property
    def spacing(self) -> tuple[float, ...]:
        """Millimetres between voxels along each array axis, between slices along the normal."""
        axes = self.affine[: self.ndim, : self.ndim]
        lengths = np.linalg.norm(axes, axis=0)
        if self.ndim == 3:
            s = self.slice_axis
            lengths[s] = abs(axes[:, s] @ self.directions[:, s])
        return tuple(float(n) for n in lengths)

    @property
    def world_order(self) -> tuple[int, ...]:
        """The array axis closest to each world axis, in world order.

        Of all orders the one with the largest sum of cosines, so that every axis has a
        world axis of its own even at 45 degrees; of equals, the first.
        """
        cosines = np.abs(_WORLD_DIRECTIONS[self.ndim] @ self.directions)
        rows = np.arange(self.ndim)
        orders = itertools.permutations(range(self.ndim))
        # Rounding makes exact ties of cosines differ in the last digits.
        return max(orders, key=lambda order: round(float(cosines[rows, list(order)].sum()), 9))

    def permuted(self, order: Sequence[int]) -> Geometry:
        """Return the geometry of ``array.transpose(order)``."""
        columns = [*order, self.ndim]
        return Geometry(
            [self.shape[n] for n in order],
            self.affine[:, columns],
            list(order).index(self.slice_axis),
        )

    def placement(self) -> Placement:
        """Return where napari draws the grid: along its own axes, never rotated or sheared.

        A grid along the patient's axes is drawn exactly where it is. Any other is drawn
        straight, at its coordinates along its own axes as measured from the patient
        origin, so that volumes of equal orientation stay aligned with one another.
        """
        unit = self.directions
        along = np.einsum("wc,cw->w", _WORLD_DIRECTIONS[self.ndim], unit)
        # -0.0 + 0.0 is 0.0: no negative zeros in what a person may read.
        translate = unit.T @ self.affine[: self.ndim, self.ndim] + 0.0
        return Placement(
            self.spacing,
            tuple(float(t) for t in translate),
            tuple(-1 if cosine < 0 else 1 for cosine in along),
        )

    @property
    def obliquity(self) -> float:
        """Largest angle in degrees between an array axis and its nearest patient axis."""
        cosines = np.abs(self.directions).max(axis=0).clip(max=1.0)
        return float(np.degrees(np.arccos(cosines.min())))

    @property
    def tilt(self) -> float:
        """Angle in degrees by which the stack leans from the slice normal (gantry tilt)."""
        if self.ndim != 3:
            return 0.0
        step = self.affine[:3, self.slice_axis]
        cosine = abs(step @ self.directions[:, self.slice_axis]) / np.linalg.norm(step)
        return float(np.degrees(np.arccos(np.minimum(cosine, 1.0))))

    def to_patient(self, index: ArrayLike) -> Float:
        """Take array indices, (..., n), to millimetres, (..., n), in x, y[, z]."""
        points = np.asarray(index, dtype=np.float64)
        return np.asarray(
            points @ self.affine[: self.ndim, : self.ndim].T + self.affine[: self.ndim, self.ndim]
        )
