"""Measurements as a table, to show, copy and export."""

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

NO_LENGTH_UNIT = "The layer has no unit of length: measured in pixels."

NOT_FINITE = "Not finite"
"""Heading of how many voxels hold no finite number."""

Cell = str | int | float | None


class MeasurementTable(NamedTuple):
    """Measurements to show, copy and export.

    Attributes
    ----------
    columns : tuple of str
        What they are, with their units.
    rows : tuple of tuple
        Text, numbers, and None for what there is not.
    remarks : tuple of str
        Why something is not measured.
    wrap : int
        The column with which a second block begins where there is little width; 0 for none.
    """

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    remarks: tuple[str, ...] = ()
    wrap: int = 0

    def text(self, delimiter: str, progress: Progress = no_progress) -> str:
        """Return it as lines of text with a header, numbers with a decimal point."""
        out = io.StringIO()
        writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
        writer.writerow(self.columns)
        for row in progress(self.rows, "Writing the table"):
            writer.writerow([_format_exact(cell) for cell in row])
        return out.getvalue()

    def blocks(self) -> list[list[int]]:
        """Return the columns to show below one another, without those that tell nothing.

        The first column is in none: it says what a row is of.
        """
        parts = [range(1, self.wrap), range(self.wrap, len(self.columns))]
        if not self.wrap:
            parts = [range(1, len(self.columns))]
        return [[n for n in part if self._tells(n)] for part in parts]

    def _tells(self, column: int) -> bool:
        nothing = (None, 0) if self.columns[column] == NOT_FINITE else (None,)
        return not self.rows or any(row[column] not in nothing for row in self.rows)


def make_shapes_table(
    marks: Sequence[DrawnShape],
    ruler: MeasurementSpace,
    sizes: Sequence[ShapeSize],
    statistics: Mapping[int, RegionStatistics] | None = None,
) -> MeasurementTable:
    """Return the lengths, angles and areas of shapes, with the values inside where given."""
    unit, square = ruler.unit, f"{ruler.unit}²"
    columns: tuple[str, ...] = (
        "No.", "Shape", f"Length ({unit})", "Angle (°)", f"Area ({square})",
        f"Perimeter ({unit})",
    )  # fmt: skip
    rows: list[tuple[Cell, ...]] = []
    remarks: list[str] = []
    for mark, size in zip(marks, sizes, strict=True):
        remarks += [f"No. {mark.number} {size.remark}"] if size.remark else []
        rows.append((mark.number, mark.kind, *size[:-1]))
    if ruler.unit == "px":
        remarks.append(NO_LENGTH_UNIT)
    wrap = 0
    if statistics is not None and ruler.image is not None:
        wrap = len(columns)
        columns = (*columns, *make_statistics_headings(ruler))
        empty: tuple[Cell, ...] = (None,) * len(make_statistics_headings(ruler))
        for n, mark in enumerate(marks):
            found = statistics.get(mark.number)
            rows[n] = (*rows[n], *(empty if found is None else make_statistics_cells(found, ruler)))
    return MeasurementTable(columns, tuple(rows), tuple(remarks), wrap)


def make_labels_table(
    statistics: Mapping[int, RegionStatistics], ruler: MeasurementSpace
) -> MeasurementTable:
    """Return the values of an image inside labels."""
    rows = tuple((label, *make_statistics_cells(one, ruler)) for label, one in statistics.items())
    return MeasurementTable(("Label", *make_statistics_headings(ruler)), rows)


def make_statistics_headings(ruler: MeasurementSpace) -> tuple[str, ...]:
    """Return the headings of what ``make_statistics_cells`` gives."""
    unit = "" if ruler.image is None else ruler.image.volume.value_unit
    of_values = [f"{name} ({unit})" if unit else name for name in ("Mean", "SD", "Min", "Max")]
    flat = ruler.ndim == 2
    size = "Pixel area (mm²)" if flat else "Volume (ml)"
    counts = ["Pixels" if flat else "Voxels", *([] if ruler.voxel is None else [size])]
    return (*of_values, *counts, NOT_FINITE)


def make_statistics_cells(found: RegionStatistics, ruler: MeasurementSpace) -> tuple[Cell, ...]:
    """Return the values of one region; sizes are those of all its voxels."""
    voxel = ruler.voxel
    size = [] if voxel is None else [found.voxel_count * voxel / (1 if ruler.ndim == 2 else 1000)]
    lowest, highest = found.minimum, found.maximum
    if ruler.image is not None and np.dtype(ruler.image.volume.data.dtype).kind in "biu":
        lowest, highest = (_to_whole_number(each) for each in (lowest, highest))
    numbers = (found.mean, found.standard_deviation, lowest, highest)
    return (*numbers, found.voxel_count, *size, found.non_finite_count)


def format_cell(cell: Cell) -> str:
    """Return a number as it is shown: five or six digits, or three of a small one."""
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
