"""Images that may be labels are noted, and others are not."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

import napari_medread
from napari_medread.core.label_detection import (
    LABELS_SUGGESTED,
    has_label_values,
    suggests_labels,
)


@pytest.mark.parametrize(
    "name",
    ["scan-label.nii.gz", "scan_Labels.mha", "ct_seg.nii", "Segmentation.nrrd", "lung mask.mhd",
     "aseg.mgz", "aparc+aseg.mgz", "aparc.a2009s+aseg.mgz", "sub-1_dseg.nii.gz", "brainmask.nii",
     "labelsTr/BRATS_001.nii.gz", "segmentations/liver.nii.gz", "LeftKidneyLabel1.nii", "MASK2.nii",
     "T1_FLAIRmask.nii", "labelmap_1.mha", "ROI.nii"],
)  # fmt: skip
def test_names_that_suggest_labels(name):
    assert suggests_labels(Path("/data") / name, {})


@pytest.mark.parametrize(
    "name",
    ["ct.nii.gz", "T1.mgz", "masked_t1.nii", "segal_study.nii", "labelled.nii", "proiect.mha",
     "imagesTr/BRATS_001.nii.gz", "unlabeled.nii"],
)  # fmt: skip
def test_names_that_do_not(name):
    assert not suggests_labels(Path("/data") / name, {})


def test_a_header_may_say_it():
    assert suggests_labels(Path("/data/x.nrrd"), {"content": "LungSegmentation"})
    assert suggests_labels(Path("/data/x.nii"), {"descrip": "lesion mask"})
    assert not suggests_labels(Path("/data/x.nii"), {"descrip": "FSL5.0", "aux_file": "mask"})


def regions(dtype="u1"):
    data = np.zeros((9, 40, 40), dtype)
    data[2:7, 5:20, 5:30] = 3
    data[3:8, 22:35, 8:12] = 200
    return data


NOISE = np.random.default_rng(0).normal(100, 20, (9, 40, 40))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (regions(), True),
        (regions("i2"), True),
        (regions("f4"), True),
        (regions()[4], True),
        (np.zeros((3, 4, 5), "u1"), True),
        (regions("i2") - 1, False),
        (regions("f4") / 256, False),
        (np.where(regions(), np.nan, 0), False),
        (NOISE.astype("u1"), False),
        (np.where(regions(), NOISE, 0).astype("i2"), False),
        (np.zeros((0, 4, 5), "u1"), False),
    ],
    ids=["uint8", "int16", "whole floats", "a plane", "nothing drawn", "negative", "fractions",
         "nan", "grey", "grey on a background", "empty"],
)  # fmt: skip
def test_values_that_may_be_label_numbers(data, expected):
    assert has_label_values(data) is expected


@pytest.mark.parametrize("suffix", [".mha", ".nii.gz", ".nrrd", ".vtk", ".png"])
def test_an_image_of_another_program_gets_a_note(tmp_path, suffix):
    data = regions()[4] if suffix == ".png" else regions()
    for name in ("seg", "ct"):
        sitk.WriteImage(sitk.GetImageFromArray(data), str(tmp_path / f"{name}{suffix}"))
    seg, ct = (napari_medread.read_volume(tmp_path / f"{name}{suffix}") for name in ("seg", "ct"))
    assert not seg.labels
    assert LABELS_SUGGESTED in seg.notes
    assert LABELS_SUGGESTED not in ct.notes
    (listed,) = (file for file in napari_medread.browse(tmp_path).files if file.name == "seg")
    assert LABELS_SUGGESTED in listed.read()[0].notes


def test_marked_labels_get_no_note(tmp_path):
    labels = napari_medread.Volume.from_array(regions(), spacing=1.0, labels=True)
    napari_medread.write(tmp_path / "seg.mha", labels)
    found = napari_medread.read_volume(tmp_path / "seg.mha")
    assert found.labels
    assert found.notes == ()
