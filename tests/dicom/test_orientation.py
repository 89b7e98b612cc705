"""Every voxel is at its position, in every orientation of the slices (PS3.3 C.7.6.2.1.1)."""

import itertools

import numpy as np
import pytest

from helpers.builders import (
    COLUMN_SPACING,
    COLUMNS,
    ORIENTATIONS,
    ROW_SPACING,
    ROWS,
    SLICE_SPACING,
    SLICES,
    find_normal,
    find_voxel_position,
    make_series,
    stored_value,
    write_series,
)
from napari_medread.api import read

DIRECTIONS = [tuple(sign * row for row in axis) for axis in np.eye(3) for sign in (1, -1)]
ALIGNED = [(r, c) for r, c in itertools.product(DIRECTIONS, repeat=2) if not np.dot(r, c)]
"""All 24 orientations along the axes, such as feet first, prone and decubitus."""

# Directions of the world axes (inferior, posterior, left) in LPS.
WORLD = np.array([[0, 0, -1], [0, 1, 0], [1, 0, 0]])

VOXELS = list(itertools.product(range(SLICES), range(ROWS), range(COLUMNS)))


def rotate(orientation, degrees, about):
    """Return an orientation rotated about a patient axis."""
    a, b = (n for n in range(3) if n != about)
    matrix = np.eye(3)
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix[[a, a, b, b], [a, b, a, b]] = cosine, -sine, sine, cosine
    return tuple(tuple(matrix @ axis) for axis in orientation)


def voxel_values(volume, orientation):
    """Return a volume's values at the positions of the voxels of a series, and the error in mm."""
    inverse = np.linalg.inv(volume.patient_affine)
    positions = np.array([find_voxel_position(*voxel, orientation) for voxel in VOXELS])
    index = positions @ inverse[:3, :3].T + inverse[:3, 3]
    nearest = np.rint(index).astype(int)
    error = np.abs((index - nearest) @ volume.patient_affine[:3, :3].T).max()
    return [int(volume.data[tuple(i)]) for i in nearest], error


@pytest.mark.parametrize("orientation", ALIGNED)
def test_values_are_where_the_headers_say(tmp_path, orientation):
    (volume,) = read(write_series(tmp_path, make_series(orientation)))
    found, error = voxel_values(volume, orientation)
    assert found == [stored_value(*voxel) for voxel in VOXELS]
    assert error < 1e-6


@pytest.mark.parametrize("orientation", ALIGNED)
def test_an_aligned_volume_is_drawn_at_its_position(tmp_path, orientation):
    (volume,) = read(write_series(tmp_path, make_series(orientation)))
    scale, translate, flips = map(np.array, volume.geometry.world_transform())
    corners = np.array(list(itertools.product(*((0, n - 1) for n in volume.shape))))
    drawn = flips * (scale * corners + translate)
    np.testing.assert_allclose(drawn, volume.geometry.to_patient(corners) @ WORLD.T, atol=1e-9)


@pytest.mark.parametrize("orientation", ALIGNED)
def test_slices_are_sorted_along_their_world_axis(tmp_path, orientation):
    (volume,) = read(write_series(tmp_path, make_series(orientation)))
    world = int(np.argmax(np.abs(WORLD @ find_normal(orientation))))
    assert volume.geometry.slice_axis == world
    assert volume.geometry.world_transform().flips[world] == 1


@pytest.mark.parametrize(
    ("plane", "scale"),
    [
        ("axial", (SLICE_SPACING, ROW_SPACING, COLUMN_SPACING)),
        ("coronal", (ROW_SPACING, SLICE_SPACING, COLUMN_SPACING)),
        ("sagittal", (ROW_SPACING, COLUMN_SPACING, SLICE_SPACING)),
    ],
)
def test_array_axes_are_superior_to_inferior_then_anterior_to_posterior_then_right_to_left(
    tmp_path, plane, scale
):
    (volume,) = read(write_series(tmp_path, make_series(ORIENTATIONS[plane])))
    assert volume.geometry.spacing == pytest.approx(scale)
    assert volume.geometry.world_transform().flips == (1, 1, 1)
    assert volume.axis_labels == ("SI", "AP", "RL")
    assert volume.units == ("mm", "mm", "mm")


@pytest.mark.parametrize("plane", ORIENTATIONS)
@pytest.mark.parametrize("degrees", [5, 20, 45])
@pytest.mark.parametrize("about", [0, 1, 2])
def test_an_oblique_volume_keeps_its_exact_positions(tmp_path, plane, degrees, about):
    orientation = rotate(ORIENTATIONS[plane], degrees, about)
    (volume,) = read(write_series(tmp_path, make_series(orientation)))
    found, error = voxel_values(volume, orientation)
    assert found == [stored_value(*voxel) for voxel in VOXELS]
    assert error < 1e-6


@pytest.mark.parametrize("plane", ORIENTATIONS)
@pytest.mark.parametrize("degrees", [5, 20, 44])
@pytest.mark.parametrize("about", [0, 1, 2])
def test_an_oblique_volume_is_drawn_straight(tmp_path, plane, degrees, about):
    straight, oblique = (
        read(
            write_series(
                tmp_path / str(angle), make_series(rotate(ORIENTATIONS[plane], angle, about))
            )
        )
        for angle in (0, degrees)
    )
    assert oblique[0].shape == straight[0].shape
    assert oblique[0].geometry.spacing == pytest.approx(straight[0].geometry.spacing)
    np.testing.assert_array_equal(oblique[0].data, straight[0].data)


def test_the_superior_slice_of_an_axial_series_comes_first(tmp_path):
    (volume,) = read(write_series(tmp_path, make_series(slices=[0, 1, 2, 3])))
    heights = volume.geometry.to_patient([[n, 0, 0] for n in range(4)])[:, 2]
    assert list(heights) == sorted(heights, reverse=True)


def test_a_single_slice_is_one_slice_thick_in_patient_space(tmp_path):
    orientation = ORIENTATIONS["axial"]
    (volume,) = read(write_series(tmp_path, make_series(slices=[2], SliceThickness="4")))
    assert volume.shape == (1, ROWS, COLUMNS)
    np.testing.assert_allclose(
        volume.geometry.to_patient([0, 3, 4]), find_voxel_position(2, 3, 4, orientation)
    )
    assert volume.geometry.spacing == pytest.approx((4, ROW_SPACING, COLUMN_SPACING))


def test_an_image_without_a_patient_position_is_two_dimensional(tmp_path):
    (volume,) = read(
        write_series(
            tmp_path,
            make_series(slices=[0], change=lambda _, ds: delattr(ds, "ImagePositionPatient")),
        )
    )
    assert volume.shape == (ROWS, COLUMNS)
    assert volume.patient_affine is None
    assert volume.geometry.spacing == (ROW_SPACING, COLUMN_SPACING)
    assert volume.units == ("mm", "mm")
