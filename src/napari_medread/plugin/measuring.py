"""What is drawn in napari, measured in the patient's millimetres or in pixels."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from napari.layers import Image, Layer, Shapes

from napari_medread.core import measure
from napari_medread.core.geometry import Float
from napari_medread.core.regions import Statistics
from napari_medread.plugin.volumes import (
    NO_UNIT,
    Shown,
    drawn_in_mm,
    grid_of_layer,
    volume_of_layer,
)

PIXELS = "The layer has no unit of length: measured in pixels."

_SAME = 1e-3
"""World coordinates that differ by less are of one slice or frame."""

Cell = str | int | float | None


class Table(NamedTuple):
    """Measurements to show, copy and export.

    Attributes
    ----------
    columns : tuple of str
        What they are, with their units.
    rows : tuple of tuple
        Text, numbers, and None for what there is not.
    remarks : tuple of str
        Why something is not measured.
    """

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    remarks: tuple[str, ...] = ()

    def text(self, delimiter: str) -> str:
        """Return it as lines of text with a header, numbers with a decimal point."""
        out = io.StringIO()
        writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([_exact(cell) for cell in row] for row in self.rows)
        return out.getvalue()


class Ruler(NamedTuple):
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

    image: Shown | None
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
        scale = self.to_space @ np.linalg.inv(self.to_index)
        return float(abs(np.linalg.det(scale[: self.ndim, : self.ndim])))


class Mark(NamedTuple):
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


def ruler_of(image: Image | None, shapes: Layer | None = None) -> Ruler:
    """Return how to measure on an image, or without one by the unit of what is drawn.

    Raises
    ------
    CannotWrite
        Where it cannot be told where the image lies.
    """
    layer = image if image is not None else shapes
    if layer is None:
        eye = np.eye(4)
        return Ruler(None, 3, eye, eye, "px", (1.0,) * 3)
    grid = grid_of_layer(layer)
    n = grid.ndim
    if image is None:
        unit = "mm" if grid.has_unit else "px"
        eye = np.eye(n + 1)
        return Ruler(None, n, eye, eye, unit, grid.factors)
    # Distances need no place in the patient beside other images.
    shown = volume_of_layer(image)
    to_index: Float = np.linalg.inv(grid.drawn).astype(float)
    geometry = shown.volume.geometry
    if geometry is None or NO_UNIT in shown.remarks:
        return Ruler(shown, n, np.eye(n + 1), to_index, "px", grid.factors)
    return Ruler(shown, n, geometry.affine @ to_index, to_index, "mm", grid.factors)


def marks_of(shapes: Shapes, ruler: Ruler, point: Sequence[float]) -> list[Mark]:
    """Return the shapes of a layer.

    Parameters
    ----------
    shapes : Shapes
    ruler : Ruler
    point : sequence of float
        Where the viewer's sliders stand: the place of shapes with fewer axes than the image.
    """
    n = ruler.ndim
    matrix = drawn_in_mm(shapes, ruler.factors)
    missing = max(0, n - shapes.ndim)
    here = np.asarray(point, dtype=float)[-n:][:missing] * ruler.factors[:missing]
    marks = []
    for number, (kind, data) in enumerate(zip(shapes.shape_type, shapes.data, strict=True), 1):
        world = apply(matrix, np.asarray(data, dtype=float))
        if missing:
            world = np.hstack([np.broadcast_to(here, (len(world), missing)), world])
        lead = world[:, :-n]
        is_in_frame = not lead.size or bool(np.ptp(lead, axis=0).max() < _SAME)
        marks.append(Mark(number, str(kind), world[:, -n:], lead[0], is_in_frame))
    return marks


def shapes_table(
    marks: Sequence[Mark], ruler: Ruler, statistics: Mapping[int, Statistics] | None = None
) -> Table:
    """Return the lengths, angles and areas of shapes, with the values inside where given."""
    unit, square = ruler.unit, f"{ruler.unit}²"
    columns: tuple[str, ...] = (
        "No.", "Shape", f"Length ({unit})", "Angle (°)", f"Area ({square})",
        f"Perimeter ({unit})",
    )  # fmt: skip
    rows: list[tuple[Cell, ...]] = []
    remarks: list[str] = []
    for mark in marks:
        cells, remark = _measured(mark, ruler)
        remarks += [f"No. {mark.number} {remark}"] if remark else []
        rows.append((mark.number, mark.kind, *cells))
    if ruler.unit == "px":
        remarks.append(PIXELS)
    if statistics is not None and ruler.image is not None:
        columns = (*columns, *statistics_columns(ruler))
        empty: tuple[Cell, ...] = (None,) * len(statistics_columns(ruler))
        for n, mark in enumerate(marks):
            found = statistics.get(mark.number)
            rows[n] = (*rows[n], *(empty if found is None else statistics_cells(found, ruler)))
    return Table(columns, tuple(rows), tuple(remarks))


def labels_table(statistics: Mapping[int, Statistics], ruler: Ruler) -> Table:
    """Return the values of an image inside labels."""
    rows = tuple((label, *statistics_cells(one, ruler)) for label, one in statistics.items())
    return Table(("Label", *statistics_columns(ruler)), rows)


def statistics_columns(ruler: Ruler) -> tuple[str, ...]:
    """Return the headings of what ``statistics_cells`` gives."""
    unit = "" if ruler.image is None else ruler.image.volume.value_unit
    of_values = [f"{name} ({unit})" if unit else name for name in ("Mean", "SD", "Min", "Max")]
    flat = ruler.ndim == 2
    size = "Area of pixels (mm²)" if flat else "Volume (ml)"
    counts = ["Pixels" if flat else "Voxels", *([] if ruler.voxel is None else [size])]
    return (*of_values, *counts, "Not finite")


def statistics_cells(found: Statistics, ruler: Ruler) -> tuple[Cell, ...]:
    """Return the values of one region; sizes are those of all its voxels."""
    voxel = ruler.voxel
    size = [] if voxel is None else [found.voxels * voxel / (1 if ruler.ndim == 2 else 1000)]
    numbers = (found.mean, found.deviation, found.lowest, found.highest)
    return (*numbers, found.voxels, *size, found.left_out)


def _measured(mark: Mark, ruler: Ruler) -> tuple[tuple[Cell, ...], str]:
    """Return length, angle, area and perimeter of a shape, and why one is not told."""
    nothing: tuple[Cell, ...] = (None,) * 4
    if not mark.is_in_frame:
        return nothing, "spans several frames: not measured."
    points = apply(ruler.to_space, mark.points)
    if mark.kind in ("line", "path"):
        angle = measure.angle(points) if len(points) == 3 else None
        return (measure.length(points), angle, None, None), ""
    if mark.kind == "ellipse":
        perimeter = measure.ellipse_perimeter(points)
        return (None, None, measure.ellipse_area(points), perimeter), ""
    perimeter = measure.length(points, closed=True)
    flat = measure.in_plane(points)
    if flat is None:
        return (None, None, None, perimeter), "does not lie in a plane: it has no area."
    if measure.crosses_itself(flat):
        return (None, None, None, perimeter), "crosses itself: its area is not told."
    return (None, None, measure.polygon_area(points), perimeter), ""


def apply(matrix: Float, points: Float) -> Float:
    """Take points, (m, n), through a matrix, (n + 1, n + 1)."""
    n = len(matrix) - 1
    return np.asarray(points @ matrix[:n, :n].T + matrix[:n, n])


def shown_text(cell: Cell) -> str:
    """Return a number as it is shown: two decimals, or three digits of a small one."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    if isinstance(cell, float):
        return f"{cell:.2f}" if abs(cell) >= 1 or cell == 0 else f"{cell:.3g}"
    return str(cell)


def _exact(cell: Cell) -> str:
    if isinstance(cell, float):
        return "" if math.isnan(cell) else f"{cell:.10g}"
    return "" if cell is None else str(cell)
