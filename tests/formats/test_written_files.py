"""What NIfTI and NRRD writers have in common: written, and read again by three readers."""

import dataclasses

import dask.array as da
import numpy as np
import pytest

from helpers.file_grids import (
    DIRECTIONS,
    ROTATIONS,
    by_nibabel,
    by_simpleitk,
    in_file_order,
    scan,
    volume_of,
)
from helpers.metaimages import some_pixels
from napari_medread.api import read, write
from napari_medread.core.geometry import Geometry
from napari_medread.core.volume import Axis, Volume
from napari_medread.errors import Cancelled, CannotWrite

SUFFIXES = (".nii", ".nii.gz", ".nrrd")
PRECISION = {".nii": 1e-4, ".nii.gz": 1e-4, ".nrrd": 1e-6}
"""How exactly the places of voxels come back, in mm: NIfTI's numbers are of single precision."""

TYPES = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8")
TIME = Axis("time", "s", 2.5)

each_suffix = pytest.mark.parametrize("suffix", SUFFIXES)


def again(path):
    (volume,) = read(path)
    return volume


def comes_back(volume, path, **options):
    """Write a volume, and return it as it is read again after all it must keep is checked."""
    write(path, volume, **options)
    found = again(path)
    assert found.axis_labels == volume.axis_labels
    assert found.units == volume.units
    assert [a.step for a in found.leading] == pytest.approx([a.step for a in volume.leading])
    assert (found.rgb, found.labels) == (volume.rgb, volume.labels)
    assert found.data.shape == volume.data.shape
    assert np.array_equal(found.data, np.asarray(volume.data))
    if volume.geometry is None:
        assert found.geometry is None
    else:
        error = np.abs(found.geometry.affine - volume.geometry.affine).max()
        assert error <= PRECISION[path.name[path.name.index(".") :]]
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    return found


@each_suffix
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("compress", [False, True])
def test_every_type(tmp_path, suffix, dtype, compress):
    volume = scan(dtype)
    path = tmp_path / f"a{suffix}"
    found = comes_back(volume, path, compress=compress)
    assert found.data.dtype == volume.data.dtype
    assert np.array_equal(by_simpleitk(path)[0], volume.data)
    if suffix != ".nrrd":
        assert np.array_equal(by_nibabel(path)[0], volume.data)


@each_suffix
@pytest.mark.parametrize(
    ("pixels", "stored"),
    [(some_pixels((5, 6, 7), "i2") > 0, "u1"), (some_pixels((5, 6, 7), "f2"), "f4")],
    ids=["bool", "float16"],
)
def test_types_that_files_do_not_have(tmp_path, suffix, pixels, stored):
    found = comes_back(volume_of(pixels), tmp_path / f"a{suffix}")
    assert found.data.dtype == np.dtype(stored)


@each_suffix
@pytest.mark.parametrize("direction", ROTATIONS.values(), ids=ROTATIONS)
def test_voxels_lie_where_they_lay(tmp_path, suffix, direction):
    volume = scan(direction=direction)
    path = tmp_path / f"a{suffix}"
    assert comes_back(volume, path).notes == ()
    for judge in (by_simpleitk, *((by_nibabel,) if suffix != ".nrrd" else ())):
        array, affine = judge(path)
        assert np.array_equal(array, volume.data)
        assert np.allclose(affine, volume.geometry.affine, rtol=0, atol=PRECISION[suffix])


@each_suffix
def test_directions_rounded_to_three_digits(tmp_path, suffix):
    volume = scan(direction=DIRECTIONS["rounded"])
    comes_back(volume, tmp_path / f"a{suffix}")
    array, affine = by_simpleitk(tmp_path / f"a{suffix}")
    assert np.array_equal(array, volume.data)
    # Of such an sform SimpleITK takes the qform, which is the nearest rotation.
    assert np.allclose(affine, volume.geometry.affine, rtol=0, atol=5e-3)


@each_suffix
@pytest.mark.parametrize("shape", [(1, 6, 7), (5, 1, 7), (5, 6, 1), (1, 1, 1)], ids=str)
def test_a_single_slice_keeps_its_place(tmp_path, suffix, shape):
    comes_back(scan(shape=shape), tmp_path / f"a{suffix}")
    array, affine = by_simpleitk(tmp_path / f"a{suffix}")
    assert array.shape == shape
    assert np.allclose(affine, scan(shape=shape).geometry.affine, atol=1e-4)


@each_suffix
@pytest.mark.parametrize("unit", ["s", "ms"])
def test_time(tmp_path, suffix, unit):
    axis = Axis("time", unit, 250.0)
    volume = volume_of(some_pixels((4, 5, 6, 7), "i2"), leading=[axis])
    path = tmp_path / f"a{suffix}"
    if suffix != ".nrrd":
        seconds = Axis("time", "s", 250.0 if unit == "s" else 0.25)
        write(path, volume)
        volume = dataclasses.replace(volume, leading=(seconds,))
        path.unlink()
    assert comes_back(volume, path).notes == ()
    array, affine = by_simpleitk(path)
    assert np.array_equal(array, volume.data)
    assert affine[3, 0] == volume.leading[0].step
    assert np.allclose(affine[:3, 1:4], volume.geometry.affine[:3, :3], atol=1e-4)


@each_suffix
@pytest.mark.parametrize("channels", [2, 3, 6])
@pytest.mark.parametrize("leading", [(), (TIME,)], ids=["3D", "4D"])
def test_channels(tmp_path, suffix, channels, leading):
    shape = (channels, *(4 for _ in leading), 5, 6, 7)
    pixels = some_pixels(shape, "f4")
    volume = volume_of(pixels, leading=[Axis("channel"), *leading])
    path = tmp_path / f"a{suffix}"
    comes_back(volume, path)
    assert np.array_equal(by_simpleitk(path)[0], np.moveaxis(pixels, 0, -1))
    if suffix != ".nrrd":
        array = by_nibabel(path)[0]
        assert np.array_equal(array if leading else array[:, 0], pixels)


@each_suffix
def test_channels_after_time_come_first(tmp_path, suffix):
    pixels = some_pixels((4, 2, 5, 6, 7), "i2")
    write(tmp_path / f"a{suffix}", volume_of(pixels, leading=[TIME, Axis("channel")]))
    found = again(tmp_path / f"a{suffix}")
    assert found.axis_labels[:2] == ("channel", "time")
    assert np.array_equal(found.data, np.moveaxis(pixels, 1, 0))


@each_suffix
@pytest.mark.parametrize("dtype", ["u1", "u2"])
@pytest.mark.parametrize("colours", [3, 4])
@pytest.mark.parametrize(
    ("shape", "leading"), [((5, 6, 7), ()), ((4, 5, 6, 7), (TIME,)), ((6, 7), ())], ids=str
)
def test_colour(tmp_path, suffix, dtype, colours, shape, leading):
    pixels = some_pixels((*shape, colours), dtype)
    volume = volume_of(pixels, leading=leading, rgb=True)
    if len(shape) == 2:
        volume = dataclasses.replace(
            volume, geometry=Geometry(shape, np.diag([0.5, 0.25, 1])[[1, 0, 2]])
        )
    path = tmp_path / f"a{suffix}"
    comes_back(volume, path)
    assert np.array_equal(by_simpleitk(path)[0], pixels)


@each_suffix
def test_colour_whose_axes_were_swapped(tmp_path, suffix):
    pixels = some_pixels((5, 6, 7, 3), "u1")
    volume = volume_of(pixels, ROTATIONS["[[0, 1, 0], [0, 0, 1], [1, 0, 0]]"], rgb=True)
    comes_back(volume, tmp_path / f"a{suffix}")
    assert np.array_equal(by_simpleitk(tmp_path / f"a{suffix}")[0], volume.data)


PLANES = {
    "at the origin": np.diag([0.5, 0.25, 1])[[1, 0, 2]],
    "with an origin": np.array([[0, 0.25, 10], [0.5, 0, -20], [0, 0, 1]]),
    "turned": np.array([[0, -0.25, 10], [0.5, 0, -20], [0, 0, 1]]),
}


@each_suffix
@pytest.mark.parametrize("affine", PLANES.values(), ids=PLANES)
def test_two_dimensions(tmp_path, suffix, affine):
    volume = Volume(some_pixels((6, 7), "i2"), "scan", Geometry((6, 7), affine))
    path = tmp_path / f"a{suffix}"
    assert comes_back(volume, path).notes == ()
    array, judged = by_simpleitk(path)
    assert np.array_equal(array, volume.data)
    assert np.allclose(judged, affine)


@each_suffix
def test_two_dimensions_over_time(tmp_path, suffix):
    geometry = Geometry((6, 7), PLANES["at the origin"])
    volume = Volume(some_pixels((4, 6, 7), "i2"), "scan", geometry, (TIME,))
    assert comes_back(volume, tmp_path / f"a{suffix}").notes == ()


@each_suffix
def test_slices_without_a_place(tmp_path, suffix):
    geometry = Geometry((6, 7), PLANES["at the origin"])
    axes = (TIME, Axis("slice", "mm", 3.0))
    volume = Volume(some_pixels((4, 5, 6, 7), "i2"), "scan", geometry, axes)
    comes_back(volume, tmp_path / f"a{suffix}")


@each_suffix
@pytest.mark.parametrize("axes", [(), (TIME,)], ids=["2D", "2D over time"])
def test_pixels_without_a_size_stay_pixels(tmp_path, suffix, axes):
    volume = Volume(some_pixels((4, 6, 7)[1 - len(axes) :], "i2"), "scan", leading=axes)
    found = comes_back(volume, tmp_path / f"a{suffix}")
    assert found.units[-2:] == ("pixel", "pixel")


@each_suffix
def test_labels(tmp_path, suffix):
    volume = volume_of(some_pixels((5, 6, 7), "u2"), labels=True, contrast_limits=None)
    comes_back(volume, tmp_path / f"a{suffix}")


@pytest.fixture
def watched():
    """Return a lazy volume, and a list of how many of its blocks were in memory at a time."""
    pixels = some_pixels((4, 5, 6, 7), "i2")
    loaded = []

    def load(block, block_info=None):
        loaded.append(block.shape)
        return block

    lazy = da.from_array(pixels, chunks=(1, 1, 6, 7)).map_blocks(load, dtype=pixels.dtype)
    loaded.clear()
    return dataclasses.replace(volume_of(pixels, leading=[TIME]), data=lazy), loaded


@each_suffix
def test_a_lazy_volume_is_read_piece_by_piece(tmp_path, suffix, watched):
    volume, loaded = watched
    most = []

    def progress(items, description):
        for item in items:
            before = len(loaded)
            yield item
            most.append(len(loaded) - before)

    write(tmp_path / f"a{suffix}", volume, progress=progress)
    assert loaded == [(1, 1, 6, 7)] * 20
    assert max(most) == 1
    assert np.array_equal(again(tmp_path / f"a{suffix}").data, volume.data.compute())


@each_suffix
def test_cancelling_leaves_what_was_there(tmp_path, suffix, watched):
    volume, loaded = watched
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"old")

    def progress(items, description):
        yield from items[:3]
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        write(path, volume, progress=progress)
    assert len(loaded) == 3
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@each_suffix
def test_nothing_of_a_name_goes_into_a_packed_file(tmp_path, suffix):
    (tmp_path / "Jane Doe").mkdir()
    volume = dataclasses.replace(scan(), name="Jane Doe")
    path = tmp_path / "Jane Doe" / f"Jane Doe{suffix}"
    write(path, volume, compress=True)
    content = path.read_bytes()
    assert b"Doe" not in content
    write(path, volume, compress=True)
    assert path.read_bytes() == content  # nor of the time


def refusal(path, volume):
    with pytest.raises(CannotWrite) as error:
        write(path, volume)
    assert list(path.parent.iterdir()) == []
    return str(error.value)


@each_suffix
def test_sheared_grids_are_refused(tmp_path, suffix):
    words = refusal(tmp_path / f"a{suffix}", scan(direction=DIRECTIONS["tilted gantry"]))
    assert words.startswith("scan: its axes are not at right angles")


@each_suffix
def test_five_dimensions_are_refused(tmp_path, suffix):
    pixels = some_pixels((2, 2, 5, 6, 7), "i2")
    volume = volume_of(pixels, leading=[TIME, Axis("echo")])
    assert refusal(tmp_path / f"a{suffix}", volume).startswith("scan: it has 5 axes")


@each_suffix
def test_complex_numbers_are_refused(tmp_path, suffix):
    volume = dataclasses.replace(scan(), data=np.zeros((5, 6, 7), np.complex64))
    assert "complex64" in refusal(tmp_path / f"a{suffix}", volume)


def test_the_judges_agree_on_the_order_of_axes():
    volume = scan()
    assert in_file_order(volume, volume.data, volume.geometry.affine)
    assert not in_file_order(volume, volume.data[::-1], volume.geometry.affine)
