"""The layers of one viewer shown by another model: napari cuts a layer for one of them alone."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from napari.layers import Image, Labels, Layer

from napari_medread.plugin.bridge.patient_space import straight_of
from napari_medread.plugin.gui.timers import timer
from napari_medread.plugin.rendering.preset_appearance import set_look
from napari_medread.plugin.rendering.rendering_session import look_in_slices

_LOOKS = {
    "attenuation", "blending", "colormap", "contour", "contrast_limits", "contrast_limits_range",
    "gamma", "interpolation2d", "opacity", "selected_label", "show_selected_label",
}  # fmt: skip
"""What changes how a layer looks, set as it is."""

_OTHERS = {
    "axis_labels", "data", "name", "projection_mode", "rotate", "scale", "shear", "translate",
    "units", "visible",
}  # fmt: skip

_IN_PLACE = {"labels_update", "paint", "set_data"}
"""Events after which values may be others in the same array."""

_QUIET = {
    "cursor", "cursor_size", "editable", "extent", "help", "highlight", "loaded", "locked", "mode",
    "mouse_pan", "mouse_zoom", "refresh", "reload", "scale_factor", "set_data", "status",
    "thumbnail",
}  # fmt: skip
"""Events of drawn layers that say nothing about what is drawn."""

_PAUSE = 50
"""In ms, between two looks at a layer that is being drawn on."""


class Mirror:
    """Keeps the layers of a model the same as those of a viewer, and in the same order.

    Images and labels share their arrays with the viewer's; of points, shapes and all others a
    copy is made anew after a change. What napari draws in 2D is drawn straight, whatever
    stands in patient space.

    Parameters
    ----------
    viewer : Viewer
        It is not kept alive, and neither are its layers.
    model : ViewerModel
        Without layers. Nothing but this adds any.
    is_ready : callable
        Given a layer of the viewer, tells whether it can be cut in any direction; call
        ``update`` when one has become so.

    Attributes
    ----------
    is_busy : bool
        Whether the model is being changed: what napari moves in it then, no person has moved.
    """

    def __init__(self, viewer: Any, model: Any, is_ready: Callable[[Layer], bool]) -> None:
        self._viewer_of = weakref.ref(viewer)
        self._model, self._is_ready = model, is_ready
        self._copies: weakref.WeakKeyDictionary[Layer, Layer] = weakref.WeakKeyDictionary()
        self._changed: weakref.WeakSet[Layer] = weakref.WeakSet()
        self._soon = timer(_PAUSE, self._renew)
        self._shown: weakref.WeakKeyDictionary[Layer, Any] = weakref.WeakKeyDictionary()
        self.is_busy = False
        for emitter, callback in self._followed(viewer):
            emitter.connect(callback)
        self.update()

    def _followed(self, viewer: Any) -> list[tuple[Any, Callable[..., None]]]:
        return [
            (viewer.layers.events, self._on_layers),
            (viewer.layers.selection.events.active, self._on_active),
            (viewer.dims.events.ndisplay, self._on_ndisplay),
        ]

    def update(self) -> None:
        """Bring the model's layers up to date."""
        viewer = self._viewer_of()
        if viewer is not None:
            with self._busy():
                self._update(viewer)

    def _update(self, viewer: Any) -> None:
        wanted = [layer for layer in viewer.layers if self._is_ready(layer)]
        for layer in set(self._copies).difference(wanted):
            self._model.layers.remove(self._copies.pop(layer))
        for layer in wanted:
            if layer not in self._copies and (copied := copy_of(layer, viewer)) is not None:
                self._copies[layer] = copied
                if not self._takes_looks():
                    look = look_in_slices(layer, viewer)
                    set_look(copied, {name: look[name] for name in look if name in _LOOKS})
                self._is_other_slice(layer)
                self._model.layers.append(copied)
        order = [self._copies[layer] for layer in wanted if layer in self._copies]
        for n, copied in enumerate(order):
            if self._model.layers[n] is not copied:
                self._model.layers.move(self._model.layers.index(copied), n)
        self._on_active()

    def close(self) -> None:
        """Follow the viewer no more; the model is not to be used any longer."""
        self._soon.stop()
        viewer = self._viewer_of()
        if viewer is not None:
            for emitter, callback in self._followed(viewer):
                emitter.disconnect(callback)
        self._copies.clear()

    def _on_layers(self, event: Any) -> None:
        """Do to the copies what was done to the layers; events of theirs come here too."""
        if event.type in ("inserted", "removed", "reordered"):
            self.update()
            return
        layer = event.sources[0]
        copied = self._copies.get(layer) if isinstance(layer, Layer) else None
        if copied is None:
            return
        if not isinstance(layer, Image | Labels):
            if event.type not in _QUIET:
                self._changed.add(layer)
                self._soon.start()
        elif event.type in _IN_PLACE:
            if event.type != "set_data" or not self._is_other_slice(layer):
                self._changed.add(layer)
                self._soon.start()
        elif event.type in ("affine", "metadata"):
            with self._busy():
                copied.affine, copied.metadata = _straight(layer, self._viewer_of())
        elif event.type in _OTHERS or (event.type in _LOOKS and self._takes_looks()):
            with self._busy():
                setattr(copied, event.type, getattr(layer, event.type))

    def _on_active(self, event: Any = None) -> None:
        del event
        viewer = self._viewer_of()
        if viewer is not None:
            active = viewer.layers.selection.active
            self._model.layers.selection.active = (
                None if active is None else self._copies.get(active)
            )

    def _takes_looks(self) -> bool:
        """Tell whether layers look the same here; how a volume is rendered is no look of slices."""
        viewer = self._viewer_of()
        return viewer is not None and viewer.dims.ndisplay == 2

    def _on_ndisplay(self, event: Any) -> None:
        del event
        if not self._takes_looks():
            return
        for layer, copied in self._copies.items():
            if isinstance(layer, Image | Labels):
                for name in _LOOKS.intersection(layer.events):
                    setattr(copied, name, getattr(layer, name))

    def _is_other_slice(self, layer: Layer) -> bool:
        """Tell whether another slice of a layer is shown than when this was asked last."""
        viewer = self._viewer_of()
        if viewer is None:
            return False
        dims = viewer.dims
        shown = dims.point, dims.order, dims.ndisplay
        before, self._shown[layer] = self._shown.get(layer), shown
        return bool(before != shown)

    def _renew(self) -> None:
        """Show what was changed."""
        for layer in set(self._changed):
            copied = self._copies.get(layer)
            if copied is None:
                continue
            if isinstance(layer, Image | Labels):
                copied.refresh(extent=False)
            else:
                with self._busy():
                    self._model.layers.remove(self._copies.pop(layer))
        self._changed.clear()
        self.update()

    @contextmanager
    def _busy(self) -> Iterator[None]:
        before, self.is_busy = self.is_busy, True
        try:
            yield
        finally:
            self.is_busy = before


def copy_of(layer: Layer, viewer: Any) -> Layer | None:
    """Return a layer that shows the same, straight; None of kinds that are none of napari's own.

    Images and labels share their arrays.
    """
    data, attributes, kind = layer.as_layer_data_tuple()
    attributes["affine"], attributes["metadata"] = _straight(layer, viewer)
    try:
        return Layer.create(data, attributes, kind)
    except (TypeError, ValueError):
        return None


def _straight(layer: Layer, viewer: Any) -> tuple[Any, dict[str, Any]]:
    """Return a layer's affine and metadata as in 2D, wherever it stands now."""
    straight = straight_of(layer, () if viewer is None else viewer.layers)
    return straight or (np.array(layer.affine.affine_matrix), dict(layer.metadata))
