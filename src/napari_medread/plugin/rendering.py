"""Layers rendered in 3D by a preset, their slices as they were, and the way back."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from napari.layers import Image, Layer
from napari.utils import Colormap

from napari_medread.core.display import sample
from napari_medread.core.rendering import STEP, STEPS, Preset, span_of, step_of
from napari_medread.plugin.clipping import drawn_step, voxel_size, whole_box
from napari_medread.plugin.viewers import unwrapped

_LOOK = (
    "depiction", "rendering", "blending", "opacity", "colormap", "gamma", "contrast_limits_range",
    "contrast_limits", "interpolation3d", "attenuation", "iso_threshold",
)  # fmt: skip
"""What a preset sets, in the order in which it can be set back."""

VIEWS = {
    "Anterior": ((0.0, 1.0, 0.0), (-1.0, 0.0, 0.0)),
    "Posterior": ((0.0, -1.0, 0.0), (-1.0, 0.0, 0.0)),
    "Left": ((0.0, 0.0, -1.0), (-1.0, 0.0, 0.0)),
    "Right": ((0.0, 0.0, 1.0), (-1.0, 0.0, 0.0)),
    "Superior": ((1.0, 0.0, 0.0), (0.0, -1.0, 0.0)),
    "Inferior": ((-1.0, 0.0, 0.0), (0.0, -1.0, 0.0)),
}
"""Where the patient is seen from: the way to look and what is up, in (SI, AP, RL)."""

UPRIGHT = ("towards", "down", "right")
"""The orientation of napari's axes in which (SI, AP, RL) is the patient, and no mirror image."""

_FILLED = 0.9
"""Share of the canvas that a volume fills."""

_STEPS_BACK = 50
"""How many steps are kept."""

Look = dict[str, Any]

_STUDIOS: weakref.WeakKeyDictionary[Any, Studio] = weakref.WeakKeyDictionary()


class _Seen(NamedTuple):
    """A layer before a step."""

    layer: weakref.ref[Layer]
    look: Look
    flat: Look | None
    deep: Look | None
    visible: bool
    planes: list[dict[str, Any]]


class _Step(NamedTuple):
    """A viewer before a step; ``what`` are steps that count as one if they follow each other."""

    what: Any
    ndisplay: int
    order: tuple[int, ...]
    point: tuple[float, ...]
    flat_order: tuple[int, ...] | None
    camera: dict[str, Any]
    layers: list[_Seen]


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
        self._is_busy = False
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
    def step(self, layers: Sequence[Layer], what: Any = None) -> Iterator[None]:
        """Remember how things are before changes, which ``back`` takes back together.

        Parameters
        ----------
        layers : sequence of Layer
            That may be changed.
        what : object
            Steps of the same, that follow one another, are taken back as one.
        """
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
                )
            )
            del self._history[:-_STEPS_BACK]
        yield
        self._tell()

    def render(self, layer: Image, preset: Preset, values: Any = None) -> None:
        """Show a layer in 3D by a preset, from the front where it was shown in slices.

        Parameters
        ----------
        layer : Image
        preset : Preset
        values : array, optional
            Some of its values. By default they are taken from what is shown.
        """
        viewer = self._viewer()
        with self.step([layer]):
            self._flat.setdefault(layer, _look_of(layer))
            layer.visible = True
            if viewer.dims.ndisplay == 2:
                self._flat[layer] = _look_of(layer)
                self._deep[layer] = _look_by(layer, preset, values)
                viewer.dims.ndisplay = 3
                self.look_from("Anterior", layer)
            else:
                self._straighten(viewer)
                _set_look(layer, _look_by(layer, preset, values))
                self._deep[layer] = _look_of(layer)

    def inherit(self, layer: Layer, source: Layer) -> None:
        """Give a copy of a layer the look that its source has in slices."""
        if source in self._flat:
            self._flat[layer] = dict(self._flat[source])

    def look_from(self, where: str, layer: Layer | None = None) -> None:
        """Turn the patient so as to be seen from somewhere, head up; fit a layer if given."""
        viewer = self._viewer()
        if viewer.dims.ndisplay != 3:
            viewer.dims.ndisplay = 3
        self._straighten(viewer)
        viewer.scene.camera.set_view_direction(*VIEWS[where])
        if layer is not None:  # viewer.reset_view(layers=[layer]) would keep it alive
            along, up = (int(np.abs(vector).argmax()) for vector in VIEWS[where])
            box = whole_box(layer)
            sizes = np.maximum(box[:, 1] - box[:, 0], 1e-9)
            seen = np.array([sizes[up], sizes[3 - along - up]])  # height and width
            viewer.scene.camera.center = tuple(box.mean(axis=1).tolist())
            viewer.scene.camera.zoom = float(_FILLED * np.min(np.array(viewer.canvas.size) / seen))

    def back(self) -> None:
        """Take the last step back."""
        if not self._history:
            return
        viewer, step = self._viewer(), self._history.pop()
        self._is_busy = True
        try:
            viewer.dims.ndisplay = step.ndisplay
            is_alike = len(step.order) == viewer.dims.ndim
            if is_alike:
                viewer.dims.order = step.order
            self._flat_order = step.flat_order
            for seen in step.layers:
                layer = seen.layer()
                if layer is None or layer not in viewer.layers:
                    continue
                _set_look(layer, seen.look)
                layer.visible = seen.visible
                layer.experimental_clipping_planes = seen.planes
                for looks, look in ((self._flat, seen.flat), (self._deep, seen.deep)):
                    looks.pop(layer, None)
                    if look is not None:
                        looks[layer] = look
            if is_alike and step.ndisplay == 2:
                viewer.dims.set_point(range(viewer.dims.ndim), step.point)
            for name, value in step.camera.items():
                setattr(viewer.scene.camera, name, value)
        finally:
            self._is_busy = False
        self._tell()

    def _viewer(self) -> Any:
        viewer = self._viewer_of()
        if viewer is None:
            raise RuntimeError("The viewer is gone.")
        return viewer

    def _seen(self, layer: Layer) -> _Seen:
        flat, deep = self._flat.get(layer), self._deep.get(layer)
        planes = [plane.model_dump() for plane in layer.experimental_clipping_planes]
        return _Seen(weakref.ref(layer), _look_of(layer), flat, deep, layer.visible, planes)

    def _straighten(self, viewer: Any) -> None:
        """Show the axes in their order, and not mirrored."""
        if viewer.dims.order != tuple(range(viewer.dims.ndim)):
            viewer.dims.order = tuple(range(viewer.dims.ndim))
        if viewer.scene.camera.orientation != UPRIGHT:
            viewer.scene.camera.orientation = UPRIGHT

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
            worn[layer] = _look_of(layer)  # with what was changed by hand meanwhile
            _set_look(layer, wanted)
        if not rendered:
            return
        if is_deep:
            self._flat_order = viewer.dims.order
            self._straighten(viewer)
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


_CAMERA = ("orientation", "perspective", "zoom", "center", "angles")


def _look_of(layer: Layer) -> Look:
    return {name: getattr(layer, name) for name in _LOOK if hasattr(layer, name)}


def _set_look(layer: Layer, look: Look) -> None:
    for name, value in look.items():
        setattr(layer, name, value)


def _look_by(layer: Image, preset: Preset, values: Any) -> Look:
    """Return the look that a preset gives a layer."""
    spacing = voxel_size(layer) * drawn_step(layer)
    step = step_of(spacing)
    limits = preset.limits(_span(layer, values))
    low, high = layer.contrast_limits_range
    return {
        "depiction": "volume",
        "rendering": preset.mode,
        "blending": "opaque" if preset.opaque else "translucent_no_depth",
        "opacity": 1.0,
        "colormap": colormap_of(preset, step),
        "gamma": 1.0,
        "contrast_limits_range": [min(low, limits[0]), max(high, limits[1])],
        "contrast_limits": list(limits),
        "interpolation3d": "linear",
        "attenuation": preset.attenuation * step / STEP,
        "iso_threshold": layer.iso_threshold,
    }


def is_by(layer: Layer, preset: Preset) -> bool:
    """Tell whether a layer wears the colours of a preset."""
    name = str(getattr(getattr(layer, "colormap", None), "name", ""))
    return name.startswith(f"{preset.name} ({preset.scale}, ")


def colormap_of(preset: Preset, step: float = 1.0) -> Colormap:
    """Return the transfer function of a preset, for samples ``step`` mm apart."""
    controls = np.linspace(0, 1, STEPS)
    name = f"{preset.name} ({preset.scale}, {step:.3g} mm)"
    return Colormap(preset.transfer(step), controls=controls, name=name)


def _span(layer: Image, values: Any) -> tuple[float, float]:
    """Return the values of background and of what is brightest, from some of them."""
    if values is None:
        shown = getattr(layer, "_data_view", None)  # in memory; data may not be
        is_shown = shown is not None and shown.ndim == 3
        values = sample(shown if is_shown else layer.data)
    return span_of(values)
