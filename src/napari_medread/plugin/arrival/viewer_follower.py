"""Follows a viewer: acts once the layers of a drop have arrived, and when layers are shown."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Iterable, Sequence
from typing import Any

from napari.layers import Layer
from napari.utils.notifications import show_warning

from napari_medread.plugin.arrival.fusion_appearance import update_fusion
from napari_medread.plugin.arrival.layer_order import insert_in_order, sort_layers
from napari_medread.plugin.arrival.orientation_check import (
    OrientationDifference,
    describe_differences,
    find_orientation_differences,
)
from napari_medread.plugin.arrival.unit_warnings import hide_unit_warnings
from napari_medread.plugin.arrival.visible_view import (
    bring_into_view,
    get_visible_layers,
    is_small,
    limit_sliders,
    show_middle,
    show_something,
    shows_hidden,
)
from napari_medread.plugin.bridge.camera_fit import fit_to_visible_layers
from napari_medread.plugin.bridge.layer_metadata import LayerRecord, get_record
from napari_medread.plugin.bridge.volume_to_layer import LayerData
from napari_medread.plugin.gui.viewer_references import get_open_viewer, unwrap_viewer

_LAYER_EVENTS = {"removed", "visible", "affine"}
"""Events after which the canvas may be empty, or layers may not match."""

_FOLLOWERS: weakref.WeakKeyDictionary[Any, ViewerFollower] = weakref.WeakKeyDictionary()


def announce_layers(layers: Sequence[LayerData], viewer: Any = None) -> list[LayerData]:
    """Say that layers are about to be added together, and return them in the order to add them.

    Visible ones are last: napari selects the layer that it adds last.

    Parameters
    ----------
    layers : sequence of tuple
        Layer data of this plugin's volumes.
    viewer : Viewer, optional
        The viewer that gets them. napari does not tell a reader which one it is, so without it
        all viewers that are open wait for them.
    """
    ordered = sort_layers(layers)
    records = [get_record(attributes["metadata"]) for _, attributes, _ in ordered]
    hidden = {
        record for record, each in zip(records, ordered, strict=True) if not _is_visible(each)
    }
    viewers = _find_open_viewers() if viewer is None else [viewer]
    for each in viewers:
        follow_viewer(each).expect(records, hidden)
    ordered.sort(key=_is_visible)
    if any(each.dims.ndisplay == 3 for each in viewers):
        ordered = [_show_in_3d(each) for each in ordered]
    return ordered


def follow_viewer(viewer: Any) -> ViewerFollower:
    """Return what follows a viewer, from now on for as long as the viewer exists."""
    viewer = unwrap_viewer(viewer)
    if viewer not in _FOLLOWERS:
        _FOLLOWERS[viewer] = ViewerFollower(viewer)
    return _FOLLOWERS[viewer]


def stop_following(viewer: Any) -> None:
    """Stop following a viewer: its sliders and layers are napari's again."""
    follower = _FOLLOWERS.pop(unwrap_viewer(viewer), None)
    if follower is not None:
        follower.close()


def _is_visible(layer_data: LayerData) -> bool:
    return bool(layer_data[1].get("visible", True))


def _show_in_3d(layer_data: LayerData) -> LayerData:
    """Return layer data that can be added in 3D; what was to be hidden is hidden once it is added.

    napari (0.9.2) raises an error when a hidden two-dimensional picture in colour is added in 3D,
    and again when that is removed: it takes rows, columns and colours for a volume.
    """
    data, attributes, kind = layer_data
    if attributes.get("rgb") and len(attributes["scale"]) == 2:
        attributes = {**attributes, "visible": True}
    return data, attributes, kind


class ViewerFollower:
    """Keeps the order, the view and the selection of a viewer as its visible layers need them.

    Parameters
    ----------
    viewer : ViewerModel
        It and its layers are not kept alive.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer_ref = weakref.ref(viewer)
        # A record is the same object in layer data and in the layer that napari makes of them.
        self._expected: weakref.WeakKeyDictionary[LayerRecord, int] = weakref.WeakKeyDictionary()
        self._arrived: weakref.WeakKeyDictionary[Layer, int] = weakref.WeakKeyDictionary()
        self._hidden: weakref.WeakSet[LayerRecord] = weakref.WeakSet()
        self._changed: weakref.WeakSet[Layer] = weakref.WeakSet()
        self._told: weakref.WeakKeyDictionary[Layer, weakref.WeakSet[Layer]]
        self._told = weakref.WeakKeyDictionary()
        self._fitted_camera: tuple[Any, ...] | None = None
        self._is_fitting = False
        self._timer: Any = None
        self._slider_values: Any = None
        if _has_event_loop():
            from napari_medread.plugin.arrival.slider_values import SliderValues  # needs Qt

            self._slider_values = SliderValues(viewer)
        for emitter, callback in self._followed_events(viewer):
            emitter.connect(callback)
        hide_unit_warnings()

    def _followed_events(self, viewer: Any) -> list[tuple[Any, Any]]:
        return [
            (viewer.layers.events, self._on_layers),
            (viewer.layers.selection.events.active, self._on_active),
            (viewer.dims.events.range, self._on_range),
            (viewer.dims.events.ndisplay, self._look_later),
            (viewer.events.reset_view, self._on_fitted),
        ]

    def close(self) -> None:
        """Stop following the viewer."""
        if self._timer is not None:
            self._timer.stop()
        if self._slider_values is not None:
            self._slider_values.close()
        viewer = self._viewer_ref()
        if viewer is not None:
            for emitter, callback in self._followed_events(viewer):
                emitter.disconnect(callback)

    def expect(self, records: Sequence[LayerRecord], hidden: Iterable[LayerRecord]) -> None:
        """Wait for the layers with these records, and act once all of them have arrived.

        Parameters
        ----------
        records : sequence of LayerRecord
            In the order of the layers, from the lowest to the topmost.
        hidden : iterable of LayerRecord
            Those of layers to hide, however they are added.
        """
        self._settle()
        self._hidden = weakref.WeakSet(hidden)
        self._expected.clear()
        self._expected.update((record, n) for n, record in enumerate(records))

    def _on_layers(self, event: Any) -> None:
        if event.type == "inserted":
            position = self._expected.pop(get_record(event.value), None)
            if position is not None:
                self._arrived[event.value] = position
            self._look_later()
        elif event.type in _LAYER_EVENTS:
            if event.type == "visible":
                self._changed.add(event.source)
            self._look_later()

    def _on_active(self, event: Any) -> None:
        """Act when the last of the expected layers is selected: napari does so once it is added."""
        if event.value is None:
            return
        if not self._arrived:
            self._changed.add(event.value)
        elif not self._expected:
            self._settle()
        self._look_later()

    def _on_range(self, event: Any) -> None:
        del event
        viewer = self._viewer_ref()
        if viewer is not None and not self._arrived:
            limit_sliders(viewer)

    def _on_fitted(self, event: Any) -> None:
        """Leave hidden layers out of napari's own fit, and remember the camera."""
        del event
        viewer = self._viewer_ref()
        if viewer is None or self._is_fitting:
            return
        self._is_fitting = True
        try:
            if not self._arrived and shows_hidden(viewer):
                fit_to_visible_layers(viewer)
        finally:
            self._is_fitting = False
        self._fitted_camera = _read_camera(viewer)

    def _settle(self) -> None:
        """Order the layers that have arrived, and go to those that are visible."""
        viewer = get_open_viewer(self._viewer_ref)
        arrived = sorted(self._arrived, key=self._arrived.__getitem__)
        self._arrived.clear()
        layers = [] if viewer is None else [each for each in arrived if each in viewer.layers]
        if not layers:
            return
        for layer in layers:
            if layer.visible and get_record(layer) in self._hidden:
                layer.visible = False
        insert_in_order(viewer.layers, layers)
        update_fusion(viewer.layers, layers)
        visible = [layer for layer in layers if layer.visible]
        if visible and not {*get_visible_layers(viewer)}.difference(layers):
            show_middle(viewer)
        else:
            bring_into_view(viewer, visible)

    def _look_later(self, event: Any = None) -> None:
        """Look at the visible layers once all pending events are handled; without Qt, at once."""
        del event
        if self._timer is None and _has_event_loop():
            from napari_medread.plugin.gui.timers import make_timer  # needs Qt

            self._timer = make_timer(0, self._look)
        if self._timer is not None:
            self._timer.start()
        elif not self._arrived:
            self._look()

    def _look(self) -> None:
        """Show a visible layer where the canvas shows none, and warn where layers do not match."""
        viewer = get_open_viewer(self._viewer_ref)
        if viewer is None:
            return
        self._settle()  # where the rest of what was expected does not come
        changed, self._changed = [*self._changed], weakref.WeakSet()
        limit_sliders(viewer)
        if changed:
            show_something(viewer, changed)
            if self._fitted_camera == _read_camera(viewer) and is_small(viewer):
                fit_to_visible_layers(viewer)
        self._warn(viewer)

    def _warn(self, viewer: Any) -> None:
        """Warn once of each pair of visible layers that lies differently in the patient."""
        new = [
            each
            for each in find_orientation_differences(viewer.layers)
            if each.upper not in self._told.get(each.lower, ())
        ]
        for lower, upper, *_ in new:
            for one, other in ((lower, upper), (upper, lower)):
                self._told.setdefault(one, weakref.WeakSet()).add(other)
        if new:
            _show_differences(viewer, new)


def _show_differences(viewer: Any, differences: list[OrientationDifference]) -> None:
    if not _has_event_loop():
        show_warning(describe_differences(differences))
        return
    from napari_medread.plugin.arrival.alignment_offer import offer_alignment  # needs Qt

    offer_alignment(viewer, differences)


def _has_event_loop() -> bool:
    try:
        from qtpy.QtWidgets import QApplication
    except ImportError:
        return False
    return QApplication.instance() is not None


def _find_open_viewers() -> list[Any]:
    module = sys.modules.get("napari.viewer")  # not imported: there are none
    return [*getattr(getattr(module, "Viewer", None), "_instances", ())]


def _read_camera(viewer: Any) -> tuple[Any, ...]:
    camera = viewer.scene.camera
    return camera.zoom, tuple(camera.center)
