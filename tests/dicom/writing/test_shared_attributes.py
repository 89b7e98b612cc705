"""Written files follow the standard, as dciodvfy and other readers judge them."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import (
    CTImageStorage,
    MRImageStorage,
    PositronEmissionTomographyImageStorage,
    SecondaryCaptureImageStorage,
)

from helpers.builders import make_image, make_series, save_dataset, write_series
from helpers.dicom_volumes import (
    make_affine,
    make_numbered,
    make_placed_volume,
    make_planar_volume,
    make_rotation,
)
from helpers.reference_programs import find_dciodvfy_errors, needs_dciodvfy
from napari_medread import read, write
from napari_medread.core.volume import Axis

EXAMPLES = Path(__file__).resolve().parents[3] / "example_data"

COLOUR = np.random.default_rng(1).integers(0, 256, (4, 6, 7, 3), dtype=np.uint8)
OBLIQUE = make_rotation(20, 0) @ make_rotation(-13, 1) @ make_rotation(31, 2)

B_VALUES = ((0.0,), (1000.0, 0.6, 0.8, 0.0), (0.0,))

VOLUMES = {
    **{
        f"{m or 'nothing'}": lambda m=m: make_placed_volume(modality=m)
        for m in ("CT", "MR", "PT", "US", "")
    },
    "CT in HU": lambda: make_placed_volume(
        modality="CT", value_unit="HU", contrast_limits=(-160.0, 240.0)
    ),
    "CT of 8 bits": lambda: make_placed_volume(
        make_numbered(first=0).astype(np.uint8), modality="CT"
    ),
    "CT of yes and no": lambda: make_placed_volume(make_numbered() > -900, modality="CT"),
    "CT of broken numbers": lambda: make_placed_volume(
        make_numbered() / np.float32(7), modality="CT"
    ),
    "CT with padding": lambda: make_placed_volume(
        np.where(make_numbered() < -900, np.nan, 1.5), modality="CT"
    ),
    "CT, inverted": lambda: make_placed_volume(modality="CT", inverted=True),
    "CT, tilted": lambda: make_placed_volume(matrix=make_affine(lean=(0, 1.1, 0)), modality="CT"),
    "CT over time": lambda: make_placed_volume(
        make_numbered((3, 4, 6, 7)), modality="CT", leading=(Axis("time", "s", 2.5),)
    ),
    "MR, oblique": lambda: make_placed_volume(
        matrix=make_affine((1, -1, 1), OBLIQUE), modality="MR"
    ),
    "MR, barely askew": lambda: make_placed_volume(
        matrix=make_affine(lean=(4e-4, 3e-4, 0.0), slice_axis=1), modality="MR"
    ),
    "MR of broken numbers": lambda: make_placed_volume(
        make_numbered() / np.float32(7), modality="MR"
    ),
    "MR over time": lambda: make_placed_volume(
        make_numbered((3, 4, 6, 7)), modality="MR", leading=(Axis("time", "s", 2.5),)
    ),
    "MR echoes": lambda: make_placed_volume(
        make_numbered((2, 4, 6, 7)),
        modality="MR",
        leading=(Axis("echo time", values=(4.6, 9.2)),),
    ),
    "MR phases of the heart": lambda: make_placed_volume(
        make_numbered((2, 4, 6, 7)),
        modality="MR",
        leading=(Axis("trigger time", values=(0.1, 0.3)),),
    ),
    "MR diffusion": lambda: make_placed_volume(
        make_numbered((3, 4, 6, 7)), modality="MR", leading=(Axis("b-value", values=B_VALUES),)
    ),
    "windows": lambda: make_placed_volume(
        modality="CT", windows=((40.0, 400.0, "Soft tissue"), (-600.0, 1500.0, "Lung"))
    ),
    "regions": lambda: make_placed_volume(make_numbered(first=0), modality="CT", labels=True),
    "regions of 8 bits": lambda: make_placed_volume(
        make_numbered(first=0).astype(np.uint8), labels=True
    ),
    "colour slices": lambda: make_placed_volume(COLOUR, rgb=True),
    "dose": lambda: make_placed_volume(
        make_numbered() / np.float32(7), modality="RTDOSE", value_unit="Gy"
    ),
    "picture": lambda: make_planar_volume(),
    "picture of signed 8 bits": lambda: make_planar_volume(
        make_numbered((5, 6), first=-9).astype(np.int8)
    ),
    "picture in pixels": lambda: make_planar_volume(spacing=None),
    "picture of long pixels": lambda: make_planar_volume(spacing=None, pixel_size=(1.25, 1.0)),
    "picture, inverted": lambda: make_planar_volume(modality="CR", inverted=True),
    "odd picture": lambda: make_planar_volume(make_numbered((5, 3), first=0).astype(np.uint8)),
    "colour picture": lambda: make_planar_volume(COLOUR[0], rgb=True),
    "single slice": lambda: make_placed_volume(make_numbered((1, 6, 7)), modality="CT"),
}


@needs_dciodvfy
@pytest.mark.parametrize("make", VOLUMES.values(), ids=VOLUMES)
def test_dciodvfy_finds_no_errors(tmp_path, make):
    (made,) = write(tmp_path / "out.dcm", make()).paths
    assert find_dciodvfy_errors(made) == set()


@needs_dciodvfy
def test_dciodvfy_finds_no_errors_in_compressed_images(tmp_path):
    volume = make_placed_volume(make_numbered((2, 40, 50)), modality="CT")
    (made,) = write(tmp_path / "out.dcm", volume, compress=True).paths
    assert find_dciodvfy_errors(made) == set()


@needs_dciodvfy
@pytest.mark.parametrize("name", ["ct_thorax", "mr_sagittal"])
@pytest.mark.parametrize("keep_patient", [True, False])
def test_dciodvfy_finds_no_errors_in_examples(tmp_path, name, keep_patient):
    (volume,) = read(EXAMPLES / name)
    volume.data, volume.geometry = (
        volume.data[:3],
        type(volume.geometry)(
            (3, *volume.shape[1:]), volume.geometry.affine, volume.geometry.slice_axis
        ),
    )
    (made,) = write(tmp_path / "out.dcm", volume, keep_patient=keep_patient).paths
    assert find_dciodvfy_errors(made) == set()


BODY_PARTS = ["", "CHEST", "KNEE", "EYE", "HEAD", "LEGS"]


@needs_dciodvfy
@pytest.mark.parametrize("part", BODY_PARTS)
@pytest.mark.parametrize("side", ["", "L"])
@pytest.mark.parametrize("modality", ["CT", "MR", "OT"])
def test_dciodvfy_finds_no_errors_whatever_the_body_part(tmp_path, part, side, modality):
    made = {"BodyPartExamined": part, "Laterality": side, "InversionTime": "900"}
    folder = write_series(tmp_path / "in", make_series(slices=[0], Modality=modality, **made))
    (volume,) = read(folder)
    (written,) = write(tmp_path / "out.dcm", volume).paths
    assert find_dciodvfy_errors(written) == set()


PET = {
    "SOPClassUID": PositronEmissionTomographyImageStorage, "Modality": "PT",
    "SeriesType": ["STATIC", "IMAGE"], "Units": "BQML", "CountsSource": "EMISSION",
    "DecayCorrection": "START", "DecayFactor": "1.02", "FrameReferenceTime": "30000",
    "ActualFrameDuration": "60000", "CorrectedImage": ["DECY", "ATTN"], "RescaleIntercept": "0",
    "SeriesDate": "20240102", "SeriesTime": "101112",
}  # fmt: skip


def pet(folder, **changes):
    """Write slices with different slopes, and read them."""

    def scale(n, ds):
        ds.RescaleSlope = f"{0.25 + n / 10}"

    (volume,) = read(write_series(folder, make_series(change=scale, **PET | changes)))
    return volume


@needs_dciodvfy
@pytest.mark.parametrize("keep_patient", [True, False])
def test_dciodvfy_finds_no_errors_in_pet(tmp_path, keep_patient):
    (made,) = write(tmp_path / "out.dcm", pet(tmp_path / "in"), keep_patient=keep_patient).paths
    assert find_dciodvfy_errors(made) == set()


def test_pet_is_written_as_pet_where_its_source_is_complete(tmp_path):
    volume = pet(tmp_path / "in")
    assert volume.value_unit == "Bq/ml"
    write(tmp_path / "out.dcm", volume)
    (found,) = read(tmp_path / "out")
    stored = pydicom.dcmread(tmp_path / "out" / "slice_0002.dcm")
    assert stored.SOPClassUID == PositronEmissionTomographyImageStorage
    assert stored.RescaleIntercept == 0
    assert stored.ImageIndex == stored.InstanceNumber == 2
    assert stored.SeriesDate == "19000101"
    assert found.value_unit == "Bq/ml"
    np.testing.assert_allclose(found.data, volume.data, atol=float(stored.RescaleSlope) * 0.51)


@pytest.mark.parametrize("changes", [{"Units": None}, {"SeriesType": ["GATED", "IMAGE"]},
                                     {"DecayFactor": None}, {"Units": "PROPCNTS"}])  # fmt: skip
def test_pet_is_written_as_secondary_capture_where_its_source_is_incomplete(tmp_path, changes):
    changes = {k: v for k, v in (PET | changes).items() if v is not None}
    (volume,) = read(write_series(tmp_path / "in", make_series(**changes)))
    volume.value_unit = "Bq/ml" if changes.get("Units") == "PROPCNTS" else volume.value_unit
    write(tmp_path / "out.dcm", volume)
    stored = pydicom.dcmread(tmp_path / "out" / "slice_0001.dcm")
    assert stored.SOPClassUID == SecondaryCaptureImageStorage
    assert stored.Modality == "PT"


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        (make_placed_volume(modality="CT"), CTImageStorage),
        (make_placed_volume(modality="MR"), MRImageStorage),
        (make_placed_volume(modality="US"), SecondaryCaptureImageStorage),
        (make_placed_volume(), SecondaryCaptureImageStorage),
        (make_placed_volume(modality="CT", labels=True), SecondaryCaptureImageStorage),
        (make_planar_volume(modality="CT"), SecondaryCaptureImageStorage),
    ],
)
def test_the_kind_follows_from_modality_and_position(tmp_path, volume, expected):
    write(f"{tmp_path}/out/", volume)
    stored = pydicom.dcmread(tmp_path / "out" / "slice_0001.dcm")
    assert stored.SOPClassUID == expected
    assert stored.ImageType[:2] == ["DERIVED", "SECONDARY"]


def test_a_localizer_is_written_as_one(tmp_path):
    made = make_series(slices=[0], ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    (volume,) = read(write_series(tmp_path / "in", made))
    write(tmp_path / "out.dcm", volume)
    (found,) = read(tmp_path / "out.dcm")
    assert found.value_unit == volume.value_unit == ""
    assert pydicom.dcmread(tmp_path / "out.dcm").ImageType[2] == "LOCALIZER"


PIXEL_SIZES = {
    "detector": {"ImagerPixelSpacing": [0.2, 0.1]},
    "calibrated": {"PixelSpacing": [0.2, 0.1], "PixelSpacingCalibrationType": "FIDUCIAL"},
    "both the same": {"PixelSpacing": [0.2, 0.1], "ImagerPixelSpacing": [0.2, 0.1]},
    "calibrated to the detector": {
        "PixelSpacing": [0.2, 0.1],
        "ImagerPixelSpacing": [0.2, 0.1],
        "PixelSpacingCalibrationType": "GEOMETRY",
    },
    "uncertain": {"PixelSpacing": [0.2, 0.1]},
    "film": {"NominalScannedPixelSpacing": [0.2, 0.1]},
    "none": {},
    "ratio": {"PixelAspectRatio": [4, 3]},
}


@pytest.mark.parametrize("sizes", PIXEL_SIZES.values(), ids=PIXEL_SIZES)
def test_the_pixel_size_of_a_projection_keeps_its_keyword(tmp_path, sizes):
    ds = make_image(
        make_numbered((5, 6)), Modality="DX", SOPClassUID="1.2.840.10008.5.1.4.1.1.1.1", **sizes
    )
    (volume,) = read(save_dataset(ds, tmp_path / "in.dcm"))
    write(tmp_path / "out.dcm", volume)
    (found,) = read(tmp_path / "out.dcm")
    assert found.notes == volume.notes
    assert found.pixel_size == volume.pixel_size
    assert (found.geometry and found.geometry.spacing) == (
        volume.geometry and volume.geometry.spacing
    )


SOFT = (40.0, 400.0, "Soft tissue")


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
@pytest.mark.parametrize(
    ("limits", "windows"),
    [((-160.0, 239.0), (SOFT,)), ((-160.0, 240.0), (SOFT,)), ((-5.5, 7.25), ()),
     ((-5.5, 7.25), (SOFT, (-600.0, 1500.0, ""))), (None, (SOFT,)), ((0.0, 0.125), ())],
)  # fmt: skip
def test_the_displayed_window_is_read_back(tmp_path, dtype, limits, windows):
    data = (make_numbered() / dtype(8)).astype(dtype)
    write(tmp_path / "out.dcm", make_placed_volume(data, contrast_limits=limits, windows=windows))
    (found,) = read(tmp_path / "out")
    assert found.contrast_limits == (limits or (-160.0, 239.0))
    assert found.windows[len(found.windows) - len(windows) :] == windows


@pytest.mark.parametrize("limits", [(3.0, 3.0), (5.0, 2.0), (0.0, np.inf), (np.nan, 1.0)])
def test_unusable_contrast_limits_are_not_written(tmp_path, limits):
    write(tmp_path / "out.dcm", make_planar_volume(contrast_limits=limits))
    assert "WindowCenter" not in pydicom.dcmread(tmp_path / "out.dcm")


def test_a_long_window_explanation_is_cut(tmp_path):
    write(tmp_path / "out.dcm", make_planar_volume(windows=((40.0, 400.0, "long " * 20),)))
    stored = pydicom.dcmread(tmp_path / "out.dcm")
    assert stored.WindowCenterWidthExplanation == ("long " * 20)[:64].strip()


def test_overlapping_slices_keep_their_thickness(tmp_path):
    (volume,) = read(write_series(tmp_path / "in", make_series(SliceThickness="7.5")))
    write(tmp_path / "out.dcm", volume)
    stored = pydicom.dcmread(tmp_path / "out" / "slice_0001.dcm")
    assert (stored.SliceThickness, stored.SpacingBetweenSlices) == (7.5, 5)


def test_resampled_slices_are_as_thick_as_their_spacing(tmp_path):
    (volume,) = read(write_series(tmp_path / "in", make_series(SliceThickness="7.5")))
    cut = make_placed_volume(make_numbered((9, 6, 7)), modality="CT", source=volume.source)
    write(tmp_path / "out.dcm", cut)
    stored = pydicom.dcmread(tmp_path / "out" / "slice_0001.dcm")
    assert (stored.SliceThickness, stored.SpacingBetweenSlices) == (5, 5)
