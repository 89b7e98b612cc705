"""What all panels that work on a layer share, in real viewers."""

import gc
import weakref

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.utils.notifications import notification_manager

from helpers.idle import wait_until_idle
from helpers.menus import action
from helpers.menus import opened as opened_by_menu
from napari_medread.plugin.export.export_panel import Export
from napari_medread.plugin.grayscale.grayscale_panel import GrayscalePanel
from napari_medread.plugin.measure.measure_panel import MeasurePanel
from napari_medread.plugin.resample.resample_panel import ResamplePanel

MENUS = {
    GrayscalePanel: ("Layers", "Data", "Grayscale ("),
    MeasurePanel: ("Layers", "Measure", "Measure ("),
    Export: ("Layers", "Data", "Export ("),
    ResamplePanel: ("Layers", "Transform", "Resample ("),
}
EMPTY = {
    GrayscalePanel: "Open a colour picture first.",
    MeasurePanel: "Draw shapes or labels first.",
    Export: "Open an image or labels layer first.",
    ResamplePanel: "Open an image or labels layer first.",
}


def opened(viewer, kind):
    """Open a panel by its menu, and let Qt show it."""
    panel = opened_by_menu(viewer, *MENUS[kind])
    wait_until_idle()
    return panel


@pytest.fixture(params=MENUS, ids=lambda each: each.__name__)
def kind(request):
    return request.param


@pytest.fixture
def window(make_napari_viewer):
    """Return a function that makes a small viewer with a panel."""

    def made(kind):
        viewer = make_napari_viewer(show=True)
        viewer.window.resize(900, 500)
        return viewer, opened(viewer, kind)

    return made


def fill(viewer, kind, name="scan"):
    """Add what a panel works on, as another plugin does: without any metadata."""
    array = np.arange(4 * 5 * 6 * 3, dtype=np.uint16).reshape(4, 5, 6, 3)
    if kind is GrayscalePanel:
        return viewer.add_image(array, rgb=True, name=name)
    layer = viewer.add_image(array[..., 0], name=name)
    if kind is MeasurePanel:
        viewer.add_labels(np.ones((4, 5, 6), np.uint8), name=f"regions of {name}")
    return layer


@pytest.fixture
def run(qtbot, click, tmp_path):
    """Click a panel's button and wait; return what it says then."""

    def done(panel):
        if isinstance(panel, Export):
            panel.file.value = tmp_path / f"{len(list(tmp_path.iterdir()))}.mhd"
        click(panel.run)
        qtbot.waitUntil(lambda: panel._task is None, timeout=20000)
        return panel.message.value

    return done


def test_an_empty_viewer(viewer, kind):
    panel = opened(viewer, kind)
    assert panel.outcome.value == EMPTY[kind]
    assert panel.layer.value is None
    assert not panel.run.enabled
    assert panel.run.native.isVisible()
    panel._on_run()
    assert not panel.progress.native.isVisible()
    assert len(viewer.layers) == 0
    assert not notification_manager.records


def test_two_viewers_do_not_meddle(qtbot, window, run, kind):
    (one, panel), (other, others) = window(kind), window(kind)
    layer = fill(one, kind, "one")
    assert others.layer.value is None
    assert others.outcome.value == EMPTY[kind]
    wait_until_idle()
    apart = fill(other, kind, "other")
    wait_until_idle()
    assert (panel.layer.choices, others.layer.choices) == ((layer,), (apart,))
    before = list(other.layers)
    assert "one" in run(panel)
    assert list(other.layers) == before
    assert others.message.value == ""
    other.close()
    layer.name = "renamed"
    assert panel.layer.current_choice == "renamed"
    assert panel.run.enabled
    # Before it is drawn: napari itself may fail to draw a layer once another window is gone.
    one.close()


def test_a_layer_renamed_and_deleted(qtbot, viewer, run, kind):
    panel = opened(viewer, kind)
    first, second = fill(viewer, kind, "first"), fill(viewer, kind, "second")
    panel.layer.value = second
    second.name = "renamed"
    assert panel.layer.value is second
    assert panel.layer.current_choice == "renamed"
    assert "renamed" in run(panel)
    viewer.layers.remove(second)
    wait_until_idle()  # napari lets go of what it has drawn
    assert second not in panel.layer.choices
    panel.layer.value = first
    assert panel.run.enabled
    assert "first" in run(panel)
    viewer.layers.clear()
    assert panel.outcome.value == EMPTY[kind]
    assert not panel.run.enabled


def test_a_layer_deleted_while_it_is_worked_on(qtbot, viewer, click, kind, tmp_path):
    panel = opened(viewer, kind)
    fill(viewer, kind)
    if kind is Export:
        panel.file.value = tmp_path / "scan.mhd"
    click(panel.run)
    viewer.layers.clear()
    qtbot.waitUntil(lambda: panel._task is None, timeout=20000)
    wait_until_idle()
    assert not notification_manager.records
    # What comes of the layer is there; measurements of what is gone are not.
    assert len(viewer.layers) == (kind in (GrayscalePanel, ResamplePanel))
    assert (tmp_path / "scan.mhd").exists() == (kind is Export)
    if kind is MeasurePanel:
        assert panel.view.table.rows == ()


def test_it_leaves_nothing_behind_and_opens_again(qtbot, viewer, run, kind):
    layer = fill(viewer, kind)
    wait_until_idle()
    events = [getattr(layer.events, name) for name in kind._followed_events if name in layer.events]
    events.append(viewer.canvas.grid.events.enabled)

    def callbacks():
        return [len(each.callbacks) for each in events]

    before = callbacks()
    for close in ("the button of the dock", "napari's own way"):
        panel = opened(viewer, kind)
        panel.layer.value = layer
        assert "scan" in run(panel)
        (dock,) = viewer.window._wrapped_dock_widgets.values()
        gone = weakref.ref(panel)
        if close == "napari's own way":
            viewer.window.remove_dock_widget(panel.native)
        else:
            dock.destroyOnClose()
        del panel, dock
        layer.name = f"{layer.name} again"  # nobody is there to be told
        wait_until_idle()
        gc.collect()
        assert gone() is None
        assert callbacks() == before
        assert not action(viewer, *MENUS[kind]).isChecked()
    assert not notification_manager.records


def test_it_keeps_no_viewer_alive(qtbot, kind):
    viewer = ViewerModel()
    fill(viewer, kind)
    panel = kind(viewer)
    qtbot.addWidget(panel.native)
    assert panel.run.enabled
    qtbot.waitUntil(lambda: getattr(panel, "_measuring", None) is None, timeout=5000)
    gone = weakref.ref(viewer)
    del viewer
    wait_until_idle()
    gc.collect()
    assert gone() is None
    panel.reset_choices()
    assert panel.layer.value is None
    assert not panel.run.enabled
