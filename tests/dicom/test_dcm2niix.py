"""Every voxel is at the position that dcm2niix gives it."""

import numpy as np
import pytest
from pydicom.dataset import Dataset

from helpers.builders import ORIENTATIONS, find_normal, make_image, make_uid, write_series
from helpers.dicom_objects import make_mosaic
from helpers.dicom_volumes import make_affine, make_numbered, make_placed_volume, make_rotation
from helpers.reference_programs import assert_equal_in_patient_space, convert_with_dcm2niix
from napari_medread.api import read, write
from napari_medread.core.volume import Axis

CT, MR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"
ROWS, COLUMNS, SLICES = 20, 24, 9
ORIGIN, ROW_SPACING, COLUMN_SPACING, SLICE_SPACING = (-40.0, -35.0, 22.0), 1.5, 1.25, 3.0

# Attributes by which dcm2niix distinguishes studies, series and scanners.
STUDY_ATTRIBUTES = {
    "StudyInstanceUID": "1.2.826.0.1.3680043.8.498.7",
    "FrameOfReferenceUID": "1.2.826.0.1.3680043.8.498.8",
    "StudyDate": "20240102",
    "StudyTime": "101112",
    "SeriesDate": "20240102",
    "SeriesTime": "101112",
    "Manufacturer": "Acme",
    "PatientName": "Phantom",
    "PatientID": "0",
    "PatientPosition": "HFS",
    "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
    "SliceThickness": str(SLICE_SPACING),
}
KIND_ATTRIBUTES = {
    "CT": {"SOPClassUID": CT, "Modality": "CT", "RescaleSlope": "1", "RescaleIntercept": "-1024",
           "KVP": "120"},
    "MR": {"SOPClassUID": MR, "Modality": "MR", "MagneticFieldStrength": "3",
           "RepetitionTime": "2000", "EchoTime": "30", "ScanningSequence": "GR"},
}  # fmt: skip


def oblique(degrees):
    """Return an axial orientation rotated about two axes."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    about_x = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
    about_z = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
    return tuple(tuple(about_x @ about_z @ axis) for axis in np.eye(3)[:2])


def make_acquisition(orientation, kind, *, times=1, **attributes):
    """Return a series with random pixels, ``times`` sets of slices along the normal."""
    random = np.random.default_rng(11)
    found = []
    series = make_uid()
    for t in range(times):
        for n in range(SLICES):
            position = np.array(ORIGIN) + n * SLICE_SPACING * find_normal(orientation)
            ds = make_image(
                random.integers(0, 4000, (ROWS, COLUMNS)).astype(np.int16),
                **{
                    **STUDY_ATTRIBUTES,
                    **KIND_ATTRIBUTES[kind],
                    "SeriesInstanceUID": series,
                    "StudyID": "1",
                    "ImagePositionPatient": [f"{x:.8f}" for x in position],
                    "ImageOrientationPatient": [f"{x:.10f}" for axis in orientation for x in axis],
                    "PixelSpacing": [ROW_SPACING, COLUMN_SPACING],
                    "InstanceNumber": t * SLICES + n + 1,
                    "AcquisitionNumber": t + 1,
                    **attributes,
                },
            )
            if times > 1:
                ds.TemporalPositionIdentifier, ds.NumberOfTemporalPositions = t + 1, times
                ds.AcquisitionTime = f"1012{2 * t:02d}"
            found.append(ds)
    return found


CASES = {
    f"{kind} {name}": (orientation, kind, {})
    for kind in KIND_ATTRIBUTES
    for name, orientation in {
        **ORIENTATIONS,
        "oblique": oblique(25),
        "steep": oblique(40),
        "feet first": ((-1, 0, 0), (0, 1, 0)),
    }.items()
} | {
    "MR over time": (ORIENTATIONS["axial"], "MR", {"times": 4}),
    "MR over time, sagittal": (ORIENTATIONS["sagittal"], "MR", {"times": 3}),
    "MR over time, oblique": (oblique(25), "MR", {"times": 3}),
    "CT of another scale": (
        ORIENTATIONS["axial"],
        "CT",
        {"RescaleSlope": "2.5", "RescaleIntercept": "-7"},
    ),
}


@pytest.mark.parametrize(("orientation", "kind", "options"), CASES.values(), ids=CASES)
def test_random_voxels_are_equal_in_patient_space(tmp_path, orientation, kind, options):
    folder = write_series(tmp_path / "in", make_acquisition(orientation, kind, **options))
    reference = convert_with_dcm2niix(folder, tmp_path / "out")
    (volume,) = read(folder)
    assert_equal_in_patient_space(volume, reference, options.get("times", 1))


def make_uih_grid(slices):
    """Return a UIH grid made of single slices, three in each row."""
    grid = slices[0]
    tiles = [np.frombuffer(ds.PixelData, np.int16).reshape(ROWS, COLUMNS) for ds in slices]
    rows = [np.hstack(tiles[n : n + 3]) for n in range(0, len(tiles), 3)]
    items = []
    for ds in slices:
        items.append(Dataset())
        items[-1].ImagePositionPatient = ds.ImagePositionPatient
    block = grid.private_block(0x0065, "Image Private Header", create=True)
    block.add_new(0x50, "DS", str(len(slices)))
    block.add_new(0x51, "SQ", items)
    grid.Manufacturer = "UIH"
    grid.PixelData, grid.Rows, grid.Columns = (
        np.vstack(rows).tobytes(),
        ROWS * len(rows),
        COLUMNS * 3,
    )
    return grid


@pytest.mark.parametrize("count", [6, 9])
@pytest.mark.parametrize(
    "orientation", [ORIENTATIONS["axial"], ORIENTATIONS["sagittal"], oblique(25)]
)
def test_a_grid_is_divided_as_in_dcm2niix(tmp_path, count, orientation):
    folder = write_series(
        tmp_path / "in", [make_uih_grid(make_acquisition(orientation, "MR")[:count])]
    )
    reference = convert_with_dcm2niix(folder, tmp_path / "out")
    (volume,) = read(folder)
    assert volume.data.size == count * ROWS * COLUMNS
    assert_equal_in_patient_space(volume, reference)


def test_a_mosaic_is_divided_as_in_dcm2niix(tmp_path):
    ds = make_mosaic(5)
    for keyword, value in (STUDY_ATTRIBUTES | KIND_ATTRIBUTES["MR"]).items():
        setattr(ds, keyword, value)
    ds.Manufacturer, ds.ImageType = "SIEMENS", ["ORIGINAL", "PRIMARY", "M", "MOSAIC"]
    folder = write_series(tmp_path / "in", [ds])
    reference = convert_with_dcm2niix(folder, tmp_path / "out")
    (volume,) = read(folder)
    assert_equal_in_patient_space(volume, reference)


def test_the_time_between_volumes_is_equal(tmp_path):
    folder = write_series(tmp_path / "in", make_acquisition(ORIENTATIONS["axial"], "MR", times=4))
    reference = convert_with_dcm2niix(folder, tmp_path / "out")
    (volume,) = read(folder)
    assert volume.leading[0].step == pytest.approx(reference.header.get_zooms()[3])


OBLIQUE = make_rotation(20, 0) @ make_rotation(-13, 1) @ make_rotation(31, 2)

GRIDS = {
    f"{plane}, {kind or 'captured'}, {how}": (kind, matrix, axis)
    for axis, plane in enumerate(("axial", "coronal", "sagittal"))
    for kind, how, matrix in (
        ("CT", "straight", make_affine()),
        ("MR", "mirrored", make_affine((1, 1, -1))),
        ("MR", "oblique", make_affine((-1, 1, 1), OBLIQUE)),
        ("", "oblique", make_affine((1, -1, 1), OBLIQUE)),
    )
}


@pytest.mark.parametrize(("kind", "matrix", "axis"), GRIDS.values(), ids=GRIDS)
def test_dcm2niix_reads_written_volumes_at_their_position(tmp_path, kind, matrix, axis):
    volume = make_placed_volume(make_numbered((9, 20, 24)), matrix, axis, modality=kind)
    (folder,) = write(tmp_path / "made.dcm", volume).paths
    assert_equal_in_patient_space(volume, convert_with_dcm2niix(folder, tmp_path / "out"))


@pytest.mark.parametrize("scale", [0.37, 20.0])
def test_dcm2niix_reads_the_written_values(tmp_path, scale):
    data = make_numbered((9, 20, 24)) * np.float32(scale)
    (folder,) = write(tmp_path / "made.dcm", make_placed_volume(data, modality="CT")).paths
    (found,) = read(folder)
    np.testing.assert_allclose(found.data, data, atol=scale * 0.06)
    assert_equal_in_patient_space(found, convert_with_dcm2niix(folder, tmp_path / "out"))


@pytest.mark.parametrize("kind", ["CT", "MR", "PT", ""])
def test_dcm2niix_reads_volumes_written_over_time(tmp_path, kind):
    axis = Axis("time", "s", 2.5)
    volume = make_placed_volume(
        make_numbered((3, 9, 20, 24), np.int16), leading=(axis,), modality=kind
    )
    (folder,) = write(tmp_path / "made.dcm", volume).paths
    assert_equal_in_patient_space(volume, convert_with_dcm2niix(folder, tmp_path / "out"), times=3)
