"""Resampling: values that encode their position must encode it afterwards."""

import itertools
import subprocess
import sys

import dask.array
import numpy as np
import pytest
import SimpleITK as sitk

from napari_medread import read, resample
from napari_medread.core.geometry import Geometry
from napari_medread.core.volume import Axis, Volume
from napari_medread.errors import Cancelled, CannotResample
from napari_medread.plugin.samples import find_example
from napari_medread.processing.target_grids import make_resampling_target
from napari_medread.processing.volume_resampling import find_resampled_size

SHAPE = (9, 8, 7)
STEPS = (3.0, 1.0, 0.5)
CENTRE = (-12.0, 34.0, -56.0)
ALIGNED = np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])
"""Columns: the array axes SI, AP, RL in LPS."""


def turned(degrees_z, degrees_x):
    """Return the rotation about z, then about x."""
    z, x = np.radians([degrees_z, degrees_x])
    about_z = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    return about_x @ about_z


def geometry_of(directions, shape=SHAPE, steps=STEPS, centre=CENTRE):
    affine = np.eye(4)
    affine[:3, :3] = directions * np.asarray(steps)
    affine[:3, 3] = centre - affine[:3, :3] @ (np.array(shape) - 1) / 2
    return Geometry(shape, affine)


# A gantry tilted by 20 degrees: slices lean, the table still moves along z.
TILTED = turned(0, 20) @ ALIGNED
TILTED[:, 0] = (0, 0, -1)

GRIDS = {
    "aligned": ALIGNED,
    "flipped": ALIGNED * [-1, 1, -1],
    "oblique": turned(25, -15) @ ALIGNED,
    "sheared": TILTED,
    "sheared and oblique": turned(10, 5) @ TILTED,
}


def places(geometry):
    """Return the position of every voxel in LPS mm, (*grid, 3)."""
    return geometry.to_patient(np.moveaxis(np.indices(geometry.shape), 0, -1))


def spoken(geometry):
    """Return values that encode the position of every voxel."""
    return places(geometry) @ [1.0, 10.0, 100.0]


def index_in(geometry, points):
    """Return positions as array indices of a grid."""
    matrix = np.linalg.inv(geometry.affine)
    return points @ matrix[:3, :3].T + matrix[:3, 3]


def inside(geometry, other, margin=0.0):
    """Return which voxels of a second grid lie between the centres of the first one's."""
    index = index_in(geometry, places(other))
    low = index >= margin - 1e-9
    return (low & (index <= np.array(geometry.shape) - 1 - margin + 1e-9)).all(axis=-1)


def volume_of(geometry, data=None, **options):
    return Volume(spoken(geometry) if data is None else data, "scan", geometry, **options)


TARGETS = {
    "isotropic": {},
    "coarse": {"spacing": 1.3},
    "given": {"spacing": (2.0, 0.7, 1.1)},
    "straight": {"straighten": True},
    "straight and isotropic": {"straighten": True, "spacing": 0.8},
    "like": {"like": volume_of(geometry_of(turned(40, 0) @ ALIGNED, (5, 6, 7), (2, 1, 0.7)))},
}


@pytest.mark.parametrize("wanted", TARGETS)
@pytest.mark.parametrize("grid", GRIDS)
def test_linear_interpolation_keeps_what_is_linear(grid, wanted):
    volume = volume_of(geometry_of(GRIDS[grid]))
    found = resample(volume, **TARGETS[wanted])
    held = inside(volume.geometry, found.geometry)
    assert held.sum() > 20
    np.testing.assert_allclose(found.data[held], spoken(found.geometry)[held], rtol=0, atol=1e-6)


@pytest.mark.parametrize("wanted", TARGETS)
@pytest.mark.parametrize("grid", GRIDS)
def test_nearest_takes_the_value_of_the_nearest_voxel(grid, wanted):
    geometry = geometry_of(GRIDS[grid])
    labels = np.random.default_rng(1).integers(1, 200, SHAPE).astype(np.uint8)
    found = resample(volume_of(geometry, labels, labels=True), **TARGETS[wanted])
    index = index_in(geometry, places(found.geometry))
    nearest = np.floor(index + 0.5 + 1e-6).astype(int)
    held = ((nearest >= 0) & (nearest < SHAPE)).all(axis=-1)
    expected = np.where(held, labels[tuple(np.clip(nearest, 0, np.array(SHAPE) - 1).T)].T, 0)
    np.testing.assert_array_equal(found.data, expected)
    assert found.data.dtype == np.uint8
    assert found.labels


@pytest.mark.parametrize("grid", ["aligned", "oblique"])
def test_b_splines_are_those_of_simpleitk(grid):
    geometry = geometry_of(GRIDS[grid])
    data = np.random.default_rng(2).normal(size=SHAPE)
    like = geometry_of(turned(30, 10) @ ALIGNED, (6, 7, 8), (2, 1, 0.6))
    found = resample(volume_of(geometry, data), like=volume_of(like), interpolation="b-spline")
    image = sitk.GetImageFromArray(data)
    reference = sitk.Image(like.itk.size, sitk.sitkFloat64)
    for each, its in ((image, geometry.itk), (reference, like.itk)):
        each.SetSpacing(its.spacing)
        each.SetOrigin(its.origin)
        each.SetDirection(its.direction)
    expected = sitk.Resample(image, reference, sitk.Transform(), sitk.sitkBSpline, data.min())
    np.testing.assert_allclose(found.data, sitk.GetArrayFromImage(expected), atol=1e-9)
    assert len(np.unique(found.data)) > 50


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("interpolation", ["linear", "nearest", "b-spline"])
def test_its_own_grid_gives_the_same_voxels(grid, interpolation):
    volume = volume_of(geometry_of(GRIDS[grid]), np.random.default_rng(3).normal(size=SHAPE))
    found = resample(volume, like=volume, interpolation=interpolation)
    np.testing.assert_allclose(found.data, volume.data, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(found.geometry.affine, volume.geometry.affine)


def test_a_volume_along_the_patients_axes_is_straight_already():
    volume = volume_of(geometry_of(ALIGNED))
    found = resample(volume, straighten=True)
    np.testing.assert_array_equal(found.data, volume.data)
    np.testing.assert_allclose(found.geometry.affine, volume.geometry.affine, atol=1e-9)


def test_straightening_restores_flipped_axes():
    volume = volume_of(geometry_of(GRIDS["flipped"]))
    found = resample(volume, straighten=True)
    np.testing.assert_allclose(found.data, volume.data[::-1, :, ::-1], atol=1e-9)


@pytest.mark.parametrize("grid", GRIDS)
def test_a_straightened_grid_lies_along_the_axes_and_holds_every_corner(grid):
    source = geometry_of(GRIDS[grid])
    straight = resample(volume_of(source), straighten=True, spacing=0.9).geometry
    directions = straight.affine[:3, :3] / 0.9
    np.testing.assert_allclose(directions, ALIGNED, atol=1e-12)
    corners = np.array([*itertools.product(*((-0.5, n - 0.5) for n in SHAPE))])
    index = index_in(straight, source.to_patient(corners))
    beyond = np.array(straight.shape) - 0.5
    assert (index >= -0.5 - 0.01).all()
    assert (index <= beyond + 0.01).all()
    # ... and is no larger than it must be.
    assert (index.min(axis=0) < 0.5).all()
    assert (index.max(axis=0) > beyond - 1).all()


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("spacing", [0.25, 0.7, 1.0, 1.9, 100.0])
def test_a_new_spacing_keeps_field_of_view_and_directions(grid, spacing):
    source = geometry_of(GRIDS[grid])
    found = make_resampling_target(volume_of(source), spacing=spacing).geometry
    assert found.spacing == pytest.approx([spacing] * 3)
    np.testing.assert_allclose(found.directions, source.directions, atol=1e-12)
    middle = [(np.array(g.shape) - 1) / 2 for g in (source, found)]
    np.testing.assert_allclose(source.to_patient(middle[0]), found.to_patient(middle[1]), atol=1e-9)
    for old, new, step in zip(source.shape, found.shape, source.spacing, strict=True):
        assert new * spacing >= old * step * 0.999
        assert (new - 1) * spacing < old * step


def test_half_the_spacing_puts_two_voxels_in_the_place_of_one():
    volume = volume_of(geometry_of(ALIGNED, steps=(2, 2, 2)))
    found = resample(volume, spacing=1, interpolation="nearest")
    np.testing.assert_array_equal(found.data, volume.data.repeat(2, 0).repeat(2, 1).repeat(2, 2))
    assert found.notes == (
        "Resampled from 2 mm isotropic to 1 mm isotropic by nearest-neighbour interpolation.",
    )


def test_voxels_outside_get_the_lowest_value_and_a_note():
    volume = volume_of(geometry_of(GRIDS["oblique"]), value_unit="HU")
    found = resample(volume, straighten=True)
    outside = ~inside(volume.geometry, found.geometry, margin=-0.5)
    assert outside.any()
    assert (found.data[outside] == volume.data.min()).all()
    assert any("outside" in note and " HU, its lowest value" in note for note in found.notes)


@pytest.mark.parametrize("shift", [-0.5, 0.5])
@pytest.mark.parametrize("interpolation", ["linear", "nearest", "b-spline"])
def test_voxels_on_the_very_edge_are_never_zero(shift, interpolation):
    data = np.random.default_rng(9).integers(-1000, -900, SHAPE).astype(np.int16)
    like = geometry_of(ALIGNED, centre=np.add(CENTRE, np.array((0.5, 1, -3)) * shift))
    volume = volume_of(geometry_of(ALIGNED), data)
    found = resample(volume, like=volume_of(like), interpolation=interpolation)
    assert found.data.max() < -850


def test_without_padding_there_is_no_note():
    volume = volume_of(geometry_of(GRIDS["oblique"]))
    assert not any("outside" in note for note in resample(volume, spacing=0.7).notes)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32])
@pytest.mark.parametrize("interpolation", ["linear", "b-spline"])
def test_integers_are_rounded_and_never_wrap(dtype, interpolation):
    ends = np.iinfo(dtype)
    data = np.random.default_rng(4).choice([ends.min, ends.max], SHAPE).astype(dtype)
    geometry = geometry_of(ALIGNED)
    found = resample(volume_of(geometry, data), spacing=0.4, interpolation=interpolation)
    truth = resample(
        volume_of(geometry, data.astype(float)), spacing=0.4, interpolation=interpolation
    )
    assert found.data.dtype == dtype
    expected = truth.data.clip(ends.min, ends.max)
    slack = 0.5 + (ends.max - ends.min) * (1e-6 if data.itemsize <= 2 else 1e-12)
    assert np.abs(found.data.astype(float) - expected).max() <= slack


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
@pytest.mark.parametrize("is_labels", [True, False])
def test_64_bit_integers_stay_exact(dtype, is_labels):
    ends = np.iinfo(dtype)
    data = np.random.default_rng(5).integers(ends.min, ends.max, SHAPE, dtype, endpoint=True)
    data = data.transpose(2, 1, 0)  # no copy: memory is not in the order of the axes
    geometry = geometry_of(GRIDS["oblique"], data.shape, STEPS[::-1])
    volume = volume_of(geometry, data, labels=is_labels)
    found = resample(volume, straighten=True, spacing=0.6, interpolation="nearest")
    assert found.data.dtype == dtype
    outside = 0 if is_labels else data.min()
    assert set(np.unique(found.data)) <= {*data.ravel().tolist(), outside}
    assert np.isin(data, found.data).mean() > 0.9
    own = resample(volume, like=volume, interpolation="nearest")
    np.testing.assert_array_equal(own.data, data)
    assert found.data[0, 0, 0] == outside


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_64_bit_integers_do_not_wrap(dtype):
    ends = np.iinfo(dtype)
    data = np.random.default_rng(6).choice(np.array([ends.min, ends.max], dtype), SHAPE)
    found = resample(volume_of(geometry_of(ALIGNED), data), spacing=0.4, interpolation="b-spline")
    middle = found.data.astype(float) / float(ends.max)
    truth = resample(
        volume_of(geometry_of(ALIGNED), data.astype(float)), spacing=0.4, interpolation="b-spline"
    ).data.clip(ends.min, ends.max)
    np.testing.assert_allclose(middle, truth / float(ends.max), atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4", ">i2"])
def test_types_are_kept(dtype):
    data = (np.arange(np.prod(SHAPE)).reshape(SHAPE) / 4).astype(dtype)
    found = resample(volume_of(geometry_of(ALIGNED), data), spacing=1)
    assert found.data.dtype == np.dtype(dtype)
    truth = resample(volume_of(geometry_of(ALIGNED), data.astype(float)), spacing=1)
    rounding = 0.5 if data.dtype.kind == "i" else 0.1
    np.testing.assert_allclose(found.data.astype(float), truth.data, rtol=0, atol=rounding)


def test_masks_are_never_interpolated():
    data = np.random.default_rng(7).random(SHAPE) > 0.5
    found = resample(volume_of(geometry_of(ALIGNED), data), spacing=0.5)
    assert found.data.dtype == bool
    assert "nearest" in found.notes[0]


def test_colour_is_interpolated_channel_by_channel():
    geometry = geometry_of(GRIDS["sheared"])
    data = np.random.default_rng(8).integers(0, 255, (*SHAPE, 3)).astype(np.uint8)
    found = resample(volume_of(geometry, data, rgb=True), straighten=True)
    for n in range(3):
        alone = resample(volume_of(geometry, data[..., n]), straighten=True)
        held = inside(geometry, found.geometry)
        np.testing.assert_array_equal(found.data[held][..., n], alone.data[held])
    assert found.data[~inside(geometry, found.geometry, -0.5)].max() == 0


def test_leading_axes_are_resampled_frame_by_frame():
    geometry = geometry_of(GRIDS["oblique"])
    data = spoken(geometry) + 1000.0 * np.arange(6).reshape(2, 3, 1, 1, 1)
    leading = (Axis("time", "s", 2.0, (0, 2)), Axis("echo", values=(10, 20, 30)))
    lazy = dask.array.from_array(data, chunks=(1, 1, 1, -1, -1))
    found = resample(volume_of(geometry, lazy, leading=leading), spacing=0.9)
    assert found.leading == leading
    assert isinstance(found.data, np.ndarray)
    held = inside(geometry, found.geometry)
    for t, echo in np.ndindex(2, 3):
        expected = spoken(found.geometry)[held] + 1000 * (3 * t + echo)
        np.testing.assert_allclose(found.data[t, echo][held], expected, atol=1e-6)


def test_metadata_that_no_longer_hold_are_dropped(tmp_path):
    volume = volume_of(
        geometry_of(ALIGNED),
        contrast_limits=(0.0, 5.0),
        windows=((40.0, 400.0, "soft"),),
        modality="CT",
        value_unit="HU",
        source=(tmp_path / "1", tmp_path / "2"),
        notes=("Read with care.",),
        header={"Comment": "as it was"},
    )
    found = resample(volume, spacing=1)
    assert found.name == "scan 1 mm"
    kept = ("contrast_limits", "windows", "modality", "value_unit")
    assert all(getattr(found, each) == getattr(volume, each) for each in kept)
    assert found.source == (tmp_path / "1",)
    assert found.header == {}
    assert found.notes[0] == "Read with care."
    assert found.notes[1].startswith("Resampled from 0.5 × 1 × 3 mm (RL × AP × SI) to 1 mm iso")


def test_images_with_a_spacing_alone():
    plane = Geometry((8, 10), np.array([[0, 0.5, 3.0], [2.0, 0, 4.0], [0, 0, 1]]))
    data = np.arange(8)[:, None] * 2.0 + np.arange(10) * 50.0
    found = resample(Volume(data, "film", plane), spacing=0.5)
    assert found.shape == (32, 10)
    row = (np.arange(32) + 0.5) / 4 - 0.5
    expected = row.clip(0, 7)[:, None] * 2.0 + np.arange(10) * 50.0
    np.testing.assert_allclose(found.data, expected, atol=1e-9)


def test_smoothing_is_as_wide_as_the_new_voxels():
    point = np.zeros((1, 1, 401))
    point[0, 0, 200] = 1.0
    volume = volume_of(geometry_of(ALIGNED, (1, 1, 401), (1, 1, 1)))
    volume.data = point
    response = np.zeros(402)
    for shift in range(6):  # the new voxels are too far apart to show its shape
        like = geometry_of(ALIGNED, (1, 1, 67), (1, 1, 6), np.add(CENTRE, (shift, 0, 0)))
        found = resample(volume, like=volume_of(like), smooth=True)
        response[2 + shift + 6 * np.arange(66)] = found.data[0, 0, :66]
    place = np.arange(402) - 200
    width = np.sqrt((response * place**2).sum() / response.sum()) * np.sqrt(8 * np.log(2))
    assert width == pytest.approx(np.sqrt(6**2 - 1), rel=0.02)
    assert response.sum() == pytest.approx(1, rel=0.01)


def test_coarse_voxels_add_a_note_unless_smoothed():
    volume = volume_of(geometry_of(ALIGNED))
    assert "fine detail is lost" in resample(volume, spacing=2).notes[-1]
    assert "smoothed first" in resample(volume, spacing=2, smooth=True).notes[-1]
    assert len(resample(volume, spacing=0.5).notes) == 1


def test_values_that_are_not_finite():
    data = spoken(geometry_of(ALIGNED))
    data[4, 4, 4] = np.nan
    volume = volume_of(geometry_of(GRIDS["oblique"]), data)
    found = resample(volume, straighten=True, interpolation="nearest")
    assert found.data[0, 0, 0] == np.nanmin(data)
    assert 0 < np.isnan(found.data).sum() < 10
    with pytest.raises(CannotResample, match=r"^scan: .*not finite"):
        resample(volume, interpolation="b-spline")


FAR = geometry_of(ALIGNED, centre=(500.0, 0, 0))
FLAT = Volume(np.zeros((4, 4)), "film", Geometry((4, 4), np.eye(3)))


@pytest.mark.parametrize(
    ("volume", "options", "sentence"),
    [
        (FLAT, {"straighten": True}, "film: .* patient's axes"),
        (Volume(np.zeros((4, 4)), "picture"), {}, "picture: .*mm"),
        (
            FLAT,
            {"like": volume_of(FAR)},
            "film .*film is an image without .*, scan is a volume",
        ),
        (volume_of(FAR), {"like": FLAT}, "scan .*film is an image without .*, scan is a volume"),
        (volume_of(FAR), {"like": volume_of(geometry_of(ALIGNED))}, "scan .*do not overlap"),
        (volume_of(FAR), {"like": volume_of(FAR), "spacing": 1}, "scan: .*one or the other"),
        (volume_of(FAR), {"spacing": 0}, "scan: 0 is not a valid spacing"),
        (volume_of(FAR), {"spacing": (1, 2)}, "scan: .*is not a valid spacing"),
        (volume_of(FAR), {"spacing": float("nan")}, "scan: nan is not a valid spacing"),
        (volume_of(FAR), {"spacing": 1e-3}, "scan: .*GB are free"),
        (volume_of(FAR), {"spacing": 1e-30}, "scan: .*GB are free"),
        (volume_of(FAR), {"interpolation": "cubic"}, "scan: cubic is not an interpolation"),
        (volume_of(FAR, np.zeros(SHAPE, complex)), {}, "scan: .*complex128"),
    ],
)
def test_invalid_requests_are_refused_in_a_sentence(volume, options, sentence):
    with pytest.raises(CannotResample, match=f"^{sentence}"):
        resample(volume, **options)


def test_progress_is_reported_and_work_is_cancelled_between_slabs():
    seen = []

    def stop_at_third(items, description):
        for n, item in enumerate(items):
            seen.append((n, len(items), description))
            if n == 3:
                raise Cancelled("Stopped.")
            yield item

    volume = volume_of(geometry_of(ALIGNED, steps=(1, 1, 1)), np.zeros(SHAPE, np.uint8))
    with pytest.raises(Cancelled):
        resample(volume, spacing=0.05, progress=stop_at_third)
    assert [n for n, _, _ in seen] == [0, 1, 2, 3]
    assert seen[0][1] > 3
    assert seen[0][2] == "Resampling scan"


@pytest.mark.parametrize("options", [{"interpolation": "b-spline"}, {"smooth": True}])
def test_work_is_cancelled_while_a_frame_is_prepared(options):
    seen = []

    def stop_at_fifth(items, description):
        for item in items:
            seen.append(item)
            if item == 4:
                raise Cancelled("Stopped.")
            yield item

    shape = (60, 60, 60)
    volume = volume_of(geometry_of(ALIGNED, shape), np.zeros(shape, np.int16))
    with pytest.raises(Cancelled):
        resample(volume, spacing=2.5, progress=stop_at_fifth, **options)
    assert seen == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("options", [{}, {"interpolation": "b-spline"}, {"smooth": True}])
def test_every_step_is_taken_once(options):
    seen = []

    def progress(items, description):
        for item in items:
            seen.append(item)
            yield item
        seen.append("end")

    data = np.zeros((2, *SHAPE, 3), np.uint8)
    volume = volume_of(geometry_of(ALIGNED), data, rgb=True, leading=(Axis("time"),))
    resample(volume, spacing=1.9, progress=progress, **options)
    assert seen == [*range(len(seen) - 1), "end"]


def test_its_size_is_known_before():
    volume = volume_of(geometry_of(ALIGNED), np.zeros(SHAPE, np.int16))
    assert (
        find_resampled_size(volume, make_resampling_target(volume, spacing=0.7))
        == resample(volume, spacing=0.7).data.nbytes
    )


def test_the_oblique_example_against_simpleitk():
    """SimpleITK holds this grid itself, and samples it by its own geometry."""
    (volume,) = read(find_example("mr_sagittal"))
    found = resample(volume, straighten=True, spacing=3.0)
    image = sitk.GetImageFromArray(np.asarray(volume.data, np.float64))
    reference = sitk.Image(found.geometry.itk.size, sitk.sitkFloat64)
    for each, its in ((image, volume.geometry.itk), (reference, found.geometry.itk)):
        each.SetSpacing(its.spacing)
        each.SetOrigin(its.origin)
        each.SetDirection(its.direction)
    low = float(np.min(volume.data))
    expected = sitk.Resample(image, reference, sitk.Transform(), sitk.sitkLinear, low)
    difference = np.abs(found.data - sitk.GetArrayFromImage(expected))
    # Rounding, and at the edges it may fall either way.
    assert (difference > 0.51).mean() < 1e-4
    assert found.data.std() > 10


def test_importing_the_package_does_not_import_simpleitk():
    code = "import sys, napari_medread; print('SimpleITK' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
