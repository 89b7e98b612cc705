"""Mirrors the layers of a viewer in another viewer model: napari slices a layer for one only."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from napari.layers import Image, Labels, Layer

from napari_medread.plugin.bridge.oblique_drawings import find_straight_drawing
from napari_medread.plugin.gui.timers import make_timer
from napari_medread.plugin.planes.orthogonal.slider_span import SliderSpan
from napari_medread.plugin.rendering.preset_appearance import apply_appearance
from napari_medread.plugin.rendering.rendering_session import get_slice_appearance

_APPEARANCE_PROPERTIES = {
    "attenuation", "blending", "colormap", "contour", "contrast_limits", "contrast_limits_range",
    "gamma", "interpolation2d", "opacity", "selected_label", "show_selected_label",
}  # fmt: skip
"""Properties of images and labels that are copied while the viewer is in 2D."""

_OTHER_PROPERTIES = {
    "axis_labels", "data", "name", "projection_mode", "rotate", "scale", "shear", "translate",
    "units",
}  # fmt: skip
"""Properties of images and labels that are always copied."""

_IN_PLACE_EVENTS = {"labels_update", "paint", "set_data"}
"""Events after which the values of the same array may have changed."""

_IGNORED_EVENTS = {
    "cursor", "cursor_size", "editable", "extent", "help", "highlight", "loaded", "locked", "mode",
    "mouse_pan", "mouse_zoom", "refresh", "reload", "scale_factor", "set_data", "status",
    "thumbnail",
}  # fmt: skip
"""Events of points, shapes and others after which they look the same."""

_SPATIAL_AXES = 3

_RENEW_DELAY_MS = 50
"""Delay before a layer is mirrored again while it is drawn on."""


class LayerMirror:
    """Keeps the layers of a model the same as those of a viewer, and in the same order.

    A hidden layer is mirrored once it is shown. The sliders of the model span it before that, so
    that a point means the same in both. Mirrored images and labels share their arrays with the
    originals; points, shapes and all others are copied again after a change. They are drawn
    straight, as 2D needs it, even while the originals are drawn in patient space.

    Parameters
    ----------
    viewer : Viewer
        Neither the viewer nor its layers are kept alive.
    model : ViewerModel
        Without layers; only the mirror adds layers to it.
    is_ready : callable
        Given a layer of the viewer, returns whether it can be sliced in any direction; call
        ``update`` when that has changed for one.
    get_point : callable
        Returns the point to show when the first layer comes.

    Attributes
    ----------
    is_updating : bool
        Whether the mirror is changing the model: its point is then moved by napari, not by the
        user.
    """

    def __init__(
        self,
        viewer: Any,
        model: Any,
        is_ready: Callable[[Layer], bool],
        get_point: Callable[[], tuple[float, ...]],
    ) -> None:
        self._viewer_ref = weakref.ref(viewer)
        self._model, self._is_ready, self._get_point = model, is_ready, get_point
        self._copies: weakref.WeakKeyDictionary[Layer, Layer] = weakref.WeakKeyDictionary()
        self._changed: weakref.WeakSet[Layer] = weakref.WeakSet()
        self._renew_timer = make_timer(_RENEW_DELAY_MS, self._renew)
        self._last_slices: weakref.WeakKeyDictionary[Layer, Any] = weakref.WeakKeyDictionary()
        self._span = SliderSpan(model)
        self.is_updating = False
        for emitter, callback in self._followed_events(viewer):
            emitter.connect(callback)
        self.update()

    def _followed_events(self, viewer: Any) -> list[tuple[Any, Callable[..., None]]]:
        return [
            (viewer.layers.events, self._on_layers),
            (viewer.layers.selection.events.active, self._on_active),
            (viewer.dims.events.ndisplay, self._on_ndisplay),
            (viewer.dims.events.range, self._on_range),
        ]

    def update(self) -> None:
        """Add, remove and reorder the model's layers as in the viewer."""
        viewer = self._viewer_ref()
        if viewer is not None:
            with self._while_updating():
                self._update(viewer)

    def _update(self, viewer: Any) -> None:
        mirrored = [layer for layer in viewer.layers if self._is_mirrored(layer)]
        for layer in set(self._copies).difference(mirrored):
            self._model.layers.remove(self._copies.pop(layer))
        is_first = bool(mirrored) and not self._model.layers
        if is_first and viewer.dims.ndim > _SPATIAL_AXES:
            # napari would slice the first layer at its start, at its middle and then here: of a
            # lazy run, that would read volumes that are not shown.
            self._span.match(viewer)
            self._take_point()
        for layer in mirrored:
            if layer not in self._copies and (copy := copy_layer(layer, viewer)) is not None:
                self._copies[layer] = copy
                if not self._mirrors_appearance():
                    appearance = get_slice_appearance(layer, viewer)
                    mirrored_names = [name for name in appearance if name in _APPEARANCE_PROPERTIES]
                    apply_appearance(copy, {name: appearance[name] for name in mirrored_names})
                self._has_other_slice(layer)
                self._model.layers.append(copy)
        self._update_span(viewer)
        order = [self._copies[layer] for layer in mirrored if layer in self._copies]
        for n, copy in enumerate(order):
            if self._model.layers[n] is not copy:
                self._model.layers.move(self._model.layers.index(copy), n)
        if is_first:
            self._take_point()
        self._on_active()

    def _take_point(self) -> None:
        point = self._get_point()
        if len(point) == self._model.dims.ndim:
            self._model.dims.point = point

    def _is_mirrored(self, layer: Layer) -> bool:
        """Return whether to mirror a layer; one that was shown before stays, so it blinks fast."""
        return (layer.visible or layer in self._copies) and self._is_ready(layer)

    def _update_span(self, viewer: Any) -> None:
        """Let the sliders span the hidden layers that are not mirrored."""
        if any(not layer.visible and layer not in self._copies for layer in viewer.layers):
            self._span.match(viewer)
        else:
            self._span.clear()

    def _on_range(self, event: Any) -> None:
        del event
        viewer = self._viewer_ref()
        if viewer is not None:
            with self._while_updating():
                self._update_span(viewer)

    def close(self) -> None:
        """Stop following the viewer; the model must not be used any longer."""
        self._renew_timer.stop()
        viewer = self._viewer_ref()
        if viewer is not None:
            for emitter, callback in self._followed_events(viewer):
                emitter.disconnect(callback)
        self._copies.clear()

    def _on_layers(self, event: Any) -> None:
        """Copy a change of the layer list or, as their events come here too, of one layer."""
        if event.type in ("inserted", "removed", "reordered"):
            self.update()
            return
        layer = event.sources[0]
        copy = self._copies.get(layer) if isinstance(layer, Layer) else None
        if copy is None:
            if event.type == "visible":
                self.update()
            return
        if event.type == "visible":
            copy.visible = layer.visible
        elif not isinstance(layer, Image | Labels):
            if event.type not in _IGNORED_EVENTS:
                self._changed.add(layer)
                self._renew_timer.start()
        elif event.type in _IN_PLACE_EVENTS:
            # napari also emits set_data when it has sliced the layer elsewhere.
            if event.type != "set_data" or not self._has_other_slice(layer):
                self._changed.add(layer)
                self._renew_timer.start()
        elif event.type in ("affine", "metadata"):
            with self._while_updating():
                copy.affine, copy.metadata = _find_straight_affine(layer, self._viewer_ref())
        elif event.type in _OTHER_PROPERTIES or (
            event.type in _APPEARANCE_PROPERTIES and self._mirrors_appearance()
        ):
            with self._while_updating():
                setattr(copy, event.type, getattr(layer, event.type))

    def _on_active(self, event: Any = None) -> None:
        del event
        viewer = self._viewer_ref()
        if viewer is not None:
            active = viewer.layers.selection.active
            self._model.layers.selection.active = (
                None if active is None else self._copies.get(active)
            )

    def _mirrors_appearance(self) -> bool:
        """Return whether the appearance is copied: in 3D it is that of a rendered volume."""
        viewer = self._viewer_ref()
        return viewer is not None and viewer.dims.ndisplay == 2

    def _on_ndisplay(self, event: Any) -> None:
        del event
        if not self._mirrors_appearance():
            return
        for layer, copy in self._copies.items():
            if isinstance(layer, Image | Labels):
                for name in _APPEARANCE_PROPERTIES.intersection(layer.events):
                    setattr(copy, name, getattr(layer, name))

    def _has_other_slice(self, layer: Layer) -> bool:
        """Return whether the viewer shows another slice than at the last call for this layer."""
        viewer = self._viewer_ref()
        if viewer is None:
            return False
        dims = viewer.dims
        present = dims.point, dims.order, dims.ndisplay
        last, self._last_slices[layer] = self._last_slices.get(layer), present
        return bool(last != present)

    def _renew(self) -> None:
        """Show changes made in place, and copy points, shapes and others again."""
        for layer in set(self._changed):
            copy = self._copies.get(layer)
            if copy is None:
                continue
            if isinstance(layer, Image | Labels):
                copy.refresh(extent=False)
            else:
                with self._while_updating():
                    self._model.layers.remove(self._copies.pop(layer))
        self._changed.clear()
        self.update()

    @contextmanager
    def _while_updating(self) -> Iterator[None]:
        before, self.is_updating = self.is_updating, True
        try:
            yield
        finally:
            self.is_updating = before


def copy_layer(layer: Layer, viewer: Any) -> Layer | None:
    """Return a copy of a layer that is drawn straight; images and labels share their arrays.

    None for layers of a type that is not napari's own.
    """
    data, attributes, layer_type = layer.as_layer_data_tuple()
    attributes["affine"], attributes["metadata"] = _find_straight_affine(layer, viewer)
    try:
        return Layer.create(data, attributes, layer_type)
    except (TypeError, ValueError):
        return None


def _find_straight_affine(layer: Layer, viewer: Any) -> tuple[Any, dict[str, Any]]:
    """Return a layer's affine and metadata as in 2D, even if it is drawn in patient space."""
    straight = find_straight_drawing(layer, () if viewer is None else viewer.layers)
    return straight or (np.array(layer.affine.affine_matrix), dict(layer.metadata))
