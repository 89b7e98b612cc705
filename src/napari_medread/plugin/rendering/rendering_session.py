"""The appearance of a viewer's layers in 3D and in slices, and undo."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from napari.layers import Image, Layer

from napari_medread.core.rendering_presets import RenderingPreset
from napari_medread.plugin.gui.viewer_references import unwrap_viewer
from napari_medread.plugin.rendering.camera_views import reset_axes, view_from
from napari_medread.plugin.rendering.preset_appearance import (
    LayerAppearance,
    appearance_from_preset,
    apply_appearance,
    read_appearance,
    show_interpolation_in_use,
)
from napari_medread.plugin.rendering.session_snapshots import (
    LayerSnapshot,
    SessionSnapshot,
    is_unchanged,
    read_camera,
    record_added_layer,
    take_layer_snapshot,
)
from napari_medread.plugin.rendering.volume_nodes import RemovedVolumes, release_hidden_volumes

_MAX_UNDO_STEPS = 50
"""Maximum number of steps that can be undone."""

_SESSIONS: weakref.WeakKeyDictionary[Any, RenderingSession] = weakref.WeakKeyDictionary()


class RenderingSession:
    """How the layers of a viewer look in 2D and, rendered by a preset, in 3D.

    It swaps the two when the viewer changes between them, and undoes steps. It lives as long as
    the viewer, so that slices keep their appearance after the panel was closed; it keeps neither
    the viewer nor its layers alive. Get it by ``get_rendering_session``.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer_ref = weakref.ref(viewer)
        self._slice_appearances: weakref.WeakKeyDictionary[Layer, LayerAppearance]
        self._slice_appearances = weakref.WeakKeyDictionary()
        self._volume_appearances: weakref.WeakKeyDictionary[Layer, LayerAppearance]
        self._volume_appearances = weakref.WeakKeyDictionary()
        self._slice_order: tuple[int, ...] | None = None
        self._undo_steps: list[SessionSnapshot] = []
        self._is_undoing = self._is_in_step = False
        self._listeners: list[weakref.WeakMethod[Callable[[], None]]] = []
        self._removed_volumes = RemovedVolumes()
        viewer.dims.events.ndisplay.connect(self._on_ndisplay)
        viewer.layers.events.removing.connect(self._on_removing)

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to undo."""
        return bool(self._undo_steps)

    def add_listener(self, method: Callable[[], None]) -> None:
        """Call a method after each step and each undo; its object is not kept alive."""
        self._listeners.append(weakref.WeakMethod(method))

    @contextmanager
    def step(
        self, layers: Sequence[Layer], merge_key: Hashable = None, added: Layer | None = None
    ) -> Iterator[None]:
        """Record the viewer before changes, which ``undo`` then takes back together.

        Steps within a step are part of it.

        Parameters
        ----------
        layers : sequence of Layer
            The layers that may be changed.
        merge_key : hashable, optional
            Successive steps with the same key are undone as one.
        added : Layer, optional
            One of the layers that was made for this step. Undo removes it, unless its data,
            name or placement were changed by then.
        """
        if self._is_in_step:
            yield
            return
        viewer = self._get_viewer()
        last = self._undo_steps[-1] if self._undo_steps else None
        if merge_key is None or last is None or last.merge_key != merge_key:
            self._undo_steps.append(
                SessionSnapshot(
                    merge_key,
                    viewer.dims.ndisplay,
                    viewer.dims.order,
                    viewer.dims.point,
                    self._slice_order,
                    read_camera(viewer),
                    [
                        take_layer_snapshot(
                            layer,
                            self._slice_appearances.get(layer),
                            self._volume_appearances.get(layer),
                        )
                        for layer in layers
                    ],
                    None if added is None else record_added_layer(added),
                )
            )
            del self._undo_steps[:-_MAX_UNDO_STEPS]
        self._is_in_step = True
        try:
            yield
        finally:
            self._is_in_step = False
        self._notify_listeners()

    def render(self, layer: Image, preset: RenderingPreset) -> None:
        """Show a layer in 3D by a preset; from the front, if the viewer was in 2D.

        Raises
        ------
        CannotRender
            Where the layer's data type holds none of the values that the preset shows.
        """
        viewer = self._get_viewer()
        appearance = appearance_from_preset(layer, preset)  # may raise before anything is changed
        with self.step([layer]):
            self._slice_appearances.setdefault(layer, read_appearance(layer))
            layer.visible = True
            if viewer.dims.ndisplay == 2:
                self._slice_appearances[layer] = read_appearance(layer)
                self._volume_appearances[layer] = appearance
                view_from(viewer, "Anterior", layer)
            else:
                reset_axes(viewer)
                apply_appearance(layer, appearance)
                self._volume_appearances[layer] = read_appearance(layer)

    def replace_by_copy(self, layer: Layer, copy: Image, preset: RenderingPreset | None) -> None:
        """Hide a layer and show a copy of it: in 2D as the layer was, in 3D by a preset."""
        if layer in self._slice_appearances:
            self._slice_appearances[copy] = dict(self._slice_appearances[layer])
        with self.step([layer, copy], added=copy):
            layer.visible = False
            if preset is not None:
                self.render(copy, preset)

    def view_from(self, side: str) -> None:
        """Show the patient in 3D from a side, a key of ``VIEW_DIRECTIONS``."""
        view_from(self._get_viewer(), side)

    def undo(self) -> list[Layer]:
        """Undo the last step, and return the layers that it had changed, without copies."""
        viewer = self._get_viewer()
        while self._undo_steps and not self._undo_steps[-1].has_layers_in(viewer):
            del self._undo_steps[-1]
        if not self._undo_steps:
            self._notify_listeners()
            return []
        step = self._undo_steps.pop()
        self._is_undoing = True
        try:
            layers = self._restore(viewer, step)
        finally:
            self._is_undoing = False
        self._notify_listeners()
        return layers

    def _restore(self, viewer: Any, step: SessionSnapshot) -> list[Layer]:
        layers = []
        viewer.dims.ndisplay = step.ndisplay
        has_same_axes = len(step.order) == viewer.dims.ndim
        if has_same_axes:
            viewer.dims.order = step.order
        self._slice_order = step.slice_order
        for snapshot in step.layers:
            layer = snapshot.layer_ref()
            if layer is not None and layer in viewer.layers:
                self._restore_layer(layer, snapshot)
                layers.append(layer)
        if has_same_axes and step.ndisplay == 2:
            viewer.dims.set_point(range(viewer.dims.ndim), step.point)
        for name, value in step.camera.items():
            setattr(viewer.scene.camera, name, value)
        copy = None if step.added is None else step.added.layer_ref()
        if step.added is not None and copy in layers:
            layers.remove(copy)
            if is_unchanged(step.added):
                viewer.layers.remove(copy)
        return layers

    def _restore_layer(self, layer: Layer, snapshot: LayerSnapshot) -> None:
        apply_appearance(layer, snapshot.appearance)
        show_interpolation_in_use(layer, self._get_viewer().dims.ndisplay)
        layer.visible = snapshot.visible
        layer.experimental_clipping_planes = snapshot.clipping_planes
        for appearances, appearance in (
            (self._slice_appearances, snapshot.slice_appearance),
            (self._volume_appearances, snapshot.volume_appearance),
        ):
            appearances.pop(layer, None)
            if appearance is not None:
                appearances[layer] = appearance

    def _get_viewer(self) -> Any:
        viewer = self._viewer_ref()
        if viewer is None:
            raise RuntimeError("The viewer no longer exists.")
        return viewer

    def _on_ndisplay(self, event: Any = None) -> None:
        """Swap the appearance of rendered layers when the viewer changes between 2D and 3D."""
        del event
        viewer = self._viewer_ref()
        if viewer is None:
            return
        is_3d = viewer.dims.ndisplay == 3
        if not is_3d:
            release_hidden_volumes(viewer)
        if self._is_undoing:
            return
        previous, present = self._slice_appearances, self._volume_appearances
        if not is_3d:
            previous, present = present, previous
        rendered_layers = [layer for layer in self._volume_appearances if layer in viewer.layers]
        for layer in rendered_layers:
            appearance = present[layer]
            previous[layer] = read_appearance(layer)  # including changes by the user
            apply_appearance(layer, appearance)
            show_interpolation_in_use(layer, viewer.dims.ndisplay)
        if not rendered_layers:
            return
        if is_3d:
            self._slice_order = viewer.dims.order
            reset_axes(viewer)
        elif self._slice_order is not None and len(self._slice_order) == viewer.dims.ndim:
            viewer.dims.order, self._slice_order = self._slice_order, None

    def _on_removing(self, event: Any) -> None:
        viewer = self._viewer_ref()
        if viewer is not None:
            self._removed_volumes.keep(viewer, viewer.layers[event.index])

    def _notify_listeners(self) -> None:
        self._listeners = [listener for listener in self._listeners if listener() is not None]
        for method in [listener() for listener in self._listeners]:
            if method is not None:
                method()


def get_rendering_session(viewer: Any) -> RenderingSession:
    """Return the rendering session of a viewer; it begins when first asked for."""
    viewer = unwrap_viewer(viewer)
    if viewer not in _SESSIONS:
        _SESSIONS[viewer] = RenderingSession(viewer)
    return _SESSIONS[viewer]


def get_slice_appearance(layer: Layer, viewer: Any) -> LayerAppearance:
    """Return the appearance that a layer has in 2D, empty unless a preset changed it for 3D."""
    session = _SESSIONS.get(unwrap_viewer(viewer))
    return {} if session is None else dict(session._slice_appearances.get(layer, {}))
