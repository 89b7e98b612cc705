"""Reads the header of the displayed slice, again and again as the slice changes."""

from __future__ import annotations

import weakref
from typing import Any

from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]

from napari_medread.core.tag_elements import Tags
from napari_medread.errors import MedReadError
from napari_medread.plugin.gui.background_task import BackgroundTask
from napari_medread.plugin.gui.panel_base import Panel
from napari_medread.plugin.gui.timers import make_timer
from napari_medread.plugin.gui.viewer_references import unwrap_viewer
from napari_medread.plugin.tags.slice_headers import (
    HeaderLocation,
    LayerHeaders,
    NoHeader,
    clear_header_cache,
)

NO_LAYER = "Select one image layer to see its header."

_UPDATE_DELAY_MS = 60
"""Time from a change of the slice to reading its header: scrolling does not wait for headers."""

_SLOW_READING_MS = 300
"""Time after which the panel says that a header is still being read."""

_DIMS_EVENTS = ("point", "order", "ndisplay")
"""Events of a viewer's dims after which another slice may be displayed."""


class HeaderFollower(QObject):
    """Keeps the header of the slice that the viewer displays of its active layer.

    Parameters
    ----------
    viewer : Viewer
        Neither it nor its layers are kept alive.
    panel : Panel
        The panel that shows the header. While it is hidden, nothing is read.

    Attributes
    ----------
    tags : Tags
        The header; empty where there is none.
    moved : Signal(str)
        Another slice with the same header is displayed. The string says which, and its file.
    read : Signal(str)
        There is another header. The string says of which slice, and its file.
    failed : Signal(str)
        There is no header, or not yet. The string says why.
    layer_changed : Signal()
        Another layer is active.
    """

    moved = Signal(str)
    read = Signal(str)
    failed = Signal(str)
    layer_changed = Signal()

    def __init__(self, viewer: Any, panel: Panel) -> None:
        super().__init__(panel.native)
        viewer = unwrap_viewer(viewer)
        self.tags = Tags()
        self._viewer_ref = weakref.ref(viewer)
        self._panel_ref = weakref.ref(panel)
        self._layer_ref: weakref.ref[Any] | None = None
        self._location: HeaderLocation | None = None
        self._reading: BackgroundTask | None = None
        self._requested: tuple[HeaderLocation, str] | None = None
        self._is_outdated = False
        self._update_timer = make_timer(_UPDATE_DELAY_MS, self._update, self)
        self._slow_timer = make_timer(_SLOW_READING_MS, self._report_slow_reading, self)
        for name in _DIMS_EVENTS:
            getattr(viewer.dims.events, name).connect(self.update_soon)
        viewer.layers.selection.events.active.connect(self.update_soon)
        self.destroyed.connect(lambda *_: clear_header_cache())

    @property
    def layer(self) -> Any:
        """The active layer."""
        viewer = self._viewer_ref()
        return None if viewer is None else viewer.layers.selection.active

    @property
    def is_busy(self) -> bool:
        """Whether the header may change soon."""
        panel = self._panel_ref()
        if panel is None or panel.is_closed:
            return False
        return self._update_timer.isActive() or self._reading is not None

    def update_soon(self, event: Any = None) -> None:
        """Read the header of the displayed slice soon, if the panel is visible."""
        del event
        if self._is_panel_visible() and not self._update_timer.isActive():
            self._update_timer.start()

    def _is_panel_visible(self) -> bool:
        panel = self._panel_ref()
        return panel is not None and not panel.is_closed and panel.native.isVisible()

    def _follow_layer(self, layer: Any) -> None:
        """Follow changes of the active layer itself."""
        before = None if self._layer_ref is None else self._layer_ref()
        if before is layer:
            return
        if before is not None:
            before.events.set_data.disconnect(self.update_soon)
            before.events.name.disconnect(self.update_soon)
        self._layer_ref = None if layer is None else weakref.ref(layer)
        if layer is not None:
            layer.events.set_data.connect(self.update_soon)
            layer.events.name.connect(self.update_soon)
        self.layer_changed.emit()

    def _update(self) -> None:
        """Read the header of the displayed slice, unless it is shown already."""
        panel = self._panel_ref()
        if panel is None or not self._is_panel_visible():
            return
        if self._reading is not None:
            self._is_outdated = True
            return
        layer, viewer = self.layer, self._viewer_ref()
        self._follow_layer(layer)
        try:
            if layer is None or viewer is None:
                raise NoHeader(NO_LAYER)
            headers = LayerHeaders(layer)
            # napari aligns the axes of layers at the last one.
            first = viewer.dims.ndim - layer.ndim
            displayed = [axis - first for axis in viewer.dims.displayed]
            location = headers.locate(layer.world_to_data(viewer.dims.point), displayed)
        except MedReadError as error:
            self._fail(str(error))
            return
        except OSError as error:
            self._fail(f"The header could not be found: {error.strerror}.")
            return
        name = str(layer.name)
        if self._location is not None and self._location[:2] == location[:2]:
            self._location = location
            self.moved.emit(f"{name}\n{location.description}")
            return
        self._read(panel, location, headers.kept_keys, name)

    def _read(self, panel: Panel, location: HeaderLocation, kept_keys: Tags, name: str) -> None:
        self._requested = location, name
        self._reading = panel.tasks.start(
            BackgroundTask(lambda _: location.read(kept_keys)),
            on_result=self._on_read,
            on_refused=self._fail,
            on_finished=self._on_reading_finished,
        )
        self._slow_timer.start()

    def _report_slow_reading(self) -> None:
        if self._reading is not None:
            self._location, self.tags = None, Tags()
            self.failed.emit("Reading a large header…")

    def _on_read(self, tags: Tags) -> None:
        self._slow_timer.stop()
        if self._requested is not None:
            location, name = self._requested
            self._location, self.tags = location, tags
            self.read.emit(f"{name}\n{location.description}")

    def _on_reading_finished(self) -> None:
        self._reading = None
        if self._is_outdated:  # another slice is displayed by now
            self._is_outdated = False
            self.update_soon()

    def _fail(self, sentence: str) -> None:
        self._slow_timer.stop()
        self._location, self.tags = None, Tags()
        clear_header_cache()
        self.failed.emit(sentence)
