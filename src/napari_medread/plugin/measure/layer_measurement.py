"""What is drawn in napari, measured in the patient's millimetres or in pixels."""

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
"""World coordinates that differ by less are of one slice or frame."""

_MAX_QUICK_EFFORT = 20
"""In about milliseconds at the most: longer work is done beside the window."""


class MeasurementSpace(NamedTuple):
    """How far things are apart where an image is drawn.

    Attributes
    ----------
    image : Shown or None
        The image; None for the world alone.
    ndim : int
        How many of the last axes of the world are space.
    to_space : array
        (n + 1, n + 1) matrix from the world, in mm where it has a unit, to true distances:
        in the patient also where a tilted volume is drawn straight.
    to_index : array
        (n + 1, n + 1) matrix from the world to the image's voxels.
    unit : str
        ``mm`` or ``px``.
    factors : tuple of float
        Millimetres of a step of the world along the n axes, 1 where it has no unit.
    """

    image: LayerVolume | None
    ndim: int
    to_space: Float
    to_index: Float
    unit: str
    factors: tuple[float, ...]

    @property
    def voxel(self) -> float | None:
        """Size of a voxel in mm3, or of a pixel in mm2; None where it is not known."""
        if self.image is None or self.unit != "mm":
            return None
        scale = self.to_space @ invert_affine(self.to_index)
        return float(abs(np.linalg.det(scale[: self.ndim, : self.ndim])))


class DrawnShape(NamedTuple):
    """A shape that was drawn.

    Attributes
    ----------
    number : int
        Its place in the layer, from 1.
    kind : str
        ``line``, ``path``, ``polygon``, ``rectangle`` or ``ellipse``.
    points : array
        (m, n) world coordinates along the ruler's axes.
    lead : array
        World coordinates along the axes before them.
    is_in_frame : bool
        Whether all of it lies in one frame.
    """

    number: int
    kind: str
    points: Float
    lead: Float
    is_in_frame: bool


def get_measurement_space(image: Image | None, shapes: Layer | None = None) -> MeasurementSpace:
    """Return how to measure on an image, or without one by the unit of what is drawn.

    Raises
    ------
    CannotWrite
        Where it cannot be told where the image lies.
    """
    layer = image if image is not None else shapes
    if layer is None:
        eye = np.eye(4)
        return MeasurementSpace(None, 3, eye, eye, "px", (1.0,) * 3)
    grid = get_layer_grid(layer)
    n = grid.ndim
    if image is None:
        unit = "mm" if grid.has_unit else "px"
        eye = np.eye(n + 1)
        return MeasurementSpace(None, n, eye, eye, unit, grid.factors)
    # Distances need no place in the patient beside other images.
    shown = volume_from_layer(image)
    to_index = invert_affine(grid.drawn)
    geometry = shown.volume.geometry
    if geometry is None or UNIT_ASSUMED_MM in shown.remarks:
        return MeasurementSpace(shown, n, np.eye(n + 1), to_index, "px", grid.factors)
    return MeasurementSpace(shown, n, geometry.affine @ to_index, to_index, "mm", grid.factors)


def get_drawn_shapes(
    shapes: Shapes, ruler: MeasurementSpace, point: Sequence[float]
) -> list[DrawnShape]:
    """Return the shapes of a layer.

    Parameters
    ----------
    shapes : Shapes
    ruler : Ruler
    point : sequence of float
        Where the viewer's sliders stand: the place of shapes with fewer axes than the image.
    """
    n = ruler.ndim
    matrix = compute_data_to_world_mm(shapes, ruler.factors)
    missing = max(0, n - shapes.ndim)
    here = np.asarray(point, dtype=float)[-n:][:missing] * ruler.factors[:missing]
    marks = []
    for number, (kind, data) in enumerate(zip(shapes.shape_type, shapes.data, strict=True), 1):
        world = apply_affine(matrix, np.asarray(data, dtype=float))
        if missing:
            world = np.hstack([np.broadcast_to(here, (len(world), missing)), world])
        lead = world[:, :-n]
        is_in_frame = not lead.size or bool(np.ptp(lead, axis=0).max() < _FRAME_TOLERANCE)
        marks.append(DrawnShape(number, str(kind), world[:, -n:], lead[0], is_in_frame))
    return marks


class ShapeSize(NamedTuple):
    """The length of a line or path, or the area of what is closed; None for what there is not.

    Attributes
    ----------
    length, angle, area, perimeter : float or None
        In the ruler's unit, its square, and degrees.
    remark : str
        Why something is not told, empty where all is.
    """

    length: float | None = None
    angle: float | None = None
    area: float | None = None
    perimeter: float | None = None
    remark: str = ""


class ShapeSizeCache:
    """The sizes of shapes: what has not changed is not measured again while another is drawn."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], ShapeSize] = {}

    def missing(self, marks: Sequence[DrawnShape], ruler: MeasurementSpace) -> list[DrawnShape]:
        """Return the shapes that are not measured yet, and forget all but the others."""
        found = {_make_cache_key(mark, ruler): mark for mark in marks}
        self._known = {key: size for key, size in self._known.items() if key in found}
        return [mark for key, mark in found.items() if key not in self._known]

    def add(
        self, marks: Sequence[DrawnShape], ruler: MeasurementSpace, sizes: Sequence[ShapeSize]
    ) -> None:
        """Take the sizes of shapes."""
        for mark, size in zip(marks, sizes, strict=True):
            self._known[_make_cache_key(mark, ruler)] = size

    def sizes(self, marks: Sequence[DrawnShape], ruler: MeasurementSpace) -> list[ShapeSize]:
        """Return the sizes of shapes, nothing for those that are not measured yet."""
        return [self._known.get(_make_cache_key(mark, ruler), ShapeSize()) for mark in marks]


def _make_cache_key(mark: DrawnShape, ruler: MeasurementSpace) -> tuple[Any, ...]:
    """Return all on which the size of a shape depends."""
    return mark.kind, mark.is_in_frame, mark.points.tobytes(), ruler.to_space.tobytes()


def select_quick_shapes(marks: Sequence[DrawnShape]) -> list[DrawnShape]:
    """Return those shapes that are measured at once, however their sides lie."""
    found, effort = [], 0.0
    for mark in sorted(marks, key=lambda mark: len(mark.points)):
        effort += 1 + (len(mark.points) / 64) ** 2
        if effort > _MAX_QUICK_EFFORT:
            break
        found.append(mark)
    return found


def measure_shapes(
    marks: Sequence[DrawnShape], ruler: MeasurementSpace, progress: Progress = no_progress
) -> list[ShapeSize]:
    """Return the sizes of shapes."""
    return [measure_shape(mark, ruler) for mark in progress(marks, "Measuring")]


def measure_shape(mark: DrawnShape, ruler: MeasurementSpace) -> ShapeSize:
    """Return the sizes of a shape."""
    if not mark.is_in_frame:
        return ShapeSize(remark="spans several frames: not measured.")
    points = apply_affine(ruler.to_space, mark.points)
    if mark.kind in ("line", "path"):
        angle = shape_measurement.measure_angle(points) if len(points) == 3 else None
        return ShapeSize(length=shape_measurement.measure_length(points), angle=angle)
    if mark.kind == "ellipse":
        perimeter = shape_measurement.measure_ellipse_perimeter(points)
        return ShapeSize(area=shape_measurement.measure_ellipse_area(points), perimeter=perimeter)
    perimeter = shape_measurement.measure_length(points, closed=True)
    flat = shape_measurement.project_to_plane(points)
    if flat is None:
        return ShapeSize(perimeter=perimeter, remark="does not lie in a plane: it has no area.")
    if shape_measurement.is_self_intersecting(flat):
        return ShapeSize(perimeter=perimeter, remark="crosses itself: its area is not told.")
    return ShapeSize(area=shape_measurement.measure_polygon_area(points), perimeter=perimeter)
