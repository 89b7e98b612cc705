"""Layers made by hand in a real viewer and saved by its menu."""

import sys
import time

import dask.array as da
import numpy as np
import pytest
import SimpleITK as sitk
from napari.utils import progress
from qtpy.QtCore import QTimer

import napari_medread
from helpers.builders import ORIENTATIONS, find_voxel_position, make_series, write_series
from helpers.metaimages import itk_affine
from napari_medread.errors import Cancelled, CannotWrite
from napari_medread.plugin.bridge.layer_metadata import with_record

OBLIQUE = (tuple(np.array([0.8, 0.6, 0.0])), tuple(np.array([-0.36, 0.48, 0.8])))
PLACES = {**ORIENTATIONS, "oblique": OBLIQUE}
FLIPPED = {name: PLACES[name] for name in ("sagittal", "oblique")}
"""Those that napari draws with a flip and in another order of the axes."""


def saved(path):
    """Return array and matrix to LPS of a file, as SimpleITK has them."""
    image = sitk.ReadImage(str(path))
    return sitk.GetArrayFromImage(image), itk_affine(image)


def refused(qtbot, action, expected=CannotWrite):
    """Return the sentence with which an action in the window is refused."""
    with qtbot.capture_exceptions() as raised:
        action()
    ((kind, error, _),) = raised
    assert issubclass(kind, expected)
    # Its frames keep the viewer alive; Python holds them for debuggers.
    raised.clear()
    sys.last_exc = sys.last_value = sys.last_traceback = None
    return str(error)


def opened(viewer, folder, orientation):
    """Drop a series on the viewer's reader; return its layer and its volume."""
    write_series(folder, make_series(orientation))
    (layer,) = viewer.open(folder, plugin="napari-medread")
    (volume,) = napari_medread.read(folder)
    viewer.layers.selection = {layer}
    return layer, volume


@pytest.mark.parametrize("orientation", PLACES.values(), ids=PLACES)
def test_an_image_lies_where_its_headers_say(
    viewer, save_selected, messages, tmp_path, orientation
):
    layer, volume = opened(viewer, tmp_path / "in", orientation)
    save_selected(tmp_path / "out.mhd")
    array, affine = saved(tmp_path / "out.mhd")
    assert np.array_equal(array, volume.data)
    np.testing.assert_allclose(affine, volume.patient_affine, atol=1e-6)
    # A voxel by its value, and where the standard's equation puts it.
    slice_, row, column = 2, 3, 4
    (index,) = np.argwhere(array == 1 + column + 16 * row + 256 * slice_)
    point = affine[:3, :3] @ index + affine[:3, 3]
    np.testing.assert_allclose(
        point, find_voxel_position(slice_, row, column, orientation), atol=1e-6
    )
    assert messages() == [f"Wrote {layer.name} to out.mhd and out.raw."]


def new_labels(viewer):
    """Click the button that makes labels; return the layer."""
    viewer.window._qt_viewer.layerButtons.newLabelsButton.click()
    return viewer.layers[-1]


@pytest.mark.parametrize("orientation", PLACES.values(), ids=PLACES)
def test_new_labels_lie_on_the_image(viewer, save_selected, tmp_path, orientation):
    _, volume = opened(viewer, tmp_path / "in", orientation)
    labels = new_labels(viewer)
    labels.selected_label = 3
    labels.brush_size = 1
    labels.paint((1, 2, 3), 3)
    save_selected(tmp_path / "labels.mhd")
    array, affine = saved(tmp_path / "labels.mhd")
    assert np.argwhere(array).tolist() == [[1, 2, 3]]
    assert array[1, 2, 3] == 3
    np.testing.assert_allclose(affine, volume.patient_affine, atol=1e-6)


@pytest.mark.parametrize("orientation", FLIPPED.values(), ids=FLIPPED)
def test_new_labels_over_two_images_lie_in_their_space(
    viewer, save_selected, tmp_path, orientation
):
    layer, volume = opened(viewer, tmp_path / "in", orientation)
    half = viewer.add_image(
        layer.data[1:, 1:, 1:],
        scale=layer.scale,
        translate=np.asarray(layer.translate) + layer.scale,
        affine=layer.affine,
        axis_labels=layer.axis_labels,
        units=layer.units,
        metadata=layer.metadata,
    )
    viewer.layers.selection = {layer, half}
    labels = new_labels(viewer)
    labels.data = np.ones_like(labels.data)
    viewer.layers.selection = {labels}
    save_selected(tmp_path / "labels.mhd")
    array, affine = saved(tmp_path / "labels.mhd")
    # They fill the image's box, whichever of its corners comes first.
    found = affine @ np.array([*(np.array(array.shape) - 1) / 2, 1])
    expected = volume.patient_affine @ np.array([*(np.array(volume.shape) - 1) / 2, 1])
    np.testing.assert_allclose(found, expected, atol=1e-6)
    steps = np.abs(np.linalg.solve(volume.patient_affine, affine)[:3, :3])
    np.testing.assert_allclose(steps, np.eye(3), atol=1e-6)


@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize("orientation", FLIPPED.values(), ids=FLIPPED)
def test_a_cropped_layer_lies_where_it_was_cut_out(
    viewer, save_selected, tmp_path, orientation, labelled
):
    layer, volume = opened(viewer, tmp_path / "in", orientation)
    start = np.array([1, 2, 3])
    cropped = viewer.add_image(
        layer.data[1:3, 2:5, 3:6],
        scale=layer.scale,
        translate=np.asarray(layer.translate) + start * layer.scale,
        affine=layer.affine,
        metadata=layer.metadata,
        units=layer.units,
        axis_labels=layer.axis_labels if labelled else None,
    )
    viewer.layers.selection = {cropped}
    save_selected(tmp_path / "cropped.mhd")
    array, affine = saved(tmp_path / "cropped.mhd")
    assert np.array_equal(array, volume.data[1:3, 2:5, 3:6])
    expected = volume.patient_affine @ np.array(
        [[1, 0, 0, 1], [0, 1, 0, 2], [0, 0, 1, 3], [0, 0, 0, 1]]
    )
    np.testing.assert_allclose(affine, expected, atol=1e-6)


@pytest.mark.parametrize("orientation", FLIPPED.values(), ids=FLIPPED)
def test_a_rescaled_layer_has_the_spacing_it_is_drawn_with(
    viewer, save_selected, tmp_path, orientation
):
    layer, volume = opened(viewer, tmp_path / "in", orientation)
    layer.scale = np.asarray(layer.scale) * [2, 1, 0.5]
    save_selected(tmp_path / "rescaled.mhd")
    image = sitk.ReadImage(str(tmp_path / "rescaled.mhd"))
    z, y, x = volume.geometry.spacing
    np.testing.assert_allclose(image.GetSpacing(), (x / 2, y, z * 2), atol=1e-6)
    # napari scales about the first voxel's own coordinates, in the directions of the image.
    directions = np.reshape(image.GetDirection(), (3, 3))[:, ::-1]
    np.testing.assert_allclose(directions, volume.geometry.directions, atol=1e-6)
    np.testing.assert_allclose(image.GetOrigin(), volume.patient_affine[:3, 3], atol=1e-6)


def test_a_moved_layer_is_moved_along_its_own_axes(viewer, save_selected, tmp_path):
    layer, volume = opened(viewer, tmp_path / "in", OBLIQUE)
    layer.translate = np.add(layer.translate, (0, 0, 10))
    save_selected(tmp_path / "moved.mhd")
    moved = saved(tmp_path / "moved.mhd")[1] - volume.patient_affine
    np.testing.assert_allclose(moved[:3, :3], 0, atol=1e-6)
    np.testing.assert_allclose(moved[:3, 3], 10 * volume.geometry.directions[:, 2], atol=1e-6)


def test_a_numpy_array_has_plain_spacing(viewer, save_selected, messages, tmp_path):
    data = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    viewer.add_image(data, scale=(2, 1, 1), name="array")
    save_selected(tmp_path / "array.mhd")
    image = sitk.ReadImage(str(tmp_path / "array.mhd"))
    assert image.GetSpacing() == (1, 1, 2)
    assert image.GetOrigin() == (0, 0, 0)
    assert image.GetDirection() == (1, 0, 0, 0, 1, 0, 0, 0, 1)
    assert np.array_equal(sitk.GetArrayFromImage(image), data)
    assert messages()[-1] == (
        "array: The layer has no unit: its scale was assumed to be in millimetres."
    )


def test_dicom_says_that_a_place_in_the_patient_was_taken_for_granted(
    viewer, save_selected, messages, tmp_path
):
    viewer.add_image(np.zeros((2, 3, 4), np.int16), scale=(2, 1, 1), units="mm", name="array")
    save_selected(tmp_path / "array.dcm", "DICOM")
    (said,) = (m for m in messages() if "not known" in m)
    assert said.startswith("array: Its patient position is not known")
    (again,) = napari_medread.read(tmp_path / "array")
    assert again.geometry.spacing == (2, 1, 1)


def test_axes_named_for_the_patient_are_the_patients(viewer, save_selected, tmp_path):
    viewer.add_image(
        np.zeros((2, 3, 4), np.uint8),
        scale=(5, 2, 3),
        translate=(10, 20, 30),
        units="mm",
        axis_labels=("SI", "AP", "RL"),
    )
    save_selected(tmp_path / "x.mhd")
    _, affine = saved(tmp_path / "x.mhd")
    # SI grows to the feet, LPS's z to the head.
    assert affine.tolist() == [[0, 0, 3, 30], [0, 2, 0, 20], [-5, 0, 0, -10], [0, 0, 0, 1]]


def test_micrometres_become_millimetres(viewer, save_selected, tmp_path):
    viewer.add_image(np.zeros((3, 4), np.uint8), scale=(250, 500), units="um")
    save_selected(tmp_path / "x.mha")
    image = sitk.ReadImage(str(tmp_path / "x.mha"))
    np.testing.assert_allclose(image.GetSpacing(), (0.5, 0.25))


def test_what_a_projection_lost_is_said(viewer, save_selected, messages, tmp_path):
    """napari's projection of a run along its slices leaves time, row and column."""
    data = np.zeros((2, 3, 4, 5), np.uint8)
    viewer.add_image(
        data,
        scale=(2, 5, 1, 1),
        metadata=with_record(
            {"patient_affine": np.diag([5.0, 1, 1, 1])[[2, 1, 0, 3]]},
            drawn_affine=np.diag([2.0, 5, 1, 1, 1]),
        ),
        axis_labels=("time", "SI", "AP", "RL"),
    )
    from napari.layers._layer_actions import _project

    _project(viewer.layers, axis=1)
    viewer.layers.selection = {viewer.layers[-1]}
    save_selected(tmp_path / "x.mha")
    assert "its position in patient space is lost" in messages()[-1]


def test_a_name_without_a_suffix_gets_that_of_the_format(
    viewer, save_selected, messages, qtbot, tmp_path
):
    viewer.add_image(np.zeros((3, 4), np.uint8), name="plane")
    save_selected(tmp_path / "name")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["name.mhd", "name.raw"]
    assert messages() == ["Wrote plane to name.mhd and name.raw."]
    # Nobody was asked whether name.mhd may be replaced.
    before = (tmp_path / "name.mhd").stat()
    said = refused(qtbot, lambda: save_selected(tmp_path / "name"))
    assert said.startswith("name.mhd: a file of this name already exists.")
    assert (tmp_path / "name.mhd").stat() == before


def test_a_wrong_suffix_is_kept_in_the_name(viewer, save_selected, messages, tmp_path):
    viewer.add_image(np.zeros((3, 4), np.uint8), name="plane")
    save_selected(tmp_path / "scan.1.jpg")
    assert messages() == ["Wrote plane to scan.1.jpg.mhd and scan.1.jpg.raw."]


@pytest.mark.parametrize(("kind", "name"), [("NIfTI", "x.nii.gz"), ("NRRD", "x.nrrd")])
def test_other_formats_of_the_dialog(viewer, save_selected, tmp_path, kind, name):
    _, volume = opened(viewer, tmp_path / "in", OBLIQUE)
    save_selected(tmp_path / name.split(".")[0], kind)
    array, affine = saved(tmp_path / name)
    assert np.array_equal(array, volume.data)
    np.testing.assert_allclose(affine, volume.patient_affine, atol=1e-4)


def test_a_volume_becomes_a_folder_of_dicom_slices(viewer, save_selected, messages, tmp_path):
    layer, volume = opened(viewer, tmp_path / "in", OBLIQUE)
    save_selected(tmp_path / "out.dcm", "DICOM")
    assert len(list((tmp_path / "out").iterdir())) == len(list((tmp_path / "in").iterdir()))
    (again,) = napari_medread.read(tmp_path / "out")
    assert np.array_equal(again.data, volume.data)
    np.testing.assert_allclose(again.patient_affine, volume.patient_affine, atol=1e-6)
    assert messages()[0] == f"Wrote {layer.name} to out."


@pytest.mark.parametrize("name", ["x.mha", "x.nrrd", "x.nii.gz"])
@pytest.mark.parametrize("kind", ["MetaImage", "NIfTI"])
def test_the_suffix_decides_among_the_entries_of_the_plugin(
    viewer, save_selected, tmp_path, kind, name
):
    data = np.arange(12, dtype=np.uint8).reshape(3, 4)
    viewer.add_image(data)
    save_selected(tmp_path / name, kind)
    assert [p.name for p in tmp_path.iterdir()] == [name]
    assert np.array_equal(saved(tmp_path / name)[0], data)


def test_a_read_only_file_stays(viewer, save_selected, qtbot, tmp_path):
    path = tmp_path / "x.mha"
    path.write_bytes(b"precious")
    path.chmod(0o444)
    viewer.add_image(np.zeros((3, 4), np.uint8))
    said = refused(qtbot, lambda: save_selected(path))
    assert said == "x.mha: the file is read-only. Choose another name."
    assert path.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [path]


def test_a_long_save_can_be_cancelled(viewer, save_selected, qtbot, tmp_path):
    def slowly(block_id):
        time.sleep(0.02)
        return np.zeros((1, 4, 4), np.int16)

    data = da.map_blocks(slowly, chunks=((1,) * 500, 4, 4), dtype=np.int16)
    viewer.add_image(data, contrast_limits=(0, 1))
    bars = []

    def cancel():
        bars.extend(bar for bar in progress._all_instances if hasattr(bar, "cancel"))
        if bars:
            timer.stop()
            bars[0].cancel()

    timer = QTimer()
    timer.timeout.connect(cancel)
    timer.start(50)
    said = refused(qtbot, lambda: save_selected(tmp_path / "x.mhd"), Cancelled)
    assert said == "Saving was cancelled. No existing file was changed."
    assert 0 < bars[0].n < 500
    assert not list(tmp_path.iterdir())


# napari divides by the size of what it shows.
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_an_empty_layer_is_refused(viewer, save_selected, qtbot, tmp_path):
    viewer.add_image(np.zeros((0, 3, 4), np.uint8), name="nothing")
    said = refused(qtbot, lambda: save_selected(tmp_path / "x.mha"))
    assert said == "nothing: it is empty, there is nothing to write."
    assert not list(tmp_path.iterdir())


def test_several_layers_become_files_named_after_them(viewer, messages, tmp_path):
    viewer.add_image(np.full((3, 4), 1, np.uint8), name="a/b")
    viewer.add_labels(np.full((3, 4), 2, np.uint8), name="regions")
    viewer.layers.save(tmp_path / "all.mha", plugin="napari-medread")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["all-a_b.mha", "all-regions.mha"]
    assert (saved(tmp_path / "all-a_b.mha")[0] == 1).all()
    assert (saved(tmp_path / "all-regions.mha")[0] == 2).all()
    assert messages()[0] == ("Wrote a/b to all-a_b.mha.\nWrote regions to all-regions.mha.")


def test_a_points_layer_is_refused_by_napari(viewer, tmp_path):
    layer = viewer.add_points([[0, 0]])
    with pytest.warns(UserWarning, match="not a valid writer for"):
        layer.save(tmp_path / "x.mhd", plugin="napari-medread")
    assert not list(tmp_path.iterdir())


def test_layers_are_saved_beside_those_of_their_own_viewer(viewer, make_napari_viewer, tmp_path):
    """Whichever viewer is in front: what lies beside new labels tells where they lie."""
    _, volume = opened(viewer, tmp_path / "in", OBLIQUE)
    labels = new_labels(viewer)
    other = make_napari_viewer(show=True)
    opened(other, tmp_path / "others", ORIENTATIONS["axial"])
    viewer.layers.selection = {labels}
    viewer.layers.save(str(tmp_path / "labels.mhd"), selected=True, plugin="napari-medread")
    np.testing.assert_allclose(saved(tmp_path / "labels.mhd")[1], volume.patient_affine, atol=1e-6)
