"""What NRRD files say beside voxels and place."""

import dataclasses

import numpy as np
import pytest
import SimpleITK as sitk

from helpers.file_grids import by_simpleitk, scan, volume_of
from helpers.metaimages import some_pixels
from helpers.nrrd_files import PIXELS, placed
from napari_medread.api import read, write
from napari_medread.core.volume import Axis


def header_lines(path):
    return path.read_bytes().split(b"\n\n")[0].decode().split("\n")


@pytest.mark.parametrize(
    "axis",
    [
        Axis("echo time", "ms", 12.5),
        Axis("b-value"),
        Axis("time", "pixel"),
        Axis("time", "s", 0.1),
    ],
)
def test_every_axis_keeps_its_label_unit_and_step(tmp_path, axis):
    pixels = some_pixels((4, 5, 6, 7), "i2")
    write(tmp_path / "a.nrrd", volume_of(pixels, leading=[axis]))
    (again,) = read(tmp_path / "a.nrrd")
    assert again.leading == (axis,)
    array, affine = by_simpleitk(tmp_path / "a.nrrd")
    assert np.array_equal(array, pixels)
    assert affine[3, 0] == axis.step


def test_keys_survive_but_for_the_patients(tmp_path):
    keys = ("modality:=CT", "DICOM.PatientName:=Doe", "0010|0020:=17", "note:=a\\nb\\\\n")
    placed(tmp_path / "a.nrrd", PIXELS, *keys)
    (volume,) = read(tmp_path / "a.nrrd")
    written = write(tmp_path / "b.nrrd", volume)
    assert written.notes == ("Keys about the patient were left out of the header (2).",)
    assert b"Doe" not in (tmp_path / "b.nrrd").read_bytes()
    image = sitk.ReadImage(tmp_path / "b.nrrd")
    assert (image.GetMetaData("modality"), image.GetMetaData("note")) == ("CT", "a\nb\\n")
    (again,) = read(tmp_path / "b.nrrd")
    assert again.header["note"] == volume.header["note"]


def test_keys_of_the_patient_are_kept_when_asked_for(tmp_path):
    placed(tmp_path / "a.nrrd", PIXELS, "DICOM.PatientName:=Doe")
    (volume,) = read(tmp_path / "a.nrrd")
    assert write(tmp_path / "b.nrrd", volume, keep_patient=True).notes == ()
    assert "DICOM.PatientName:=Doe" in header_lines(tmp_path / "b.nrrd")


def test_a_file_can_be_written_over_itself(tmp_path):
    path = placed(tmp_path / "a.nrrd", PIXELS, "modality:=CT")
    (volume,) = read(path)
    write(path, volume)
    (again,) = read(path)
    assert np.array_equal(again.data, PIXELS)
    assert again.header["modality"] == "CT"


def test_a_metaimages_keys_are_not_written(tmp_path):
    image = sitk.GetImageFromArray(PIXELS)
    image.SetMetaData("Scanner", "made up")
    sitk.WriteImage(image, tmp_path / "a.mha")
    (volume,) = read(tmp_path / "a.mha")
    write(tmp_path / "b.nrrd", volume)
    assert not any(":=" in line for line in header_lines(tmp_path / "b.nrrd"))


def test_the_measurement_frame_is_turned_with_the_space(tmp_path):
    frame = "(1,0,0) (0,0,1) (0,1,0)"
    placed(tmp_path / "a.nrrd", space="RAS", measurement_frame=frame)
    (volume,) = read(tmp_path / "a.nrrd")
    write(tmp_path / "b.nrrd", volume)
    (line,) = (s for s in header_lines(tmp_path / "b.nrrd") if s.startswith("measurement"))
    assert line == "measurement frame: (-1.0,0.0,0.0) (0.0,0.0,1.0) (0.0,-1.0,0.0)"


def test_segmentations_stay_labels(tmp_path):
    placed(tmp_path / "a.nrrd", PIXELS, "Segment0_ID:=Segment_1")
    (volume,) = read(tmp_path / "a.nrrd")
    write(tmp_path / "b.nrrd", volume)
    (again,) = read(tmp_path / "b.nrrd")
    assert again.labels
    assert again.header["Segment0_ID"] == "Segment_1"


def test_grey_images_over_labels_are_no_labels(tmp_path):
    volume = volume_of(PIXELS, labels=True, contrast_limits=None)
    write(tmp_path / "a.nrrd", volume)
    (labels,) = read(tmp_path / "a.nrrd")
    write(tmp_path / "b.nrrd", dataclasses.replace(labels, labels=False))
    assert not read(tmp_path / "b.nrrd")[0].labels
    placed(tmp_path / "c.nrrd", PIXELS, "Segment0_ID:=Segment_1\nname:=kept")
    (segmentation,) = read(tmp_path / "c.nrrd")
    write(tmp_path / "d.nrrd", dataclasses.replace(segmentation, labels=False))
    (grey,) = read(tmp_path / "d.nrrd")
    assert not grey.labels
    assert grey.header["name"] == "kept"


def test_packing_is_a_choice(tmp_path):
    for name, compress in (("a.nrrd", False), ("b.nrrd", True)):
        write(tmp_path / name, scan(), compress=compress)
    assert "encoding: raw" in header_lines(tmp_path / "a.nrrd")
    assert "encoding: gzip" in header_lines(tmp_path / "b.nrrd")
