"""Where a grid of voxels lies in patient space, and where napari draws it.

``Geometry`` states the convention: from array index to position in LPS mm.

napari's world is drawn with axis 0 towards the viewer, axis 1 down and axis 2 to the right. To
look like the screen of a reading room its axes are (inferior, posterior, left). That frame is
right-handed, as LPS is, so nothing is mirrored.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from napari_medread.core.affines import Float, apply_affine, invert_affine, relative_affine
from napari_medread.errors import NotAVolume

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

MAX_SHEAR_COSINE = 2e-3
"""Largest cosine between two axes that rounding of the directions explains."""

MIN_DETERMINANT = 1e-6
"""Smallest determinant of the unit directions of axes that span a volume."""

MAX_LENGTH_ERROR = 1e-3
"""Largest difference from 1 of the length of a unit direction, which may be rounded."""


class GridComponents(NamedTuple):
    """Spacing, origin and direction of a grid, in array order.

    The parts of an affine, as ``Geometry.from_components`` takes them:
    ``position = origin + direction @ (spacing * index)``.

    Attributes
    ----------
    spacing : tuple of float
        Step length along each array axis in mm. On a sheared grid this differs from
        ``Geometry.spacing``, which measures between slices along the normal of the slices: of a
        stack that leans by 20 degrees it is larger, by 1 / cos(20 degrees).
    origin : tuple of float
        Position (x, y[, z]) of the first voxel in mm.
    direction : (n, n) array
        Its columns are the unit directions of the array axes in LPS, at right angles only where
        the axes of the grid are. On a sheared grid this differs from ``Geometry.directions``,
        whose column of the slice axis is the normal of the slices.
    """

    spacing: tuple[float, ...]
    origin: tuple[float, ...]
    direction: Float


class ITKProperties(NamedTuple):
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


class WorldTransform(NamedTuple):
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
    """A regular grid: its shape, and the matrix from array index to position in LPS mm.

    Parameters
    ----------
    shape : sequence of int
        Number of voxels along each array axis: (i, j, k), or (row, column) for an image without
        a patient position.
    affine : array_like
        (n + 1, n + 1) matrix from array index to position in mm.
    slice_axis : int
        The array axis along which slices are stacked. Its spacing is measured along the normal
        of the other two axes, as a tilted gantry shears the grid along it.

    Raises
    ------
    NotAVolume
        If the matrix is not finite, or its axes do not span the space.

    Notes
    -----
    An **index** is in the order of the numpy array: (i, j, k) for ``data[i, j, k]``, most often
    slice, row, column. It is continuous; integers are the centres of voxels.

    A **position** is (x, y, z) in millimetres in patient space, which is LPS, as in DICOM and
    ITK: x grows to the patient's left, y to the back (posterior), z to the head (superior). An
    image without a patient position has positions (x, y) in mm, x to the right and y down.

    The voxel ``data[i, j, k]`` of the same array, in other libraries:

    ========== ========= ==================== ============================================
    library    index     position             its affine
    ========== ========= ==================== ============================================
    here       (i, j, k) (x, y, z) in LPS, mm ``affine``
    ITK        (k, j, i) (x, y, z) in LPS, mm ``affine[:, [2, 1, 0, 3]]``; see ``itk``
    nibabel    (i, j, k) (x, y, z) in RAS, mm ``np.diag([-1, -1, 1, 1]) @ affine``
    ========== ========= ==================== ============================================
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
        if abs(np.linalg.det(matrix[:ndim, :ndim] / lengths)) < MIN_DETERMINANT:
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
        """Return the geometry of ``sitk.GetArrayFromImage(image)`` from the image's properties.

        Parameters
        ----------
        size, spacing, origin : sequence
            In ITK's order (x, y[, z]).
        direction : sequence of float
            Row-major direction matrix; its columns are the directions of the axes.
        """
        ndim = len(size)
        axes = np.reshape(direction, (ndim, ndim)) * np.asarray(spacing, dtype=float)
        affine = np.eye(ndim + 1)
        affine[:ndim, :ndim] = axes[:, ::-1]
        affine[:ndim, ndim] = origin
        return cls(tuple(size)[::-1], affine)

    @classmethod
    def from_components(
        cls,
        shape: Sequence[int],
        *,
        spacing: Sequence[float],
        origin: Sequence[float],
        direction: ArrayLike,
        slice_axis: int = 0,
    ) -> Geometry:
        """Return a geometry from spacing, origin and direction, all in array order.

        Parameters
        ----------
        shape : sequence of int
            Number of voxels along each array axis.
        spacing : sequence of float
            Step length along each array axis in mm, above 0.
        origin : sequence of float
            Position (x, y[, z]) of the first voxel in LPS mm.
        direction : (n, n) array_like
            Its columns are the unit directions of the array axes in LPS. They need not be at
            right angles.
        slice_axis : int
            The array axis along which slices are stacked.

        Raises
        ------
        NotAVolume
            If the sizes do not match, a spacing is not above 0, a direction is not a unit
            vector, or the axes do not span the space.

        See Also
        --------
        components : The inverse, as ``from_components(shape, **components._asdict())``.
        """
        n = len(shape)
        columns = np.asarray(direction, dtype=np.float64)
        if columns.shape != (n, n) or len(spacing) != n or len(origin) != n:
            raise NotAVolume(
                f"A grid of {n} axes needs {n} spacings, {n} coordinates of the origin and "
                f"{n} x {n} directions."
            )
        if not all(step > 0 for step in spacing):
            raise NotAVolume("The geometry has a spacing that is not above 0 mm.")
        if not np.allclose(np.linalg.norm(columns, axis=0), 1, rtol=0, atol=MAX_LENGTH_ERROR):
            raise NotAVolume("The geometry has a direction that is not a unit vector.")
        affine = np.eye(n + 1)
        affine[:n, :n] = columns * np.asarray(spacing, dtype=np.float64)
        affine[:n, n] = origin
        return cls(shape, affine, slice_axis)

    @property
    def ndim(self) -> int:
        """3 in patient space, 2 for an image with spacing alone."""
        return len(self.shape)

    @property
    def components(self) -> GridComponents:
        """Spacing, origin and direction in array order; see ``GridComponents``.

        ``Geometry.from_components(shape, **components._asdict())`` gives the same affine, to
        within the precision of floating point.
        """
        axes = self.affine[: self.ndim, : self.ndim]
        lengths = np.linalg.norm(axes, axis=0)
        origin = self.affine[: self.ndim, self.ndim] + 0.0
        return GridComponents(
            tuple(lengths.tolist()), tuple(origin.tolist()), np.asarray(axes / lengths + 0.0)
        )

    @property
    def itk(self) -> ITKProperties:
        """ITK's four properties of this grid, for the array as it is.

        The direction's columns are unit vectors. They are orthogonal only as far as the
        axes of the grid are: see ``is_sheared``.
        """
        axes = self.affine[: self.ndim, : self.ndim][:, ::-1]
        spacing = np.linalg.norm(axes, axis=0)
        return ITKProperties(
            self.shape[::-1],
            tuple(spacing.tolist()),
            tuple((self.affine[: self.ndim, self.ndim] + 0.0).tolist()),
            tuple((axes / spacing + 0.0).ravel().tolist()),
        )

    @property
    def is_sheared(self) -> bool:
        """Whether axes are not at right angles, by more than rounding to 3 digits explains."""
        unit = self.affine[: self.ndim, : self.ndim]
        unit = unit / np.linalg.norm(unit, axis=0)
        return bool(np.abs(unit.T @ unit - np.eye(self.ndim)).max() > MAX_SHEAR_COSINE)

    @cached_property
    def directions(self) -> Float:
        """(n, n) matrix whose columns are the unit directions of the array axes, drawn straight.

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

        This is the order with the largest sum of cosines, so that every array axis gets a
        different world axis even at 45 degrees; of equal sums, the first order.
        """
        cosines = np.abs(_WORLD_DIRECTIONS[self.ndim] @ self.directions)
        rows = np.arange(self.ndim)
        orders = itertools.permutations(range(self.ndim))
        # Rounding makes exact ties of cosines differ in the last digits.
        return max(orders, key=lambda order: round(float(cosines[rows, list(order)].sum()), 9))

    def permute_axes(self, order: Sequence[int]) -> Geometry:
        """Return the geometry of ``array.transpose(order)``."""
        columns = [*order, self.ndim]
        return Geometry(
            [self.shape[n] for n in order],
            self.affine[:, columns],
            list(order).index(self.slice_axis),
        )

    def world_transform(self) -> WorldTransform:
        """Return napari's transform for the grid, which is never rotated or sheared.

        A grid along the patient's axes is drawn exactly where it is. Any other is drawn
        straight, at its coordinates along its own axes as measured from the patient
        origin, so that volumes of equal orientation stay aligned with one another.
        """
        unit = self.directions
        cosines = np.einsum("wc,cw->w", _WORLD_DIRECTIONS[self.ndim], unit)
        # -0.0 + 0.0 is 0.0: no negative zeros in what a user may read.
        translate = unit.T @ self.affine[: self.ndim, self.ndim] + 0.0
        return WorldTransform(
            self.spacing,
            tuple(float(t) for t in translate),
            tuple(-1 if cosine < 0 else 1 for cosine in cosines),
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
        """Return the positions of array indices.

        Parameters
        ----------
        index : (..., n) array_like
            Continuous indices in array order.

        Returns
        -------
        (..., n) array
            Positions (x, y[, z]) in LPS mm.
        """
        return apply_affine(self.affine, index)

    def to_index(self, points: ArrayLike) -> Float:
        """Return the array indices of positions: the inverse of ``to_patient``.

        Parameters
        ----------
        points : (..., n) array_like
            Positions (x, y[, z]) in LPS mm.

        Returns
        -------
        (..., n) array
            Continuous indices in array order, which may lie outside the grid.
        """
        return apply_affine(self._patient_to_index, points)

    def index_map(self, other: Geometry) -> Float:
        """Return the matrix from an array index of this grid to the same position's in another.

        Parameters
        ----------
        other : Geometry
            A grid with as many axes.

        Returns
        -------
        (n + 1, n + 1) array
            Apply it with ``affines.apply_affine``. The indices are continuous and may lie
            outside the other grid.

        Raises
        ------
        NotAVolume
            If the other grid has another number of axes.
        """
        if other.ndim != self.ndim:
            raise NotAVolume(
                f"A grid of {self.ndim} axes has no index in a grid of {other.ndim} axes."
            )
        return relative_affine(other.affine, self.affine)

    @cached_property
    def _patient_to_index(self) -> Float:
        """(n + 1, n + 1) matrix from position in mm to array index."""
        return invert_affine(self.affine)
