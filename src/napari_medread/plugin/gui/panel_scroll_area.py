"""The scroll area in which the controls of a panel stand, where a window has little room."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, QObject, QSize, Qt
from qtpy.QtWidgets import (
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QFrame,
    QScrollArea,
    QScrollBar,
    QSizePolicy,
    QWidget,
)

_MIN_HEIGHT_PX = 80
"""Least height of what can be seen of a panel: several may stand above one another."""

_MIN_CHOICE_CHARACTERS = 12
"""Least number of characters of a choice, such as that of a layer, that can be read."""

_WHEEL_CONTROLS = (QAbstractSpinBox, QComboBox, QAbstractSlider)
"""Whose value the wheel changes: unnoticed, if the user only wants to scroll past them."""


class PanelScrollArea(QScrollArea):
    """Scrolls the controls of a panel vertically where they do not fit.

    It asks for the size of its content, and gets along with much less height. Its width leaves
    room for the scroll bar, so that no control is cut off when that appears.

    Parameters
    ----------
    content : QWidget
        All controls of the panel.
    """

    def __init__(self, content: QWidget) -> None:
        super().__init__()
        self._content = content
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setStyleSheet("PanelScrollArea { padding: 0px; }")  # napari's style has some
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidget(content)

    def sizeHint(self) -> QSize:  # noqa: N802  (Qt's name)
        """Return the size of the whole content."""
        hint = self._content.sizeHint().expandedTo(self._content.minimumSizeHint())
        height = max(hint.height(), self._content.heightForWidth(hint.width()))
        return QSize(hint.width() + self._bar_width(), height)

    def minimumSizeHint(self) -> QSize:  # noqa: N802  (Qt's name)
        """Return the width of the content, and little height."""
        hint = self._content.minimumSizeHint()
        return QSize(hint.width() + self._bar_width(), min(hint.height(), _MIN_HEIGHT_PX))

    def _bar_width(self) -> int:
        return self.verticalScrollBar().sizeHint().width()

    def grows(self) -> bool:
        """Return whether a part of the content, as a table, uses all height that there is."""
        layout: Any = self._content.layout()
        parts = [item for n in range(layout.count()) if (item := layout.itemAt(n)).widget()]
        return any(item.expandingDirections() & Qt.Orientation.Vertical for item in parts)

    def settle(self) -> None:
        """Prepare for the dock, once all controls are made."""
        if not self.grows():
            layout: Any = self._content.layout()
            layout.addStretch(1)
        for choice in self._content.findChildren(QComboBox):
            # Not as wide as the longest name of a layer: the panel would be cut off.
            choice.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
            choice.setMinimumContentsLength(_MIN_CHOICE_CHARACTERS)
        for kind in _WHEEL_CONTROLS:
            for control in self._content.findChildren(kind):
                control.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802  (Qt's name)
        """Follow the size of the content, and keep the wheel from controls without focus."""
        if event.type() == QEvent.Type.LayoutRequest and watched is self._content:
            self.updateGeometry()
        if event.type() == QEvent.Type.Wheel and _is_unfocused_control(watched):
            QApplication.sendEvent(self.viewport(), event)
            return True
        return bool(super().eventFilter(watched, event))

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802  (Qt's name)
        """Leave all keys to the viewer: arrows step through its slices."""
        event.ignore()


def _is_unfocused_control(widget: QObject) -> bool:
    if not isinstance(widget, _WHEEL_CONTROLS) or isinstance(widget, QScrollBar):
        return False
    return not widget.hasFocus()
