"""Beside napari's sliders stand the values of time and b-value, in a real window."""

import numpy as np
from qtpy.QtWidgets import QLabel

from helpers.builders import make_series, make_sets, write_series
from helpers.idle import wait_until_idle
from napari_medread.plugin.arrival.slider_values import VALUE_LABEL
from napari_medread.plugin.arrival.viewer_follower import stop_following

B_VALUES = (0.0, 928.0, 0.0, 464.0)


def weight(t, n, ds):
    ds.DiffusionBValue = B_VALUES[t]
    if B_VALUES[t]:
        ds.DiffusionGradientOrientation = [1, 0, 0] if t == 1 else [0, 1, 0]


def times(t, n, ds):
    ds.TemporalPositionIdentifier = t + 1
    ds.AcquisitionTime = ("100000", "100002", "100007.5")[t]


def values(viewer):
    """Return what is seen beside each slider that is seen, by its axis."""
    wait_until_idle()
    sliders = viewer.window._qt_viewer.dims.slider_widgets
    labels = {each.axis: each.findChild(QLabel, VALUE_LABEL) for each in sliders}
    return {
        axis: label.text()
        for axis, label in labels.items()
        if label is not None and label.isVisible()
    }


def test_a_slider_says_the_b_value_that_is_displayed(viewer, tmp_path):
    run = write_series(tmp_path / "run", make_sets(4, weight))
    viewer.open(run, plugin="napari-medread")
    for step, b_value in enumerate(B_VALUES):
        viewer.dims.set_current_step(0, step)
        assert values(viewer) == {0: f"b = {b_value:.0f} s/mm²", 1: ""}
    viewer.dims.ndisplay = 3  # the axis keeps its slider there
    assert values(viewer) == {0: "b = 464 s/mm²"}
    viewer.dims.ndisplay = 2
    viewer.dims.order = (0, 2, 1, 3)
    assert values(viewer) == {0: "b = 464 s/mm²", 2: ""}
    # A layer without the axis has no value on it.
    (still,) = viewer.open(write_series(tmp_path / "still", make_series()), plugin="napari-medread")
    viewer.layers.selection.active = still
    still.visible = True
    assert not any(values(viewer).values())
    viewer.layers.remove(still)
    assert values(viewer)[0] == "b = 464 s/mm²"
    stop_following(viewer)
    assert values(viewer) == {}


def test_uneven_times_are_in_seconds_since_the_first(viewer, tmp_path):
    viewer.open(write_series(tmp_path, make_sets(3, times)), plugin="napari-medread")
    found = []
    for step in range(3):
        viewer.dims.set_current_step(0, step)
        found.append(values(viewer)[0])
    assert found == ["0.0 s", "2.0 s", "7.5 s"]
    viewer.layers.clear()
    viewer.add_image(np.zeros((3, 4, 5, 6)))
    assert not any(values(viewer).values())


def test_the_names_of_axes_fit_before_the_sliders(viewer, tmp_path):
    """Also where others replace them, as those of a layer over another axis do."""
    viewer.open(write_series(tmp_path, make_sets(4, weight)), plugin="napari-medread")
    wait_until_idle()
    name = "diffusion direction"
    viewer.dims.axis_labels = (name, *viewer.dims.axis_labels[1:])
    wait_until_idle()
    qt_dims = viewer.window._qt_viewer.dims
    label = qt_dims.slider_widgets[0].axis_label
    assert label.text() == name
    assert label.width() >= qt_dims.fontMetrics().horizontalAdvance(name)
