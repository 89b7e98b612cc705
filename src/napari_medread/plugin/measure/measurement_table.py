"""The table of measurements: headings, rows, and its text for the clipboard and CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from napari_medread.core.progress import Progress, no_progress
from napari_medread.core.region_statistics import RegionStatistics
from napari_medread.plugin.measure.layer_measurement import DrawnShape, MeasurementSpace, ShapeSize

NO_LENGTH_UNIT = "The layer has no unit of length, so sizes are in pixels."
"""Remark of a table of shapes that are measured in pixels."""

NOT_FINITE = "Not finite"
"""Heading of the number of voxels that are NaN or infinite."""

Cell = str | int | float | None


class MeasurementTable(NamedTuple):
    """Measurements to show, copy and export.

    Attributes
    ----------
    columns : tuple of str
        Headings, with units.
    rows : tuple of tuple
        Cells: text, numbers, and None for empty ones.
    remarks : tuple of str
        Sentences on what was not measured, and why.
    second_block : int
        Index of the first column of a second block, shown below the first to save width; 0 for
        one block.
    """

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    remarks: tuple[str, ...] = ()
    second_block: int = 0

    def to_text(self, delimiter: str, progress: Progress = no_progress) -> str:
        """Return the table as text: a line of headings, then rows; numbers with ten digits."""
        out = io.StringIO()
        writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
        writer.writerow(self.columns)
        for row in progress(self.rows, "Writing the table"):
            writer.writerow([_format_exact(cell) for cell in row])
        return out.getvalue()

    def split_columns(self) -> list[list[int]]:
        """Return the columns of each block, without columns that are empty in all rows.

        The first column is in no block: it is the heading of the row.
        """
        parts = [range(1, self.second_block), range(self.second_block, len(self.columns))]
        if not self.second_block:
            parts = [range(1, len(self.columns))]
        return [[n for n in part if self._has_content(n)] for part in parts]

    def _has_content(self, column: int) -> bool:
        empty = (None, 0) if self.columns[column] == NOT_FINITE else (None,)
        return not self.rows or any(row[column] not in empty for row in self.rows)


def make_shapes_table(
    shapes: Sequence[DrawnShape],
    space: MeasurementSpace,
    sizes: Sequence[ShapeSize],
    statistics: Mapping[int, RegionStatistics] | None = None,
) -> MeasurementTable:
    """Return the sizes of shapes, with the statistics of the image's values where given.

    Parameters
    ----------
    shapes : sequence of DrawnShape
    space : MeasurementSpace
    sizes : sequence of ShapeSize
        One for each shape.
    statistics : mapping or None
        Statistics by the number of the shape. Shapes without any get empty cells.
    """
    unit, square = space.unit, f"{space.unit}²"
    columns: tuple[str, ...] = (
        "No.", "Shape", f"Length ({unit})", "Angle (°)", f"Area ({square})",
        f"Perimeter ({unit})",
    )  # fmt: skip
    rows: list[tuple[Cell, ...]] = []
    remarks: list[str] = []
    for shape, size in zip(shapes, sizes, strict=True):
        remarks += [f"No. {shape.number} {size.remark}"] if size.remark else []
        rows.append((shape.number, shape.kind, *size[:-1]))
    if space.unit == "px":
        remarks.append(NO_LENGTH_UNIT)
    second_block = 0
    if statistics is not None and space.image is not None:
        second_block = len(columns)
        columns = (*columns, *make_statistics_headings(space))
        empty: tuple[Cell, ...] = (None,) * len(make_statistics_headings(space))
        for n, shape in enumerate(shapes):
            region = statistics.get(shape.number)
            rows[n] = (
                *rows[n],
                *(empty if region is None else make_statistics_cells(region, space)),
            )
    return MeasurementTable(columns, tuple(rows), tuple(remarks), second_block)


def make_labels_table(
    statistics: Mapping[int, RegionStatistics], space: MeasurementSpace
) -> MeasurementTable:
    """Return the statistics of an image's values by label."""
    rows = tuple((label, *make_statistics_cells(one, space)) for label, one in statistics.items())
    return MeasurementTable(("Label", *make_statistics_headings(space)), rows)


def make_statistics_headings(space: MeasurementSpace) -> tuple[str, ...]:
    """Return the headings of the cells that ``make_statistics_cells`` returns."""
    unit = "" if space.image is None else space.image.volume.value_unit
    value_headings = [f"{name} ({unit})" if unit else name for name in ("Mean", "SD", "Min", "Max")]
    is_plane = space.ndim == 2
    size = "Pixel area (mm²)" if is_plane else "Volume (ml)"
    counts = ["Pixels" if is_plane else "Voxels", *([] if space.voxel_size is None else [size])]
    return (*value_headings, *counts, NOT_FINITE)


def make_statistics_cells(region: RegionStatistics, space: MeasurementSpace) -> tuple[Cell, ...]:
    """Return the cells of one region.

    The volume or area is that of all its voxels, also of those that are not finite.
    """
    voxel_size = space.voxel_size
    per_unit = 1 if space.ndim == 2 else 1000  # mm² as they are, mm³ to ml
    size = [] if voxel_size is None else [region.voxel_count * voxel_size / per_unit]
    minimum, maximum = region.minimum, region.maximum
    if space.image is not None and np.dtype(space.image.volume.data.dtype).kind in "biu":
        minimum, maximum = _to_whole_number(minimum), _to_whole_number(maximum)
    values = (region.mean, region.standard_deviation, minimum, maximum)
    return (*values, region.voxel_count, *size, region.non_finite_count)


def format_cell(cell: Cell) -> str:
    """Return a cell as displayed: about six digits, or three where it is smaller than 1."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    if not isinstance(cell, float):
        return str(cell)
    if 0 < abs(cell) < 1:
        return f"{cell:.3g}"
    if abs(cell) < 1e7:
        return f"{cell:.{2 - (abs(cell) >= 1e3) - (abs(cell) >= 1e4)}f}"
    return f"{cell:.5g}"


def _format_exact(cell: Cell) -> str:
    if isinstance(cell, float):
        return "" if math.isnan(cell) else f"{cell:.10g}"
    return "" if cell is None else str(cell)


def _to_whole_number(number: float) -> int | float:
    return number if math.isnan(number) else int(number)
