"""Grids in patient space, and where napari draws them."""

import itertools

import numpy as np
import pytest
import SimpleITK as sitk

from napari_medread.core.affines import apply_affine, invert_affine, relative_affine
from napari_medread.core.geometry import Geometry
from napari_medread.errors import NotAVolume

# World axes (inferior, posterior, left) from LPS (left, posterior, superior).
WORLD = np.array([[0, 0, -1], [0, 1, 0], [1, 0, 0]])

SPACING = np.array([5.0, 2.0, 3.0])
ORIGIN = np.array([-12.0, 34.0, -56.0])
SHAPE = (4, 5, 7)


def geometry_along(axes: np.ndarray, slice_axis: int = 0) -> Geometry:
    """Return a grid whose array axes are the columns of ``axes``."""
    affine = np.eye(4)
    affine[:3, :3] = axes * SPACING
    affine[:3, 3] = ORIGIN
    return Geometry(SHAPE, affine, slice_axis)


def rotation(degrees: float, axis: int) -> np.ndarray:
    """Return a rotation matrix about one of the patient's axes."""
    a, b = (n for n in range(3) if n != axis)
    matrix = np.eye(3)
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix[[a, a, b, b], [a, b, a, b]] = cosine, -sine, sine, cosine
    return matrix


def drawn(geometry: Geometry, index: np.ndarray) -> np.ndarray:
    """Return the world coordinates of voxels as napari's layer transform gives them."""
    scale, translate, flips = map(np.array, geometry.world_transform())
    return flips * (scale * index + translate)


SIGNED_PERMUTATIONS = [
    np.eye(3)[:, list(order)] * signs
    for order in itertools.permutations(range(3))
    for signs in itertools.product((1, -1), repeat=3)
]


@pytest.mark.parametrize("axes", SIGNED_PERMUTATIONS, ids=range(48))
def test_a_grid_along_the_patients_axes_is_drawn_exactly_where_it_is(axes):
    geometry = geometry_along(axes)
    order = geometry.world_order
    placed = geometry.permute_axes(order)
    index = np.array(list(itertools.product(*((0, n - 1) for n in placed.shape))))
    np.testing.assert_allclose(drawn(placed, index), placed.to_patient(index) @ WORLD.T, atol=1e-9)


@pytest.mark.parametrize("axes", SIGNED_PERMUTATIONS, ids=range(48))
def test_scale_is_the_positive_spacing_in_array_order(axes):
    geometry = geometry_along(axes)
    order = geometry.world_order
    assert geometry.permute_axes(order).world_transform().scale == pytest.approx(
        SPACING[list(order)]
    )


@pytest.mark.parametrize("degrees", [5, 15, 30, 44])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_an_oblique_grid_keeps_the_order_of_the_nearest_axes(degrees, axis):
    geometry = geometry_along(rotation(degrees, axis) @ WORLD.T)
    assert geometry.world_order == (0, 1, 2)
    assert geometry.obliquity == pytest.approx(degrees)


@pytest.mark.parametrize("degrees", [5, 30, 45])
def test_an_oblique_grid_is_drawn_straight_from_the_patient_origin(degrees):
    axes = rotation(degrees, 0) @ WORLD.T
    geometry = geometry_along(axes)
    # The coordinate of the first voxel along an axis is its projection on that axis.
    np.testing.assert_allclose(geometry.world_transform().translate, axes.T @ ORIGIN)


def test_volumes_of_one_oblique_orientation_stay_aligned_with_one_another():
    axes = rotation(20, 1) @ WORLD.T
    one = geometry_along(axes)
    shifted = np.array(one.affine)
    shifted[:3, 3] += axes @ (SPACING * [2, 3, 1])
    other = Geometry(SHAPE, shifted)
    np.testing.assert_allclose(drawn(other, np.zeros(3)), drawn(one, np.array([2, 3, 1])))


def test_at_45_degrees_each_axis_still_gets_a_different_world_axis():
    order = geometry_along(rotation(45, 0) @ rotation(45, 2) @ WORLD.T).world_order
    assert sorted(order) == [0, 1, 2]


def test_slice_spacing_is_measured_along_the_normal_of_a_tilted_stack():
    affine = np.eye(4)
    tilt = np.radians(20)
    affine[:3, 0] = 5 * np.array([0, np.sin(tilt), -np.cos(tilt)])
    affine[:3, 1], affine[:3, 2] = (0, 2, 0), (3, 0, 0)
    geometry = Geometry(SHAPE, affine)
    assert geometry.spacing == pytest.approx((5 * np.cos(tilt), 2, 3))
    assert geometry.tilt == pytest.approx(20)


def test_a_tilted_stack_keeps_its_slice_axis_when_permuted():
    affine = np.eye(4)
    affine[:3, 0] = (5, 0, 1)  # sagittal slices that lean
    affine[:3, 1], affine[:3, 2] = (0, 0, -2), (0, 3, 0)
    geometry = Geometry(SHAPE, affine)
    placed = geometry.permute_axes(geometry.world_order)
    assert placed.slice_axis == 2
    assert placed.spacing == pytest.approx((2, 3, 5))


def test_itk_properties_give_the_affine_of_the_reversed_array():
    direction = rotation(30, 2)
    geometry = Geometry.from_itk((7, 5, 4), (3, 2, 5), ORIGIN, direction.ravel().tolist())
    assert geometry.shape == (4, 5, 7)
    # ITK: point = origin + direction @ (spacing * index), index in x, y, z.
    expected = ORIGIN + direction @ (np.array([3, 2, 5]) * [6, 1, 2])
    np.testing.assert_allclose(geometry.to_patient([2, 1, 6]), expected)


def test_a_plane_is_drawn_at_its_origin():
    geometry = Geometry.from_itk((7, 5), (3, 2), (10, 20), (1, 0, 0, 1))
    assert geometry.world_transform() == ((2, 3), (20, 10), (1, 1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.__setitem__((0, 3), np.nan), "not finite"),
        (lambda m: m.__setitem__((slice(3), 1), 0), "spacing of zero"),
        (lambda m: m.__setitem__((slice(3), 1), m[:3, 2]), "do not span"),
    ],
    ids=["nan", "zero spacing", "parallel axes"],
)
def test_an_invalid_matrix_is_refused(change, message):
    affine = np.eye(4)
    change(affine)
    with pytest.raises(NotAVolume, match=message):
        Geometry(SHAPE, affine)


def grid_of_columns(*columns: tuple[float, ...], slice_axis: int = 0) -> Geometry:
    """Return a grid whose array axes step by the columns in mm."""
    n = len(columns)
    affine = np.eye(n + 1)
    affine[:n, :n] = np.transpose(columns)
    affine[:n, n] = ORIGIN[:n]
    return Geometry(SHAPE[:n], affine, slice_axis)


GRIDS = {
    "along the patient's axes": geometry_along(WORLD.T),
    "axes in another order": geometry_along(np.eye(3)[:, [1, 2, 0]], slice_axis=1),
    "oblique": geometry_along(rotation(25, 0) @ rotation(-40, 2) @ WORLD.T),
    "mirrored": geometry_along(rotation(15, 1) @ np.diag([1.0, 1, -1])),
    "sheared by a tilted gantry": grid_of_columns((0, 1.7, 4.7), (0, 2, 0), (3, 0, 0)),
    "sheared along every axis": grid_of_columns(
        (1, 0.2, -5), (0.3, 2, 0.1), (-3, 0.4, 0.6), slice_axis=2
    ),
    "plane": grid_of_columns((0, 2), (3, 0)),
    "mirrored plane": grid_of_columns((0.1, -2), (3, 0)),
}
grids = pytest.mark.parametrize("geometry", GRIDS.values(), ids=GRIDS)


def some_indices(geometry: Geometry) -> np.ndarray:
    """Return continuous indices inside and outside a grid, shape (2, 5, n)."""
    return np.random.default_rng(1).uniform(-3, 9, (2, 5, geometry.ndim))


@grids
def test_a_position_is_the_sum_of_the_steps_along_each_axis(geometry):
    index = some_indices(geometry)
    n = geometry.ndim
    expected = geometry.affine[:n, n] + sum(
        index[..., axis, None] * geometry.affine[:n, axis] for axis in range(n)
    )
    np.testing.assert_allclose(geometry.to_patient(index), expected)


@grids
def test_positions_and_indices_are_those_of_simpleitk(geometry):
    image = sitk.Image(geometry.itk.size, sitk.sitkUInt8)
    image.SetSpacing(geometry.itk.spacing)
    image.SetOrigin(geometry.itk.origin)
    image.SetDirection(geometry.itk.direction)
    for index in some_indices(geometry).reshape(-1, geometry.ndim):
        position = image.TransformContinuousIndexToPhysicalPoint(index[::-1].tolist())
        np.testing.assert_allclose(geometry.to_patient(index), position, atol=1e-9)
        np.testing.assert_allclose(geometry.to_index(position), index, atol=1e-9)


@grids
def test_indices_come_back_from_positions(geometry):
    index = some_indices(geometry)
    back = geometry.to_index(geometry.to_patient(index))
    assert back.shape == index.shape
    np.testing.assert_allclose(back, index, atol=1e-12)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (one, other)
        for one, other in itertools.permutations(GRIDS, 2)
        if GRIDS[one].ndim == GRIDS[other].ndim
    ],
)
def test_an_index_map_leads_to_the_same_position(one, other):
    start, end = GRIDS[one], GRIDS[other]
    index = some_indices(start)
    mapped = apply_affine(start.index_map(end), index)
    np.testing.assert_allclose(end.to_patient(mapped), start.to_patient(index), atol=1e-9)


def test_there_is_no_index_map_between_a_plane_and_a_volume():
    with pytest.raises(NotAVolume, match="3 axes"):
        GRIDS["oblique"].index_map(GRIDS["plane"])


@grids
def test_components_are_step_lengths_first_position_and_unit_directions(geometry):
    spacing, origin, direction = geometry.components
    first = geometry.to_patient(np.zeros(geometry.ndim))
    np.testing.assert_allclose(origin, first)
    for axis, unit in enumerate(np.eye(geometry.ndim)):
        step = geometry.to_patient(unit) - first
        assert spacing[axis] == pytest.approx(np.sqrt(step @ step))
        np.testing.assert_allclose(direction[:, axis] * spacing[axis], step, atol=1e-12)


@grids
def test_components_give_the_same_geometry(geometry):
    again = Geometry.from_components(
        geometry.shape, **geometry.components._asdict(), slice_axis=geometry.slice_axis
    )
    assert again.shape == geometry.shape
    assert again.slice_axis == geometry.slice_axis
    np.testing.assert_allclose(again.affine, geometry.affine, rtol=1e-15, atol=1e-15)


@grids
def test_components_are_itks_properties_in_array_order(geometry):
    spacing, origin, direction = geometry.components
    n = geometry.ndim
    assert spacing == geometry.itk.spacing[::-1]
    assert origin == geometry.itk.origin
    np.testing.assert_array_equal(direction[:, ::-1].ravel(), geometry.itk.direction)
    from_itk = Geometry.from_itk(SHAPE[:n][::-1], *geometry.itk[1:])
    np.testing.assert_allclose(from_itk.affine, geometry.affine, rtol=1e-15, atol=1e-15)


def test_the_step_of_a_tilted_stack_is_longer_than_its_spacing():
    geometry = GRIDS["sheared by a tilted gantry"]
    assert geometry.components.spacing[0] == pytest.approx(np.hypot(1.7, 4.7))
    assert geometry.spacing[0] == pytest.approx(4.7)  # between the planes of the slices


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"spacing": (1, 1)}, "3 spacings"),
        ({"origin": (0, 0)}, "3 coordinates"),
        ({"direction": np.eye(2)}, "3 x 3 directions"),
        ({"spacing": (1, 0, 1)}, "not above 0"),
        ({"spacing": (1, -1, 1)}, "not above 0"),
        ({"spacing": (1, np.nan, 1)}, "not above 0"),
        ({"origin": (0, np.inf, 0)}, "not finite"),
        ({"direction": 2 * np.eye(3)}, "unit vector"),
        ({"direction": np.eye(3)[:, [0, 1, 1]]}, "do not span"),
    ],
)
def test_invalid_components_are_refused(change, message):
    components = {"spacing": (1, 1, 1), "origin": (0, 0, 0), "direction": np.eye(3)} | change
    with pytest.raises(NotAVolume, match=message):
        Geometry.from_components(SHAPE, **components)


@grids
def test_a_relative_affine_is_the_inverse_times_the_other(geometry):
    n = geometry.ndim
    other = np.eye(n + 1)
    other[:n, n] = 1, *range(2, n + 1)
    expected = geometry.affine @ relative_affine(geometry.affine, other)
    np.testing.assert_allclose(expected, other, atol=1e-12)
    np.testing.assert_allclose(
        relative_affine(geometry.affine, other), invert_affine(geometry.affine) @ other, atol=1e-12
    )


def test_itk_and_nibabel_place_the_same_voxel():
    geometry = GRIDS["oblique"]
    index = np.array([3, 1, 2])
    x, y, z = geometry.to_patient(index)
    in_itk = geometry.affine[:, [2, 1, 0, 3]]
    np.testing.assert_allclose(apply_affine(in_itk, index[::-1]), (x, y, z))
    in_nibabel = np.diag([-1, -1, 1, 1]) @ geometry.affine
    np.testing.assert_allclose(apply_affine(in_nibabel, index), (-x, -y, z))
