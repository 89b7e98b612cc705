"""What becomes of a NIfTI file: nibabel and SimpleITK are the judges, and nifti1.h's text."""

import gzip

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from helpers.file_grids import ROTATIONS, by_nibabel, by_simpleitk, in_file_order, oblique
from helpers.metaimages import some_pixels
from helpers.scanned_head import SKIN, WHITE_MATTER, add_noise, make_head
from napari_medread.core.opening_window import HIDDEN_BY_FILE_WINDOW
from napari_medread.errors import UnreadableFile
from napari_medread.formats.nifti import nifti_reader

TYPES = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8")
RAS = np.array([[-1.16, 0, 0, 41.5], [0, -0.7, 0, -56.25], [0, 0, 2.5, -60], [0, 0, 0, 1]])
ELSEWHERE, SHEARED, LARGER = RAS.copy(), RAS.copy(), RAS * [[1.1], [1.1], [1.1], [1]]
ELSEWHERE[0, 3] += 30
SHEARED[0, 1] += 0.2
PIXELS = some_pixels((5, 6, 7), "i2")


def save(
    path, pixels=PIXELS, *, qform=(RAS, 1), sform=(RAS, 1), order="<", version=1, zooms=(), **fields
):
    """Write a NIfTI file field by field, voxels given as (..., z, y, x)."""
    header = {1: nib.Nifti1Header, 2: nib.Nifti2Header}[version](endianness=order)
    header.set_data_dtype(pixels.dtype)
    header.set_data_shape(pixels.shape[::-1])
    header.set_zooms([*(1.16, 0.7, 2.5, *(zooms or [1])), 1][: pixels.ndim])
    header.set_qform(*qform)
    header.set_sform(*sform)
    header.set_xyzt_units("mm", "sec")
    header["magic"] = b"n+1" if version == 1 else header["magic"]
    header["vox_offset"] = {1: 352, 2: 544}[version]
    for name, value in fields.items():
        header[name] = value
    voxels = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    content = header.binaryblock + bytes(4) + voxels
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def read(path):
    (volume,) = nifti_reader.read(path)
    return volume


def refusal(path):
    with pytest.raises(UnreadableFile) as error:
        nifti_reader.read(path)
    return str(error.value)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(
    ("name", "order", "version"),
    [("a.nii", "<", 1), ("a.nii", ">", 1), ("a.nii.gz", "<", 1), ("a.nii.gz", ">", 2),
     ("a.nii", "<", 2)],
)  # fmt: skip
def test_values_of_every_type(tmp_path, dtype, name, order, version):
    pixels = some_pixels((5, 6, 7), dtype)
    path = save(tmp_path / name, pixels, order=order, version=version)
    volume = read(path)
    assert np.array_equal(volume.data, pixels)
    assert volume.data.dtype == np.dtype(dtype)
    assert volume.data.dtype.isnative
    assert in_file_order(volume, *by_nibabel(path))
    if version == 1:  # SimpleITK reads no other
        assert in_file_order(volume, *by_simpleitk(path))
    assert volume.notes == ()
    assert volume.name == "a"


@pytest.mark.parametrize("direction", ROTATIONS.values(), ids=ROTATIONS)
@pytest.mark.parametrize("by", ["nibabel", "SimpleITK"])
def test_voxels_lie_where_both_judges_put_them(tmp_path, direction, by):
    path = tmp_path / "a.nii.gz"
    if by == "nibabel":
        affine = np.eye(4)
        affine[:3, :3], affine[:3, 3] = direction * [1.16, 0.7, 2.5], (-441, 356, -660)
        nib.save(nib.Nifti1Image(PIXELS.T, affine), path)
    else:
        image = sitk.GetImageFromArray(PIXELS)
        image.SetDirection(direction.ravel())
        image.SetSpacing((1.16, 0.7, 2.5))
        image.SetOrigin((-441, 356, -660))
        sitk.WriteImage(image, path)
    volume = read(path)
    assert in_file_order(volume, *by_nibabel(path))
    if by == "SimpleITK":  # it reads nibabel's qform, and that near half a turn is less exact
        assert in_file_order(volume, *by_simpleitk(path))
    along = np.abs(volume.patient_affine[:3, :3])
    if "turn about" not in str(direction):
        assert along.argmax(axis=0).tolist() == [2, 1, 0]  # z, y, x
    assert volume.notes == ()


@pytest.mark.parametrize(
    ("sform_code", "qform_code", "sform", "from_sform"),
    [
        (1, 0, ELSEWHERE, True),
        (0, 1, ELSEWHERE, False),
        (1, 1, ELSEWHERE, True),
        (2, 1, ELSEWHERE, False),
        (4, 1, ELSEWHERE, False),
        (1, 2, ELSEWHERE, True),
        (2, 0, ELSEWHERE, True),
        (1, 1, SHEARED, False),
        (1, 1, LARGER, False),
    ],
)
def test_of_qform_and_sform_the_one_that_simpleitk_takes(
    tmp_path, sform_code, qform_code, sform, from_sform
):
    path = save(tmp_path / "a.nii", qform=(RAS, qform_code), sform=(sform, sform_code))
    volume = read(path)
    lps = np.diag([-1, -1, 1, 1]) @ (sform if from_sform else RAS)
    assert np.allclose(volume.patient_affine, lps[:, [2, 1, 0, 3]], atol=1e-5)
    if sform is not LARGER:  # of which it takes the place, but not the spacing
        assert in_file_order(volume, *by_simpleitk(path))
    if sform_code and qform_code:
        other, used = ("qform", "sform") if from_sform else ("sform", "qform")
        codes = {"qform": qform_code, "sform": sform_code}
        (note,) = volume.notes
        assert note.startswith(f"The {other} (code {codes[other]}) puts it up to ")
        assert f" mm elsewhere than the {used} (code {codes[used]})" in note
    else:
        assert volume.notes == ()


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("field", ["quatern_b", "qoffset_x", "srow_y"])
def test_numbers_that_are_not_finite_are_refused(tmp_path, field, value):
    path = save(tmp_path / "a.nii", **{field: value})
    assert refusal(path) == "a.nii: the numbers of its qform or sform are not finite."


def test_a_signalling_nan_is_refused_as_any(tmp_path):
    path = save(tmp_path / "a.nii")
    content = bytearray(path.read_bytes())
    content[280:284] = (0x7F800001).to_bytes(4, "little")  # srow_x
    path.write_bytes(content)
    assert refusal(path) == "a.nii: the numbers of its qform or sform are not finite."


def test_the_note_says_how_far_apart_qform_and_sform_are(tmp_path):
    volume = read(save(tmp_path / "a.nii", sform=(ELSEWHERE, 2)))
    assert "up to 30 mm elsewhere" in volume.notes[0]


@pytest.mark.parametrize("sform", [SHEARED, np.diag([2, 3, 4, 1.0])])
def test_without_a_qform_every_sform_is_the_truth(tmp_path, sform):
    path = save(tmp_path / "a.nii", qform=(RAS, 0), sform=(sform, 1))
    volume = read(path)
    assert in_file_order(volume, *by_nibabel(path))
    assert bool(volume.notes) == (sform is SHEARED)


@pytest.mark.parametrize(
    ("units", "scale"), [(1, 1000), (2, 1), (3, 0.001), (0, 1)], ids=["m", "mm", "um", "none"]
)
def test_lengths_are_scaled_to_millimetres(tmp_path, units, scale):
    path = save(tmp_path / "a.nii", xyzt_units=units)
    volume = read(path)
    assert volume.geometry.spacing == pytest.approx([n * scale for n in (2.5, 0.7, 1.16)])
    lps = (np.diag([-scale, -scale, scale, 1]) @ RAS)[:, [2, 1, 0, 3]]
    assert np.allclose(volume.patient_affine, lps, rtol=1e-6)
    assert in_file_order(volume, *by_simpleitk(path))
    assert volume.notes == ()


@pytest.mark.parametrize(("units", "seconds"), [(8, 2.5), (16, 0.0025), (24, 2.5e-6)])
def test_the_fourth_dimension_is_time_in_seconds(tmp_path, units, seconds):
    pixels = some_pixels((4, 5, 6, 7), "i2")
    path = save(tmp_path / "a.nii", pixels, zooms=[2.5], xyzt_units=2 | units)
    volume = read(path)
    assert volume.axis_labels == ("time", "SI", "AP", "RL")
    assert volume.units == ("s", "mm", "mm", "mm")
    assert volume.leading[0].step == pytest.approx(seconds)
    assert sitk.ReadImage(path).GetSpacing()[3] == pytest.approx(seconds)
    assert np.array_equal(volume.data, by_simpleitk(path)[0])


@pytest.mark.parametrize(
    ("units", "step", "label", "unit"),
    [
        (0, 2.5, "frame", "pixel"),
        (8, 0, "time", "pixel"),
        (32, 2.5, "frequency", "Hz"),
        (40, 2.5, "chemical shift", "ppm"),
        (48, 2.5, "frequency", "rad/s"),
    ],
)
def test_other_fourth_dimensions(tmp_path, units, step, label, unit):
    pixels = some_pixels((4, 5, 6, 7), "i2")
    volume = read(save(tmp_path / "a.nii", pixels, zooms=[step], xyzt_units=2 | units))
    axis = volume.leading[0]
    assert (axis.label, axis.unit, axis.step) == (label, unit, 1 if unit == "pixel" else step)
    assert bool(volume.notes) == (unit == "pixel")


@pytest.mark.parametrize("shape", [(1, 5, 6, 7), (1, 1, 5, 6, 7)])
def test_further_dimensions_of_one_are_none(tmp_path, shape):
    volume = read(save(tmp_path / "a.nii", PIXELS.reshape(shape)))
    assert volume.shape == (5, 6, 7)
    assert volume.axis_labels == ("SI", "AP", "RL")


def test_one_slice_with_a_place_is_in_the_patient(tmp_path):
    path = save(tmp_path / "a.nii", PIXELS[:1])
    volume = read(path)
    assert volume.shape == (1, 6, 7)
    assert in_file_order(volume, *by_nibabel(path))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(("slope", "inter"), [(2, 0), (0.5, -3), (1, -1024), (-1, 0)])
def test_values_are_scaled_in_the_type_of_simpleitk(tmp_path, dtype, slope, inter):
    pixels = (np.arange(210) % 100).reshape(5, 6, 7).astype(dtype)
    path = save(tmp_path / "a.nii", pixels, scl_slope=slope, scl_inter=inter)
    data, (judged, _) = read(path).data, by_simpleitk(path)
    assert np.array_equal(data, judged)
    assert data.dtype == judged.dtype
    assert np.array_equal(data, by_nibabel(path)[0])


@pytest.mark.parametrize(("slope", "inter"), [(0, 7), (1, 0), (np.nan, 0), (np.inf, 0), (0, 0)])
def test_a_slope_that_says_nothing_changes_nothing(tmp_path, slope, inter):
    path = save(tmp_path / "a.nii", scl_slope=slope, scl_inter=inter)
    assert read(path).data.dtype == np.int16
    assert np.array_equal(read(path).data, PIXELS)


def test_values_are_scaled_without_a_place_too(tmp_path):
    path = save(tmp_path / "a.nii", qform=(RAS, 0), sform=(RAS, 0), scl_slope=2, scl_inter=1)
    assert np.array_equal(read(path).data, by_nibabel(path)[0])


@pytest.mark.parametrize(("code", "channels"), [(128, 3), (2304, 4)])
@pytest.mark.parametrize("shape", [(5, 6, 7), (6, 7), (2, 5, 6, 7)], ids=["3D", "2D", "4D"])
def test_colour(tmp_path, code, channels, shape):
    pixels = some_pixels((*shape, channels), "u1")
    names = "RGBA"[:channels]
    record = pixels.view([(name, "u1") for name in names])[..., 0]
    path = save(tmp_path / "a.nii", record)
    assert nib.load(path).header["datatype"] == code
    volume = read(path)
    assert volume.rgb
    assert np.array_equal(volume.data, pixels)
    assert np.array_equal(volume.data, by_simpleitk(path)[0])
    assert volume.contrast_limits is None


@pytest.mark.parametrize(
    ("dtype", "channels", "intent", "rgb"),
    [
        ("u2", 3, 1007, True),
        ("u1", 4, 2004, True),
        ("f4", 3, 1007, False),
        ("f4", 3, 1006, False),
        ("i2", 2, 1007, False),
        ("u1", 3, 0, False),
    ],
)
@pytest.mark.parametrize("times", [1, 2])
def test_the_fifth_dimension_is_channels_or_colour(tmp_path, dtype, channels, intent, rgb, times):
    pixels = some_pixels((channels, times, 5, 6, 7), dtype)
    path = save(tmp_path / "a.nii.gz", pixels, zooms=[2], intent_code=intent)
    volume = read(path)
    expected = pixels if times > 1 else pixels[:, 0]
    assert volume.rgb == rgb
    assert np.array_equal(volume.data, np.moveaxis(expected, 0, -1) if rgb else expected)
    assert volume.axis_labels[:-3] == ((() if rgb else ("channel",)) + ("time",) * (times > 1))
    if intent == 1007:
        assert np.array_equal(np.moveaxis(by_simpleitk(path)[0], -1, 0), expected)


def test_labels(tmp_path):
    volume = read(save(tmp_path / "a.nii", intent_code=1002, cal_max=5))
    assert volume.labels
    assert volume.contrast_limits is None
    assert volume.windows == ()


def test_the_range_to_show(tmp_path):
    volume = read(save(tmp_path / "a.nii", cal_min=-10_000, cal_max=30_000))
    assert volume.contrast_limits == (-10_000, 30_000)
    assert volume.windows == ((10_000, 40_000, ""),)
    assert not volume.notes


@pytest.mark.parametrize("cal", [(0, 60), (0, 250_000), (9000, 9999)])
def test_a_range_that_hides_the_object_is_not_used_and_kept_in_the_list(tmp_path, cal):
    head = add_noise(make_head()).astype(np.int16)
    volume = read(save(tmp_path / "a.nii", head, cal_min=cal[0], cal_max=cal[1]))
    low, high = volume.contrast_limits
    assert low < 100
    assert WHITE_MATTER < high < 2 * SKIN
    assert volume.windows == ((sum(cal) / 2, cal[1] - cal[0], ""),)
    assert volume.notes == (HIDDEN_BY_FILE_WINDOW,)


def test_a_run_shows_the_head_in_the_middle_of_its_time(tmp_path):
    head = add_noise(make_head()) * np.array([8, 2, 1, 1, 1, 1])[:, None, None, None]
    volume = read(save(tmp_path / "a.nii", head.astype(np.int16), zooms=(2.0,)))
    low, high = volume.contrast_limits
    assert low < 100
    assert WHITE_MATTER < high < 2 * SKIN


@pytest.mark.parametrize("high", [0, -5, np.nan, np.inf])
def test_no_range_to_show(tmp_path, high):
    volume = read(save(tmp_path / "a.nii", cal_min=0, cal_max=high))
    # The values are spread evenly about zero, over all of their type.
    assert volume.contrast_limits == pytest.approx((-32768, 32768), rel=0.01)
    assert volume.windows == ()


def test_without_codes_there_is_no_place(tmp_path):
    volume = read(save(tmp_path / "a.nii", qform=(RAS, 0), sform=(RAS, 0)))
    assert volume.patient_affine is None
    assert volume.axis_labels == ("slice", "row", "column")
    assert volume.units == ("mm", "mm", "mm")
    assert volume.leading[0].step == 2.5
    assert volume.geometry.spacing == pytest.approx((0.7, 1.16))
    assert np.array_equal(volume.data, PIXELS)
    assert volume.notes == (
        "The file gives no patient position (neither qform nor sform): "
        "left and right are not known.",
    )


def test_without_codes_units_and_spacing_there_are_pixels(tmp_path):
    fields = {"pixdim": 1, "xyzt_units": 0}
    volume = read(save(tmp_path / "a.nii", qform=(RAS, 0), sform=(RAS, 0), **fields))
    assert volume.units == ("pixel", "pixel", "pixel")
    assert "The file gives no pixel size: shown in pixels." in volume.notes


def test_without_codes_and_unit_millimetres_are_assumed_and_said(tmp_path):
    volume = read(save(tmp_path / "a.nii", qform=(RAS, 0), sform=(RAS, 0), xyzt_units=0))
    assert volume.units == ("mm", "mm", "mm")
    assert "The file gives no unit of length: millimetres are assumed." in volume.notes


def test_two_dimensions_of_simpleitk(tmp_path):
    image = sitk.GetImageFromArray(PIXELS[0])
    image.SetSpacing((1.5, 2.5))
    image.SetOrigin((10, -20))
    image.SetDirection((0, 1, -1, 0))
    sitk.WriteImage(image, tmp_path / "a.nii")
    volume = read(tmp_path / "a.nii")
    assert volume.patient_affine is None
    _, affine = by_simpleitk(tmp_path / "a.nii")
    order = [1, 0, 2]  # both axes are swapped, so that rows run down
    assert np.allclose(volume.geometry.affine, affine[:, order], atol=1e-6)
    assert np.array_equal(volume.data, PIXELS[0].T)


def test_two_dimensions_that_lean_keep_their_spacing(tmp_path):
    affine = np.eye(4)
    affine[:3, :3] = oblique(90, 0, 0) * [1.16, 0.7, 2.5]
    volume = read(save(tmp_path / "a.nii", PIXELS[0], qform=(affine, 1), sform=(affine, 1)))
    assert volume.geometry.spacing == pytest.approx((0.7, 1.16))
    assert volume.notes == ("The image is two-dimensional: its patient position was not used.",)


def test_the_header_is_kept_without_what_may_name_the_patient(tmp_path):
    path = save(
        tmp_path / "a.nii", descrip=b"TE=3", db_name=b"Doe^Jane", intent_name=b"T1", toffset=2
    )
    header = read(path).header
    judged = sitk.ReadImage(path)
    for key in ("descrip", "intent_name", "dim[1]", "pixdim[1]", "qform_code", "toffset"):
        assert header[key] == judged.GetMetaData(key)
    assert "Doe" not in str(header)


def test_a_plain_file_is_mapped_and_never_changed(tmp_path):
    path = save(tmp_path / "a.nii")
    before = path.read_bytes()
    data = read(path).data
    assert isinstance(data.base, np.memmap) or isinstance(data, np.memmap)
    data[0, 0, 0] += 1
    assert path.read_bytes() == before


def test_a_plain_file_beside_a_packed_one_is_another(tmp_path):
    save(tmp_path / "a.nii", np.zeros_like(PIXELS))
    path = save(tmp_path / "a.nii.gz")
    assert np.array_equal(read(path).data, PIXELS)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_whether_it_is_packed_is_seen_from_the_content(tmp_path, name):
    other = save(tmp_path / ("b.nii" if name.endswith("gz") else "b.nii.gz"))
    other.rename(tmp_path / name)
    assert np.array_equal(read(tmp_path / name).data, PIXELS)


def test_extensions_are_passed_over(tmp_path):
    image = nib.Nifti1Image(PIXELS.T, RAS)
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"patient: Jane Doe"))
    nib.save(image, tmp_path / "a.nii")
    volume = read(tmp_path / "a.nii")
    assert np.array_equal(volume.data, PIXELS)
    assert "Doe" not in str(volume.header)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"magic": b"ni1"}, "its voxels are in a separate .img file, which cannot be read."),
        ({"magic": b""}, "this is not a NIfTI file: its header has no magic string (ANALYZE?)."),
        ({"dim": [0, 7, 6, 5, 1, 1, 1, 1]}, "its size is invalid (dim is 0 7 6 5 1 1 1 1)."),
        ({"dim": [3, 7, -6, 5, 1, 1, 1, 1]}, "its size is invalid (dim is 3 7 -6 5 1 1 1 1)."),
        ({"dim": [6, 7, 6, 1, 1, 1, 5, 1]}, "it has 6 dimensions; 2 to 5 can be read."),
        ({"dim": [1, 210, 1, 1, 1, 1, 1, 1]}, "it has 1 dimensions; 2 to 5 can be read."),
        ({"datatype": 32}, "its values are complex numbers, which cannot be shown."),
        ({"datatype": 3}, "its datatype 3 is unknown."),
        ({"vox_offset": 100}, "its voxels cannot start at byte 100 (vox_offset)."),
        ({"vox_offset": np.nan}, "its voxels cannot start at byte nan (vox_offset)."),
        ({"srow_x": [np.nan] * 4}, "the numbers of its qform or sform are not finite."),
        ({"srow_x": [1, 0, 1, 0], "srow_y": [0, 1, 0, 0], "srow_z": [1, 0, 1, 0]},
         "the axes of the geometry do not span a volume."),
        ({"dim": [3, 30000, 30000, 30000, 1, 1, 1, 1]},
         "a.nii holds 420 bytes of data, but the header specifies 54000000000000."),
    ],
)  # fmt: skip
def test_headers_that_are_refused(tmp_path, fields, reason):
    path = save(tmp_path / "a.nii", qform=(RAS, 0), **fields)
    assert refusal(path) == f"a.nii: {reason}"
