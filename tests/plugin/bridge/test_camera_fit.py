"""Fitting the camera to the visible layers."""

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_medread.plugin.bridge.camera_fit import find_layers_extent, fit_to_visible_layers


def make_head(**attributes):
    """Return a small volume far from the origin."""
    return Image(np.ones((4, 6, 5)), scale=(3, 2, 1), translate=(500, 90, -70), **attributes)


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 0, 1)])
@pytest.mark.parametrize("ndisplay", [2, 3])
def test_hidden_layers_do_not_count(order, ndisplay):
    alone, viewer = ViewerModel(), ViewerModel()
    alone.add_layer(make_head())
    viewer.add_image(np.ones((2, 100, 200, 300)), visible=False)
    viewer.add_layer(make_head())
    for each in (alone, viewer):
        each.dims.ndisplay = ndisplay
        each.scene.camera.angles = (10, 20, 30)
        each.dims.order = tuple(range(each.dims.ndim - 3)) + tuple(
            axis + each.dims.ndim - 3 for axis in order
        )
    alone.fit_to_view()
    fit_to_visible_layers(viewer)
    assert viewer.scene.camera.center == pytest.approx(alone.scene.camera.center)
    assert viewer.scene.camera.zoom == pytest.approx(alone.scene.camera.zoom)
    assert viewer.scene.camera.angles == alone.scene.camera.angles


def test_the_extent_has_the_whole_of_the_outermost_voxels():
    viewer = ViewerModel()
    viewer.add_layer(make_head())
    # From the middle of the first voxel to the middle of the last, and half a voxel more.
    low, high = find_layers_extent(viewer, viewer.layers)
    assert low.tolist() == [498.5, 89, -70.5]
    assert high.tolist() == [500 + 3 * 3 + 1.5, 90 + 5 * 2 + 1, -70 + 4 + 0.5]


def test_without_visible_layers_all_are_fitted():
    viewer = ViewerModel()
    layer = viewer.add_layer(make_head(visible=False))
    viewer.fit_to_view()
    center = viewer.scene.camera.center
    viewer.scene.camera.center = (0, 0, 0)
    fit_to_visible_layers(viewer)
    assert viewer.scene.camera.center == center
    assert layer in viewer.layers


def test_a_fit_is_reported_as_napari_s_own():
    viewer, zooms = ViewerModel(), []
    viewer.add_layer(make_head())
    viewer.events.reset_view.connect(lambda event: zooms.append(event.zoom))
    fit_to_visible_layers(viewer)
    assert zooms == [viewer.scene.camera.zoom]


def test_the_extent_is_in_the_world_s_unit_which_a_hidden_layer_may_set():
    viewer = ViewerModel()
    head = viewer.add_layer(make_head(units=("mm",) * 3))
    viewer.add_image(np.ones((4, 4, 4)), units=("um",) * 3, visible=False)
    low, high = find_layers_extent(viewer, [head])
    assert low == pytest.approx([498_500, 89_000, -70_500])
    assert high == pytest.approx([510_500, 101_000, -65_500])
