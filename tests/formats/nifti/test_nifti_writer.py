"""What NIfTI files say beside voxels and place; nibabel reads their fields."""

import nibabel as nib
import numpy as np
import pytest

from helpers.file_grids import DIRECTIONS, ROTATIONS, scan, volume_of
from helpers.metaimages import some_pixels
from napari_medread.api import read, write
from napari_medread.core.geometry import Geometry
from napari_medread.core.volume import Axis, Volume
from napari_medread.errors import CannotWrite

PLANE = Geometry((6, 7), np.diag([0.5, 0.25, 1])[[1, 0, 2]])


def header_of(path, volume):
    write(path, volume)
    return nib.load(path).header


def test_both_transforms_are_the_scanners(tmp_path):
    header = header_of(tmp_path / "a.nii", scan())
    assert (int(header["qform_code"]), int(header["sform_code"])) == (1, 1)
    assert header.get_xyzt_units() == ("mm", "sec")
    assert header["magic"] == b"n+1"


@pytest.mark.parametrize("direction", ROTATIONS.values(), ids=ROTATIONS)
def test_the_qform_is_the_sform_but_for_rounding(tmp_path, direction):
    header = header_of(tmp_path / "a.nii", scan(direction=direction))
    # Near half a turn a quaternion of single precision is exact to 5e-4 only.
    assert np.allclose(header.get_qform(), header.get_sform(), rtol=0, atol=2e-3)
    assert float(header["pixdim"][0]) == np.sign(np.linalg.det(header.get_sform()))


def test_the_qform_of_rounded_directions_is_the_nearest_rotation(tmp_path):
    header = header_of(tmp_path / "a.nii", scan(direction=DIRECTIONS["rounded"]))
    assert np.allclose(header.get_qform(), header.get_sform(), rtol=0, atol=2e-3)


@pytest.mark.parametrize(
    ("dtype", "rgb", "code", "intent"),
    [("u1", True, 128, 0), ("u2", True, 512, 1007), ("f4", False, 16, 1007)],
)
def test_colour_and_vectors(tmp_path, dtype, rgb, code, intent):
    pixels = some_pixels((5, 6, 7, 3) if rgb else (3, 5, 6, 7), dtype)
    volume = volume_of(pixels, rgb=rgb, leading=[] if rgb else [Axis("channel")])
    header = header_of(tmp_path / "a.nii", volume)
    assert (int(header["datatype"]), int(header["intent_code"])) == (code, intent)
    assert header.get_data_shape() == ((7, 6, 5) if intent == 0 else (7, 6, 5, 1, 3))


def test_labels_and_limits(tmp_path):
    pixels = some_pixels((5, 6, 7), "u1")
    labels = volume_of(pixels, labels=True, contrast_limits=(0, 9))
    header = header_of(tmp_path / "a.nii", labels)
    assert int(header["intent_code"]) == 1002
    assert (float(header["cal_min"]), float(header["cal_max"])) == (0, 0)
    header = header_of(tmp_path / "b.nii", volume_of(pixels, contrast_limits=(-160, 240)))
    assert int(header["intent_code"]) == 0
    assert (float(header["cal_min"]), float(header["cal_max"])) == (-160, 240)
    assert read(tmp_path / "b.nii")[0].contrast_limits == (-160, 240)


def test_planes_have_no_codes(tmp_path):
    header = header_of(tmp_path / "a.nii", Volume(some_pixels((6, 7), "i2"), "x", PLANE))
    assert (int(header["qform_code"]), int(header["sform_code"])) == (0, 0)
    assert header.get_xyzt_units()[0] == "mm"
    assert header.get_zooms() == (0.25, 0.5)
    assert header.get_data_shape() == (7, 6)


def test_planes_over_time_have_time_fourth(tmp_path):
    axis = Axis("time", "s", 2.5)
    volume = Volume(some_pixels((4, 6, 7), "i2"), "x", PLANE, (axis,))
    header = header_of(tmp_path / "a.nii", volume)
    assert header.get_data_shape() == (7, 6, 1, 4)
    assert header.get_zooms()[3] == 2.5


def test_an_axis_that_is_not_time_is_named_in_a_note(tmp_path):
    volume = volume_of(some_pixels((4, 5, 6, 7), "i2"), leading=[Axis("echo time", "ms", 12.0)])
    written = write(tmp_path / "a.nii", volume)
    assert written.notes == (
        "NIfTI has no name for the axis echo time: it was written as the fourth dimension, "
        "without a unit.",
    )
    header = nib.load(tmp_path / "a.nii").header
    assert header.get_xyzt_units() == ("mm", "unknown")
    assert header.get_zooms()[3] == 12
    (again,) = read(tmp_path / "a.nii")
    assert again.leading == (Axis("frame"),)


@pytest.mark.parametrize(
    "axis",
    [
        Axis("frame"),
        Axis("time"),
        Axis("frequency", "Hz", 3.0),
        Axis("frequency", "rad/s"),
    ],
)
def test_axes_that_nifti_knows_come_back(tmp_path, axis):
    volume = volume_of(some_pixels((4, 5, 6, 7), "i2"), leading=[axis])
    assert write(tmp_path / "a.nii", volume).notes == ()
    assert read(tmp_path / "a.nii")[0].leading == (axis,)


def test_values_of_an_axis_that_are_lost_are_named(tmp_path):
    axis = Axis("b-value", values=(0, 1000, 0, 2000))
    volume = volume_of(some_pixels((4, 5, 6, 7), "i2"), leading=[axis])
    notes = write(tmp_path / "a.nii", volume).notes
    assert "The values of the axis b-value (4) were not written." in notes


def test_what_a_plane_over_time_loses_is_named(tmp_path):
    geometry = Geometry((6, 7), [[0, 0.25, 10], [0.5, 0, -20], [0, 0, 1]])
    volume = Volume(some_pixels((4, 6, 7), "i2"), "x", geometry, (Axis("time", "s"),))
    notes = write(tmp_path / "a.nii", volume).notes
    assert notes == ("The origin and directions of the image were not written.",)


def test_slices_of_unknown_distance_get_no_millimetres(tmp_path):
    volume = Volume(some_pixels((4, 6, 7), "i2"), "x", PLANE, (Axis("slice"),))
    notes = write(tmp_path / "a.nii", volume).notes
    assert notes[0].startswith("NIfTI has no name for the axis slice")
    assert read(tmp_path / "a.nii")[0].units == ("pixel", "mm", "mm")


def test_limits_that_single_precision_does_not_hold_are_left_out(tmp_path):
    volume = volume_of(some_pixels((5, 6, 7), "f8"), contrast_limits=(-1e300, 1e300))
    header = header_of(tmp_path / "a.nii", volume)
    assert (float(header["cal_min"]), float(header["cal_max"])) == (0, 0)


def test_more_voxels_than_nifti_counts_are_refused(tmp_path):
    volume = Volume(np.zeros((1, 32768), np.uint8), "scan")
    with pytest.raises(CannotWrite) as error:
        write(tmp_path / "a.nii", volume)
    assert str(error.value) == (
        "scan: NIfTI-1 can hold 32767 voxels along an axis, but this volume has 32768. "
        "Save it as .nrrd or .mha."
    )


def test_two_axes_over_planes_are_refused(tmp_path):
    axes = (Axis("time", "s"), Axis("echo"))
    volume = Volume(np.zeros((2, 2, 6, 7), np.uint8), "scan", PLANE, axes)
    with pytest.raises(CannotWrite) as error:
        write(tmp_path / "a.nii", volume)
    assert str(error.value) == (
        "scan: NIfTI can hold one axis that is not spatial, but this volume has 2 (echo, time). "
        "Save it as .nrrd or .mha."
    )
