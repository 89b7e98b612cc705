"""The dock of a panel: its title, its place in the window, and showing it in front."""

from __future__ import annotations

from typing import Any

from npe2 import PluginManager
from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QDockWidget, QMainWindow, QPushButton, QStyle

from napari_medread.plugin.gui.panel_scroll_area import PanelScrollArea
from napari_medread.plugin.gui.preferences import PLUGIN_NAME
from napari_medread.plugin.gui.timers import make_timer


def find_panel_title(panel_class: type) -> str | None:
    """Return the title of a panel in the manifest; None for a class that is not in it."""
    manager = PluginManager.instance()
    if PLUGIN_NAME not in manager:
        return None
    contributions = manager.get_manifest(PLUGIN_NAME).contributions
    name = f"{panel_class.__module__}:{panel_class.__qualname__}"
    commands = {
        command.id for command in contributions.commands or () if command.python_name == name
    }
    titles = (each.display_name for each in contributions.widgets or () if each.command in commands)
    return next(titles, None)


def name_dock(dock: QDockWidget, title: str) -> None:
    """Give a dock the name under which napari's menus look for the panel.

    ``Window.add_plugin_dock_widget`` names it after the plugin's package, and the menus after its
    display name: neither would find the panel that the other has made.
    """
    plugin = PluginManager.instance().get_manifest(PLUGIN_NAME).display_name
    dock.name = f"{title} ({plugin})"  # type: ignore[attr-defined]  # napari's
    dock.setObjectName(dock.name)  # type: ignore[attr-defined]
    dock.setWindowTitle(title)  # on a tab there is no room for more


def show_in_front(dock: QDockWidget) -> None:
    """Show a dock that may be hidden, behind another's tab, or behind the window."""
    dock.show()
    dock.raise_()
    if dock.isFloating():
        dock.activateWindow()


class PanelDock(QObject):
    """Finds a dock's place in the window, and keeps it in reach of the menu.

    Where the panel does not fit above or below those in its dock area, it becomes a tab of the
    last one. napari takes a panel behind another's tab for visible, so that its entry in the
    menu would hide it: then it is shown in front instead.

    It is a child of the dock, and is deleted with it.

    Parameters
    ----------
    dock : QDockWidget
        A dock that has the panel, and may not be in a window yet.
    """

    def __init__(self, dock: QDockWidget) -> None:
        super().__init__(dock)
        self._needs_place, self._is_in_front, self._was_behind = True, True, False
        # Not at once: napari itself resizes the docks after it has added one.
        self._timer = make_timer(0, self._settle, self)
        dock.visibilityChanged.connect(self._on_visibility)
        dock.installEventFilter(self)
        self._timer.start()

    def _on_visibility(self, is_visible: bool) -> None:
        self._is_in_front = is_visible
        self._timer.start()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802  (Qt's name)
        """Notice when the dock is hidden or shown."""
        if watched is self.parent() and event.type() in (QEvent.Type.Hide, QEvent.Type.Show):
            if event.type() == QEvent.Type.Hide:
                self._was_behind = not self._is_in_front and self._is_tab()
            self._timer.start()
        return False

    def _is_tab(self) -> bool:
        dock: Any = self.parent()
        window = dock.parent()
        return isinstance(window, QMainWindow) and bool(window.tabifiedDockWidgets(dock))

    def _settle(self) -> None:
        """Do what is left once napari and Qt are done with the dock."""
        dock: Any = self.parent()
        _keep_canvas_first(dock)
        if dock.widget() is None:  # the panel was closed
            return
        if dock.isHidden() and self._was_behind:
            self._was_behind = False
            show_in_front(dock)
        elif dock.isHidden():
            self._needs_place = True
        elif self._needs_place:
            self._needs_place = False
            _leave_room_for_title(dock)
            _find_place(dock)


def _keep_canvas_first(dock: QDockWidget) -> None:
    """Let Qt delete the canvas before the docks, as it does where there are no tabs.

    Qt raises the central widget above its siblings when another tab is shown. A window deletes its
    children in that order, and a panel that takes its changes back then finds half a window.
    """
    window = dock.parent()
    if isinstance(window, QMainWindow) and window.centralWidget() is not None:
        window.centralWidget().lower()


def _leave_room_for_title(dock: QDockWidget) -> None:
    """Keep a panel from being narrower than its title bar, which would be cut off."""
    bar, panel = dock.titleBarWidget(), dock.widget()
    layout = None if bar is None else bar.layout()
    if layout is not None:
        width = max(panel.minimumWidth(), panel.minimumSizeHint().width())
        if layout.minimumSize().width() > width:
            panel.setMinimumWidth(layout.minimumSize().width())


def _find_place(dock: QDockWidget) -> None:
    """Give a dock its height among those in its area, or make it a tab of the last one."""
    window = dock.parent()
    if not isinstance(window, QMainWindow) or dock.isFloating():
        return
    if window.tabifiedDockWidgets(dock):
        dock.raise_()
        return
    area = window.dockWidgetArea(dock)
    is_column = area in (
        Qt.DockWidgetArea.LeftDockWidgetArea,
        Qt.DockWidgetArea.RightDockWidgetArea,
    )
    others = _find_docks_in_front(window, area, dock)
    if not others:
        return
    docks = [*others, dock]
    style, separator = window.style(), QStyle.PixelMetric.PM_DockWidgetSeparatorExtent
    room = window.centralWidget().height() if is_column else window.width()
    room -= style.pixelMetric(separator, None, window) * len(others)
    sizes = [_find_natural_size(each, is_column=is_column) for each in docks]
    closable = [each for each in others if each.findChild(QPushButton, "QTitleBarCloseButton")]
    if sum(sizes) > room and closable:  # never over napari's own layer list and controls
        window.tabifyDockWidget(closable[-1], dock)
        dock.raise_()
    else:
        growing = [n for n, each in enumerate(docks) if _is_growing(each)] or [len(docks) - 1]
        share = max(room - sum(sizes), 0) // len(growing)
        for n in growing:
            sizes[n] += share
        orientation = Qt.Orientation.Vertical if is_column else Qt.Orientation.Horizontal
        window.resizeDocks(docks, sizes, orientation)


def _find_docks_in_front(
    window: QMainWindow, area: Qt.DockWidgetArea, but: QDockWidget
) -> list[QDockWidget]:
    """Return the docks that are seen in an area of a window, in the order of their places."""
    docks = [
        each
        for each in window.findChildren(QDockWidget)
        if each is not but
        and window.dockWidgetArea(each) == area
        and not each.isFloating()
        and not each.isHidden()
        and each.geometry().right() >= 0  # Qt puts those behind a tab out of the window
    ]
    return sorted(docks, key=lambda each: (each.y(), each.x()))


def _find_natural_size(dock: QDockWidget, *, is_column: bool) -> int:
    """Return the height, or the width in a row, of a dock and of those that share its place."""
    window = dock.parent()
    tabs = window.tabifiedDockWidgets(dock) if isinstance(window, QMainWindow) else []
    hints = [each.sizeHint().expandedTo(each.minimumSizeHint()) for each in (dock, *tabs)]
    return max(hint.height() if is_column else hint.width() for hint in hints)


def _is_growing(dock: QDockWidget) -> bool:
    areas = dock.findChildren(PanelScrollArea)
    return any(area.grows() for area in areas)
