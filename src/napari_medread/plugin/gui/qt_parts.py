"""Qt widgets as parts of magicgui panels: trees, tables and plots; events that magicgui lacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from magicgui.widgets import Container
from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QPlainTextEdit, QSizePolicy, QWidget

_TEXT_BOX_HEIGHT_PX = 84


def wrap_qt_widgets(*widgets: QWidget) -> Any:
    """Return a magicgui container that holds Qt widgets, one below the other."""
    container: Any = Container(widgets=[], labels=False)
    container.margins = (0, 0, 0, 0)
    for widget in widgets:
        container.native.layout().addWidget(widget)
    return container


def set_stretch(part: Any, stretch: int) -> None:
    """Let a part of a panel take a share of the height that the other parts leave."""
    part.native.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
    part.native.parentWidget().layout().setStretchFactor(part.native, stretch)


class TextBox(Container[Any]):
    """A box for many lines of plain text, which the user can select and copy."""

    def __init__(self) -> None:
        super().__init__(labels=False)
        self.margins = (0, 0, 0, 0)
        self.box = QPlainTextEdit()
        self.box.setReadOnly(True)
        self.box.setMaximumHeight(_TEXT_BOX_HEIGHT_PX)
        self.native.layout().addWidget(self.box)

    @property
    def value(self) -> str:
        """The text."""
        return self.box.toPlainText()

    @value.setter
    def value(self, text: str) -> None:
        if text != self.value:  # else it would scroll back
            self.box.setPlainText(text)


class EventCallbacks(QObject):
    """Calls functions when a Qt widget gets events of some types.

    It is a child of the widget, and is deleted with it.

    Parameters
    ----------
    widget : QWidget
    callbacks : mapping of QEvent.Type to callable
        Called with the event before the widget handles it. They must not keep the widget alive.
    """

    def __init__(
        self, widget: QWidget, callbacks: Mapping[QEvent.Type, Callable[[Any], None]]
    ) -> None:
        super().__init__(widget)
        self._callbacks = dict(callbacks)
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802  (Qt's name)
        """Call the function for an event; the widget gets it too."""
        del watched
        callback = self._callbacks.get(event.type())
        if callback is not None:
            callback(event)
        return False
