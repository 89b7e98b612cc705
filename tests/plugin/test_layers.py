"""Volumes as layer data."""

import numpy as np
import pytest

from napari_medread.core.geometry import Geometry
from napari_medread.core.volume import Axis, Volume
from napari_medread.plugin.layers import layer_of, layers_of

TIME = Axis("time", "s", 0.5)
PLANE = Geometry((4, 6), np.diag([0.2, 0.1, 1.0])[[1, 0, 2]])


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
    _, arguments, kind = layer_of(volume)
    assert kind == "image"
    assert arguments["scale"] == pytest.approx(scale)
    assert arguments["units"] == units


def test_flips_are_an_affine_and_the_truth_is_in_the_metadata():
    affine = np.diag([2.0, 3.0, 5.0, 1.0])[[2, 1, 0, 3]]  # slices towards the head
    volume = Volume(np.zeros((2, 3, 4), np.int16), "scan", Geometry((2, 3, 4), affine))
    _, arguments, _ = layer_of(volume)
    np.testing.assert_array_equal(arguments["affine"], np.diag([-1, 1, 1, 1]))
    np.testing.assert_array_equal(arguments["metadata"]["patient_affine"], affine)


def test_of_volumes_opened_together_the_largest_is_visible():
    geometry = [Geometry((n, 3, 4), np.diag([-1.0, 1, 1, 1])[[2, 1, 0, 3]]) for n in (2, 9, 5)]
    volumes = [Volume(np.zeros(g.shape, np.int16), "scan", g) for g in geometry]
    assert [arguments["visible"] for _, arguments, _ in layers_of(volumes)] == [False, True, False]


def test_pictures_opened_together_are_all_visible():
    volumes = [Volume(np.zeros((n, 4), np.uint8), "picture") for n in (3, 9)]
    assert all(arguments["visible"] for _, arguments, _ in layers_of(volumes))
