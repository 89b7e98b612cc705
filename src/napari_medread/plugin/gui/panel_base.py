"""The base class of all panels: a dock widget that follows one viewer until it is closed."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any

from magicgui.widgets import Container
from qtpy.QtCore import Qt

from napari_medread.plugin.gui.controls import make_wrapping_label
from napari_medread.plugin.gui.panel_tasks import PanelTasks
from napari_medread.plugin.gui.viewer_references import unwrap_viewer

_BEING_DELETED: dict[int, Panel] = {}
"""Closed panels that Qt has not deleted yet, out of the garbage collector's reach."""


class Panel(Container[Any]):
    """A dock widget of a viewer.

    A subclass makes its controls and ends its ``__init__`` with ``_lay_out``. napari closes a panel
    by taking it out of its dock. From then on ``is_closed`` is true, the callbacks that
    ``while_open`` and ``tasks`` have made are not called, and Qt deletes the widget: left to
    Python's garbage collector, controls would be deleted in an order that can crash Qt, and what
    the panel does to the viewer would go on until then.

    Parameters
    ----------
    napari_viewer : Viewer
        The viewer in whose window it stands. It is not kept alive.

    Attributes
    ----------
    message : Label
        The last line: what was done, or why it was not.
    tasks : PanelTasks
        The background tasks of the panel.
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(labels=False)
        self._viewer_ref = weakref.ref(unwrap_viewer(napari_viewer))
        self._has_been_closed = False
        self.tasks = PanelTasks()
        self.message = make_wrapping_label()
        self.message.native.setTextFormat(Qt.TextFormat.PlainText)

    @property
    def is_closed(self) -> bool:
        """Whether the panel was closed, or deleted with its window."""
        return self._has_been_closed

    def while_open(self, function: Callable[..., None]) -> Callable[..., None]:
        """Return a callback that calls a function with this panel, and not once it is closed.

        The callback does not keep the panel alive.

        Parameters
        ----------
        function : callable
            Called with the panel and the arguments of the callback. It must not refer to the panel.
        """
        panel_ref = weakref.ref(self)

        def call(*arguments: Any) -> None:
            panel = panel_ref()
            if panel is not None and not panel.is_closed:
                function(panel, *arguments)

        return call

    def _lay_out(self, widgets: Sequence[Any]) -> None:
        """Put controls into the panel, from top to bottom; the message comes last."""
        self.extend([*widgets, self.message])
        self._delete_when_closed()

    def _delete_when_closed(self) -> None:
        panel_ref, key = weakref.ref(self), id(self)

        def on_parent_changed(parent: Any) -> None:
            panel = panel_ref()
            if parent is None and panel is not None and not panel.is_closed:
                _BEING_DELETED[key] = panel
                panel._on_close()
                panel._stop()
                panel.native.deleteLater()

        def on_destroyed(*_: Any) -> None:
            panel = panel_ref()
            if panel is not None:
                panel._stop()
            _BEING_DELETED.pop(key, None)

        self.native.destroyed.connect(on_destroyed)
        self.native_parent_changed.connect(on_parent_changed)

    def _stop(self) -> None:
        self._has_been_closed = True
        self.tasks.close()

    def _on_close(self) -> None:
        """Undo what the panel does to its viewer; its controls still exist."""

    def _show_message(self, sentence: str) -> None:
        self.message.value = sentence
