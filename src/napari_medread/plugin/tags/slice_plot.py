"""A plot of one number over the slices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QPainter, QPen
from qtpy.QtWidgets import QWidget

_HEIGHT = 130
_ABOVE, _BELOW, _BESIDE = 8, 22, 10
"""Room around the plot in pixels."""


class SlicePlot(QWidget):
    """Points joined by a line; where there is no number, there is a gap."""

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumHeight(_HEIGHT)
        self._values: Sequence[float] = ()
        self._labels = ("", "")

    def show_values(self, values: Sequence[float], first: str, last: str) -> None:
        """Plot values; ``first`` and ``last`` are what to write at the ends of the axis."""
        self._values, self._labels = values, (first, last)
        self.update()

    def paintEvent(self, event: Any) -> None:  # noqa: N802
        """Draw it."""
        del event
        finite = [value for value in self._values if math.isfinite(value)]
        if not finite:
            return
        low, high = min(finite), max(finite)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        text = painter.fontMetrics()
        numbers = [f"{value:.6g}" for value in (high, low)]
        left = _BESIDE + max(map(text.horizontalAdvance, numbers))
        area = QRectF(left, _ABOVE, self.width() - left - _BESIDE, self.height() - _ABOVE - _BELOW)
        colour = self.palette().windowText().color()
        faint = colour.lighter() if colour.lightness() < 128 else colour.darker()
        painter.setPen(QPen(faint, 1))
        painter.drawLine(area.topLeft(), area.bottomLeft())
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        painter.setPen(QPen(colour, 1))
        middle = area.center().y() if low == high else None
        for number, y in zip(numbers, (area.top(), area.bottom()), strict=True):
            box = QRectF(0, (middle or y) - 10, left - 4, 20)
            painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
                             number)  # fmt: skip
        below = QRectF(area.left(), area.bottom() + 2, area.width(), _BELOW)
        for label, side in zip(
            self._labels, (Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight), strict=True
        ):
            painter.drawText(below, side, label)
        step = area.width() / max(len(self._values) - 1, 1)
        before: QPointF | None = None
        for n, value in enumerate(self._values):
            share = 0.5 if low == high else (value - low) / (high - low)
            here = None
            if math.isfinite(value):
                here = QPointF(area.left() + n * step, area.bottom() - share * area.height())
                painter.drawEllipse(here, 1.5, 1.5)
                if before is not None:
                    painter.drawLine(before, here)
            before = here
        painter.end()
