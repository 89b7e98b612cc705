"""What a viewer shows once layers have arrived, and when they are shown or hidden."""

import gc
import weakref
from types import SimpleNamespace

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Layer
from pydicom.uid import (
    MRImageStorage,
    PositronEmissionTomographyImageStorage,
    SecondaryCaptureImageStorage,
)

from helpers.builders import make_image, make_series, save_dataset, write_series
from helpers.idle import wait_until_idle
from helpers.scans import AXIAL
from napari_medread.plugin.arrival import viewer_follower
from napari_medread.plugin.arrival.viewer_follower import announce_layers, follow_viewer
from napari_medread.plugin.bridge.volume_to_layer import to_layers
from napari_medread.plugin.browser.loaded_layers import EntryLayers, LoadedLayers

CT_SLICES, MR_SLICES = 7, 5
MR_SHIFT = -200
"""How many slices the MR lies below the CT: no slice of one meets the other."""


def make_ct(**attributes):
    """Return a CT of 7 slices."""
    return make_series(slices=range(CT_SLICES), **attributes)


def make_mr(**attributes):
    """Return an MR of 5 slices far below the CT."""
    return make_series(
        slices=range(MR_SHIFT, MR_SHIFT + MR_SLICES),
        SOPClassUID=MRImageStorage,
        Modality="MR",
        SeriesInstanceUID="1.2.3.1",
        SeriesNumber=9,
        SeriesDescription="Pelvis",
        **attributes,
    )


def make_pet(**attributes):
    """Return a PET in the place of the CT, of fewer slices."""
    return make_series(
        slices=range(1, 5),
        SOPClassUID=PositronEmissionTomographyImageStorage,
        Modality="PT",
        SeriesInstanceUID="1.2.3.2",
        SeriesNumber=1,
        SeriesDescription="PET",
        **attributes,
    )


def write_study(folder, *series):
    """Write series into one folder."""
    for n, datasets in enumerate(series):
        write_series(folder / f"S{n}", datasets)
    return folder


def names(viewer):
    return [layer.name for layer in viewer.layers]


def canvas_box(viewer):
    """Return the lowest and highest coordinates that the canvas shows, down and to the right."""
    center = np.array(viewer.scene.camera.center[-2:])
    half = np.array(viewer.canvas.size) / viewer.scene.camera.zoom / 2
    return center - half, center + half


def drawn_values(viewer):
    """Return the differing colours of the canvas, without what napari draws over it."""
    wait_until_idle()
    picture = viewer.screenshot(flash=False)
    return np.unique(picture.reshape(-1, picture.shape[-1])[:, :3], axis=0)


def test_a_drop_shows_the_middle_of_the_visible_volume(viewer, drop, tmp_path):
    drop([write_study(tmp_path / "study", make_mr(), make_ct())])
    assert {layer.name: layer.visible for layer in viewer.layers} == {
        "4 Test series": True,
        "9 Pelvis": False,
    }
    ct = viewer.layers["4 Test series"]
    assert viewer.dims.nsteps[0] == CT_SLICES
    assert viewer.dims.current_step[0] == CT_SLICES // 2
    assert ct.world_to_data(viewer.dims.point)[0] == pytest.approx(CT_SLICES // 2)
    low, high = canvas_box(viewer)
    drawn = ct.extent.world[1, 1:] - ct.extent.world[0, 1:] + np.array(ct.scale[1:])
    # napari's own fit leaves 5 % of the canvas free in the tighter direction.
    assert (drawn / (high - low)).max() == pytest.approx(0.95)
    assert len(drawn_values(viewer)) > 3  # not a black canvas


def test_a_drop_selects_what_is_visible(viewer, drop, tmp_path):
    drop([write_study(tmp_path / "study", make_ct(), make_mr())])
    assert viewer.layers.selection.active is viewer.layers["4 Test series"]
    controls = viewer.window._qt_viewer.controls
    assert controls.currentWidget() is controls.widgets[viewer.layers["4 Test series"]]


def test_a_script_finds_the_state_right_after_opening(viewer, tmp_path):
    folder = write_study(tmp_path / "study", make_ct(), make_mr(), make_pet())
    viewer.open(folder, plugin="napari-medread")
    assert viewer.layers.selection.active is viewer.layers["4 Test series"]
    assert [*viewer.layers.selection] == [viewer.layers["4 Test series"]]
    assert names(viewer) == ["4 Test series", "9 Pelvis", "1 PET"]
    assert viewer.dims.nsteps[0] == CT_SLICES


def test_showing_another_volume_instead_goes_to_it(viewer, drop, tmp_path):
    drop([write_study(tmp_path / "study", make_ct(), make_mr())])
    ct, mr = (viewer.layers[name] for name in ("4 Test series", "9 Pelvis"))
    ct.visible = False
    mr.visible = True
    wait_until_idle()
    assert viewer.dims.nsteps[0] == MR_SLICES
    assert mr.world_to_data(viewer.dims.point)[0] == pytest.approx(MR_SLICES // 2)
    assert len(drawn_values(viewer)) > 3


def test_a_second_volume_elsewhere_leaves_the_view_until_the_first_is_hidden(
    viewer, drop, tmp_path
):
    drop([write_study(tmp_path / "study", make_ct(), make_mr())])
    ct, mr = (viewer.layers[name] for name in ("4 Test series", "9 Pelvis"))
    point, zoom = viewer.dims.point, viewer.scene.camera.zoom
    mr.visible = True
    wait_until_idle()
    assert viewer.dims.point == pytest.approx(point)
    assert viewer.scene.camera.zoom == zoom
    ct.visible = False
    wait_until_idle()
    assert mr.world_to_data(viewer.dims.point)[0] == pytest.approx(MR_SLICES // 2)


def test_scrolling_and_zooming_stay_the_user_s(viewer, drop, tmp_path):
    drop([write_study(tmp_path / "study", make_ct(), make_pet())])
    viewer.dims.set_current_step(0, 2)
    viewer.scene.camera.zoom *= 4
    point, camera = viewer.dims.point, (viewer.scene.camera.zoom, viewer.scene.camera.center)
    viewer.layers["1 PET"].visible = True
    viewer.layers.selection.active = viewer.layers["1 PET"]
    wait_until_idle()
    assert viewer.dims.point == point
    assert (viewer.scene.camera.zoom, viewer.scene.camera.center) == camera


def test_the_home_button_fits_what_is_visible(qtbot, viewer, drop, tmp_path):
    drop([write_study(tmp_path / "study", make_ct(), make_mr())])
    fitted = viewer.scene.camera.zoom
    viewer.dims.order = (1, 0, 2)  # where the MR lies below the CT
    wait_until_idle()
    viewer.scene.camera.zoom = 1
    viewer.window._qt_viewer.viewerButtons.resetViewButton.click()
    ct = viewer.layers["4 Test series"]
    low, high = canvas_box(viewer)
    drawn = (ct.extent.world[1] - ct.extent.world[0] + np.array(ct.scale))[[0, 2]]
    assert (drawn / (high - low)).max() == pytest.approx(0.95)
    viewer.dims.order = (0, 1, 2)
    assert viewer.scene.camera.zoom == pytest.approx(fitted)


def test_napari_s_warning_about_units_is_not_shown(viewer, drop, messages, tmp_path):
    drop([write_study(tmp_path / "study", make_ct())])
    for _ in range(2):
        viewer.add_image(np.ones((4, 4)))  # in pixels
        wait_until_idle()
    assert viewer.layers.extent.units is None  # they do not compare
    assert messages() == []


def test_what_the_series_browser_loads_is_shown_and_selected(viewer):
    large = AXIAL._replace(position=(0, 0, 900)).volume()
    small = AXIAL._replace(shape=(5, 20, 16)).volume()
    loaded = LoadedLayers(viewer)
    for group in ([small], [large, small]):
        loaded.begin_group()
        for volume in group:
            entry = SimpleNamespace(name=volume.name, source=())
            loaded.add(EntryLayers(entry, to_layers([volume]), [()]))
        wait_until_idle()
    # The first group stays as it is; of the second, the larger is shown, though it came first.
    assert [layer.visible for layer in viewer.layers] == [True, True, False]
    assert viewer.layers.selection.active is viewer.layers[1]
    assert len(drawn_values(viewer)) > 3
    viewer.layers[0].visible = False
    wait_until_idle()
    assert viewer.dims.nsteps[0] == large.shape[0]


@pytest.mark.parametrize("is_first", [True, False])
def test_a_hidden_colour_picture_is_added_in_3d(viewer, drop, tmp_path, is_first):
    colour = make_image(
        np.full((5, 7, 3), 90, np.uint8),
        SOPClassUID=SecondaryCaptureImageStorage,
        Modality="OT",
        SeriesInstanceUID="1.2.3.4",
        SeriesNumber=3 if is_first else 8,
        SamplesPerPixel=3,
        PlanarConfiguration=0,
        PhotometricInterpretation="RGB",
    )

    def repeat(n, ds):
        ds.TemporalPositionIdentifier = 1 + n // 4

    times = make_series(slices=[*range(4)] * 2, change=repeat)
    viewer.dims.ndisplay = 3
    drop([write_study(tmp_path / "study", [colour], times)])
    run, picture = (
        viewer.layers["4 Test series"],
        viewer.layers["3 Test series" if is_first else "8 Test series"],
    )
    assert (run.visible, picture.visible) == (True, False)
    assert picture.rgb
    assert viewer.layers.selection.active is run
    for ndisplay in (2, 3):
        viewer.dims.ndisplay = ndisplay
        wait_until_idle()
    picture.visible = True
    wait_until_idle()
    viewer.layers.clear()
    assert len(viewer.layers) == 0


def test_following_keeps_no_layer_alive(viewer, collected, tmp_path):
    layers = viewer.open(write_study(tmp_path / "s", make_ct(), make_mr()), plugin="napari-medread")
    refs = [weakref.ref(layer) for layer in layers]
    del layers
    viewer.layers.clear()
    viewer.add_layer(Image(np.ones((3, 4, 5))))
    wait_until_idle()
    collected(*refs)


def test_following_keeps_no_viewer_alive(qapp):
    viewer = ViewerModel()
    follow_viewer(viewer)
    viewer.add_layer(AXIAL.layer())
    wait_until_idle()
    viewer_ref = weakref.ref(viewer)
    del viewer
    wait_until_idle()
    gc.collect()
    assert viewer_ref() is None


def test_a_viewer_without_a_window_is_followed_too(monkeypatch):
    monkeypatch.setattr(viewer_follower, "_has_event_loop", lambda: False)
    viewer = ViewerModel()
    far, near = (AXIAL._replace(position=(0, 0, z)).volume() for z in (900, 0))
    for layer_data in announce_layers(to_layers([near, far]), viewer):
        viewer.add_layer(Layer.create(*layer_data))
    visible, hidden = (viewer.layers[n] for n in (0, 1))
    assert [visible.visible, hidden.visible] == [True, False]
    assert viewer.layers.selection.active is visible
    assert viewer.dims.nsteps[0] == AXIAL.shape[0]
    visible.visible, hidden.visible = False, True
    assert hidden.world_to_data(viewer.dims.point)[0] == pytest.approx(AXIAL.shape[0] // 2)


def test_a_file_of_a_volume_is_enough(viewer, drop, tmp_path):
    drop([save_dataset(make_mr()[0], tmp_path / "IM1")])
    assert viewer.layers.selection.active is viewer.layers[0]
    assert viewer.dims.nsteps[0] == 1
