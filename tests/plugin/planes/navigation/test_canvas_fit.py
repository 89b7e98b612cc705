"""A plane fits the canvas that it is shown on, by the sizes of both."""

import numpy as np
import pytest

from helpers.idle import wait_until_idle
from helpers.menus import action
from helpers.scans import AXIAL


@pytest.fixture
def rendered(viewer):
    """Return a layer that is shown in 3D, where napari's controls are wider."""
    viewer.window.resize(900, 600)
    layer = viewer.add_layer(AXIAL.layer())
    controls = viewer.window._qt_viewer.dockLayerControls
    # As wide as they are where colormaps or contrast limits are long.
    viewer.dims.events.ndisplay.connect(
        lambda event: controls.setFixedWidth(420 if event.value == 3 else 320)
    )
    viewer.dims.ndisplay = 3
    wait_until_idle()
    return layer


def zoom_of(viewer, layer):
    """Return the zoom at which a layer takes 95 % of the canvas, as in napari."""
    size = (np.ptp(layer.extent.world, axis=0) + np.abs(layer.scale))[list(viewer.dims.displayed)]
    return pytest.approx(0.95 * min(np.array(viewer.canvas.size) / size), rel=0.01)


def test_a_plane_takes_the_room_that_the_controls_of_3d_give_back(viewer, rendered):
    width_in_3d = viewer.canvas.size[1]
    for plane in ("axial", "coronal"):
        action(viewer, "Layers", "Visualize", f"Show {plane}").trigger()
        wait_until_idle()
        assert viewer.canvas.size[1] > width_in_3d
        assert viewer.scene.camera.zoom == zoom_of(viewer, rendered)
        viewer.dims.ndisplay = 3
        wait_until_idle()


def test_a_zoom_right_after_3d_is_kept(viewer, rendered):
    action(viewer, "Layers", "Visualize", "Show axial").trigger()
    viewer.scene.camera.zoom = 2.5
    wait_until_idle()
    assert viewer.scene.camera.zoom == 2.5
    viewer.window.resize(1000, 700)
    wait_until_idle()
    assert viewer.scene.camera.zoom == 2.5


def test_hidden_layers_do_not_make_a_plane_small(viewer, rendered):
    hidden = AXIAL.layer()
    hidden.scale, hidden.visible = np.array(hidden.scale) * 10, False
    viewer.add_layer(hidden)
    action(viewer, "Layers", "Visualize", "Show sagittal").trigger()
    wait_until_idle()
    assert viewer.scene.camera.zoom == zoom_of(viewer, rendered)


def test_nothing_follows_the_canvas_once_it_has_its_room(viewer, rendered):
    sizes, fits = viewer.canvas.events.size, viewer.events.reset_view
    before = len(sizes.callbacks), len(fits.callbacks)
    for _ in range(2):
        action(viewer, "Layers", "Visualize", "Show axial").trigger()
    wait_until_idle()
    assert (len(sizes.callbacks), len(fits.callbacks)) == before
