"""Reads what a viewer shows into memory beside the window, before it is cut in all directions."""

from __future__ import annotations

import weakref
from typing import Any

from napari.layers import Layer
from napari.utils.notifications import show_info
from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]

from napari_medread.plugin.bridge.layer_transforms import frame_of
from napari_medread.plugin.gui.background_work import Work, show_progress
from napari_medread.plugin.gui.timers import timer
from napari_medread.plugin.rendering.lazy_loading import is_read, load

_PAUSE = 150
"""In ms, before a volume is read: another may be shown by then."""


class ReadAhead(QObject):
    """Keeps in memory, of every visible layer of a viewer, the volume at its sliders.

    What a person has cancelled, or there is no room for, is not read again before another
    volume of the layer is shown.

    Parameters
    ----------
    viewer : Viewer
        It is not kept alive, and neither are its layers.

    Attributes
    ----------
    changed : Signal()
        Another volume was read, is read, or will not be.
    """

    changed = Signal()

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer_of = weakref.ref(viewer)
        self._running: weakref.WeakKeyDictionary[Layer, tuple[Work, tuple[int, ...]]]
        self._running = weakref.WeakKeyDictionary()
        self._tried: weakref.WeakKeyDictionary[Layer, tuple[int, ...]] = weakref.WeakKeyDictionary()
        self._soon = timer(_PAUSE, self._read)
        viewer.layers.events.connect(self._on_layers)
        viewer.dims.events.point.connect(self._on_point)
        self._soon.start()

    def close(self) -> None:
        """Read no more."""
        self._soon.stop()
        viewer = self._viewer_of()
        if viewer is not None:
            viewer.layers.events.disconnect(self._on_layers)
            viewer.dims.events.point.disconnect(self._on_point)
        for work, _ in list(self._running.values()):
            work.cancel()

    def is_ready(self, layer: Layer) -> bool:
        """Tell whether a layer can be cut in any direction now."""
        viewer = self._viewer_of()
        return viewer is not None and is_read(layer, viewer.dims.point)

    def missing(self) -> list[Layer]:
        """Return the visible layers that are not in memory, and are not being read."""
        viewer = self._viewer_of()
        return [
            layer
            for layer in ([] if viewer is None else viewer.layers)
            if layer.visible and layer in self._tried and not self.is_ready(layer)
            if layer not in self._running
        ]

    def _on_layers(self, event: Any) -> None:
        if event.type == "removed":
            self._cancel([event.value])
        if event.type in ("inserted", "visible", "data"):
            self._soon.start()

    def _on_point(self, event: Any) -> None:
        del event
        viewer = self._viewer_of()
        if viewer is None or all(is_read(layer, viewer.dims.point) for layer in viewer.layers):
            return
        self._cancel(
            layer
            for layer, (_, frame) in list(self._running.items())
            if frame != frame_of(layer, 3, viewer.dims.point)
        )
        self._soon.start()
        self.changed.emit()

    def _cancel(self, layers: Any) -> None:
        for layer in layers:
            if layer in self._running:
                self._running[layer][0].cancel()

    def _read(self) -> None:
        viewer = self._viewer_of()
        if viewer is None:
            return
        for layer in viewer.layers:
            if layer.visible and not self.is_ready(layer) and layer not in self._running:
                self._start(layer, viewer)
        self.changed.emit()

    def _start(self, layer: Layer, viewer: Any) -> None:
        frame = frame_of(layer, 3, viewer.dims.point)
        if self._tried.get(layer) == frame:
            return
        self._tried[layer] = frame
        work = load(layer, viewer)
        this, layer_of = weakref.ref(self), weakref.ref(layer)

        def finished() -> None:
            found, read = this(), layer_of()
            if found is not None and read is not None:
                found._running.pop(read, None)
                found._soon.start()

        work.refused.connect(show_info)
        work.finished.connect(finished)
        show_progress(work, f"Reading {layer.name}")
        self._running[layer] = work, frame
        work.start()
