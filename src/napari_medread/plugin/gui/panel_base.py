"""The base class of all panels: a dock widget that follows one viewer until it is closed."""

from __future__ import annotations

import weakref
from abc import ABCMeta
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from magicgui.widgets import Container
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget

from napari_medread.plugin.gui.controls import make_wrapping_label
from napari_medread.plugin.gui.panel_dock import (
    PanelDock,
    find_panel_title,
    name_dock,
    show_in_front,
)
from napari_medread.plugin.gui.panel_scroll_area import PanelScrollArea
from napari_medread.plugin.gui.panel_tasks import PanelTasks
from napari_medread.plugin.gui.preferences import PLUGIN_NAME
from napari_medread.plugin.gui.viewer_references import unwrap_viewer

_AnyPanel = TypeVar("_AnyPanel", bound="Panel")

_BEING_DELETED: dict[int, Panel] = {}
"""Closed panels that Qt has not deleted yet, out of the garbage collector's reach."""

_OPEN_PANELS: weakref.WeakKeyDictionary[Any, weakref.WeakValueDictionary[type, Panel]]
_OPEN_PANELS = weakref.WeakKeyDictionary()
"""The last panel of each class that was made for a viewer."""


class _OnePerViewer(ABCMeta):
    """Makes one panel of a class for a viewer; called again, it returns that, until it is closed.

    napari makes a panel wherever it finds none under the name that it looks for, and a script
    may make one itself.
    """

    def __call__(cls, napari_viewer: Any) -> Any:
        panels = _OPEN_PANELS.setdefault(
            unwrap_viewer(napari_viewer), weakref.WeakValueDictionary()
        )
        panel = panels.get(cls)
        if panel is None or panel.is_closed:
            panel = super().__call__(napari_viewer)
            panels[cls] = panel
        return panel


class Panel(Container[Any], metaclass=_OnePerViewer):
    """A dock widget of a viewer, of which there is one of each class.

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
        self._dock_ref: weakref.ref[QDockWidget] | None = None
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
        content: Any = Container(widgets=[*widgets, self.message], labels=False)
        self.margins = (0, 0, 0, 0)
        self.append(content)  # so that its choices are reset with the panel's
        self._scroll_area = PanelScrollArea(content.native)
        self.native.layout().addWidget(self._scroll_area)
        self._follow_dock()

    def _follow_dock(self) -> None:
        """Make the dock of the panel its own; close the panel when it is taken out of it."""
        panel_ref, key = weakref.ref(self), id(self)

        def on_parent_changed(parent: Any) -> None:
            panel = panel_ref()
            if panel is None or panel.is_closed:
                return
            if isinstance(parent, QDockWidget):
                panel._on_docked(parent)
            elif parent is None:
                _BEING_DELETED[key] = panel
                panel._on_close()
                panel._mark_closed()
                panel.native.deleteLater()

        def on_destroyed(*_: Any) -> None:
            panel = panel_ref()
            if panel is not None:
                panel._mark_closed()
            _BEING_DELETED.pop(key, None)

        self.native.destroyed.connect(on_destroyed)
        self.native_parent_changed.connect(on_parent_changed)

    def _on_docked(self, dock: QDockWidget) -> None:
        old_dock = self._dock_ref and self._dock_ref()
        if old_dock is dock:
            return
        self._dock_ref = weakref.ref(dock)
        viewer = self._viewer_ref()
        if old_dock is not None and viewer is not None:
            viewer.window.remove_dock_widget(old_dock)  # which is empty now
        title = find_panel_title(type(self))
        if title is not None:
            name_dock(dock, title)
        self._scroll_area.settle()
        PanelDock(dock)

    def _mark_closed(self) -> None:
        self._has_been_closed = True
        self.tasks.close()

    def _on_close(self) -> None:
        """Undo what the panel does to its viewer; its controls still exist."""

    def _show_message(self, sentence: str) -> None:
        self.message.value = sentence


def open_panel(viewer: Any, panel_class: type[_AnyPanel]) -> _AnyPanel:
    """Show a viewer's panel in front, wherever it is, or open it.

    Parameters
    ----------
    viewer : Viewer
    panel_class : type
        A class that the manifest names.

    Returns
    -------
    Panel
    """
    panel: Any = panel_class(viewer)
    dock = panel.native.parent()
    if isinstance(dock, QDockWidget):
        show_in_front(dock)
    else:
        viewer.window.add_plugin_dock_widget(PLUGIN_NAME, find_panel_title(panel_class))
    return panel  # type: ignore[no-any-return]
