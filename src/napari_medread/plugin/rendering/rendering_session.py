"""Layers rendered in 3D by a preset, their slices as they were, and the way back."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from napari.layers import Image, Layer

from napari_medread.core.rendering_presets import Preset
from napari_medread.plugin.bridge.patient_space import straight_of
from napari_medread.plugin.gui.viewer_references import unwrapped
from napari_medread.plugin.rendering.camera_views import look_from, straighten
from napari_medread.plugin.rendering.preset_appearance import Look, look_by, look_of, set_look

_STEPS_BACK = 50
"""How many steps are kept."""

_CAMERA = ("orientation", "perspective", "zoom", "center", "angles")

_PLACE = ("name", "scale", "translate", "rotate", "shear", "units")
"""What somebody who wants to keep a copy may change of it, beside its affine and its data."""

_STUDIOS: weakref.WeakKeyDictionary[Any, Studio] = weakref.WeakKeyDictionary()


class _Seen(NamedTuple):
    """A layer before a step."""

    layer: weakref.ref[Layer]
    look: Look
    flat: Look | None
    deep: Look | None
    visible: bool
    planes: list[dict[str, Any]]


class _Added(NamedTuple):
    """A layer that came with a step, and what it was then."""

    layer: weakref.ref[Layer]
    data: weakref.ref[Any]
    place: tuple[Any, ...]


class _Step(NamedTuple):
    """A viewer before a step; ``what`` are steps that count as one if they follow each other."""

    what: Any
    ndisplay: int
    order: tuple[int, ...]
    point: tuple[float, ...]
    flat_order: tuple[int, ...] | None
    camera: dict[str, Any]
    layers: list[_Seen]
    added: _Added | None


class Studio:
    """What is rendered in a viewer, and how it was before.

    It lives as long as the viewer, so that slices stay grey after the widget was closed; it
    keeps neither the viewer nor its layers alive. Get it by ``studio_of``.

    """

    def __init__(self, viewer: Any) -> None:
        self._viewer_of = weakref.ref(viewer)
        self._flat: weakref.WeakKeyDictionary[Layer, Look] = weakref.WeakKeyDictionary()
        self._deep: weakref.WeakKeyDictionary[Layer, Look] = weakref.WeakKeyDictionary()
        self._flat_order: tuple[int, ...] | None = None
        self._history: list[_Step] = []
        self._is_busy = self._is_in_step = False
        self._told: list[weakref.WeakMethod[Callable[[], None]]] = []
        viewer.dims.events.ndisplay.connect(self._on_ndisplay)

    @property
    def can_go_back(self) -> bool:
        """Whether there is a step to take back."""
        return bool(self._history)

    def tell(self, method: Callable[[], None]) -> None:
        """Call a method after each step taken or taken back; its object is not kept alive."""
        self._told.append(weakref.WeakMethod(method))

    @contextmanager
    def step(
        self, layers: Sequence[Layer], what: Any = None, added: Layer | None = None
    ) -> Iterator[None]:
        """Remember how things are before changes, which ``back`` takes back together.

        Steps within a step are part of it.

        Parameters
        ----------
        layers : sequence of Layer
            That may be changed.
        what : object
            Steps of the same, that follow one another, are taken back as one.
        added : Layer, optional
            One of them that was made for this step. Going back removes it, unless somebody
            has changed its data, name or place by then.
        """
        if self._is_in_step:
            yield
            return
        viewer = self._viewer()
        is_same = what is not None and self._history and self._history[-1].what == what
        if not is_same:
            camera = viewer.scene.camera
            self._history.append(
                _Step(
                    what,
                    viewer.dims.ndisplay,
                    viewer.dims.order,
                    viewer.dims.point,
                    self._flat_order,
                    {name: getattr(camera, name) for name in _CAMERA},
                    [self._seen(layer) for layer in layers],
                    None if added is None else _as_added(added),
                )
            )
            del self._history[:-_STEPS_BACK]
        self._is_in_step = True
        try:
            yield
        finally:
            self._is_in_step = False
        self._tell()

    def render(self, layer: Image, preset: Preset) -> None:
        """Show a layer in 3D by a preset, from the front where it was shown in slices."""
        viewer = self._viewer()
        wanted = look_by(layer, preset)  # refused before anything is changed
        with self.step([layer]):
            self._flat.setdefault(layer, look_of(layer))
            layer.visible = True
            if viewer.dims.ndisplay == 2:
                self._flat[layer] = look_of(layer)
                self._deep[layer] = wanted
                look_from(viewer, "Anterior", layer)
            else:
                straighten(viewer)
                set_look(layer, wanted)
                self._deep[layer] = look_of(layer)

    def replace(self, layer: Layer, copy: Image, preset: Preset | None) -> None:
        """Show a copy of a layer instead of it, in slices as it is, in 3D by a preset."""
        if layer in self._flat:
            self._flat[copy] = dict(self._flat[layer])
        with self.step([layer, copy], added=copy):
            layer.visible = False
            if preset is not None:
                self.render(copy, preset)

    def look_from(self, where: str) -> None:
        """Turn the patient in 3D so as to be seen from somewhere."""
        look_from(self._viewer(), where)

    def back(self) -> list[Layer]:
        """Take the last step back, and return the layers that it was about, without copies."""
        viewer = self._viewer()
        while self._history and not self._is_about(self._history[-1], viewer):
            del self._history[-1]
        if not self._history:
            self._tell()
            return []
        step = self._history.pop()
        layers = []
        self._is_busy = True
        try:
            viewer.dims.ndisplay = step.ndisplay
            is_alike = len(step.order) == viewer.dims.ndim
            if is_alike:
                viewer.dims.order = step.order
            self._flat_order = step.flat_order
            for seen in step.layers:
                layer = seen.layer()
                if layer is not None and layer in viewer.layers:
                    self._restore(layer, seen)
                    layers.append(layer)
            if is_alike and step.ndisplay == 2:
                viewer.dims.set_point(range(viewer.dims.ndim), step.point)
            for name, value in step.camera.items():
                setattr(viewer.scene.camera, name, value)
            copy = None if step.added is None else step.added.layer()
            if step.added is not None and copy in layers:
                layers.remove(copy)
                if _is_unchanged(step.added):
                    viewer.layers.remove(copy)
        finally:
            self._is_busy = False
        self._tell()
        return layers

    @staticmethod
    def _is_about(step: _Step, viewer: Any) -> bool:
        """Tell whether any layer that a step has changed is still there."""
        return any(seen.layer() in viewer.layers for seen in step.layers)

    def _viewer(self) -> Any:
        viewer = self._viewer_of()
        if viewer is None:
            raise RuntimeError("The viewer is gone.")
        return viewer

    def _seen(self, layer: Layer) -> _Seen:
        flat, deep = self._flat.get(layer), self._deep.get(layer)
        planes = [plane.model_dump() for plane in layer.experimental_clipping_planes]
        return _Seen(weakref.ref(layer), look_of(layer), flat, deep, layer.visible, planes)

    def _restore(self, layer: Layer, seen: _Seen) -> None:
        set_look(layer, seen.look)
        layer.visible = seen.visible
        layer.experimental_clipping_planes = seen.planes
        for looks, look in ((self._flat, seen.flat), (self._deep, seen.deep)):
            looks.pop(layer, None)
            if look is not None:
                looks[layer] = look

    def _on_ndisplay(self, event: Any = None) -> None:
        """Show slices as they were, and the volume as it was."""
        del event
        viewer = self._viewer_of()
        if viewer is None or self._is_busy:
            return
        is_deep = viewer.dims.ndisplay == 3
        worn, other = (self._flat, self._deep) if is_deep else (self._deep, self._flat)
        rendered = [layer for layer in self._deep if layer in viewer.layers]
        for layer in rendered:
            wanted = other[layer]
            worn[layer] = look_of(layer)  # with what was changed by hand meanwhile
            set_look(layer, wanted)
        if not rendered:
            return
        if is_deep:
            self._flat_order = viewer.dims.order
            straighten(viewer)
        elif self._flat_order is not None and len(self._flat_order) == viewer.dims.ndim:
            viewer.dims.order, self._flat_order = self._flat_order, None

    def _tell(self) -> None:
        self._told = [each for each in self._told if each() is not None]
        for method in [each() for each in self._told]:
            if method is not None:
                method()


def studio_of(viewer: Any) -> Studio:
    """Return the studio of a viewer."""
    viewer = unwrapped(viewer)
    if viewer not in _STUDIOS:
        _STUDIOS[viewer] = Studio(viewer)
    return _STUDIOS[viewer]


def look_in_slices(layer: Layer, viewer: Any) -> Look:
    """Return the look that a layer has in 2D, if a preset gives it another in 3D."""
    studio = _STUDIOS.get(unwrapped(viewer))
    return {} if studio is None else dict(studio._flat.get(layer, {}))


def _place_of(layer: Layer) -> tuple[Any, ...]:
    found = [getattr(layer, name) for name in _PLACE]
    straight = straight_of(layer)  # an oblique one may stand in patient space now and then
    found.append(np.array(layer.affine.affine_matrix if straight is None else straight[0]))
    return tuple(each.tolist() if isinstance(each, np.ndarray) else each for each in found)


def _as_added(layer: Layer) -> _Added:
    return _Added(weakref.ref(layer), weakref.ref(layer.data), _place_of(layer))


def _is_unchanged(added: _Added) -> bool:
    """Tell whether a layer is still what it was when it was added."""
    layer = added.layer()
    return layer is not None and layer.data is added.data() and _place_of(layer) == added.place
