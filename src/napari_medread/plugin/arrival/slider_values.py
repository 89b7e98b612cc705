"""The values of time, echo and b-value beside napari's sliders, which only count."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Any

from qtpy.QtWidgets import QLabel, QWidget

from napari_medread.plugin.bridge.leading_positions import find_slider_positions
from napari_medread.plugin.gui.timers import make_timer
from napari_medread.plugin.gui.viewer_references import get_open_viewer
from napari_medread.plugin.planes.navigation.slice_navigation import find_sliced_layer

VALUE_LABEL = "medread_axis_value"
"""Name of the Qt label beside a slider."""

_DIMS_EVENTS = ("point", "order", "ndisplay", "ndim", "range", "axis_labels")

_LAYER_EVENTS = {
    "inserted", "removed", "reordered", "visible", "metadata", "data", "scale", "translate",
    "affine", "units", "axis_labels",
}  # fmt: skip
"""Events of layers after which a slider may have another value."""


class SliderValues:
    """Shows beside each slider of a viewer the value where it stands, until closed.

    The values are those of the layer whose slice number is counted: the selected one if it is
    visible, else the topmost. Where it has none, nothing is shown.

    Parameters
    ----------
    viewer : ViewerModel
        It is not kept alive.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer_ref = weakref.ref(viewer)
        self._timer = make_timer(0, self._update)
        for emitter, callback in self._followed_events(viewer):
            emitter.connect(callback)

    def _followed_events(self, viewer: Any) -> list[tuple[Any, Any]]:
        return [
            *((getattr(viewer.dims.events, name), self._update_soon) for name in _DIMS_EVENTS),
            (viewer.layers.selection.events.active, self._update_soon),
            (viewer.layers.events, self._on_layers),
        ]

    def close(self) -> None:
        """Stop following the viewer, and remove the values."""
        self._timer.stop()
        viewer = self._viewer_ref()
        if viewer is None:
            return
        for emitter, callback in self._followed_events(viewer):
            emitter.disconnect(callback)
        for _, slider in _find_sliders(viewer):
            if (label := _find_label(slider)) is not None:
                label.hide()
                label.deleteLater()

    def _on_layers(self, event: Any) -> None:
        if event.type in _LAYER_EVENTS:
            self._timer.start()

    def _update_soon(self, event: Any) -> None:
        del event
        self._timer.start()

    def _update(self) -> None:
        viewer = get_open_viewer(self._viewer_ref)
        if viewer is None:
            return
        layer = find_sliced_layer(viewer)
        positions = [] if layer is None else find_slider_positions(viewer, layer)
        first = 0 if layer is None else viewer.dims.ndim - layer.ndim
        values = {first + each.axis: each.value for each in positions}
        sliders = list(_find_sliders(viewer))
        _fit_axis_labels(viewer)
        if any(values.values()) or any(_find_label(slider) is not None for _, slider in sliders):
            _show_values([(slider, values.get(axis, "")) for axis, slider in sliders])


def _find_sliders(viewer: Any) -> Iterator[tuple[int, QWidget]]:
    """Return napari's slider widgets with the viewer's axes they move.

    They are private to napari: where they are not as expected, there are none, and the values
    are only on the canvas and in the panel.
    """
    for slider in getattr(_get_qt_dims(viewer), "slider_widgets", ()):
        axis = getattr(slider, "axis", None)
        if isinstance(axis, int) and isinstance(slider, QWidget):
            yield axis, slider


def _get_qt_dims(viewer: Any) -> Any:
    """Return napari's private widget of all sliders, None where there is none."""
    qt_viewer = getattr(getattr(viewer, "window", None), "_qt_viewer", None)
    return getattr(qt_viewer, "dims", None)


def _fit_axis_labels(viewer: Any) -> None:
    """Make the names of axes before the sliders as wide as they need.

    napari does so when the user changes a name, but not when a layer does.
    """
    fit = getattr(_get_qt_dims(viewer), "_resize_axis_labels", None)
    if callable(fit):
        fit()


def _find_label(slider: QWidget) -> QLabel | None:
    return slider.findChild(QLabel, VALUE_LABEL)


def _show_values(values: list[tuple[QWidget, str]]) -> None:
    """Show values at the ends of the rows of sliders, in a column; without any, hide the column."""
    labels = [(_find_label(slider) or _make_label(slider), value) for slider, value in values]
    is_shown = any(value for _, value in labels)
    # The column never becomes narrower, so that the sliders keep their lengths while they move.
    for label, value in labels:
        label.setText(value)
    widths = [max(label.sizeHint().width(), label.minimumWidth()) for label, _ in labels]
    for label, _ in labels:
        label.setFixedWidth(max(widths))
        label.setVisible(is_shown)


def _make_label(slider: QWidget) -> QLabel:
    """Return a new label at the end of a slider's row."""
    label = QLabel(slider)
    label.setObjectName(VALUE_LABEL)
    label.setToolTip("The value at this position, of the layer whose slice is displayed.")
    if (layout := slider.layout()) is not None:
        layout.addWidget(label)
    return label
