"""The widget that renders volumes, by real clicks in a real viewer, judged by what is drawn."""

import gc
import weakref

import dask.array as da
import numpy as np
import pytest
from napari.utils import Colormap

from napari_medread.core.rendering import CT, MR, STEP
from napari_medread.plugin import clipping
from napari_medread.plugin.rendering import studio_of
from plugin.widgets.menus import opened

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
    """Return what the canvas shows, in grey, (rows, columns)."""
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
    assert not widget.back.enabled
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
    step = STEP * (5.0 * 2.2 * 2.3) ** (1 / 3)
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
        click(widget.back)
        wanted = before.pop()
        assert state(viewer, layer) == wanted
        assert layer.colormap is wanted[1]
    assert not widget.back.enabled


def test_slices_stay_grey_and_the_volume_keeps_its_colours(viewer, widget, choose):
    (layer,) = viewer.open_sample("napari-medread", "ct_thorax")
    viewer.dims.order = (2, 0, 1)
    grey = look(layer)
    choose("Skin")
    layer.gamma = 0.9  # by hand
    deep, colours = look(layer), layer.colormap
    viewer.window._qt_viewer.viewerButtons.ndisplayButton.click()
    assert viewer.dims.ndisplay == 2
    assert look(layer) == grey
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
    assert again.back.enabled
    again.back.native.click()
    assert look(layer) == grey


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
    click(widget.back)
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
    monkeypatch.setattr(clipping, "texture_limit", lambda: limit)
    monkeypatch.setattr("napari_medread.plugin.renderable.texture_limit", lambda: limit)
    scale = np.array([3.0, 1.0, 1.5])
    data = np.zeros((16, 16, 16), np.int16)
    bright = (slice(2, 6), slice(2, 6), slice(2, 6)), (slice(10, 14), slice(10, 14), slice(10, 14))
    for each in bright:
        data[each] = 1000
    data = data[tuple(slice(None, None, flip) for flip in flips)]
    layer = viewer.add_image(data, **blocks(scale, flips))
    look_from("Anterior")
    assert ("exceed the 10 of this GPU" in widget.outcome.value) == (limit == 10)
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
        click(widget.back)  # all moves of one slider are one step
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
        np.testing.assert_allclose(clipping.box_of(layer)[1], (-5, 40 * share - 5), atol=1e-9)


def test_a_crop_cuts_all_selected_layers_and_can_be_reset(viewer, widget, choose, click):
    (layer,) = viewer.open_sample("napari-medread", "ct_thorax")
    regions = viewer.add_labels(np.ones(layer.data.shape, np.uint8), scale=layer.scale, units="mm")
    regions.translate = layer.translate
    other = viewer.add_image(np.zeros((3, 4, 5)), units="mm", name="other")
    viewer.layers.selection = {layer, regions}
    widget.layer.value = layer
    whole = clipping.whole_box(layer)
    widget.crop.sliders[2].setValue((100.0, 200.0))
    for each in (layer, regions):
        (low, high) = clipping.box_of(each)[2]
        assert low == pytest.approx(whole[2, 0] + 100)
        assert high == pytest.approx(whole[2, 0] + 200)
    assert not other.experimental_clipping_planes
    click(widget.reset)
    assert not layer.experimental_clipping_planes
    assert not regions.experimental_clipping_planes
    click(widget.back)
    assert len(layer.experimental_clipping_planes) == len(regions.experimental_clipping_planes) == 2
    assert widget.crop.sliders[2].value() == pytest.approx((100.0, 200.0))
    layer.translate = np.array(layer.translate) + 7  # the box stays in the world
    assert widget.crop.sliders[2].value() == pytest.approx((93.0, 193.0))


def test_a_copy_that_the_gpu_takes(qtbot, viewer, widget, choose, click, monkeypatch):
    # No machine here has a limit that small data exceed, so the limit is made up.
    limit = 64
    for place in ("clipping", "renderable"):
        monkeypatch.setattr(f"napari_medread.plugin.{place}.texture_limit", lambda: limit)
    (layer,) = viewer.open_sample("napari-medread", "ct_thorax")
    choose("Bone")
    grey = studio_of(viewer)._flat[layer]["colormap"]
    assert "60 × 112 × 152 voxels exceed the 64 of this GPU" in widget.outcome.value
    assert "one voxel in 3 along RL" in widget.outcome.value
    click(widget.run)
    qtbot.waitUntil(lambda: widget._work is None, timeout=20000)
    copy = viewer.layers[-1]
    assert copy is not layer
    assert copy.data.shape == (60, 64, 64)
    assert "patient_affine" in copy.metadata
    np.testing.assert_allclose(clipping.whole_box(copy), clipping.whole_box(layer), atol=1.0)
    assert not layer.visible
    assert widget.layer.value is copy
    assert copy.contrast_limits == [100, 1500]
    assert not widget.run.native.isVisible()
    viewer.dims.ndisplay = 2
    assert copy.colormap is grey


@pytest.mark.parametrize("lead", [(), (3,)])
def test_a_lazy_volume_is_read_beside_the_window(qtbot, viewer, widget, choose, lead):
    values = np.random.default_rng(1).integers(0, 900, (*lead, 6, 20, 30)).astype(np.int16)
    layer = viewer.add_image(
        da.from_array(values, chunks=(*[1] * len(lead), 1, 20, 30)),
        scale=(*lead, 2, 1, 1), name="lazy", contrast_limits=(0, 900),
    )  # fmt: skip
    if lead:
        viewer.dims.set_current_step(0, 1)
    widget._prefill()
    assert "a preset first reads 0.0 MB" in widget.outcome.value
    choose("MIP")
    assert viewer.dims.ndisplay == 2  # still reading
    qtbot.waitUntil(lambda: widget._work is None, timeout=20000)
    assert viewer.dims.ndisplay == 3
    np.testing.assert_array_equal(np.asarray(layer.data), values)
    assert isinstance(layer.data, da.Array) == bool(lead)
    assert layer.rendering == "mip"
    assert "read into memory" in widget.message.value


def test_what_is_offered_and_said(viewer, widget):
    assert widget.outcome.value.startswith("Open a volume first")
    assert not widget.reset.enabled
    viewer.add_image(np.zeros((5, 6)), name="plane")
    viewer.add_labels(np.zeros((3, 4, 5), int))
    viewer.add_image(np.zeros((3, 4, 5, 3), np.uint8), rgb=True)
    assert not widget.layer.choices
    (mr,) = viewer.open_sample("napari-medread", "mr_sagittal")
    assert [each.name for each in widget._offered] == [each.name for each in MR]
    assert "It is oblique" in widget.outcome.value
    mr.metadata["modality"] = "PT"
    widget._prefill()
    assert widget.presets.buttons[0].text() == "Inverted MIP"
    plain = viewer.add_image(np.random.default_rng(0).random((5, 6, 7)), name="plain")
    widget.layer.value = plain
    assert {"Bone", "Surface"} <= {each.text() for each in widget.presets.buttons}
    assert "take them for HU" in widget.outcome.value
    assert "not known to be the patient's" in widget.outcome.value
    plain.name = "renamed"
    assert widget.layer.current_choice == "renamed"
    viewer.layers.clear()
    assert widget.outcome.value.startswith("Open a volume first")


def test_going_back_passes_over_layers_that_are_gone(viewer, widget, choose, click):
    (layer,) = viewer.open_sample("napari-medread", "ct_thorax")
    other = viewer.add_image(np.random.default_rng(0).random((5, 6, 7)), units="mm")
    widget.layer.value = layer
    choose("Bone")
    widget.layer.value = other
    choose("Shaded MIP")
    viewer.layers.remove(other)
    click(widget.back)
    click(widget.back)
    assert viewer.dims.ndisplay == 2
    assert layer.colormap.name == "gray"


def test_two_viewers_do_not_mix(viewer, widget, choose, make_napari_viewer):
    second = make_napari_viewer()
    data = np.random.default_rng(0).random((5, 6, 7))
    first = viewer.add_image(data, units="mm")
    theirs = second.add_image(data, units="mm")
    choose("MIP")
    assert first.rendering == "mip"
    assert second.dims.ndisplay == 2
    assert not studio_of(second).can_go_back
    second.dims.ndisplay = 3
    assert theirs.colormap.name == "gray"


def test_it_keeps_no_layer_alive(qtbot, viewer, widget, choose):
    layer = viewer.add_image(np.random.default_rng(0).random((5, 6, 7)), units="mm")
    choose("Surface")
    widget.crop.sliders[0].setValue((0.0, 2.0))
    gone = weakref.ref(layer), weakref.ref(layer.data)
    del layer
    viewer.layers.clear()

    def are_gone():
        gc.collect()
        return [each() for each in gone] == [None, None]

    qtbot.waitUntil(are_gone, timeout=3000)  # napari removes its controls a little later


def test_colormaps_are_named(viewer, widget, choose):
    (layer,) = viewer.open_sample("napari-medread", "ct_thorax")
    choose("Lungs")
    assert isinstance(layer.colormap, Colormap)
    assert layer.colormap.name.startswith("Lungs (HU")
    assert CT[2].limits() == tuple(layer.contrast_limits)
