"""Pixel sizes of images without a position in patient space."""

import numpy as np
import pytest
from pydicom.dataset import Dataset

from helpers.builders import make_image, save_dataset, stored_slice, write_series
from napari_medread.api import read
from napari_medread.core.volume import NO_PIXEL_SIZE
from napari_medread.dicom.frames.planar_pixel_size import UNCERTAIN_PIXEL_SIZE_NOTE

DETECTOR = "The pixel size is measured at the detector: structures in the patient are smaller."
FILM = "The pixel size was measured on the scanned film."
REGIONS = "The ultrasound regions have no pixel size in common: shown in pixels."


def read_one(tmp_path, **attributes):
    """Return the volume of one image without a position."""
    (volume,) = read(save_dataset(make_image(stored_slice(0), **attributes), tmp_path / "IM1"))
    return volume


def find_spacing(volume):
    """Return the pixel size in mm, between rows and between columns, for comparison; or None."""
    return None if volume.geometry is None else pytest.approx(volume.geometry.spacing)


PROJECTIONS = {
    "calibrated by type": (
        {
            "PixelSpacing": [0.2, 0.3],
            "ImagerPixelSpacing": [0.2, 0.3],
            "PixelSpacingCalibrationType": "FIDUCIAL",
        },
        (0.2, 0.3),
        [],
    ),
    "calibrated by difference": (
        {"PixelSpacing": [0.15, 0.25], "ImagerPixelSpacing": [0.2, 0.3]},
        (0.15, 0.25),
        [],
    ),
    "calibrated, with a magnification": (
        {
            "PixelSpacing": [0.15, 0.25],
            "ImagerPixelSpacing": [0.2, 0.3],
            "EstimatedRadiographicMagnificationFactor": "1.25",
        },
        (0.15, 0.25),
        [],
    ),
    "equal to the detector's": (
        {"PixelSpacing": [0.2, 0.3], "ImagerPixelSpacing": [0.2, 0.3]},
        (0.2, 0.3),
        [DETECTOR],
    ),
    "equal to the detector's, magnified": (
        {
            "PixelSpacing": [0.2, 0.3],
            "ImagerPixelSpacing": [0.2, 0.3],
            "EstimatedRadiographicMagnificationFactor": "1.25",
        },
        (0.16, 0.24),
        ["The pixel size is the detector's divided by an estimated magnification of 1.25."],
    ),
    "the detector's": ({"ImagerPixelSpacing": [0.2, 0.3]}, (0.2, 0.3), [DETECTOR]),
    "the detector's, magnified": (
        {"ImagerPixelSpacing": [0.2, 0.3], "EstimatedRadiographicMagnificationFactor": "2"},
        (0.1, 0.15),
        ["The pixel size is the detector's divided by an estimated magnification of 2."],
    ),
    "the detector's, magnified by zero": (
        {"ImagerPixelSpacing": [0.2, 0.3], "EstimatedRadiographicMagnificationFactor": "0"},
        (0.2, 0.3),
        [DETECTOR],
    ),
    "alone": ({"PixelSpacing": [0.2, 0.3]}, (0.2, 0.3), [UNCERTAIN_PIXEL_SIZE_NOTE]),
    "alone, calibrated": (
        {"PixelSpacing": [0.2, 0.3], "PixelSpacingCalibrationType": "GEOMETRY"},
        (0.2, 0.3),
        [],
    ),
    "alone, not a projection": (
        {"PixelSpacing": [0.2, 0.3], "Modality": "OT"},
        (0.2, 0.3),
        [],
    ),
    "scanned film": ({"NominalScannedPixelSpacing": [0.2, 0.3]}, (0.2, 0.3), [FILM]),
    "scanned film of a known detector": (
        {"NominalScannedPixelSpacing": [0.1, 0.1], "ImagerPixelSpacing": [0.2, 0.3]},
        (0.2, 0.3),
        [DETECTOR],
    ),
    "zero": ({"ImagerPixelSpacing": [0, 0]}, None, [NO_PIXEL_SIZE]),
    "unknown": ({}, None, [NO_PIXEL_SIZE]),
}


@pytest.mark.parametrize(("attributes", "spacing", "notes"), PROJECTIONS.values(), ids=PROJECTIONS)
def test_the_pixel_size_of_a_projection(tmp_path, attributes, spacing, notes):
    volume = read_one(tmp_path, **{"Modality": "DX", **attributes})
    assert find_spacing(volume) == spacing
    assert list(volume.notes) == notes


@pytest.mark.parametrize(("attributes", "spacing", "_"), PROJECTIONS.values(), ids=PROJECTIONS)
def test_units_are_millimetres_only_where_the_size_is_known(tmp_path, attributes, spacing, _):
    volume = read_one(tmp_path, **{"Modality": "DX", **attributes})
    assert volume.units == (("pixel" if spacing is None else "mm"),) * 2
    assert volume.patient_affine is None


# --- Only the ratio is known ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ratio", "size", "notes"),
    [
        (["4", "3"], (4 / 3, 1), 1),
        (["1", "2"], (0.5, 1), 1),
        (["1", "1"], (1, 1), 0),
        (["7", "7"], (1, 1), 0),
        (["0", "3"], (1, 1), 0),
        (["5"], (1, 1), 0),
    ],
    ids=str,
)
def test_an_aspect_ratio_is_a_size_in_pixels(tmp_path, ratio, size, notes):
    volume = read_one(tmp_path, Modality="OT", PixelAspectRatio=ratio)
    assert volume.geometry is None
    assert volume.pixel_size == pytest.approx(size)
    assert len(volume.notes) == 1 + notes


def test_an_aspect_ratio_is_a_note(tmp_path):
    volume = read_one(tmp_path, Modality="OT", PixelAspectRatio=["4", "3"])
    assert volume.notes == (
        NO_PIXEL_SIZE,
        "Pixels are 4 high to 3 wide: rows are drawn 1.333 pixels apart.",
    )


def test_a_known_size_overrides_an_aspect_ratio(tmp_path):
    volume = read_one(tmp_path, Modality="OT", PixelAspectRatio=["4", "3"], PixelSpacing=[0.2, 0.3])
    assert find_spacing(volume) == (0.2, 0.3)
    assert volume.pixel_size == (1, 1)


# --- Ultrasound -------------------------------------------------------------------------------


CM, SECONDS, NONE = 3, 4, 0


def region(x, y, unit_x=CM, unit_y=CM):
    """Return one item of SequenceOfUltrasoundRegions."""
    found = Dataset()
    found.PhysicalUnitsXDirection, found.PhysicalUnitsYDirection = unit_x, unit_y
    found.PhysicalDeltaX, found.PhysicalDeltaY = x, y
    return found


ULTRASOUND = {
    "one region": ([region(0.02, 0.05)], (0.5, 0.2), []),
    "negative steps": ([region(-0.02, -0.05)], (0.5, 0.2), []),
    "two alike": ([region(0.02, 0.05), region(0.02, 0.05)], (0.5, 0.2), []),
    "alike but for rounding": ([region(0.02, 0.05), region(0.02 + 1e-12, 0.05)], (0.5, 0.2), []),
    "two that differ": ([region(0.02, 0.05), region(0.03, 0.05)], None, [REGIONS]),
    "a spectrum": ([region(0.02, 0.05, SECONDS, 7)], None, [REGIONS]),
    "an image and a spectrum": (
        [region(0.02, 0.05), region(0.02, 0.05, SECONDS, 7)],
        None,
        [REGIONS],
    ),
    "motion over time": ([region(0.02, 0.05, SECONDS, CM)], None, [REGIONS]),
    "no units": ([region(0.02, 0.05, NONE, NONE)], None, [REGIONS]),
    "no steps": ([region(0.0, 0.05)], None, [REGIONS]),
}


@pytest.mark.parametrize(("regions", "spacing", "notes"), ULTRASOUND.values(), ids=ULTRASOUND)
def test_the_pixel_size_of_ultrasound(tmp_path, regions, spacing, notes):
    volume = read_one(tmp_path, Modality="US", SequenceOfUltrasoundRegions=regions)
    assert find_spacing(volume) == spacing
    assert list(volume.notes) == notes


def test_ultrasound_regions_override_a_pixel_spacing(tmp_path):
    regions = [region(0.02, 0.05)]
    volume = read_one(
        tmp_path, Modality="US", SequenceOfUltrasoundRegions=regions, PixelSpacing=[9.0, 9.0]
    )
    assert find_spacing(volume) == (0.5, 0.2)


# --- Views are not slices -----------------------------------------------------------------------


@pytest.mark.parametrize("modality", ["CR", "DX", "MG", "XA", "US", "XC"])
def test_views_of_one_size_are_separate_volumes(tmp_path, modality):
    views = [
        make_image(
            stored_slice(n), Modality=modality, InstanceNumber=n + 1, PixelSpacing=[0.2, 0.3]
        )
        for n in range(3)
    ]
    volumes = read(write_series(tmp_path, views))
    assert [v.shape for v in volumes] == [(5, 7)] * 3
    assert {int(np.asarray(v.data).max()) for v in volumes} == {
        int(stored_slice(n).max()) for n in range(3)
    }


@pytest.mark.parametrize(
    ("attributes", "note"),
    [
        ({"Modality": "CT"}, ["The file gives no patient position."]),
        ({"Modality": "US"}, []),
        (
            {"Modality": "MR", "ImageOrientationPatient": [1, 0, 0, 1, 0, 0]},
            ["The header's patient position cannot be used: shown without one."],
        ),
    ],
    ids=["a CT without", "an ultrasound without", "directions that are not perpendicular"],
)
def test_an_image_that_should_have_a_position_and_has_none_has_a_note(tmp_path, attributes, note):
    ds = make_image(stored_slice(0), PixelSpacing=[2, 3], **attributes)
    (volume,) = read(save_dataset(ds, tmp_path / "IM1"))
    assert list(volume.notes) == note
