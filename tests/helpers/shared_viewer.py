"""One napari viewer for many tests, as good as new for each of them.

Opening and closing a window takes napari two seconds, which is most of what a test of a panel
would take. So the tests that need no new viewer share one: what a test leaves behind is taken
away before the next. A viewer that has shown 3D is not used again: Mesa 22.3 can crash when it
draws the canvas after volumes were removed from it.
"""

from __future__ import annotations

import contextlib
import gc
from typing import Any
from unittest.mock import patch

import napari
import pytest
from app_model import Application
from napari._app_model._app import NapariApplication, _napari_names
from napari._qt._qapp_model.qactions import init_qactions
from napari._qt.dialogs.qt_notification import NapariQtNotification
from napari.plugins import _initialize_plugins
from napari.settings import get_settings
from qtpy.QtWidgets import QWidget

from helpers.idle import process_events, wait_until_idle
from napari_medread.plugin.arrival.viewer_follower import stop_following
from napari_medread.plugin.bridge import layer_names
from napari_medread.plugin.rendering import rendering_session

_APP = "shared_test_app"
_CALLBACKS = (
    *("mouse_move_callbacks", "mouse_drag_callbacks", "mouse_wheel_callbacks"),
    "mouse_double_click_callbacks",
)
_CAMERA = ("orientation", "angles", "center", "zoom", "perspective", "mouse_pan", "mouse_zoom")
_GRID = ("enabled", "stride", "shape")


class SharedViewer:
    """Opens the shared viewer when it is asked for, and makes it as good as new."""

    def __init__(self) -> None:
        self._viewer: napari.Viewer | None = None
        self._patches = contextlib.ExitStack()
        self._initial: dict[str, Any] = {}
        self._has_shown_3d = False

    def open(self, qtbot: Any) -> napari.Viewer:
        """Return the viewer: empty, in two dimensions, with the window that it began with."""
        is_closed = self._viewer is not None and not hasattr(self._viewer.window, "_qt_window")
        if self._has_shown_3d or is_closed:
            self.close()
        if self._viewer is not None:
            try:
                self._reset(self._viewer)
            except BaseException:
                self.close()  # the next test begins with a new one
                raise
        if self._viewer is None:
            self._viewer = self._make(qtbot)
        self._viewer.window.activate()
        return self._viewer

    def close(self) -> None:
        """Close the viewer, as napari's own fixture does, which wants none to be left."""
        viewer, self._viewer, self._has_shown_3d = self._viewer, None, False
        if viewer is None:
            return
        window = getattr(viewer.window, "_qt_window", None)
        if window is None:
            viewer.close()
        else:
            with patch.object(window, "_save_current_window_settings"):
                viewer.close()
        del viewer, window
        self._initial = {}
        self._patches.close()
        process_events()
        gc.collect()

    def _make(self, qtbot: Any) -> napari.Viewer:
        """Make a viewer with an application of its own, as napari's fixture does."""
        get_settings().reset()
        app = NapariApplication(_APP)
        app.injection_store.namespace = _napari_names
        self._patches.enter_context(
            patch.object(NapariApplication, "get_app_model", return_value=app)
        )
        _forget_actions()
        self._patches.callback(_forget_actions)
        self._patches.callback(Application.destroy, _APP)
        replaced = self._patches.enter_context(pytest.MonkeyPatch.context())
        replaced.setattr("napari._qt.threads.status_checker.StatusChecker.start", lambda *_: None)
        replaced.setattr("napari._qt.qt_viewer.QtViewer._get_console", _console)
        replaced.setattr("napari._qt.qt_main_window.SHOW_QT_WARNING", False)
        viewer = napari.Viewer(show=True, show_welcome_screen=False)
        qtbot.wait_exposed(viewer.window._qt_window, timeout=5000)
        viewer.dims.events.ndisplay.connect(self._on_ndisplay)
        self._initial = _state_of(viewer)
        return viewer

    def _on_ndisplay(self, event: Any) -> None:
        self._has_shown_3d = self._has_shown_3d or event.value == 3

    def _reset(self, viewer: napari.Viewer) -> None:
        get_settings().reset()
        for name, dock in list(viewer.window._wrapped_dock_widgets.items()):
            try:
                viewer.window.remove_dock_widget(dock)
            except RuntimeError:  # a test has let Qt delete it
                viewer.window._wrapped_dock_widgets.pop(name, None)
        process_events()
        stop_following(viewer)
        viewer.layers.clear()
        initial = self._initial
        viewer.dims.ndisplay = 2
        viewer.dims.ndim = 2
        viewer.dims.reset()
        viewer.dims.axis_labels = initial["axis_labels"]
        camera, grid = viewer.scene.camera, viewer.canvas.grid
        camera._cached_2d_state = camera._cached_3d_state = None
        for name in _CAMERA:
            setattr(camera, name, initial[name])
        for name in _GRID:
            setattr(grid, name, initial[name])
        viewer.theme = initial["theme"]
        viewer.title = initial["title"]
        # What a closed panel has to give back is a test's business: here it is only made sure of.
        for name in _CALLBACKS:
            getattr(viewer, name)[:] = initial[name]
        viewer.keymap.clear()
        viewer.keymap.update(initial["keymap"])
        for name in set(viewer.canvas.overlays).difference(initial["overlays"]):
            del viewer.canvas.overlays[name]
        viewer.cursor.position = initial["cursor"]
        _forget_rendering(viewer)
        layer_names._PATIENT_NUMBERS.pop(viewer, None)
        for dialog in viewer.window._qt_window.findChildren(NapariQtNotification):
            dialog.close()
        window = viewer.window._qt_window
        window.showNormal()
        if (window.width(), window.height()) != initial["size"]:
            window.resize(*initial["size"])
        wait_until_idle()
        gc.collect(1)


def _state_of(viewer: napari.Viewer) -> dict[str, Any]:
    camera, grid, window = viewer.scene.camera, viewer.canvas.grid, viewer.window._qt_window
    return {
        **{name: getattr(camera, name) for name in _CAMERA},
        **{name: getattr(grid, name) for name in _GRID},
        **{name: list(getattr(viewer, name)) for name in _CALLBACKS},
        "axis_labels": viewer.dims.axis_labels,
        "theme": viewer.theme,
        "title": viewer.title,
        "keymap": dict(viewer.keymap),
        "overlays": set(viewer.canvas.overlays),
        "cursor": viewer.cursor.position,
        "size": (window.width(), window.height()),
    }


def _forget_rendering(viewer: napari.Viewer) -> None:
    """Drop the steps of volume rendering, which live as long as the viewer."""
    session = rendering_session._SESSIONS.pop(viewer, None)
    if session is not None:
        viewer.dims.events.ndisplay.disconnect(session._on_ndisplay)


def _forget_actions() -> None:
    _initialize_plugins.cache_clear()
    init_qactions.cache_clear()


def _console(*_: Any) -> QWidget:
    widget = QWidget()
    widget._update_theme = lambda *_: None
    return widget
