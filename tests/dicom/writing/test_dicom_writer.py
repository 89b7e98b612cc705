"""A written volume is read back unchanged."""

import itertools
from pathlib import Path

import dask.array as da
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless

from helpers.builders import ORIENTATIONS, make_series, write_series
from helpers.dicom_volumes import (
    FLIPS,
    assert_same_in_patient_space,
    make_affine,
    make_numbered,
    make_placed_volume,
    make_planar_volume,
    make_rotation,
    sample_values,
)
from napari_medread import read, write
from napari_medread.core.geometry import Geometry
from napari_medread.core.volume import Axis, Volume
from napari_medread.errors import Cancelled, CannotWrite

EXAMPLES = Path(__file__).resolve().parents[3] / "example_data"


def again(volume, folder, **options):
    """Write a volume and read it."""
    written = write(f"{folder}/out.dcm", volume, **options)
    (found,) = read(written.paths[0])
    return found


def assert_same(found, expected):
    """Assert that two volumes are equal in everything that was read."""
    np.testing.assert_array_equal(np.asarray(found.data), np.asarray(expected.data))
    assert found.data.dtype == expected.data.dtype
    np.testing.assert_allclose(found.patient_affine, expected.patient_affine, atol=1e-6)
    assert found.geometry.slice_axis == expected.geometry.slice_axis
    for name in ("modality", "value_unit", "windows", "contrast_limits", "inverted", "notes"):
        assert getattr(found, name) == getattr(expected, name), name


@pytest.mark.parametrize("name", ["ct_thorax", "mr_sagittal"])
@pytest.mark.parametrize("lazy", [True, False])
def test_an_example_is_read_back_unchanged(tmp_path, name, lazy):
    (volume,) = read(EXAMPLES / name, lazy=lazy)
    assert volume.notes == ()
    assert_same(again(volume, tmp_path), volume)


@pytest.mark.parametrize("plane", ORIENTATIONS)
@pytest.mark.parametrize("about", [0, 1, 2])
def test_rows_and_columns_are_kept(tmp_path, plane, about):
    orientation = tuple(tuple(make_rotation(17, about) @ np.array(a)) for a in ORIENTATIONS[plane])
    made = {"SliceThickness": "7", "WindowCenter": "300", "WindowWidth": "801"}
    folder = write_series(tmp_path / "in", make_series(orientation, **made))
    (volume,) = read(folder)
    assert_same(again(volume, tmp_path), volume)
    before = {tuple(ds.ImagePositionPatient): ds for ds in map(pydicom.dcmread, folder.iterdir())}
    for file in (tmp_path / "out").iterdir():
        ds = pydicom.dcmread(file)
        place = next(p for p in before if np.allclose(p, ds.ImagePositionPatient, atol=1e-9))
        np.testing.assert_array_equal(ds.pixel_array, before[place].pixel_array)
        assert ds.SliceThickness == 7
        assert ds.SpacingBetweenSlices == pytest.approx(5)


@pytest.mark.parametrize("flips", FLIPS)
@pytest.mark.parametrize("slice_axis", [0, 1, 2])
@pytest.mark.parametrize(
    "rotation", [None, make_rotation(20, 0) @ make_rotation(-13, 1) @ make_rotation(31, 2)]
)
def test_any_grid_keeps_its_position(tmp_path, flips, slice_axis, rotation):
    volume = make_placed_volume(
        matrix=make_affine(flips, rotation), slice_axis=slice_axis, modality="CT"
    )
    found = again(volume, tmp_path)
    assert_same_in_patient_space(found, volume)
    assert found.notes == ()
    assert found.geometry.slice_axis == slice_axis


@pytest.mark.parametrize("slice_axis", [0, 1, 2])
def test_the_shear_of_a_tilted_gantry_is_kept(tmp_path, slice_axis):
    lean = np.roll([0.0, 0.0, 1.1], slice_axis)
    volume = make_placed_volume(
        matrix=make_affine(lean=lean, slice_axis=slice_axis), slice_axis=slice_axis
    )
    found = again(volume, tmp_path)
    assert_same_in_patient_space(found, volume)
    assert found.geometry.tilt == pytest.approx(volume.geometry.tilt)


def test_a_grid_sheared_in_plane_is_cut_along_another_axis(tmp_path):
    volume = make_placed_volume(matrix=make_affine(lean=(1.1, 0, 0), slice_axis=1), slice_axis=0)
    assert_same_in_patient_space(again(volume, tmp_path), volume)


def test_rounded_directions_are_turned_to_right_angles(tmp_path):
    matrix = make_affine(
        rotation=make_rotation(20, 0) @ make_rotation(-13, 1) @ make_rotation(31, 2)
    )
    lengths = np.linalg.norm(matrix[:3, :3], axis=0)
    matrix[:3, :3] = np.round(matrix[:3, :3] / lengths, 3) * lengths
    matrix[:3, 1] += 0.001 * matrix[:3, 2]
    volume = make_placed_volume(matrix=matrix, modality="CT")
    written = write(tmp_path / "out.dcm", volume)
    (note,) = written.notes
    (found,) = read(written.paths[0])
    np.testing.assert_array_equal(found.data, volume.data)
    most = float(note.split("up to ")[1].split(" mm")[0])
    corners = np.array(list(itertools.product(*((0, n - 1) for n in volume.shape))))
    off = found.geometry.to_patient(corners) - volume.geometry.to_patient(corners)
    assert 0 < np.linalg.norm(off, axis=1).max() <= most * 1.01 < 0.02


def test_a_grid_without_a_right_angle_is_refused(tmp_path):
    matrix = make_affine()
    matrix[:3, :3] = np.array([[1, 0.5, 0.2], [0, 1, 0.3], [0, 0, 1]])
    with pytest.raises(CannotWrite, match=r"^made: no two of its axes are at right angles"):
        write(tmp_path / "out.dcm", make_placed_volume(matrix=matrix))
    assert not any(tmp_path.iterdir())


def test_a_series_is_new_and_its_slices_are_numbered(tmp_path):
    write(tmp_path / "out.dcm", make_placed_volume())
    files = sorted((tmp_path / "out").iterdir())
    assert [f.name for f in files] == [f"slice_{n:04d}.dcm" for n in range(1, 5)]
    found = [pydicom.dcmread(f) for f in files]
    assert [ds.InstanceNumber for ds in found] == [1, 2, 3, 4]
    assert len({ds.SOPInstanceUID for ds in found}) == 4
    for keyword in ("SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID"):
        (uid,) = {ds[keyword].value for ds in found}
        assert uid.is_valid
    write(tmp_path / "more.dcm", make_placed_volume())
    other = pydicom.dcmread(tmp_path / "more" / "slice_0001.dcm")
    assert other.SeriesInstanceUID != found[0].SeriesInstanceUID


@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.uint8, np.int8, bool])
@pytest.mark.parametrize("modality", ["CT", "MR", ""])
def test_supported_types_are_stored_unchanged(tmp_path, dtype, modality):
    limits = (0, 1) if dtype is bool else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    data = np.zeros((4, 6, 7), dtype)
    data.flat[:2] = limits
    found = again(make_placed_volume(data, modality=modality), tmp_path)
    np.testing.assert_array_equal(found.data, data)
    stored = pydicom.dcmread(tmp_path / "out" / "slice_0001.dcm")
    assert stored.get("RescaleSlope", 1) == 1
    assert stored.get("RescaleIntercept", 0) == 0
    assert stored.PixelRepresentation == (dtype in (np.int16, np.int8))


def test_a_single_slice_is_one_file(tmp_path):
    volume = make_placed_volume(make_numbered((1, 6, 7)), modality="CT", value_unit="HU")
    written = write(tmp_path / "out.dcm", volume)
    assert written.paths == (tmp_path / "out.dcm",)
    (found,) = read(tmp_path / "out.dcm")
    assert_same_in_patient_space(found, volume)
    assert found.value_unit == "HU"


@pytest.mark.parametrize("spacing", [(0.5, 0.25), None])
@pytest.mark.parametrize("inverted", [True, False])
def test_a_two_dimensional_image_keeps_its_pixel_size(tmp_path, spacing, inverted):
    volume = make_planar_volume(spacing=spacing, inverted=inverted)
    found = again(volume, tmp_path)
    np.testing.assert_array_equal(found.data, volume.data)
    assert found.patient_affine is None
    assert found.units == volume.units
    assert found.inverted is inverted
    if spacing:
        assert found.geometry.spacing == spacing
        assert found.notes == ()


@pytest.mark.parametrize(("down", "along"), [(1, 1), (1, -1), (-1, 1), (-1, -1)])
@pytest.mark.parametrize("rgb", [True, False])
def test_a_mirrored_two_dimensional_image_is_written_as_displayed(tmp_path, down, along, rgb):
    data = np.random.default_rng(1).integers(0, 256, (5, 6, 3)[: 2 + rgb], dtype=np.uint8)
    geometry = Geometry((5, 6), [[0, 0.25 * along, 0], [0.5 * down, 0, 0], [0, 0, 1]])
    found = again(Volume(data, "made", geometry, rgb=rgb), tmp_path)
    np.testing.assert_array_equal(found.data, data[::down, ::along])
    assert found.geometry.spacing == (0.5, 0.25)


@pytest.mark.parametrize(
    ("matrix", "lost"),
    [
        ([[0, 1, 7], [1, 0, 0], [0, 0, 1]], ["position"]),
        ([[0.6, 0.8, 0], [0.8, -0.6, 0], [0, 0, 1]], ["rotation", "position"]),
        ([[0, 1, 0], [1, 0, 0], [0, 0, 1]], []),
    ],
)
def test_a_note_says_that_the_position_of_a_two_dimensional_image_is_not_written(
    tmp_path, matrix, lost
):
    volume = Volume(make_numbered((5, 6)), "made", Geometry((5, 6), matrix))
    notes = [n for n in write(tmp_path / "out.dcm", volume).notes if "was not written" in n]
    assert [word for note in notes for word in ("rotation", "position") if word in note] == lost


def test_the_ratio_of_a_pixel_is_kept(tmp_path):
    volume = make_planar_volume(spacing=None, pixel_size=(1.25, 1.0))
    assert again(volume, tmp_path).pixel_size == (1.25, 1.0)


def test_colours_are_kept(tmp_path):
    data = np.random.default_rng(1).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    found = again(make_planar_volume(data, rgb=True), tmp_path)
    assert found.rgb
    np.testing.assert_array_equal(found.data, data)


def test_colour_slices_keep_their_positions(tmp_path):
    data = np.random.default_rng(1).integers(0, 256, (4, 6, 7, 3), dtype=np.uint8)
    found = again(make_placed_volume(data, rgb=True), tmp_path)
    np.testing.assert_array_equal(found.data, data)
    np.testing.assert_allclose(found.patient_affine, make_affine(), atol=1e-6)


@pytest.mark.parametrize("order", ["<u2", ">u2"])
def test_notes_say_that_16_bit_colours_and_transparency_are_lost(tmp_path, order):
    data = np.full((5, 6, 4), 65535, order)
    data[..., 1] = 257 * 7
    written = write(tmp_path / "out.dcm", make_planar_volume(data, rgb=True))
    assert any("16-bit" in note for note in written.notes)
    assert any("transparency" in note for note in written.notes)
    (found,) = read(tmp_path / "out.dcm")
    np.testing.assert_array_equal(found.data[0, 0], [255, 7, 255])


def test_colours_that_are_not_integers_are_refused(tmp_path):
    with pytest.raises(CannotWrite, match=r"^made: .* not float32\. Convert it first\.$"):
        write(tmp_path / "out.dcm", make_planar_volume(np.ones((5, 6, 3), np.float32), rgb=True))


@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.uint8, np.int8])
@pytest.mark.parametrize("shape", [(2, 40, 32), (2, 31, 60), (3, 1, 5)])
def test_compressed_pixels_are_unchanged(tmp_path, dtype, shape):
    limits = np.iinfo(dtype)
    data = np.random.default_rng(4).integers(limits.min, limits.max, shape, dtype, endpoint=True)
    found = again(make_placed_volume(data), tmp_path, compress=True)
    np.testing.assert_array_equal(found.data, data)
    stored = pydicom.dcmread(tmp_path / "out" / "slice_0001.dcm")
    expected = JPEG2000Lossless if min(shape[1:]) >= 32 else ExplicitVRLittleEndian
    assert stored.file_meta.TransferSyntaxUID == expected
    assert "LossyImageCompression" not in stored


def test_compressed_colours_are_unchanged(tmp_path):
    data = np.random.default_rng(1).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    np.testing.assert_array_equal(
        again(make_planar_volume(data, rgb=True), tmp_path, compress=True).data, data
    )


def test_pixels_are_not_compressed_by_default(tmp_path):
    write(tmp_path / "out.dcm", make_planar_volume())
    syntax = pydicom.dcmread(tmp_path / "out.dcm").file_meta.TransferSyntaxUID
    assert syntax == ExplicitVRLittleEndian


TIMES = {
    "time": Axis("time", "s", 2.5, (0.0, 2.5, 5.0)),
    "uneven time": Axis("time", values=(0.0, 1.0, 7.5)),
    "temporal position": Axis("temporal position", values=(1.0, 2.0, 3.0)),
    "echo time": Axis("echo time", values=(4.6, 9.2, 20.125)),
    "trigger time": Axis("trigger time", "s", 0.1, (0.0, 0.1, 0.2)),
    "acquisition": Axis("acquisition", values=(2.0, 3.0, 7.0)),
    "instance": Axis("instance", values=(0, 1, 2)),
    "b-values": Axis("b-value", values=((0.0,), (1000.0, 0.6, 0.8, 0.0), (1000.0, 0.0, 0.0, 1.0))),
    "repeated b-values": Axis("b-value", values=((0.0,), (700.0, 0.6, 0.8, 0.0), (0.0,))),
}


@pytest.mark.parametrize("axis", TIMES.values(), ids=TIMES)
@pytest.mark.parametrize("modality", ["CT", "MR", ""])
def test_a_leading_axis_is_read_back(tmp_path, axis, modality):
    volume = make_placed_volume(
        make_numbered((3, 4, 6, 7)), slice_axis=2, leading=(axis,), modality=modality
    )
    found = again(volume, tmp_path)
    assert_same_in_patient_space(found, volume)
    (back,) = found.leading
    assert (back.label, back.unit) == (axis.label, axis.unit)
    assert back.step == pytest.approx(axis.step)
    for one, other in itertools.zip_longest(back.values, axis.values):
        assert one == pytest.approx(other, abs=1e-6)
    assert found.notes == ()


def test_two_leading_axes_are_read_back(tmp_path):
    axes = (TIMES["time"], Axis("echo time", values=(4.6, 9.2)))
    volume = make_placed_volume(make_numbered((3, 2, 4, 6, 7)), leading=axes, modality="MR")
    found = again(volume, tmp_path)
    assert_same_in_patient_space(found, volume)
    assert [axis.label for axis in found.leading] == ["time", "echo time"]
    assert found.leading[0].values == axes[0].values


def test_slices_without_a_position_are_read_back(tmp_path):
    volume = make_planar_volume(
        make_numbered((3, 5, 6)), leading=(Axis("slice", "mm", 4.0),), modality="CT"
    )
    volume.geometry = make_planar_volume().geometry
    found = again(volume, tmp_path)
    np.testing.assert_array_equal(found.data, volume.data)
    assert found.leading == volume.leading
    assert found.geometry.spacing == (0.5, 0.25)


def test_simpleitk_reads_the_same(tmp_path):
    rotation = make_rotation(20, 0) @ make_rotation(-13, 1)
    volume = make_placed_volume(
        make_numbered().astype(np.float32) / 8, make_affine((1, -1, 1), rotation), modality="CT"
    )
    (folder,) = write(tmp_path / "out.dcm", volume).paths
    names = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder))
    image = sitk.ReadImage(names)
    values = sitk.GetArrayFromImage(image)
    for index in np.ndindex(*volume.shape):
        point = volume.geometry.to_patient(index)
        at = image.TransformPhysicalPointToContinuousIndex(point.tolist())
        np.testing.assert_allclose(at, np.rint(at), atol=1e-5)
        x, y, z = np.rint(at).astype(int)
        assert values[z, y, x] == pytest.approx(volume.data[index], abs=0.01)


class Counting:
    """An array that records how much of it was in memory at most."""

    def __init__(self, data):
        self.data, self.most = data, 0
        self.shape, self.dtype, self.ndim = data.shape, data.dtype, data.ndim

    def __getitem__(self, index):
        part = self.data[index]
        self.most = max(self.most, part.size)
        return part


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
@pytest.mark.parametrize("slice_axis", [0, 1, 2])
def test_a_lazy_volume_is_read_slice_by_slice(tmp_path, dtype, slice_axis):
    counting = Counting(make_numbered().astype(dtype) / dtype(1))
    chunks = [1 if n == slice_axis else length for n, length in enumerate(counting.shape)]
    volume = make_placed_volume(
        da.from_array(counting, chunks, name=False, meta=np.empty((0, 0, 0), counting.dtype)),
        make_affine(slice_axis=slice_axis),
        slice_axis,
    )
    found = again(volume, tmp_path)
    assert counting.most == counting.data.size // counting.shape[slice_axis]
    index = np.indices(volume.shape).reshape(3, -1).T
    np.testing.assert_array_equal(
        sample_values(found, volume.geometry.to_patient(index)), counting.data[tuple(index.T)]
    )


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("out.dcm", "out"),
        ("out.DCM", "out"),
        ("a.b.dcm", "a.b"),
        ("new/", "new"),
        ("x.dcm/", "x.dcm"),
        ("empty", "empty"),
    ],
)
def test_the_folder_name_is_the_path_without_its_suffix(tmp_path, name, made):
    (tmp_path / "empty").mkdir()
    written = write(f"{tmp_path}/{name}", make_placed_volume())
    assert written.paths == (tmp_path / made,)
    assert len(list((tmp_path / made).iterdir())) == 4


def test_a_single_image_is_written_into_a_given_folder(tmp_path):
    written = write(f"{tmp_path}/out/", make_planar_volume())
    assert written.paths == (tmp_path / "out",)
    assert [f.name for f in (tmp_path / "out").iterdir()] == ["slice_0001.dcm"]


@pytest.mark.parametrize("name", ["out.dcm", "out", "out/"])
def test_existing_files_are_not_changed(tmp_path, name):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "theirs.txt").write_text("theirs")
    with pytest.raises(CannotWrite, match=r"^out: this folder already contains files\."):
        write(f"{tmp_path}/{name}", make_placed_volume())
    assert [f.name for f in (tmp_path / "out").iterdir()] == ["theirs.txt"]


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_cancelling_leaves_nothing(tmp_path, dtype):
    seen = []

    def stop(items, description):
        for n, item in enumerate(items):
            seen.append(description)
            if description.startswith("Writing") and n == 2:
                raise Cancelled
            yield item

    with pytest.raises(Cancelled):
        write(
            tmp_path / "out.dcm",
            make_placed_volume(make_numbered().astype(dtype) + dtype(0.5)),
            progress=stop,
        )
    assert seen.count("Writing made") == 3
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("shape", [(1, 65536), (65536, 1)])
def test_an_image_with_too_many_rows_is_refused(tmp_path, shape):
    with pytest.raises(CannotWrite, match=r"^made: DICOM images have at most 65535 rows"):
        write(tmp_path / "out.dcm", make_planar_volume(np.zeros(shape, np.uint8)))


@pytest.mark.parametrize("dtype", [">i2", ">u2", ">f4"])
def test_numbers_in_any_byte_order_are_written(tmp_path, dtype):
    volume = make_placed_volume(make_numbered(dtype=dtype, first=0))
    np.testing.assert_array_equal(again(volume, tmp_path).data, volume.data)


def test_an_empty_volume_is_refused(tmp_path):
    with pytest.raises(CannotWrite, match=r"^made: it is empty"):
        write(tmp_path / "out.dcm", make_planar_volume(np.zeros((0, 5), np.int16)))


def test_labels_come_back_and_a_note_says_that_they_are_grey_elsewhere(tmp_path):
    volume = make_placed_volume(make_numbered(first=0), labels=True, modality="CT")
    written = write(tmp_path / "out.dcm", volume)
    assert any("label numbers" in note for note in written.notes)
    (found,) = read(tmp_path / "out")
    assert found.labels
    assert_same_in_patient_space(found, volume)
    assert found.modality == "OT"
