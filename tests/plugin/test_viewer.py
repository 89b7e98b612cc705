"""What napari makes of the layers: places, planes, volumes, samples."""

import itertools

import numpy as np
import pytest
from napari.layers import Image

from helpers.builders import ORIENTATIONS, ROWS, SLICES, find_normal, make_series, write_series
from napari_medread.core.opening_window import HU_ASSUMED
from napari_medread.plugin.reader import read_layers

SAMPLES = ["ct_thorax", "mr_sagittal", "chest_ct", "chest_xray", "chest_section"]
WORLD = np.array([[0, 0, -1], [0, 1, 0], [1, 0, 0]])


def open_in(viewer, path):
    """Open a path with this plugin and return its layers."""
    return viewer.open(str(path), plugin="napari-medread")


@pytest.mark.parametrize("flips", list(itertools.product((1, -1), repeat=2)))
@pytest.mark.parametrize("plane", ORIENTATIONS)
def test_napari_draws_an_aligned_layer_where_it_is(tmp_path, plane, flips):
    orientation = [
        np.array(axis) * flip for axis, flip in zip(ORIENTATIONS[plane], flips, strict=True)
    ]
    write_series(tmp_path, make_series(orientation))
    ((data, keywords, _),) = read_layers(str(tmp_path))
    layer = Image(data, **keywords)
    corners = list(itertools.product(*((0, n - 1) for n in data.shape)))
    drawn = np.array([layer.data_to_world(corner) for corner in corners])
    affine = layer.metadata["patient_affine"]
    places = np.array(corners) @ affine[:3, :3].T + affine[:3, 3]
    np.testing.assert_allclose(drawn, places @ WORLD.T, atol=1e-6)


@pytest.mark.parametrize("plane", ORIENTATIONS)
def test_every_order_of_the_axes_and_3d_can_be_shown(viewer, tmp_path, plane):
    tilted = np.array(ORIENTATIONS[plane], float) + 0.1 * find_normal(ORIENTATIONS[plane])
    tilted[1] -= tilted[0] * (tilted[0] @ tilted[1]) / (tilted[0] @ tilted[0])
    tilted /= np.linalg.norm(tilted, axis=1)[:, None]
    (layer,) = open_in(viewer, write_series(tmp_path, make_series(tilted)))
    for ndisplay in (2, 3, 2):
        viewer.dims.ndisplay = ndisplay
        for order in itertools.permutations(range(3)):
            viewer.dims.order = order
            viewer.dims.roll()
            viewer.dims.transpose()
    viewer.dims.order = (0, 1, 2)
    assert layer.ndim == 3


@pytest.mark.parametrize("slices", [3, 4])
def test_a_sagittal_series_of_few_slices_is_grey(viewer, drop, tmp_path, slices):
    rows = np.arange(40 * 36, dtype=np.uint16).reshape(40, 36)

    def enlarge(n, dataset):
        dataset.Rows, dataset.Columns = rows.shape
        dataset.PixelData = (rows + n).tobytes()

    series = make_series(ORIENTATIONS["sagittal"], range(slices), enlarge)
    drop([write_series(tmp_path / "sagittal", series)])
    (layer,) = viewer.layers
    assert not layer.rgb
    assert layer.data.shape == (*rows.shape, slices)


def test_the_first_plane_of_an_axial_series_is_its_most_superior(viewer, tmp_path):
    (layer,) = open_in(viewer, write_series(tmp_path, make_series()))
    viewer.dims.set_current_step(0, 0)
    shown = layer._data_view
    np.testing.assert_array_equal(shown, layer.data[0])
    top = layer.metadata["patient_affine"] @ [0, 0, 0, 1]
    bottom = layer.metadata["patient_affine"] @ [SLICES - 1, 0, 0, 1]
    assert top[2] > bottom[2]


def test_the_patients_left_is_on_the_right_of_the_screen(viewer, tmp_path):
    def bright_left(n, ds):
        pixels = np.zeros((ROWS, 7), np.uint16)
        pixels[:, 5:] = 1000  # columns grow to the patient's left
        ds.PixelData = pixels.tobytes()

    open_in(viewer, write_series(tmp_path, make_series(change=bright_left, Modality="MR")))
    for order in ((0, 1, 2), (1, 0, 2)):
        viewer.dims.order = order
        viewer.reset_view()
        shot = viewer.screenshot(canvas_only=True, flash=False)[..., 0].astype(int)
        half = shot.shape[1] // 2
        assert shot[:, half:].sum() > 10 * max(1, shot[:, :half].sum())


def test_the_head_is_up_in_coronal_and_sagittal_planes(viewer, tmp_path):
    def bright_head(n, ds):
        ds.PixelData = np.full((ROWS, 7), 1000 if n == SLICES - 1 else 0, np.uint16).tobytes()

    open_in(viewer, write_series(tmp_path, make_series(change=bright_head, Modality="MR")))
    for order in ((1, 0, 2), (2, 0, 1)):
        viewer.dims.order = order
        viewer.reset_view()
        shot = viewer.screenshot(canvas_only=True, flash=False)[..., 0].astype(int)
        half = shot.shape[0] // 2
        assert shot[:half].sum() > 10 * max(1, shot[half:].sum())


def test_the_3d_view_is_not_a_mirror_image(viewer, tmp_path):
    """A mark at the left, front and head is seen there by someone in front of the patient."""

    def mark(n, ds):
        pixels = np.zeros((ROWS, 7), np.uint16)
        if n == SLICES - 1:
            pixels[0, 6] = 1000
        ds.PixelData = pixels.tobytes()

    open_in(viewer, write_series(tmp_path, make_series(change=mark)))
    viewer.dims.ndisplay = 3
    viewer.reset_view()
    # Seen from the front, head up, the patient's left is on the right.
    viewer.scene.camera.set_view_direction((0, 1, 0), (-1, 0, 0))
    shot = viewer.screenshot(canvas_only=True, flash=False)[..., 0].astype(float)
    rows, columns = np.nonzero(shot > shot.max() / 2)
    assert rows.mean() < shot.shape[0] / 2
    assert columns.mean() > shot.shape[1] / 2


@pytest.mark.parametrize("key", SAMPLES)
def test_samples_open(viewer, key):
    (layer,) = viewer.open_sample("napari-medread", key)
    # A MetaImage does not say that it is a CT in HU.
    assert layer.metadata["notes"] == ([HU_ASSUMED] if key == "chest_ct" else [])
    assert {str(unit) for unit in layer.units} == {"millimeter"}


def test_the_volume_is_rendered_in_3d(viewer):
    viewer.open_sample("napari-medread", "chest_ct")
    viewer.dims.ndisplay = 3
    shot = viewer.screenshot(canvas_only=True, flash=False)[..., :3]
    assert shot.std() > 10
