"""Oblique layers in patient space and back, by where their voxels come to lie."""

from types import SimpleNamespace

import napari
import numpy as np
import pytest
from napari.components import Dims

from helpers.scans import AXIAL, FROM_HEAD, OBLIQUE
from napari_medread.plugin.bridge.layer_metadata import get_record, with_record
from napari_medread.plugin.bridge.layer_to_volume import volume_from_layer
from napari_medread.plugin.bridge.oblique_drawings import (
    apply_drawings,
    find_patient_space_drawing,
    find_straight_drawing,
    is_oblique,
)

TO_LPS = np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])
"""From napari's world axes to LPS."""


def in_3d(layer):
    """Return a layer as a viewer in 3D has it."""
    layer._slice_dims(Dims(ndim=layer.ndim, ndisplay=3))
    return layer


def lies_where_it_is(layer, scan):
    """Check that napari's world is the patient for some voxels of a layer."""
    for index in ((0, 0, 0), (1, 2, 3), (5, 4, 2)):
        world = layer.data_to_world(index)
        np.testing.assert_allclose(TO_LPS @ world, scan.place(layer.data[index]), atol=1e-6)


def transforms_of(layer):
    return [
        np.array(layer.affine.affine_matrix),
        np.array(layer.scale),
        np.array(layer.translate),
        np.array(get_record(layer).drawn_affine),
        np.array(layer.metadata["patient_affine"]),
    ]


def saved(layer):
    """Return the geometry with which a layer would be saved."""
    return volume_from_layer(layer).volume.geometry.affine


def test_there_and_back():
    layer = in_3d(OBLIQUE.layer())
    before, keys, exact = transforms_of(layer), set(layer.metadata), saved(layer)
    assert is_oblique(layer)
    assert apply_drawings([(layer, find_patient_space_drawing(layer))])
    lies_where_it_is(layer, OBLIQUE)
    assert is_oblique(layer)
    assert find_patient_space_drawing(layer) is None
    np.testing.assert_array_equal(saved(layer), exact)
    assert apply_drawings([(layer, find_straight_drawing(layer))])
    for found, expected in zip(transforms_of(layer), before, strict=True):
        np.testing.assert_array_equal(found, expected)
    assert set(layer.metadata) == keys
    np.testing.assert_array_equal(saved(layer), exact)
    assert find_straight_drawing(layer) is None


@pytest.mark.parametrize("scan", [AXIAL, FROM_HEAD])
def test_what_lies_along_the_patients_axes_is_left_alone(scan):
    layer = scan.layer()
    lies_where_it_is(layer, scan)
    assert not is_oblique(layer)
    assert find_patient_space_drawing(layer) is None
    assert find_straight_drawing(layer) is None


@pytest.mark.parametrize(
    "change",
    [
        {"translate": (5.0, -7.0, 11.0)},
        {"affine": np.diag([1.0, -1, 1, 1])},
        {"rotate": [[1, 0, 0], [0, 0.8, -0.6], [0, 0.6, 0.8]]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_was_moved_in_patient_space_stays_moved(change):
    layer = in_3d(OBLIQUE.layer())
    apply_drawings([(layer, find_patient_space_drawing(layer))])
    before = saved(layer)
    for name, value in change.items():
        setattr(layer, name, value)
    moved = saved(layer)
    assert not np.allclose(moved, before)
    apply_drawings([(layer, find_straight_drawing(layer))])
    np.testing.assert_allclose(saved(layer), moved, atol=1e-9)


def drawn_over(layer, kind=napari.layers.Labels, **attributes):
    """Return what was drawn on the grid of a layer: it takes over the transform, and no more."""
    same = {"scale", "translate", "affine"}
    taken = {key: value for key, value in layer.as_layer_data_tuple()[1].items() if key in same}
    if kind is napari.layers.Labels:
        return in_3d(kind(np.zeros(layer.data.shape, np.uint8), **taken, **attributes))
    return in_3d(kind(np.array([[1.0, 2, 3]]), ndim=3, **taken, **attributes))


@pytest.mark.parametrize("units", ["mm", None])
@pytest.mark.parametrize("kind", [napari.layers.Labels, napari.layers.Points])
def test_what_was_drawn_over_a_layer_goes_with_it(kind, units):
    layer = in_3d(OBLIQUE.layer())
    drawn = drawn_over(layer, kind, units=units)
    before, keys = np.array(drawn.affine.affine_matrix), set(drawn.metadata)
    apply_drawings(
        [(each, find_patient_space_drawing(each, [drawn, layer])) for each in (drawn, layer)]
    )
    for index in ((0, 0, 0), (1, 2, 3), (5, 4, 2)):
        np.testing.assert_allclose(drawn.data_to_world(index), layer.data_to_world(index))
    lies_where_it_is(layer, OBLIQUE)
    if kind is napari.layers.Labels:
        found = volume_from_layer(drawn, SimpleNamespace(layers=[layer, drawn])).volume.geometry
        np.testing.assert_allclose(found.affine, saved(layer), atol=1e-9)
    assert find_patient_space_drawing(drawn, [drawn, layer]) is None
    apply_drawings([(each, find_straight_drawing(each, [drawn, layer])) for each in (drawn, layer)])
    np.testing.assert_array_equal(drawn.affine.affine_matrix, before)
    assert set(drawn.metadata) == keys


@pytest.mark.filterwarnings("ignore:Non-orthogonal slicing")
def test_what_was_made_on_a_turned_layer_is_drawn_straight_with_it():
    layer = in_3d(OBLIQUE.layer())
    straight = drawn_over(layer)
    apply_drawings([(layer, find_patient_space_drawing(layer))])
    drawn, elsewhere = drawn_over(layer), drawn_over(layer)
    elsewhere.translate = elsewhere.translate + 1.0
    assert find_straight_drawing(elsewhere, [layer]) is None
    apply_drawings([(drawn, find_straight_drawing(drawn, [layer]))])
    for index in ((0, 0, 0), (1, 2, 3)):
        np.testing.assert_allclose(
            drawn.data_to_world(index), straight.data_to_world(index), atol=1e-9
        )


def test_what_is_drawn_where_images_disagree_goes_with_the_one_on_whose_grid_it_lies():
    layers = [in_3d(scan.layer()) for scan in (OBLIQUE, AXIAL)]
    on_grid, on_none = drawn_over(layers[0]), drawn_over(layers[0], units="mm")
    on_none.translate = on_none.translate + 0.3
    assert find_patient_space_drawing(on_none, layers) is None
    apply_drawings(
        [(each, find_patient_space_drawing(each, layers)) for each in (on_grid, *layers)]
    )
    np.testing.assert_allclose(on_grid.data_to_world((1, 2, 3)), layers[0].data_to_world((1, 2, 3)))


def test_an_array_that_was_only_added_beside_is_left_alone():
    layer = in_3d(OBLIQUE.layer())
    array = in_3d(napari.layers.Image(np.zeros((4, 5, 6)), scale=(0.7, 1.1, 1.3)))
    assert find_patient_space_drawing(array, [layer, array]) is None


def test_a_projection_of_a_turned_layer_keeps_no_other_from_going_back():
    """napari hands the metadata of a layer on to what it makes of it, whatever its axes."""
    layer = in_3d(OBLIQUE.layer())
    before = np.array(layer.affine.affine_matrix)
    apply_drawings([(layer, find_patient_space_drawing(layer))])
    flat = napari.layers.Image(np.zeros((5, 6)), metadata=layer.metadata)
    layers = [flat, layer]
    apply_drawings([(each, find_straight_drawing(each, layers)) for each in layers])
    np.testing.assert_array_equal(layer.affine.affine_matrix, before)
    assert get_record(flat).straight is None
    np.testing.assert_array_equal(flat.affine.affine_matrix, np.eye(3))


def test_time_is_not_touched():
    layer = OBLIQUE.layer(frames=2)
    exact = saved(in_3d(layer))
    apply_drawings([(layer, find_patient_space_drawing(layer))])
    world = layer.data_to_world((1, 1, 2, 3))
    assert world[0] == 2.5
    np.testing.assert_allclose(
        TO_LPS @ world[1:], OBLIQUE.place(layer.data[1, 1, 2, 3].compute()), atol=1e-6
    )
    np.testing.assert_array_equal(saved(layer), exact)


@pytest.mark.filterwarnings("ignore:Non-orthogonal slicing")
def test_a_layer_made_in_patient_space_can_be_drawn_straight():
    """As a resampled layer is, that takes over where its source is drawn."""
    source, expected = in_3d(OBLIQUE.layer()), OBLIQUE.layer()
    apply_drawings([(source, find_patient_space_drawing(source))])
    metadata = with_record(source.metadata, straight=None)
    layer = napari.layers.Image(
        source.data,
        affine=np.array(get_record(metadata).drawn_affine),
        metadata=metadata,
        units="mm",
    )
    exact = saved(in_3d(layer))
    apply_drawings([(layer, find_straight_drawing(layer))])
    for index in ((0, 0, 0), (1, 2, 3)):
        np.testing.assert_allclose(
            layer.data_to_world(index), expected.data_to_world(index), atol=1e-9
        )
    np.testing.assert_allclose(saved(layer), exact, atol=1e-9)


@pytest.mark.parametrize(
    "make",
    [
        lambda: napari.layers.Image(np.zeros((4, 5, 6)), units="mm"),
        lambda: napari.layers.Labels(np.zeros((4, 5, 6), np.uint8)),
        lambda: napari.layers.Image(np.zeros((4, 5))),
        lambda: napari.layers.Points(np.zeros((1, 3))),
    ],
)
def test_layers_without_a_position_are_never_moved(make):
    layer = make()
    assert find_patient_space_drawing(layer) is None
    assert find_straight_drawing(layer) is None
    assert not is_oblique(layer)


def test_layers_in_other_units_are_never_moved():
    layer = OBLIQUE.layer()
    layer.units = ("um", "um", "um")
    assert find_patient_space_drawing(layer) is None
