"""The widget that renders volumes, by real clicks in a real viewer, judged by what is drawn."""

import time
import weakref

import dask.array as da
import nibabel
import numpy as np
import pytest
from napari.utils import Colormap
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from helpers.idle import wait_until_idle
from helpers.keys import typed
from helpers.menus import opened
from napari_medread.core.geometry import Geometry
from napari_medread.core.rendering_presets import (
    CT_RENDERING_PRESETS,
    MR_RENDERING_PRESETS,
    RENDERER_STEP_VOXELS,
)
from napari_medread.core.volume import Volume
from napari_medread.plugin.bridge.patient_space import PatientSpace
from napari_medread.plugin.bridge.volume_to_layer import to_layer
from napari_medread.plugin.rendering import clipping_box, crop_drag, rendered_voxels
from napari_medread.plugin.rendering.lazy_loading import is_in_memory
from napari_medread.plugin.rendering.rendering_session import get_rendering_session

MENU = "Layers", "Visualize", "Volume rendering"

LOOK = (
    "rendering", "blending", "opacity", "gamma", "contrast_limits", "contrast_limits_range",
    "interpolation3d", "attenuation", "iso_threshold", "depiction", "visible",
)  # fmt: skip


@pytest.fixture
def widget(viewer):
    return opened(viewer, *MENU)


@pytest.fixture
def choose(widget, click):
    """Click a preset by its name."""

    def chosen(name):
        click(next(each for each in widget.presets.buttons if each.text() == name))

    return chosen


@pytest.fixture
def look_from(widget, click):
    """Click a view by its name."""

    def looked(name):
        click(next(each for each in widget.views.buttons if each.text() == name))

    return looked


def interpolation_shown(viewer, layer):
    """Return what napari's box for the interpolation says."""
    controls = viewer.window._qt_viewer.controls.widgets[layer]
    return controls._interpolation_control.interpolation_combobox.currentText()


def look(layer):
    return {name: getattr(layer, name) for name in LOOK}


def state(viewer, layer):
    camera = viewer.scene.camera
    return (
        look(layer), layer.colormap, viewer.dims.ndisplay, viewer.dims.order,
        viewer.dims.point if viewer.dims.ndisplay == 2 else None,
        camera.angles, camera.center, camera.zoom, len(layer.experimental_clipping_planes),
    )  # fmt: skip


def drawn(viewer):
    """Return what the canvas shows once all is drawn, in grey, (rows, columns)."""
    wait_until_idle()
    return viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(float).mean(axis=-1)


def spot(viewer):
    """Return where the brightness that is drawn lies: row and column from -1 to 1."""
    picture = drawn(viewer)
    picture[picture < 60] = 0
    assert picture.any()
    middle = [(n - 1) / 2 for n in picture.shape]
    return [
        (np.average(place, weights=picture) - half) / half
        for place, half in zip(np.indices(picture.shape), middle, strict=True)
    ]


def test_a_preset_sets_all_together_and_back_restores_it(viewer, widget, choose, click, look_from):
    (layer,) = viewer.open_sample("napari-medread", "ct_thorax")
    layer.gamma, layer.opacity, layer.iso_threshold = 1.3, 0.8, 7.0
    layer.colormap, layer.contrast_limits = "bop orange", (-111.5, 222.25)
    layer.visible = False
    viewer.dims.order = (1, 0, 2)
    viewer.dims.set_point(1, 33.0)
    offered = [each.text() for each in widget.presets.buttons if each.isVisible()]
    assert offered == ["Bone", "Vessels", "Lungs", "Skin", "Soft tissue", "MIP", "X-ray"]
    assert not widget.undo.enabled
    before = [state(viewer, layer)]
    choose("Bone")
    assert viewer.dims.ndisplay == 3
    assert viewer.dims.order == (0, 1, 2)
    assert layer.visible
    assert layer.rendering == "translucent"
    assert layer.contrast_limits == [100, 1500]
    assert (layer.gamma, layer.opacity, layer.interpolation3d) == (1.0, 1.0, "linear")
    np.testing.assert_allclose(viewer.scene.camera.view_direction, (0, 1, 0), atol=1e-6)
    np.testing.assert_allclose(viewer.scene.camera.up_direction, (-1, 0, 0), atol=1e-6)
    # 1 mm of bone of 800 HU holds back 0.6; a sample stands for this many mm:
    step = RENDERER_STEP_VOXELS * (5.0 * 2.2 * 2.3) ** (1 / 3)
    share = (800 - 100) / (1500 - 100)
    np.testing.assert_allclose(layer.colormap.map(share)[0, 3], 1 - 0.4**step, atol=2e-3)
    assert widget.presets.buttons[0].isChecked()
    assert widget.legend.isVisible()
    look_from("Left")
    before.append(state(viewer, layer))
    choose("MIP")
    assert layer.rendering == "mip"
    assert layer.contrast_limits == [0, 800]
    assert not widget.presets.buttons[0].isChecked()
    # The view stays where it was turned to.
    np.testing.assert_allclose(viewer.scene.camera.view_direction, (0, 0, -1), atol=1e-6)
    while before:
        click(widget.undo)
        wanted = before.pop()
        assert state(viewer, layer) == wanted
        assert layer.colormap is wanted[1]
    assert not widget.undo.enabled


def test_slices_stay_grey_and_the_volume_keeps_its_colours(viewer, widget, choose):
    (layer,) = viewer.open_sample("napari-medread", "ct_thorax")
    viewer.dims.order = (2, 0, 1)
    layer.interpolation2d, layer.interpolation3d = "cubic", "nearest"
    layer.interpolation2d = "cubic"  # napari's box shows the one that was set last
    grey = look(layer)
    choose("Skin")
    assert interpolation_shown(viewer, layer) == layer.interpolation3d == "linear"
    layer.gamma = 0.9  # by hand
    deep, colours = look(layer), layer.colormap
    viewer.window._qt_viewer.viewerButtons.ndisplayButton.click()
    assert viewer.dims.ndisplay == 2
    assert look(layer) == grey
    assert interpolation_shown(viewer, layer) == layer.interpolation2d == "cubic"
    assert layer.colormap.name == "gray"
    assert viewer.dims.order == (2, 0, 1)
    layer.contrast_limits = (0, 80)
    # Also when the widget is closed.
    viewer.window.remove_dock_widget(widget.native)
    viewer.window._qt_viewer.viewerButtons.ndisplayButton.click()
    assert viewer.dims.ndisplay == 3
    assert look(layer) == deep
    assert layer.colormap is colours
    assert viewer.dims.order == (0, 1, 2)
    viewer.dims.ndisplay = 2
    assert layer.contrast_limits == [0, 80]
    again = opened(viewer, *MENU)
    assert again.undo.enabled
    again.undo.native.click()
    assert look(layer) == grey
    assert interpolation_shown(viewer, layer) == "cubic"


# Where a marker at the patient's superior, anterior left shows up: rows down, columns right.
SEEN = {
    "Anterior": (-1, 1),
    "Posterior": (-1, -1),
    "Left": (-1, -1),
    "Right": (-1, 1),
    "Superior": (-1, -1),
    "Inferior": (-1, 1),
}


@pytest.mark.parametrize("flips", [(1, 1, 1), (-1, 1, -1)])
def test_the_patient_is_not_mirrored(viewer, widget, choose, click, flips, look_from):
    scale, affine = np.array([3.0, 1.0, 1.5]), np.diag([*flips, 1.0])
    data = np.zeros((8, 24, 16), np.int16)
    marker = (slice(0, 2), slice(0, 6), slice(12, 16))  # in (inferior, posterior, left)
    data[marker] = 1000
    data = data[tuple(slice(None, None, flip) for flip in flips)]
    layer = viewer.add_image(
        data, scale=scale, affine=affine, units="mm", axis_labels=("SI", "AP", "RL"),
        metadata={"value_unit": "HU"},
    )  # fmt: skip
    viewer.scene.camera.orientation = ("away", "down", "right")  # a left-handed one
    choose("MIP")
    for name, (row, column) in SEEN.items():
        look_from(name)
        place = spot(viewer)
        assert np.sign(place[0]) == row, name
        assert np.sign(place[1]) == column, name
    click(widget.undo)
    assert viewer.scene.camera.orientation == ("away", "down", "right")
    assert layer.rendering == "mip"


def blocks(scale, flips):
    """Return how a layer of bright blocks is added."""
    return {
        "scale": scale, "units": "mm", "axis_labels": ("SI", "AP", "RL"), "colormap": "gray",
        "affine": np.diag([*flips, 1.0]), "metadata": {"value_unit": "HU"},
        "contrast_limits": (0, 800), "rendering": "mip",
    }  # fmt: skip


@pytest.mark.filterwarnings("ignore:data shape.*exceeds GL_MAX_TEXTURE_SIZE")
@pytest.mark.parametrize("flips", [(1, 1, 1), (-1, -1, -1)])
@pytest.mark.parametrize("limit", [2048, 10])
def test_the_box_cuts_what_it_says(viewer, widget, click, monkeypatch, flips, limit, look_from):
    # The limit of 10 is no real GPU's: it makes napari leave out voxels of this small volume.
    real = "napari._vispy.layers.base.get_max_texture_sizes"
    monkeypatch.setattr(real, lambda: (2048, limit))
    monkeypatch.setattr(rendered_voxels, "get_texture_limit", lambda: limit)
    monkeypatch.setattr(
        "napari_medread.plugin.rendering.renderable_layers.get_texture_limit", lambda: limit
    )
    scale = np.array([3.0, 1.0, 1.5])
    data = np.zeros((16, 16, 16), np.int16)
    bright = (slice(2, 6), slice(2, 6), slice(2, 6)), (slice(10, 14), slice(10, 14), slice(10, 14))
    for each in bright:
        data[each] = 1000
    data = data[tuple(slice(None, None, flip) for flip in flips)]
    layer = viewer.add_image(data, **blocks(scale, flips))
    look_from("Anterior")
    assert ("exceed this GPU's limit of 10 per side" in widget.outcome.value) == (limit == 10)
    whole = spot(viewer)
    np.testing.assert_allclose(whole, 0, atol=0.1)
    views = ("Left", "Left", "Anterior")  # in which the axis can be seen
    for axis, (slider, view) in enumerate(zip(widget.crop.sliders, views, strict=True)):
        look_from(view)
        full = slider.value()
        assert full == (0.0, 16 * scale[axis])
        # Superior is up; anterior is left when seen from the left; right is left.
        along, sign = (0, 1) if axis == 0 else (1, 1)
        for kept, side in (((0.0, 8 * scale[axis]), -1), ((8 * scale[axis], full[1]), 1)):
            slider.setValue(kept)
            assert np.sign(spot(viewer)[along]) == side * sign, (axis, side)
        # A block goes when its last voxel goes, and not before.
        slider.setValue((0.0, 3 * scale[axis]))
        assert (drawn(viewer) > 60).any()
        # A coarsened one is blurred as far as the last voxel that was drawn before it.
        slider.setValue((0.0, (0.5 if limit == 10 else 1.5) * scale[axis]))
        assert not (drawn(viewer) > 60).any()
        click(widget.undo)  # all moves of one slider are one step
        assert slider.value() == full
        assert not layer.experimental_clipping_planes


def test_a_crop_ends_between_the_voxels_that_it_names(viewer, widget, click, look_from):
    data = np.full((4, 4, 4), 1000, np.int16)  # thick ones along AP
    layer = viewer.add_image(data, **blocks((4.0, 10.0, 4.0), (1, 1, 1)))
    look_from("Left")
    viewer.scene.camera.zoom = 7  # all of it is on the canvas
    columns = np.flatnonzero((drawn(viewer) > 60).any(axis=0))
    left, right = columns[0], columns[-1] + 1
    for share in (0.25, 0.5, 0.75):
        widget.crop.sliders[1].setValue((0.0, 40 * share))
        found = np.flatnonzero((drawn(viewer) > 60).any(axis=0))[-1] + 1
        assert found == pytest.approx(left + share * (right - left), abs=6)
        np.testing.assert_allclose(
            clipping_box.find_clipping_box(layer)[1], (-5, 40 * share - 5), atol=1e-9
        )


def test_a_crop_cuts_all_selected_layers_and_can_be_reset(viewer, widget, choose, click):
    (layer,) = viewer.open_sample("napari-medread", "ct_thorax")
    regions = viewer.add_labels(np.ones(layer.data.shape, np.uint8), scale=layer.scale, units="mm")
    regions.translate = layer.translate
    other = viewer.add_image(np.zeros((3, 4, 5)), units="mm", name="other")
    viewer.layers.selection = {layer, regions}
    widget.layer.value = layer
    whole = clipping_box.find_layer_box(layer)
    widget.crop.sliders[2].setValue((100.0, 200.0))
    for each in (layer, regions):
        (low, high) = clipping_box.find_clipping_box(each)[2]
        assert low == pytest.approx(whole[2, 0] + 100)
        assert high == pytest.approx(whole[2, 0] + 200)
    assert not other.experimental_clipping_planes
    click(widget.reset)
    assert not layer.experimental_clipping_planes
    assert not regions.experimental_clipping_planes
    click(widget.undo)
    assert len(layer.experimental_clipping_planes) == len(regions.experimental_clipping_planes) == 2
    assert widget.crop.sliders[2].value() == pytest.approx((100.0, 200.0))
    layer.translate = np.array(layer.translate) + 7  # the box stays in the world
    assert widget.crop.sliders[2].value() == pytest.approx((93.0, 193.0))


def test_a_copy_that_the_gpu_takes(qtbot, viewer, widget, choose, click, monkeypatch):
    # No machine here has a limit that small data exceed, so the limit is made up.
    limit = 64
    for place in ("rendering.rendered_voxels", "rendering.renderable_layers"):
        monkeypatch.setattr(f"napari_medread.plugin.{place}.get_texture_limit", lambda: limit)
    (layer,) = viewer.open_sample("napari-medread", "ct_thorax")
    choose("Bone")
    grey = get_rendering_session(viewer)._slice_appearances[layer]["colormap"]
    assert "152 × 112 × 60 voxels exceed this GPU's limit of 64 per side" in widget.outcome.value
    assert "one voxel in 3 along RL" in widget.outcome.value
    click(widget.run)
    qtbot.waitUntil(lambda: widget._task is None, timeout=20000)
    copy = viewer.layers[-1]
    assert copy is not layer
    assert copy.data.shape == (60, 64, 64)
    assert "patient_affine" in copy.metadata
    np.testing.assert_allclose(
        clipping_box.find_layer_box(copy), clipping_box.find_layer_box(layer), atol=1.0
    )
    assert not layer.visible
    assert widget.layer.value is copy
    assert copy.contrast_limits == [100, 1500]
    assert not widget.run.native.isVisible()
    viewer.dims.ndisplay = 2
    assert copy.colormap is grey


def computed(values, folder):
    """Return values as an array that dask computes."""
    del folder
    return da.from_array(values, chunks=(*[1] * (values.ndim - 3), 4, 20, 30))


def stored(values, folder):
    """Return values as an array that reads its file where it is indexed."""
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), folder / "stored.nii")
    return nibabel.load(folder / "stored.nii").dataobj


@pytest.mark.parametrize("lead", [(), (3,)])
@pytest.mark.parametrize("kind", [computed, stored])
def test_a_lazy_volume_is_read_beside_the_window(
    qtbot, viewer, widget, choose, tmp_path, kind, lead
):
    values = np.random.default_rng(1).integers(0, 900, (*lead, 6, 20, 30)).astype(np.int16)
    layer = viewer.add_image(
        kind(values, tmp_path), scale=(*lead, 2, 1, 1), name="lazy", contrast_limits=(0, 900)
    )
    if lead:
        viewer.dims.set_current_step(0, 1)
    widget._update_controls()
    assert "a preset first loads 0.0 MB" in widget.outcome.value
    choose("MIP")
    assert viewer.dims.ndisplay == 2  # still reading
    qtbot.waitUntil(lambda: widget._task is None, timeout=20000)
    assert viewer.dims.ndisplay == 3
    np.testing.assert_array_equal(np.asarray(layer.data), values)
    assert isinstance(layer.data, da.Array) == bool(lead)
    assert layer.rendering == "mip"
    assert widget.message.value == "Loaded lazy into memory."


def test_of_many_times_the_one_in_3d_is_in_memory_and_no_other(qtbot, viewer, widget, choose):
    values = np.arange(3 * 6 * 8 * 10, dtype=np.int16).reshape(3, 6, 8, 10)
    read = []

    def read_block(block, block_info=None):
        read.append(block_info[0]["array-location"][0][0])
        return block

    data = da.from_array(values, chunks=(1, 6, 8, 10)).map_blocks(read_block, dtype=np.int16)
    layer = viewer.add_image(data, scale=(1, 1, 1, 1), contrast_limits=(0, 1500))
    for time_index in (0, 2):
        viewer.dims.ndisplay = 2
        viewer.dims.set_current_step(0, time_index)
        widget._update_controls()
        choose("MIP")
        qtbot.waitUntil(lambda: widget._task is None, timeout=20000)
        assert is_in_memory(layer, viewer.dims.point)
    for time_index, is_read in ((2, False), (0, True)):
        read.clear()
        np.testing.assert_array_equal(np.asarray(layer.data[time_index]), values[time_index])
        assert bool(read) == is_read


def test_labels_stay_where_they_are_stored(viewer):
    class Stored:
        shape, ndim, dtype = (3, 4, 5), 3, np.dtype(np.uint8)

        def __getitem__(self, index):
            return np.zeros(self.shape, self.dtype)[index]

    labels = viewer.add_labels(Stored())
    assert is_in_memory(labels, viewer.dims.point)
    assert is_in_memory(viewer.add_shapes(), viewer.dims.point)


def test_what_is_offered_and_said(viewer, widget):
    assert widget.outcome.value.startswith("Open a volume first")
    assert not widget.reset.enabled
    viewer.add_image(np.zeros((5, 6)), name="plane")
    viewer.add_labels(np.zeros((3, 4, 5), int))
    viewer.add_image(np.zeros((3, 4, 5, 3), np.uint8), rgb=True)
    assert not widget.layer.choices
    (mr,) = viewer.open_sample("napari-medread", "mr_sagittal")
    assert [each.name for each in widget._offered] == [each.name for each in MR_RENDERING_PRESETS]
    assert "It is oblique" in widget.outcome.value
    mr.metadata["modality"] = "PT"
    widget._update_controls()
    assert widget.presets.buttons[0].text() == "Inverted MIP"
    plain = viewer.add_image(np.random.default_rng(0).random((5, 6, 7)), name="plain")
    widget.layer.value = plain
    assert {"Bone", "Surface"} <= {each.text() for each in widget.presets.buttons}
    assert "assume HU" in widget.outcome.value
    assert "orientation in the patient is not known" in widget.outcome.value
    plain.name = "renamed"
    assert widget.layer.current_choice == "renamed"
    viewer.layers.clear()
    assert widget.outcome.value.startswith("Open a volume first")


def test_a_preset_whose_values_a_layer_cannot_hold_is_refused(viewer, widget, choose):
    layer = viewer.add_image(
        np.random.default_rng(0).integers(0, 255, (5, 6, 7)).astype(np.uint8), name="bytes"
    )
    before = layer.contrast_limits, layer.colormap.name
    for ndisplay in (2, 3):
        viewer.dims.ndisplay = ndisplay
        choose("Lungs")
        assert "its data type only holds 0 to 255" in widget.message.value
        assert (layer.contrast_limits, layer.colormap.name) == before
        assert viewer.dims.ndisplay == ndisplay
        assert not widget.undo.enabled
        assert not any(each.isChecked() for each in widget.presets.buttons)
    choose("MIP")
    assert widget.message.value == ""
    assert layer.rendering == "mip"


def test_going_back_passes_over_layers_that_are_gone(viewer, widget, choose, click):
    (layer,) = viewer.open_sample("napari-medread", "ct_thorax")
    other = viewer.add_image(np.random.default_rng(0).random((5, 6, 7)), units="mm")
    widget.layer.value = layer
    choose("Bone")
    widget.layer.value = other
    choose("Shaded MIP")
    viewer.layers.remove(other)
    click(widget.undo)
    assert viewer.dims.ndisplay == 2
    assert layer.colormap.name == "gray"
    assert not widget.undo.enabled


def test_it_keeps_no_layer_alive(viewer, widget, choose, collected):
    layer = viewer.add_image(np.random.default_rng(0).random((5, 6, 7)), units="mm")
    choose("Surface")
    widget.crop.sliders[0].setValue((0.0, 2.0))
    gone = weakref.ref(layer), weakref.ref(layer.data)
    del layer
    viewer.layers.clear()
    collected(*gone)


def test_colormaps_are_named(viewer, widget, choose):
    (layer,) = viewer.open_sample("napari-medread", "ct_thorax")
    choose("Lungs")
    assert isinstance(layer.colormap, Colormap)
    assert layer.colormap.name.startswith("Lungs (HU")
    assert CT_RENDERING_PRESETS[2].make_contrast_limits() == tuple(layer.contrast_limits)


def test_crops_are_typed_and_dragged(viewer, widget, click, look_from):
    layer = viewer.add_image(np.full((8, 10, 12), 1000, np.int16), **blocks((3, 1, 1.1), (1, 1, 1)))
    crop, (low, high) = widget.crop, clipping_box.find_layer_box(layer)[2]
    look_from("Anterior")
    typed(crop.numbers[2][0], "3.3")
    np.testing.assert_allclose(clipping_box.find_clipping_box(layer)[2], (low + 3.3, high))
    assert len(layer.experimental_clipping_planes) == 1  # of 13.2 mm nothing is cut at the end
    assert crop.numbers[2][1].text() == "13.2 mm"
    typed(crop.numbers[2][1], "9")
    assert len(layer.experimental_clipping_planes) == 2
    typed(crop.numbers[2][1], "13.2")  # which is 12 x 1.1 again, to the last digit
    assert len(layer.experimental_clipping_planes) == 1
    typed(crop.numbers[2][1], "2")  # below the other
    np.testing.assert_allclose(clipping_box.find_clipping_box(layer)[2], (low + 2, low + 3.3))
    assert crop.numbers[2][0].text() == "2.0 mm"
    click(widget.undo)
    assert not layer.experimental_clipping_planes
    slider = crop.sliders[0]
    start, end = QPoint(slider.width() - 8, slider.height() // 2), QPoint(slider.width() // 2, 8)
    QTest.mousePress(slider, Qt.MouseButton.LeftButton, pos=start)
    for at in (start, (start + end) / 2, end):
        QTest.mouseMove(slider, at)
        wait_until_idle()
    QTest.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=end)
    first, last = clipping_box.find_clipping_box(layer)[0]
    assert (first, last) == (-1.5, pytest.approx(10.5, abs=2))
    assert crop.numbers[0][1].value() == pytest.approx(last + 1.5, abs=0.05)


def volume_node(viewer, layer):
    """Return what vispy draws a volume with."""
    return viewer.window._qt_viewer.canvas.layer_to_visual[layer]._layer_node._volume_node


def test_a_drag_of_twenty_moves_is_drawn_coarsely_and_at_its_end_finely(
    viewer, widget, look_from, monkeypatch
):
    layer = viewer.add_image(np.full((8, 10, 12), 1000, np.int16), **blocks((3, 1, 1), (1, 1, 1)))
    look_from("Anterior")
    node, slider, boxes = volume_node(viewer, layer), widget.crop.sliders[2], []
    fine = node.relative_step_size

    def clip(clipped, box):
        clipping_box.clip_to_box(clipped, box)
        boxes.append(box[2, 1])

    monkeypatch.setattr(crop_drag, "clip_to_box", clip)
    wait_until_idle()
    start, end = QPoint(slider.width() - 8, slider.height() // 2), QPoint(slider.width() // 2, 8)
    QTest.mousePress(slider, Qt.MouseButton.LeftButton, pos=start)
    for move in range(1, 21):  # while the window is busy, and does nothing else
        QTest.mouseMove(slider, start + (end - start) * (move / 20))
    assert len(boxes) == 1
    assert node.relative_step_size > fine
    shown = slider.value()[1]
    assert shown < 8
    QTest.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=end)
    assert node.relative_step_size == fine
    assert boxes[1:] == [pytest.approx(clipping_box.find_layer_box(layer)[2, 0] + shown)]
    wait_until_idle()
    assert len(boxes) == 2
    assert slider.value()[1] == pytest.approx(shown)


def test_back_in_slices_the_volume_is_given_back_and_comes_again_in_3d(viewer, widget, choose):
    data = np.zeros((20, 20, 20), np.int16)
    data[5:15, 5:15, 5:15] = 1000
    layer = viewer.add_image(data, **blocks((1, 1, 1), (1, 1, 1)))
    choose("MIP")
    before, node = drawn(viewer), volume_node(viewer, layer)
    center = viewer.scene.camera.center
    assert node._last_data.size == node._texture.shape[0] ** 3 == data.size
    on_gpu = weakref.ref(node._last_data)
    viewer.dims.ndisplay = 2
    assert node._last_data.size == node._texture.shape[0] == 1
    assert on_gpu() is None
    viewer.dims.ndisplay = 3
    viewer.scene.camera.center = center
    np.testing.assert_array_equal(drawn(viewer), before)


def test_what_drew_a_removed_volume_is_kept_without_its_voxels(viewer, widget, choose, collected):
    layer = viewer.add_image(np.ones((20, 20, 20), np.int16), **blocks((1, 1, 1), (1, 1, 1)))
    choose("MIP")
    drawn(viewer)
    node, removed = weakref.ref(volume_node(viewer, layer)), weakref.ref(layer)
    on_gpu = weakref.ref(node()._last_data)
    del layer
    viewer.layers.clear()
    collected(removed, on_gpu)
    # Mesa 22.3 would crash where the program is deleted before something else is drawn.
    assert node() is not None
    assert node()._texture.shape[:3] == (1, 1, 1)


def oblique(degrees):
    """Return a bright volume that lies obliquely in the patient, turned about the AP axis."""
    angle = np.deg2rad(degrees)
    across = np.array([np.cos(angle), 0, np.sin(angle)])
    down = np.array([np.sin(angle), 0, -np.cos(angle)])
    affine = np.eye(4)  # from slice, row and column to LPS
    affine[:3, :3] = np.stack([4 * down, [0, 3, 0], 2 * across], axis=1)
    data = np.full((10, 10, 20), 1000, np.int16)
    return Volume(data, "oblique", Geometry(data.shape, affine), modality="CT", value_unit="HU")


@pytest.mark.parametrize("in_patient", [False, True])
def test_oblique_volumes_are_cut_where_they_stand(viewer, widget, choose, click, in_patient):
    (layer,) = viewer._add_layer_from_data(*to_layer(oblique(25)))
    space = PatientSpace(viewer)
    space.switch(on=in_patient)
    choose("MIP")
    assert ("drawn straight" in widget.outcome.value) != in_patient
    assert ("drawn where it lies" in widget.outcome.value) == in_patient
    box = clipping_box.find_layer_box(layer)
    if in_patient:  # the corners of 40 x 40 mm, turned by 25 degrees
        width = 40 * (np.cos(np.deg2rad(25)) + np.sin(np.deg2rad(25)))
        np.testing.assert_allclose(box[[0, 2], 1] - box[[0, 2], 0], width)
    else:
        np.testing.assert_allclose(box[:, 1] - box[:, 0], (40, 30, 40))
    camera = viewer.scene.camera
    camera.center, camera.perspective = box.mean(axis=1), 0
    for share in (0.3, 0.5):
        place = share * (box[2, 1] - box[2, 0])
        typed(widget.crop.numbers[2][1], f"{place:.1f}")
        picture = drawn(viewer) > 60
        last = np.flatnonzero(picture.any(axis=0))[-1]
        expected = picture.shape[1] / 2 + (box[2, 0] + place - camera.center[2]) * camera.zoom
        assert last == pytest.approx(expected, abs=4)
    click(widget.undo)  # the two were one step
    assert not layer.experimental_clipping_planes
    space.close()


def slowly(block):
    time.sleep(0.05)
    return block


def test_reading_for_3d_can_be_cancelled(qtbot, viewer, widget, choose, click):
    data = da.zeros((200, 20, 20), chunks=(1, 20, 20), dtype=np.int16).map_blocks(
        slowly, dtype=np.int16
    )
    layer = viewer.add_image(data, contrast_limits=(0, 100), name="lazy")
    choose("MIP")
    assert not widget.presets.isEnabled()
    qtbot.waitUntil(lambda: widget.progress.value > 2, timeout=20000)
    click(widget.cancel)
    qtbot.waitUntil(lambda: widget._task is None, timeout=5000)
    assert widget.message.value == "Cancelled."
    assert not widget.cancel.native.isVisible()
    assert viewer.dims.ndisplay == 2
    assert layer.data is data
    assert not any(each.isChecked() for each in widget.presets.buttons)
    # Without its layer it ends by itself.
    choose("MIP")
    qtbot.waitUntil(lambda: widget.progress.value > 2, timeout=20000)
    viewer.layers.clear()
    qtbot.waitUntil(lambda: widget._task is None, timeout=5000)
    assert viewer.dims.ndisplay == 2


def test_a_pyramid_is_rendered_and_copied(qtbot, viewer, widget, choose, click, look_from):
    fine = np.zeros((32, 32, 32), np.int16)
    fine[8:24, 8:24, 8:24] = 1000
    levels = [fine, da.from_array(fine[::2, ::2, ::2], chunks=(1, 16, 16))]
    layer = viewer.add_image(levels, multiscale=True, **blocks((1, 1, 1), (1, 1, 1)))
    assert (
        "3D shows the coarsest of its 2 resolutions, 16 × 16 × 16: one voxel in 2"
        in widget.outcome.value
    )
    assert "first loads 0.0 MB" in widget.outcome.value
    choose("MIP")
    qtbot.waitUntil(lambda: widget._task is None, timeout=20000)
    assert viewer.dims.ndisplay == 3
    assert [type(each) for each in layer.data] == [np.ndarray, np.ndarray]
    assert layer.rendering == "mip"
    look_from("Anterior")
    for kept, side in (((0.0, 16.0), -1), ((16.0, 32.0), 1)):
        widget.crop.sliders[2].setValue(kept)
        assert np.sign(spot(viewer)[1]) == side
    click(widget.run)
    qtbot.waitUntil(lambda: widget._task is None, timeout=20000)
    copy = viewer.layers[-1]
    np.testing.assert_array_equal(copy.data, fine)
    assert (copy.rendering, layer.visible) == ("mip", False)
    click(widget.undo)
    assert list(viewer.layers) == [layer]
    assert layer.visible


@pytest.mark.parametrize("change", [None, "name", "data", "translate"])
def test_going_back_takes_a_copy_away_unless_it_was_changed(
    qtbot, viewer, widget, choose, click, monkeypatch, change
):
    for place in ("rendering.rendered_voxels", "rendering.renderable_layers"):
        monkeypatch.setattr(f"napari_medread.plugin.{place}.get_texture_limit", lambda: 20)
    layer = viewer.add_image(np.random.default_rng(0).random((9, 10, 40)), units="mm", name="long")
    choose("MIP")
    click(widget.run)
    qtbot.waitUntil(lambda: widget._task is None, timeout=20000)
    assert "hid long." in widget.message.value
    copy = widget.layer.value
    assert copy is viewer.layers[-1] is not layer
    viewer.dims.ndisplay = 2
    copy.contrast_limits = 0, 0.5  # a look is no change
    if change is not None:
        value = {"name": "mine", "data": copy.data + 1, "translate": (1, 2, 3)}[change]
        setattr(copy, change, value)
    click(widget.undo)
    assert (copy in viewer.layers) == (change is not None)
    assert layer.visible
    assert widget.layer.value is layer
    assert viewer.dims.ndisplay == 3
    click(widget.undo)
    assert viewer.dims.ndisplay == 2
    assert not widget.undo.enabled


def test_four_axes(viewer, widget, choose, click):
    data = np.zeros((3, 8, 10, 12), np.int16)
    data[1, 2:6, 2:8, :4] = 1000  # on the patient's right
    layer = viewer.add_image(
        data, scale=(2, 3, 1, 1), units=("s", "mm", "mm", "mm"),
        axis_labels=("time", "SI", "AP", "RL"), metadata={"value_unit": "HU"},
    )  # fmt: skip
    viewer.dims.set_current_step(0, 1)
    choose("MIP")
    assert viewer.dims.displayed == (1, 2, 3)
    assert spot(viewer)[1] < 0
    viewer.dims.set_current_step(0, 2)
    assert not (drawn(viewer) > 60).any()
    viewer.dims.set_current_step(0, 1)
    typed(widget.crop.numbers[2][0], "6")
    assert not (drawn(viewer) > 60).any()
    click(widget.reset)
    assert (drawn(viewer) > 60).any()
    click(widget.undo)
    click(widget.undo)
    click(widget.undo)
    assert viewer.dims.ndisplay == 2
    assert viewer.dims.current_step[0] == 1
    assert layer.colormap.name == "gray"


def test_two_viewers_with_a_panel_each(viewer, widget, choose, click, make_napari_viewer):
    second = make_napari_viewer(show=True)
    theirs = opened(second, *MENU)
    wait_until_idle()  # both are shown
    data = np.random.default_rng(0).random((5, 6, 7))
    here, there = (each.add_image(data, units="mm") for each in (viewer, second))
    assert theirs.layer.choices == (there,)
    choose("MIP")
    assert second.dims.ndisplay == 2
    assert not theirs.undo.enabled
    click(theirs.presets.buttons[2])
    typed(theirs.crop.numbers[0][0], "2")
    assert there.colormap.name.startswith("Surface")
    assert here.colormap.name.startswith("MIP")
    assert not here.experimental_clipping_planes
    click(widget.undo)
    assert viewer.dims.ndisplay == 2
    assert second.dims.ndisplay == 3
    assert len(there.experimental_clipping_planes) == 1
    click(theirs.undo)
    click(theirs.undo)
    assert second.dims.ndisplay == 2
    assert there.colormap.name == "gray"


def test_closed_it_is_gone_and_opens_again(qtbot, viewer, widget, choose):
    layer = viewer.add_image(np.random.default_rng(0).random((5, 6, 7)), units="mm")
    choose("Surface")
    panel = weakref.ref(widget)
    viewer.window.remove_dock_widget(widget.native)
    wait_until_idle()
    layer.name = "followed by nobody"
    get_rendering_session(viewer).render(layer, MR_RENDERING_PRESETS[0])
    again = opened(viewer, *MENU)
    assert again is not panel()
    assert again.layer.value is layer
    assert again.presets.buttons[0].isChecked()


def test_it_keeps_no_viewer_alive(make_napari_viewer, collected):
    def used():
        viewer = make_napari_viewer()
        panel = opened(viewer, *MENU)
        viewer.add_image(np.random.default_rng(0).random((5, 6, 7)), units="mm")
        panel.presets.buttons[0].click()
        panel.crop.sliders[0].setValue((0.0, 2.0))
        panel.undo.native.click()
        viewer.close()
        return weakref.ref(viewer)

    collected(used())
