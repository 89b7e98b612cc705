"""Lengths, angles and areas of drawn shapes, in mm of patient space or in pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from napari.layers import Image, Layer, Shapes

from napari_medread.core import shape_measurement
from napari_medread.core.affines import Float, apply_affine, invert_affine
from napari_medread.core.progress import Progress, no_progress
from napari_medread.plugin.bridge.layer_to_volume import (
    UNIT_ASSUMED_MM,
    LayerVolume,
    volume_from_layer,
)
from napari_medread.plugin.bridge.spatial_axes import compute_data_to_world_mm, get_layer_grid

_FRAME_TOLERANCE = 1e-3
"""World coordinates along a leading axis that differ by less belong to one frame."""

_MAX_QUICK_EFFORT = 20
"""Shapes up to this effort take a few milliseconds; more are measured in the background."""


class MeasurementSpace(NamedTuple):
    """How world coordinates become true distances and the voxels of an image.

    Attributes
    ----------
    image : LayerVolume or None
        The image that is measured; None where shapes are measured without one.
    ndim : int
        Number n of spatial axes, the last axes of the world.
    to_space : (n + 1, n + 1) array
        From world coordinates, in mm where they have a unit, to coordinates with true
        distances. They are those of patient space, also for a volume of a tilted gantry, which
        is drawn straight.
    to_index : (n + 1, n + 1) array
        From world coordinates to voxel indices of the image.
    unit : str
        ``mm`` or ``px``.
    factors : tuple of float
        Millimetres per world unit along each of the n axes; 1 where there is no unit.
    """

    image: LayerVolume | None
    ndim: int
    to_space: Float
    to_index: Float
    unit: str
    factors: tuple[float, ...]

    @property
    def voxel_size(self) -> float | None:
        """Volume of a voxel in mm³, or area of a pixel in mm²; None where it is unknown."""
        if self.image is None or self.unit != "mm":
            return None
        scale = self.to_space @ invert_affine(self.to_index)
        return float(abs(np.linalg.det(scale[: self.ndim, : self.ndim])))


class DrawnShape(NamedTuple):
    """One shape of a Shapes layer.

    Attributes
    ----------
    number : int
        Its position in the layer, from 1.
    kind : str
        ``line``, ``path``, ``polygon``, ``rectangle`` or ``ellipse``.
    points : (m, n) array
        World coordinates along the spatial axes, in mm where they have a unit.
    leading_point : array
        World coordinates of the first point along the axes before them.
    is_in_one_frame : bool
        Whether all points have the same coordinates along those axes.
    """

    number: int
    kind: str
    points: Float
    leading_point: Float
    is_in_one_frame: bool


def get_measurement_space(image: Image | None, shapes: Layer | None = None) -> MeasurementSpace:
    """Return how to measure on an image or, without one, by the unit of the drawn layer.

    Parameters
    ----------
    image : Image or None
        The image that the shapes are drawn on.
    shapes : Layer or None
        The drawn layer. Its unit counts only where there is no image.

    Raises
    ------
    CannotWrite
        Where the position of the image cannot be computed.
    """
    layer = image if image is not None else shapes
    if layer is None:
        identity = np.eye(4)
        return MeasurementSpace(None, 3, identity, identity, "px", (1.0,) * 3)
    grid = get_layer_grid(layer)
    n = grid.ndim
    if image is None:
        unit = "mm" if grid.has_unit else "px"
        identity = np.eye(n + 1)
        return MeasurementSpace(None, n, identity, identity, unit, grid.factors)
    # No viewer is given: distances do not depend on where other images lie.
    layer_volume = volume_from_layer(image)
    to_index = invert_affine(grid.index_to_world)
    geometry = layer_volume.volume.geometry
    if geometry is None or UNIT_ASSUMED_MM in layer_volume.remarks:
        return MeasurementSpace(layer_volume, n, np.eye(n + 1), to_index, "px", grid.factors)
    to_space = geometry.affine @ to_index
    return MeasurementSpace(layer_volume, n, to_space, to_index, "mm", grid.factors)


def get_drawn_shapes(
    shapes: Shapes, space: MeasurementSpace, point: Sequence[float]
) -> list[DrawnShape]:
    """Return the shapes of a layer in world coordinates.

    Parameters
    ----------
    shapes : Shapes
    space : MeasurementSpace
    point : sequence of float
        World coordinates of the viewer's sliders: they complete shapes that have fewer axes
        than the image.
    """
    n = space.ndim
    matrix = compute_data_to_world_mm(shapes, space.factors)
    missing = max(0, n - shapes.ndim)
    slider_point = np.asarray(point, dtype=float)[-n:][:missing] * space.factors[:missing]
    drawn_shapes = []
    for number, (kind, data) in enumerate(zip(shapes.shape_type, shapes.data, strict=True), 1):
        world = apply_affine(matrix, np.asarray(data, dtype=float))
        if missing:
            world = np.hstack([np.broadcast_to(slider_point, (len(world), missing)), world])
        leading = world[:, :-n]
        is_in_one_frame = not leading.size or bool(np.ptp(leading, axis=0).max() < _FRAME_TOLERANCE)
        drawn_shapes.append(
            DrawnShape(number, str(kind), world[:, -n:], leading[0], is_in_one_frame)
        )
    return drawn_shapes


class ShapeSize(NamedTuple):
    """The size of a shape; None for what its kind does not have, or what was not measured.

    Attributes
    ----------
    length : float or None
        Of a line or path, in the unit of the measurement space.
    angle : float or None
        Of a path of three points, in degrees.
    area, perimeter : float or None
        Of a closed shape, in the unit squared and in the unit.
    remark : str
        Why something was not measured, as the end of a sentence; else empty.
    """

    length: float | None = None
    angle: float | None = None
    area: float | None = None
    perimeter: float | None = None
    remark: str = ""


class ShapeSizeCache:
    """Sizes of shapes, so that only the shape being drawn is measured again."""

    def __init__(self) -> None:
        self._sizes: dict[tuple[Any, ...], ShapeSize] = {}

    def find_missing(
        self, shapes: Sequence[DrawnShape], space: MeasurementSpace
    ) -> list[DrawnShape]:
        """Return the shapes without a size, and forget the sizes of all shapes not given."""
        by_key = {_make_cache_key(shape, space): shape for shape in shapes}
        self._sizes = {key: size for key, size in self._sizes.items() if key in by_key}
        return [shape for key, shape in by_key.items() if key not in self._sizes]

    def add(
        self, shapes: Sequence[DrawnShape], space: MeasurementSpace, sizes: Sequence[ShapeSize]
    ) -> None:
        """Keep the sizes of shapes."""
        for shape, size in zip(shapes, sizes, strict=True):
            self._sizes[_make_cache_key(shape, space)] = size

    def get_sizes(self, shapes: Sequence[DrawnShape], space: MeasurementSpace) -> list[ShapeSize]:
        """Return the sizes of shapes, empty ones for shapes that are not measured yet."""
        return [self._sizes.get(_make_cache_key(shape, space), ShapeSize()) for shape in shapes]


def _make_cache_key(shape: DrawnShape, space: MeasurementSpace) -> tuple[Any, ...]:
    """Return everything that the size of a shape depends on."""
    return shape.kind, shape.is_in_one_frame, shape.points.tobytes(), space.to_space.tobytes()


def select_quick_shapes(shapes: Sequence[DrawnShape]) -> list[DrawnShape]:
    """Return the shapes that can be measured at once, those with the fewest points first."""
    quick, effort = [], 0.0
    for shape in sorted(shapes, key=lambda shape: len(shape.points)):
        # Looking for crossing sides compares each with each in the worst case.
        effort += 1 + (len(shape.points) / 64) ** 2
        if effort > _MAX_QUICK_EFFORT:
            break
        quick.append(shape)
    return quick


def measure_shapes(
    shapes: Sequence[DrawnShape], space: MeasurementSpace, progress: Progress = no_progress
) -> list[ShapeSize]:
    """Return the sizes of shapes."""
    return [measure_shape(shape, space) for shape in progress(shapes, "Measuring")]


def measure_shape(shape: DrawnShape, space: MeasurementSpace) -> ShapeSize:
    """Return the size of a shape."""
    if not shape.is_in_one_frame:
        return ShapeSize(remark="spans several frames and was not measured.")
    points = apply_affine(space.to_space, shape.points)
    if shape.kind in ("line", "path"):
        angle = shape_measurement.measure_angle(points) if len(points) == 3 else None
        return ShapeSize(length=shape_measurement.measure_length(points), angle=angle)
    if shape.kind == "ellipse":
        perimeter = shape_measurement.measure_ellipse_perimeter(points)
        return ShapeSize(area=shape_measurement.measure_ellipse_area(points), perimeter=perimeter)
    perimeter = shape_measurement.measure_length(points, closed=True)
    flat_points = shape_measurement.project_to_plane(points)
    if flat_points is None:
        return ShapeSize(perimeter=perimeter, remark="does not lie in one plane and has no area.")
    if shape_measurement.is_self_intersecting(flat_points):
        return ShapeSize(perimeter=perimeter, remark="crosses itself and has no area.")
    return ShapeSize(area=shape_measurement.measure_polygon_area(points), perimeter=perimeter)
