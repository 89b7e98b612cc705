"""A strip that shows which value gets which colour, and how opaque it is."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import QRect, QSize, Qt
from qtpy.QtGui import QColor, QImage, QPainter, QPaintEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_medread.core.affines import Float

_STRIP, _MARGIN = 26, 2
"""Height of the strip, and the space between it and the numbers, in pixels."""

_BEHIND = (40, 40, 40)
"""Grey behind the strip, where the volume is clear."""


class Legend(QWidget):
    """Colours over values; where they are most opaque they fill the strip's height."""

    def __init__(self) -> None:
        super().__init__()
        self._image: QImage | None = None
        self._ends = ("", "")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip(
            "Colour by value: the higher the colour reaches, the less can be seen through it."
        )

    def show_transfer(self, colours: Float | None, ends: tuple[str, str] = ("", "")) -> None:
        """Show colours, (n, 4) from 0 to 1, and the values at both ends; None: nothing."""
        self._image, self._ends = None if colours is None else _painted(colours), ends
        self.setVisible(colours is not None)
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802  (Qt's name)
        """Return how large it would like to be."""
        return QSize(200, _STRIP + _MARGIN + self.fontMetrics().height())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  (Qt's name)
        """Paint the strip, and the numbers below it."""
        if self._image is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(QRect(0, 0, self.width(), _STRIP), self._image)
        painter.setPen(QColor(self.palette().windowText().color()))
        below = self.rect().adjusted(0, _STRIP + _MARGIN, 0, 0)
        sides = (Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight)
        for side, text in zip(sides, self._ends, strict=True):
            painter.drawText(below, side, text)
        painter.end()


def _painted(colours: Float) -> QImage:
    """Return the strip: each colour as high as it is opaque, faint ones still to be seen."""
    opacity = colours[:, 3]
    heights = np.sqrt(opacity / max(opacity.max(), 1e-9)) * _STRIP
    rows = np.arange(_STRIP, 0, -1)[:, None]
    pixels = np.where(
        (rows <= np.ceil(heights))[..., None], np.round(colours[:, :3] * 255), _BEHIND
    )
    pixels = np.ascontiguousarray(pixels, dtype=np.uint8)
    rows_, columns, _ = pixels.shape
    image = QImage(pixels.data, columns, rows_, 3 * columns, QImage.Format.Format_RGB888)
    return image.copy()  # which owns its pixels
