"""Segments as features and colours of a real labels layer."""

import numpy as np
from napari.components import ViewerModel
from napari.layers import Labels, Layer
from napari.utils.colormaps import label_colormap

from napari_medread import read_volume, write
from napari_medread.core.geometry import WORLD_AXES, Geometry
from napari_medread.core.segments import Segment
from napari_medread.core.volume import Volume
from napari_medread.plugin.bridge.layer_to_volume import volume_from_layer
from napari_medread.plugin.bridge.volume_to_layer import to_layer

SEGMENTS = (
    Segment(2, 2, "Liver", (1.0, 0.5, 0.0), {"category": "Organ", "type": "Liver"}),
    Segment(7, 70000, "Lesion", None, {"category": "Abnormality"}),
)


def make_labels():
    data = np.zeros((3, 4, 5), np.uint8)
    data[1, 1, 1:4] = 2, 7, 9
    affine = np.eye(4)
    affine[:3, :3] = WORLD_AXES * [2.0, 1, 1]
    geometry = Geometry(data.shape, affine)
    return Volume(data, "drawn", geometry, labels=True, segments=SEGMENTS)


def make_layer() -> Labels:
    return Layer.create(*to_layer(make_labels()))


def test_each_segment_has_a_row_of_features():
    table = make_layer().features
    assert list(table.columns) == ["index", "number", "name", "category", "type"]
    assert table.to_numpy().tolist() == [
        [0, 0, "background", "", ""],
        [2, 2, "Liver", "Organ", "Liver"],
        [7, 70000, "Lesion", "Abnormality", ""],
    ]


def test_the_status_bar_names_the_segment_under_the_cursor():
    viewer, layer = ViewerModel(), make_layer()
    viewer.add_layer(layer)
    liver, lesion = (layer.data_to_world((1, 1, column)) for column in (1, 2))
    viewer.dims.set_point(0, float(liver[0]))
    assert "name: Liver" in layer.get_status(liver, world=True)["value"]
    assert "name: Lesion" in layer.get_status(lesion, world=True)["value"]


def test_segments_have_their_colours_or_napari_s_own():
    layer = make_layer()
    np.testing.assert_allclose(layer.get_color(2), (1, 0.5, 0, 1), atol=1e-6)
    np.testing.assert_allclose(layer.get_color(7), label_colormap().map(7).ravel(), atol=1e-6)
    np.testing.assert_allclose(layer.get_color(9), (1, 1, 1, 1))  # what is painted later is seen
    assert layer.colormap.map(0)[-1] == 0


def test_labels_stay_integers_and_can_be_saved(tmp_path):
    layer = make_layer()
    assert layer.data.dtype == np.uint8
    write(tmp_path / "a.nrrd", volume_from_layer(layer).volume)
    saved = read_volume(tmp_path / "a.nrrd")
    assert saved.labels
    np.testing.assert_array_equal(saved.data, layer.data)


def test_labels_without_segments_look_as_napari_draws_them():
    volume = make_labels()
    volume.segments = ()
    _, attributes, _ = to_layer(volume)
    assert not {"features", "colormap"} & set(attributes)
