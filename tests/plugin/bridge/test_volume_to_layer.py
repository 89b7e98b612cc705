"""Volumes as layer data."""

import napari.layers
import numpy as np
import pint
import pytest

from napari_medread.core.geometry import Geometry
from napari_medread.core.label_detection import LABELS_SUGGESTED
from napari_medread.core.thumbnail_image import make_thumbnail
from napari_medread.core.volume import Axis, Volume
from napari_medread.plugin.bridge.layer_to_volume import volume_from_layer
from napari_medread.plugin.bridge.volume_to_layer import to_layer, to_layers

TIME = Axis("time", "s", 0.5)
PLANE_4 = Geometry((4, 4), np.eye(3))
PLANE = Geometry((4, 6), np.diag([0.2, 0.1, 1.0])[[1, 0, 2]])


@pytest.mark.parametrize("is_marked", [True, False])
def test_an_image_is_visible_rather_than_its_labels(is_marked):
    geometry = Geometry((3, 4, 6), np.eye(4))
    image = Volume(np.zeros((3, 4, 6), np.int16), "image", geometry, contrast_limits=(0, 1))
    labels = Volume(np.zeros((1, 3, 4, 6), np.uint8), "labels", geometry, (TIME,))
    labels.labels, labels.contrast_limits = is_marked, (0, 1)
    labels.notes = () if is_marked else (LABELS_SUGGESTED,)
    assert [each["visible"] for _, each, _ in to_layers([labels, image])] == [False, True]
    assert [each["visible"] for _, each, _ in to_layers([labels])] == [True]


@pytest.mark.parametrize(
    ("shape", "options", "scale", "units"),
    [
        ((4, 6), {}, (1, 1), ("pixel", "pixel")),
        ((4, 6), {"pixel_size": (4 / 3, 1.0)}, (4 / 3, 1), ("pixel", "pixel")),
        ((4, 6, 3), {"pixel_size": (4 / 3, 1.0), "rgb": True}, (4 / 3, 1), ("pixel", "pixel")),
        (
            (5, 4, 6),
            {"pixel_size": (4 / 3, 1.0), "leading": (TIME,)},
            (0.5, 4 / 3, 1),
            ("s", "pixel", "pixel"),
        ),
        ((4, 6), {"geometry": PLANE}, (0.2, 0.1), ("mm", "mm")),
    ],
    ids=["plain", "aspect", "aspect in colour", "aspect over time", "millimetres"],
)
def test_the_scale_of_images_without_a_place(shape, options, scale, units):
    volume = Volume(np.zeros(shape, np.uint8), "image", contrast_limits=(0, 1), **options)
    _, arguments, kind = to_layer(volume)
    assert kind == "image"
    assert arguments["scale"] == pytest.approx(scale)
    assert arguments["units"] == units


def test_flips_are_an_affine_and_the_truth_is_in_the_metadata():
    affine = np.diag([2.0, 3.0, 5.0, 1.0])[[2, 1, 0, 3]]  # slices towards the head
    volume = Volume(np.zeros((2, 3, 4), np.int16), "scan", Geometry((2, 3, 4), affine))
    _, arguments, _ = to_layer(volume)
    np.testing.assert_array_equal(arguments["affine"], np.diag([-1, 1, 1, 1]))
    np.testing.assert_array_equal(arguments["metadata"]["patient_affine"], affine)


def test_of_volumes_opened_together_the_largest_is_visible():
    geometry = [Geometry((n, 3, 4), np.diag([-1.0, 1, 1, 1])[[2, 1, 0, 3]]) for n in (2, 9, 5)]
    volumes = [Volume(np.zeros(g.shape, np.int16), "scan", g) for g in geometry]
    assert [arguments["visible"] for _, arguments, _ in to_layers(volumes)] == [False, True, False]


def test_a_large_picture_does_not_hide_the_volume_beside_it():
    geometry = Geometry((2, 3, 4), np.diag([-1.0, 1, 1, 1])[[2, 1, 0, 3]])
    volume = Volume(np.zeros(geometry.shape, np.int16), "scan", geometry)
    picture = Volume(np.zeros((100, 200), np.uint8), "picture")
    layers = to_layers([picture, volume])
    assert [arguments["visible"] for _, arguments, _ in layers] == [False, True]


def test_pictures_opened_together_are_all_visible():
    volumes = [Volume(np.zeros((n, 4), np.uint8), "picture") for n in (3, 9)]
    assert all(arguments["visible"] for _, arguments, _ in to_layers(volumes))


@pytest.mark.parametrize("dtype", ["u1", "i2", "u4", "i8", "f4", "f8", "?"])
def test_labels_are_a_labels_layer_of_whole_numbers(dtype):
    regions = (np.arange(24).reshape(2, 3, 4) % 5).astype(dtype)
    volume = Volume(regions, "regions", leading=(Axis("page"),), labels=True)
    data, arguments, kind = to_layer(volume)
    assert kind == "labels"
    assert np.array_equal(data, regions)
    assert data.dtype.kind in "iub"
    assert not {"colormap", "contrast_limits", "rgb"} & set(arguments)
    napari.layers.Labels(data, **arguments)


@pytest.mark.parametrize("labels", [False, True])
@pytest.mark.parametrize("length", [1, 2, 3, 4, 5])
@pytest.mark.parametrize(("ndim", "axis"), [(n, axis) for n in (2, 3, 4) for axis in range(n)])
def test_no_length_of_an_axis_is_taken_for_colour(ndim, axis, length, labels):
    shape = [33] * ndim  # napari looks for colour where other axes are longer than 30
    shape[axis] = length
    grid = tuple(shape[-min(ndim, 3) :])
    affine = np.eye(4) if ndim > 2 else np.eye(3)
    volume = Volume(
        np.zeros(shape, np.uint8),
        "grey",
        Geometry(grid, affine),
        (Axis("time", "s"),) * (ndim - len(grid)),
        labels=labels,
        contrast_limits=None if labels else (0, 1),
    )
    layer = napari.layers.Layer.create(*to_layer(volume))
    assert layer.data.shape == tuple(shape)
    assert not layer.multiscale
    assert labels or not layer.rgb


@pytest.mark.parametrize(
    ("modality", "stored_inverted", "colormap"),
    [("MR", False, "gray"), ("CR", True, "gray_r"), ("PT", False, "gray_r")],
)
def test_pet_and_monochrome1_are_drawn_in_inverted_grey(modality, stored_inverted, colormap):
    volume = Volume(np.eye(4), "v", PLANE_4, contrast_limits=(0, 1), modality=modality)
    volume.inverted = stored_inverted
    data, arguments, _ = to_layer(volume)
    layer = napari.layers.Image(data, **arguments)
    assert layer.colormap.name == colormap
    # What is only drawn inverted is not written so.
    assert volume_from_layer(layer).volume.inverted is stored_inverted
    # The thumbnail shows the same: its first pixel is the highest value.
    assert make_thumbnail(volume).pixels[0, 0] == (0 if colormap == "gray_r" else 255)


@pytest.mark.parametrize("unit", ["Hz", "ppm", "rad/s", "ms", "s"])
def test_napari_knows_the_units_of_axes(unit):
    volume = Volume(np.zeros((2, 3, 4), np.uint8), "image", leading=(Axis("axis", unit),))
    volume.contrast_limits = (0, 1)
    data, arguments, _ = to_layer(volume)
    layer = napari.layers.Image(data, **arguments)
    assert layer.units[0] == pint.get_application_registry()(unit).units


@pytest.mark.parametrize("odd", [0.5, np.nan, np.inf, 1e20])
def test_labels_that_are_not_whole_stay_an_image(odd):
    regions = np.array([[0, 1], [2, odd]])
    data, arguments, kind = to_layer(Volume(regions, "regions", labels=True))
    assert kind == "image"
    assert np.array_equal(data, regions, equal_nan=True)
    napari.layers.Image(data, **arguments)
