"""Contours as voxels: bodies whose volume geometry gives, and sections with known areas."""

import numpy as np
import pytest

from napari_medread.core.contour_voxels import find_contour_voxels, find_usual_plane_distance
from napari_medread.core.geometry import Geometry

AFFINE = np.eye(4)
AFFINE[:3, :3] = np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0]]) * [2.0, 1, 1]
AFFINE[:3, 3] = [-60, -60, 60]
AXIAL = Geometry((60, 120, 120), AFFINE)
"""Slices 2 mm apart from z = 60 down; pixels of 1 mm."""

VOXEL = 2.0
ANGLES = np.linspace(0, 2 * np.pi, 240, endpoint=False)
RADIUS = 40.0


def make_plane(normal):
    """Return the unit normal and two directions across it."""
    normal = np.array(normal, float) / np.linalg.norm(normal)
    u = np.cross(normal, [0.3, 0.5, 0.7])
    u /= np.linalg.norm(u)
    return normal, u, np.cross(normal, u)


def make_circle(radius, centre=(0, 0, 0), normal=(0, 0, 1)):
    _, u, v = make_plane(normal)
    around = np.cos(ANGLES)[:, None] * u + np.sin(ANGLES)[:, None] * v
    return np.array(centre, float) + radius * around


def make_sphere(normal, heights):
    """Return the circles in which planes at some heights cut a sphere."""
    direction, _, _ = make_plane(normal)
    return [
        make_circle(np.sqrt(RADIUS**2 - h**2), h * direction, normal)
        for h in heights
        if abs(h) < RADIUS
    ]


def measure(contours, geometry=AXIAL):
    """Return the volume in mm³ and the notes."""
    found = find_contour_voxels(contours, geometry)
    return found.runs.count * VOXEL, found.notes


@pytest.mark.parametrize(
    ("normal", "heights", "note"),
    [
        ((0, 0, 1), np.arange(-40, 41, 2.0), ""),
        ((0, 0, 1), np.arange(-40, 41, 4.0), "2 slices apart"),
        ((0, 0, 1), np.arange(-40, 41, 0.5), "more contours than slices"),
        ((0, 0, 1), np.arange(-39, 41, 2.0), "between slices"),
        ((1, 0, 0), np.arange(-40, 41, 1.0), ""),
        ((0, 1, 0), np.arange(-40, 41, 1.0), ""),
        ((1, 2, 3), np.arange(-40, 41, 1.0), ""),
        ((0, 0.3, 1), np.arange(-40, 41, 2.0), ""),
    ],
    ids=["axial", "sparse", "dense", "between", "sagittal", "coronal", "oblique", "tilted"],
)
def test_a_sphere_has_its_volume_within_a_hundredth(normal, heights, note):
    volume, notes = measure(make_sphere(normal, heights))
    assert volume == pytest.approx(4 / 3 * np.pi * RADIUS**3, rel=0.01)
    assert len(notes) == bool(note)
    assert note in "".join(notes)


def test_a_torus_has_its_hole():
    """Two circles in every plane, the inner one a hole (PS3.3 C.8.8.6.3)."""
    large, small = 30.0, 12.0
    contours = []
    for z in np.arange(-10, 11, 2.0):
        half = np.sqrt(small**2 - z**2)
        contours += [make_circle(large + half, (0, 0, z)), make_circle(large - half, (0, 0, z))]
    expected = sum(4 * np.pi * large * np.sqrt(small**2 - z**2) * 2 for z in np.arange(-10, 11, 2))
    found = find_contour_voxels(contours, AXIAL)
    assert found.runs.count * VOXEL == pytest.approx(expected, rel=0.01)
    mask = np.zeros(AXIAL.shape, np.uint8)
    found.runs.write_into(mask, 1)
    middle = np.rint(AXIAL.to_index([0, 0, 0])).astype(int)
    assert not mask[tuple(middle)]


def test_a_tilted_cylinder_has_its_volume():
    """Circles whose centres move by half a millimetre for each millimetre up."""
    contours = [make_circle(20, (0.5 * z, -0.3 * z, z)) for z in np.arange(-30, 31, 2.0)]
    volume, notes = measure(contours)
    assert volume == pytest.approx(np.pi * 20**2 * 62, rel=0.01)
    assert notes == []


def test_a_keyhole_is_a_ring():
    outer, inner = make_circle(30), make_circle(10)[::-1]
    start = np.argmin(np.linalg.norm(inner - outer[0], axis=1))
    inner = np.roll(inner, -start, axis=0)
    keyhole = np.concatenate([outer, outer[:1], inner, inner[:1]])
    assert measure([keyhole])[0] == pytest.approx(np.pi * 800 * VOXEL, rel=0.01)
    assert measure([keyhole])[0] == pytest.approx(measure([outer, inner])[0], rel=0.005)


def test_of_areas_that_cross_the_common_part_is_left_out():
    """As CLOSEDPLANAR_XOR is defined."""
    squares = [
        np.array([[x, y, 0], [x + 20, y, 0], [x + 20, y + 20, 0], [x, y + 20, 0]], float)
        for x, y in ((-20.5, -20.5), (-10.5, -10.5))
    ]
    assert measure(squares)[0] == (400 + 400 - 2 * 100) * VOXEL


def test_a_part_between_two_distant_parts_stays_empty():
    heights = [*np.arange(-40, -29, 2.0), *np.arange(20, 31, 2.0)]
    contours = [make_circle(10, (0, 0, z)) for z in heights]
    assert measure(contours)[0] == 12 * measure(contours[:1])[0]


def test_one_contour_fills_one_slice_or_as_many_as_others_are_apart():
    circle = make_circle(20)
    one = find_contour_voxels([circle], AXIAL).runs.count
    other = find_contour_voxels([circle], AXIAL, 3.0).runs.count
    assert one == pytest.approx(np.pi * 400, rel=0.01)
    assert other == 3 * one


def test_the_usual_distance_is_that_of_most_structures():
    structures = [
        [make_circle(5, (0, 0, z)) for z in np.arange(-20, 21, step)] for step in (4.0, 4.0, 2.0)
    ]
    assert find_usual_plane_distance(structures, AXIAL) == pytest.approx(2.0)
    assert find_usual_plane_distance([structures[0][:2]], AXIAL) is None
    assert find_usual_plane_distance([[]], AXIAL) is None


def test_a_structure_between_voxel_centres_has_none():
    tiny = np.array([[0.1, 0.1, 0], [0.4, 0.1, 0], [0.4, 0.4, 0]])
    assert find_contour_voxels([tiny], AXIAL).runs.count == 0


def test_a_contour_in_no_plane_is_left_out_with_a_note():
    rng = np.random.default_rng(0)
    scattered = rng.uniform(-30, 30, (12, 3))
    found = find_contour_voxels([scattered, make_circle(20)], AXIAL)
    assert found.runs.count == find_contour_voxels([make_circle(20)], AXIAL).runs.count
    assert found.notes == ["1 of its contours lie in no plane and are left out"]


@pytest.mark.parametrize("angle", [0, 30])
def test_contours_outside_of_the_grid_are_no_error(angle):
    normal = (0, np.sin(np.radians(angle)), np.cos(np.radians(angle)))
    assert measure([make_circle(20, (300, 0, 0), normal)])[0] == 0
