"""Which lines of text fit into a part of a canvas, and how large."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from qtpy.QtCore import QRectF, Qt
from qtpy.QtGui import QFont, QFontMetricsF, QGuiApplication

_FONT_SIZES = (10, 9, 8, 7)
"""Font sizes in points, from the preferred one to the smallest that can be read."""

_CANVAS_SCALE = 96 / 72
"""By how much napari draws text larger than Qt does at the same font size."""


def measure_text(text: str, font_size: int) -> tuple[float, float]:
    """Return width and height in pixels of a text, which may have several lines, on a canvas."""
    metrics = _get_metrics(QGuiApplication.font().family(), font_size)
    box = metrics.boundingRect(QRectF(0, 0, 1000, 1000), Qt.AlignmentFlag.AlignLeft, text)
    return box.width() * _CANVAS_SCALE, box.height() * _CANVAS_SCALE


class FittedText(NamedTuple):
    """Text that fits.

    Attributes
    ----------
    row_count : int
        How many of the rows fit.
    font_size : int
        In points.
    text : str
    """

    row_count: int
    font_size: int
    text: str


def fit_text(rows: Sequence[Sequence[str]], width: float, height: float) -> FittedText:
    """Return as much of some rows as fits, as large as it fits.

    The font becomes smaller until all rows fit. At the smallest, rows are left out from the last
    one on until the others fit.

    Parameters
    ----------
    rows : sequence of sequence of str
        The parts of each row stand on one line, or below one another where this is too wide.
    width, height : float
        The room in pixels.
    """
    candidates = [(len(rows), font_size) for font_size in _FONT_SIZES]
    candidates += [(count, _FONT_SIZES[-1]) for count in range(len(rows) - 1, 0, -1)]
    for count, font_size in candidates:
        text = _write_rows(rows[:count], font_size, width)
        text_width, text_height = measure_text(text, font_size)
        if text_width <= width and text_height <= height:
            return FittedText(count, font_size, text)
    return FittedText(0, _FONT_SIZES[-1], "")


def _write_rows(rows: Sequence[Sequence[str]], font_size: int, width: float) -> str:
    return "\n".join(line for parts in rows for line in _break_row(parts, font_size, width))


def _break_row(parts: Sequence[str], font_size: int, width: float) -> Sequence[str]:
    line = ", ".join(parts)
    return [line] if measure_text(line, font_size)[0] <= width else parts


@lru_cache(maxsize=16)
def _get_metrics(family: str, font_size: int) -> QFontMetricsF:
    return QFontMetricsF(QFont(family, font_size))
