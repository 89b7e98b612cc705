"""A plot of one number over the slices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QPainter, QPen
from qtpy.QtWidgets import QWidget

_MIN_HEIGHT_PX = 130

_TOP_PX, _BOTTOM_PX, _SIDE_PX = 8, 22, 10
"""Margins around the plot."""

_LABEL_HEIGHT_PX = 20

_POINT_RADIUS_PX = 1.5


class SlicePlot(QWidget):
    """A line through the value of every slice, with a gap where there is none."""

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumHeight(_MIN_HEIGHT_PX)
        self._values: Sequence[float] = ()
        self._labels = ("", "")

    def show_values(self, values: Sequence[float], first: str, last: str) -> None:
        """Plot values.

        Parameters
        ----------
        values : sequence of float
            One value for every slice, NaN where there is none.
        first, last : str
            The labels at both ends of the horizontal axis.
        """
        self._values, self._labels = values, (first, last)
        self.update()

    def paintEvent(self, event: Any) -> None:  # noqa: N802
        """Draw axes, labels and the line."""
        del event
        finite = [value for value in self._values if math.isfinite(value)]
        if not finite:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = self._draw_axes(painter, min(finite), max(finite))
        self._draw_line(painter, area, min(finite), max(finite))
        painter.end()

    def _draw_axes(self, painter: QPainter, low: float, high: float) -> QRectF:
        """Draw both axes with their labels; return the rectangle between them."""
        numbers = [f"{value:.6g}" for value in (high, low)]
        left = _SIDE_PX + max(map(painter.fontMetrics().horizontalAdvance, numbers))
        width, height = self.width() - left - _SIDE_PX, self.height() - _TOP_PX - _BOTTOM_PX
        area = QRectF(left, _TOP_PX, width, height)
        colour = self.palette().windowText().color()
        faint = colour.lighter() if colour.lightness() < 128 else colour.darker()
        painter.setPen(QPen(faint, 1))
        painter.drawLine(area.topLeft(), area.bottomLeft())
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        painter.setPen(QPen(colour, 1))
        middle = area.center().y() if low == high else None
        right_aligned = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for number, y in zip(numbers, (area.top(), area.bottom()), strict=True):
            top = (middle or y) - _LABEL_HEIGHT_PX / 2
            painter.drawText(QRectF(0, top, left - 4, _LABEL_HEIGHT_PX), right_aligned, number)
        below = QRectF(area.left(), area.bottom() + 2, area.width(), _BOTTOM_PX)
        for label, side in zip(
            self._labels, (Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight), strict=True
        ):
            painter.drawText(below, side, label)
        return area

    def _draw_line(self, painter: QPainter, area: QRectF, low: float, high: float) -> None:
        step = area.width() / max(len(self._values) - 1, 1)
        previous: QPointF | None = None
        for n, value in enumerate(self._values):
            share = 0.5 if low == high else (value - low) / (high - low)
            point = None
            if math.isfinite(value):
                point = QPointF(area.left() + n * step, area.bottom() - share * area.height())
                painter.drawEllipse(point, _POINT_RADIUS_PX, _POINT_RADIUS_PX)
                if previous is not None:
                    painter.drawLine(previous, point)
            previous = point
