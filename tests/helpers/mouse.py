"""What a mouse does over a canvas, sent to the canvas alone: a display has only one pointer."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent, QWheelEvent
from qtpy.QtWidgets import QApplication

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
NONE = Qt.MouseButton.NoButton


def turn(
    canvas: Any,
    notches: float,
    *keys: str,
    share: tuple[float, float] = (0.5, 0.5),
    inverted: bool = False,
) -> None:
    """Turn the wheel, by notches: down is negative. ``share``: where, of width and height."""
    at = QPoint(int(canvas.width() * share[0]), int(canvas.height() * share[1]))
    delta = QPoint(0, round(120 * notches))
    if "Alt" in keys:
        delta = QPoint(delta.y(), 0)  # as systems do
    event = QWheelEvent(
        QPointF(at),
        QPointF(canvas.mapToGlobal(at)),
        QPoint(),
        delta,
        NONE,
        held(*keys),
        Qt.ScrollPhase.NoScrollPhase,
        inverted,
    )
    QApplication.sendEvent(canvas, event)


def move(canvas: Any, at: tuple[float, float]) -> None:
    """Move over a point without pressing anything."""
    _send(canvas, QEvent.Type.MouseMove, at, NONE, NONE, ())


def drag(canvas: Any, *path: tuple[float, float], keys: tuple[str, ...] = (), button=LEFT) -> None:
    """Press at the first point, move over the others, and release at the last; in pixels."""
    _send(canvas, QEvent.Type.MouseButtonPress, path[0], button, button, keys)
    for at in path[1:]:
        _send(canvas, QEvent.Type.MouseMove, at, NONE, button, keys)
        QApplication.processEvents()
    _send(canvas, QEvent.Type.MouseButtonRelease, path[-1], button, NONE, keys)


def held(*keys: str) -> Qt.KeyboardModifier:
    """Return keys that are held down, by name."""
    found = Qt.KeyboardModifier.NoModifier
    for key in keys:
        found |= getattr(Qt.KeyboardModifier, f"{key}Modifier")
    return found


def _send(canvas: Any, kind: Any, at: Any, button: Any, buttons: Any, keys: Any) -> None:
    there = QPointF(*at)
    everywhere = QPointF(canvas.mapToGlobal(there.toPoint()))
    event = QMouseEvent(kind, there, everywhere, button, buttons, held(*keys))
    QApplication.sendEvent(canvas, event)
