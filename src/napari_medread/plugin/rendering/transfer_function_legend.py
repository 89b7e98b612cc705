"""A strip that shows which value gets which colour, and how opaque it is."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import QRect, QSize, Qt
from qtpy.QtGui import QColor, QImage, QPainter, QPaintEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_medread.core.affines import Float

_STRIP_HEIGHT_PX, _MARGIN_PX = 26, 2
"""Height of the strip, and the space between it and the numbers below."""

_BACKGROUND = (40, 40, 40)
"""Grey behind the colours, where the volume is transparent."""


class TransferFunctionLegend(QWidget):
    """Colours over values; the most opaque colour fills the height of the strip."""

    def __init__(self) -> None:
        super().__init__()
        self._image: QImage | None = None
        self._end_labels = ("", "")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip(
            "Colour and opacity by value: the higher the colour, the more opaque it is."
        )

    def show_transfer(self, colours: Float | None, end_labels: tuple[str, str] = ("", "")) -> None:
        """Show a transfer function, or hide the legend.

        Parameters
        ----------
        colours : array or None
            (n, 4), red, green, blue and opacity from 0 to 1 by growing value. None hides it.
        end_labels : tuple of str
            The lowest and the highest value.
        """
        self._image = None if colours is None else _paint_strip(colours)
        self._end_labels = end_labels
        self.setVisible(colours is not None)
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802  (Qt's name)
        """Return the preferred size."""
        return QSize(200, _STRIP_HEIGHT_PX + _MARGIN_PX + self.fontMetrics().height())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  (Qt's name)
        """Paint the strip, and the two values below it."""
        if self._image is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(QRect(0, 0, self.width(), _STRIP_HEIGHT_PX), self._image)
        painter.setPen(QColor(self.palette().windowText().color()))
        below = self.rect().adjusted(0, _STRIP_HEIGHT_PX + _MARGIN_PX, 0, 0)
        sides = (Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight)
        for side, text in zip(sides, self._end_labels, strict=True):
            painter.drawText(below, side, text)
        painter.end()


def _paint_strip(colours: Float) -> QImage:
    """Return the strip: each colour as high as it is opaque, faint ones still visible."""
    opacity = colours[:, 3]
    # The square root keeps low opacities visible.
    heights = np.sqrt(opacity / max(opacity.max(), 1e-9)) * _STRIP_HEIGHT_PX
    heights_of_rows = np.arange(_STRIP_HEIGHT_PX, 0, -1)[:, None]
    is_coloured = (heights_of_rows <= np.ceil(heights))[..., None]
    pixels = np.where(is_coloured, np.round(colours[:, :3] * 255), _BACKGROUND)
    pixels = np.ascontiguousarray(pixels, dtype=np.uint8)
    rows, columns, _ = pixels.shape
    image = QImage(pixels.data, columns, rows, 3 * columns, QImage.Format.Format_RGB888)
    return image.copy()  # the copy owns its pixels
