"""Contours as shapes and points that lie where their image does."""

import numpy as np
import pytest
from napari.layers import Layer, Points, Shapes

from helpers.dicom_volumes import make_affine, make_rotation
from napari_medread.core.contours import ContourSet
from napari_medread.core.geometry import WORLD_AXES, Geometry
from napari_medread.core.segments import Segment
from napari_medread.core.volume import Volume
from napari_medread.plugin.bridge.contours_to_layer import contours_to_layer
from napari_medread.plugin.bridge.volume_to_layer import to_layer

SHAPE = (6, 9, 11)
GRIDS = {
    "straight": make_affine(),
    "flipped": make_affine(flips=(-1, 1, -1)),
    "oblique": make_affine(rotation=make_rotation(20, 0) @ make_rotation(-10, 2)),
    "tilted": make_affine(lean=(0.0, 0.8, 0.0)),
}
INDICES = [np.array([[2, 1, 1], [2, 1, 6], [2, 5, 6.5]]), np.array([[3, 2, 2], [3, 2, 7.25]])]
SEGMENTS = (
    Segment(1, 1, "Lung", (0.0, 0.2, 1.0), {"interpreted_type": "ORGAN"}),
    Segment(2, 2, "Wire", None, {"interpreted_type": "MARKER"}),
)


def make_geometry(grid):
    geometry = Geometry(SHAPE, GRIDS[grid])
    return geometry.permute_axes(geometry.world_order)


@pytest.mark.parametrize("kind", ["open", "points"])
@pytest.mark.parametrize("grid", GRIDS)
def test_contours_lie_on_their_image_as_it_is_drawn(grid, kind):
    geometry = make_geometry(grid)
    contours = [geometry.to_patient(each) for each in INDICES]
    layer = Layer.create(
        *contours_to_layer(ContourSet("drawn", kind, contours, SEGMENTS, geometry))
    )
    volume = Volume(np.zeros(geometry.shape, np.int16), "image", geometry, contrast_limits=(0, 1))
    image = Layer.create(*to_layer(volume))
    found = layer.data if kind == "points" else np.concatenate(layer.data)
    expected = np.concatenate(INDICES)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    for point, index in zip(found, expected, strict=True):
        np.testing.assert_allclose(
            layer.data_to_world(point), image.data_to_world(index), atol=1e-4
        )
    np.testing.assert_allclose(layer.metadata["patient_affine"], geometry.affine)


def test_lines_have_the_names_and_colours_of_their_structures():
    geometry = make_geometry("straight")
    contours = [geometry.to_patient(each) for each in INDICES]
    layer = Layer.create(
        *contours_to_layer(ContourSet("drawn", "open", contours, SEGMENTS, geometry))
    )
    assert isinstance(layer, Shapes)
    assert layer.shape_type == ["path", "path"]
    assert layer.features["name"].tolist() == ["Lung", "Wire"]
    assert layer.features["interpreted_type"].tolist() == ["ORGAN", "MARKER"]
    np.testing.assert_allclose(layer.edge_color[0], (0, 0.2, 1, 1))


def test_each_point_has_the_name_and_colour_of_its_structure():
    geometry = make_geometry("straight")
    contours = [geometry.to_patient(each) for each in INDICES]
    layer = Layer.create(
        *contours_to_layer(ContourSet("drawn", "points", contours, SEGMENTS, geometry))
    )
    assert isinstance(layer, Points)
    assert layer.features["name"].tolist() == ["Lung"] * 3 + ["Wire"] * 2
    np.testing.assert_allclose(layer.face_color[2], (0, 0.2, 1, 1))


@pytest.mark.parametrize(("axis", "step"), [(0, 2.5), (1, 4.0), (2, 1.25)])
def test_without_an_image_each_plane_of_contours_is_a_slice_in_patient_space(axis, step):
    world = []
    for n in range(5):
        square = np.array([[0, 0, 0], [0, 0, 30], [0, 30, 30], [0, 30, 0]], float)
        square = square[:, np.roll(np.arange(3), axis)] if axis else square
        square[:, axis] = 11.5 + n * step
        world.append(square)
    contours = [each @ WORLD_AXES.T for each in world]
    segments = SEGMENTS[:1] * 5
    layer = Layer.create(*contours_to_layer(ContourSet("drawn", "closed", contours, segments)))
    assert layer.scale[axis] == pytest.approx(step)
    for n, (path, expected) in enumerate(zip(layer.data, world, strict=True)):
        np.testing.assert_allclose(path[:, axis], n, atol=1e-9)
        closed = [*expected, expected[0]]
        found = [layer.data_to_world(point) for point in path]
        np.testing.assert_allclose(found, closed, atol=1e-6)
    affine = layer.metadata["patient_affine"]
    positions = layer.data[1] @ affine[:3, :3].T + affine[:3, 3]
    np.testing.assert_allclose(positions[:-1], contours[1], atol=1e-6)


def test_a_single_contour_has_a_slice_of_one_millimetre():
    contour = np.array([[0, 0, 7.3], [5, 0, 7.3], [5, 5, 7.3]])
    layer = Layer.create(*contours_to_layer(ContourSet("drawn", "closed", [contour], SEGMENTS[:1])))
    np.testing.assert_allclose(layer.scale, 1)
