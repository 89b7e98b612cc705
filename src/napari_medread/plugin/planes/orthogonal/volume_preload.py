"""Loads displayed lazy volumes into memory in the background, before other planes show them."""

from __future__ import annotations

import weakref
from typing import Any

from napari.layers import Layer
from napari.utils.notifications import show_info
from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]

from napari_medread.plugin.bridge.layer_transforms import get_displayed_frame
from napari_medread.plugin.gui.background_task import BackgroundTask, show_progress_bar
from napari_medread.plugin.gui.timers import make_timer
from napari_medread.plugin.rendering.lazy_loading import is_in_memory, make_loading_task

_LOAD_DELAY_MS = 150
"""Delay before a volume is loaded: the user may be on the way to another one."""


class VolumePreload(QObject):
    """Keeps in memory, for every visible layer of a viewer, the volume at the sliders.

    A volume whose loading was cancelled, or that does not fit into memory, is not tried again
    before another volume of the layer was displayed.

    Parameters
    ----------
    viewer : Viewer
        Neither the viewer nor its layers are kept alive.

    Attributes
    ----------
    changed : Signal()
        Which volumes are in memory, being loaded, or not to be loaded may have changed.
    """

    changed = Signal()

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer_ref = weakref.ref(viewer)
        self._running: weakref.WeakKeyDictionary[Layer, tuple[BackgroundTask, tuple[int, ...]]]
        self._running = weakref.WeakKeyDictionary()
        self._tried_frames: weakref.WeakKeyDictionary[Layer, tuple[int, ...]]
        self._tried_frames = weakref.WeakKeyDictionary()
        self._load_timer = make_timer(_LOAD_DELAY_MS, self._load_volumes)
        viewer.layers.events.connect(self._on_layers)
        viewer.dims.events.point.connect(self._on_point)
        self._load_timer.start()

    def close(self) -> None:
        """Cancel all loading, and stop following the viewer."""
        self._load_timer.stop()
        viewer = self._viewer_ref()
        if viewer is not None:
            viewer.layers.events.disconnect(self._on_layers)
            viewer.dims.events.point.disconnect(self._on_point)
        for task, _ in list(self._running.values()):
            task.cancel()

    def is_ready(self, layer: Layer) -> bool:
        """Return whether the displayed volume of a layer is in memory."""
        viewer = self._viewer_ref()
        return viewer is not None and is_in_memory(layer, viewer.dims.point)

    def find_missing(self) -> list[Layer]:
        """Return the visible layers that are not in memory and not being loaded."""
        viewer = self._viewer_ref()
        return [
            layer
            for layer in ([] if viewer is None else viewer.layers)
            if layer.visible and layer in self._tried_frames and not self.is_ready(layer)
            if layer not in self._running
        ]

    def _on_layers(self, event: Any) -> None:
        if event.type == "removed":
            self._cancel([event.value])
        if event.type in ("inserted", "visible", "data"):
            self._load_timer.start()

    def _on_point(self, event: Any) -> None:
        del event
        viewer = self._viewer_ref()
        if viewer is None or all(is_in_memory(layer, viewer.dims.point) for layer in viewer.layers):
            return
        self._cancel(
            layer
            for layer, (_, frame) in list(self._running.items())
            if frame != get_displayed_frame(layer, 3, viewer.dims.point)
        )
        self._load_timer.start()
        self.changed.emit()

    def _cancel(self, layers: Any) -> None:
        for layer in layers:
            if layer in self._running:
                self._running[layer][0].cancel()

    def _load_volumes(self) -> None:
        viewer = self._viewer_ref()
        if viewer is None:
            return
        for layer in viewer.layers:
            if layer.visible and not self.is_ready(layer) and layer not in self._running:
                self._start_loading(layer, viewer)
        self.changed.emit()

    def _start_loading(self, layer: Layer, viewer: Any) -> None:
        frame = get_displayed_frame(layer, 3, viewer.dims.point)
        if self._tried_frames.get(layer) == frame:
            return
        self._tried_frames[layer] = frame
        task = make_loading_task(layer, viewer)
        self_ref, layer_ref = weakref.ref(self), weakref.ref(layer)

        def on_finished() -> None:
            preload, loaded = self_ref(), layer_ref()
            if preload is not None and loaded is not None:
                preload._running.pop(loaded, None)
                preload._load_timer.start()

        task.refused.connect(show_info)
        task.finished.connect(on_finished)
        show_progress_bar(task, f"Loading {layer.name}")
        self._running[layer] = task, frame
        task.start()
