"""Siemens mosaics: one image whose tiles are the slices of a volume."""

import warnings

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from helpers.builders import (
    COLUMN_SPACING,
    COLUMNS,
    ORIENTATIONS,
    ROW_SPACING,
    ROWS,
    SLICE_SPACING,
    find_normal,
    save_dataset,
    stored_slice,
)
from helpers.dicom_objects import make_csa_header, make_mosaic
from napari_medread.api import read

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # nibabel warns that its DICOM support is experimental
    from nibabel.nicom.dicomwrappers import wrapper_from_data

OBLIQUE = (
    (0.9659258262890683, 0.2588190451025207, 0.0),
    (-0.2241438680420134, 0.8365163037378079, -0.5),
)
"""Rotated by 15 degrees about z, then by 30 degrees."""


def find_corner(orientation, count):
    """Return the position of the first voxel.

    The header has the position of a slice as large as the mosaic.
    """
    side = int(np.ceil(np.sqrt(count)))
    row, column = np.array(orientation)
    across = (side * COLUMNS - COLUMNS) / 2 * COLUMN_SPACING
    down = (side * ROWS - ROWS) / 2 * ROW_SPACING
    return np.array([-100.0, -90.0, 20.0]) + row * across + column * down


@pytest.mark.parametrize("key", ["CSA2", "CSA1", "0019,100A"])
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize("count", [1, 4, 5, 9])
def test_a_mosaic_is_divided_into_its_slices(tmp_path, key, syntax, count):
    (volume,) = read(save_dataset(make_mosaic(count, key=key), tmp_path / "IM1", syntax))
    expected = [stored_slice(n) for n in reversed(range(count))]  # superior first
    np.testing.assert_array_equal(volume.data, expected)


@pytest.mark.parametrize("orientation", [*ORIENTATIONS.values(), OBLIQUE])
@pytest.mark.parametrize("normal", [1, -1])
def test_the_corner_is_that_of_the_small_slice(tmp_path, orientation, normal):
    (volume,) = read(save_dataset(make_mosaic(5, orientation, normal), tmp_path / "IM1"))
    row, column = np.array(orientation)
    for n, r, c in [(0, 0, 0), (4, 0, 0), (2, 3, 6)]:
        position = (
            find_corner(orientation, 5)
            + normal * find_normal(orientation) * SLICE_SPACING * n
            + row * COLUMN_SPACING * c
            + column * ROW_SPACING * r
        )
        index = np.linalg.solve(volume.patient_affine, [*position, 1])[:3]
        np.testing.assert_allclose(index, np.rint(index), atol=1e-6)
        assert volume.data[tuple(np.rint(index).astype(int))] == stored_slice(n)[r, c]


# nibabel 5 mistakes the second tag of version 1 for the first, so this uses version 2 only.
@pytest.mark.parametrize("orientation", [*ORIENTATIONS.values(), OBLIQUE])
@pytest.mark.parametrize("normal", [1, -1])
@pytest.mark.parametrize("count", [4, 7])
def test_nibabel_puts_the_slices_in_the_same_places(tmp_path, orientation, normal, count):
    path = save_dataset(make_mosaic(count, orientation, normal), tmp_path / "IM1")
    (volume,) = read(path)
    reference = wrapper_from_data(dcmread(path))
    values = reference.get_data()  # (row, column, slice)
    indices = np.stack(np.meshgrid(*map(np.arange, values.shape), indexing="ij"), axis=-1)
    to_ours = np.linalg.inv(volume.patient_affine) @ reference.affine  # nibabel uses LPS here too
    ours = indices @ to_ours[:3, :3].T + to_ours[:3, 3]
    np.testing.assert_allclose(ours, np.rint(ours), atol=1e-5)
    found = np.asarray(volume.data)[tuple(np.moveaxis(np.rint(ours).astype(int), -1, 0))]
    np.testing.assert_array_equal(found, values)


def test_several_mosaics_are_a_time_axis(tmp_path):
    for n, name in enumerate("cab"):
        ds = make_mosaic(
            4, first=4 * n, AcquisitionNumber=n + 1, AcquisitionTime=f"1200{2 * n:02}.5"
        )
        save_dataset(ds, tmp_path / name)
    (volume,) = read(tmp_path)
    expected = [[stored_slice(4 * t + n) for n in (3, 2, 1, 0)] for t in range(3)]
    np.testing.assert_array_equal(volume.data, expected)
    (axis,) = volume.leading
    assert (axis.label, axis.unit, axis.step) == ("time", "s", 2)


def test_the_slice_thickness_replaces_a_missing_spacing(tmp_path):
    ds = make_mosaic(SpacingBetweenSlices=None, SliceThickness=4)
    (volume,) = read(save_dataset(ds, tmp_path / "IM1"))
    assert volume.geometry.spacing[0] == pytest.approx(4)


@pytest.mark.parametrize(
    "attributes",
    [
        {"key": ""},
        {"ImagePositionPatient": None},
        {"ImageOrientationPatient": None},
        {"SpacingBetweenSlices": None},
    ],
    ids=["no private data", "no position", "no orientation", "no spacing"],
)
def test_a_mosaic_that_cannot_be_divided_is_one_image_with_a_note(tmp_path, attributes):
    ds = make_mosaic(5, **attributes)
    (volume,) = read(save_dataset(ds, tmp_path / "IM1"))
    np.testing.assert_array_equal(volume.data, ds.pixel_array)
    assert volume.patient_affine is None
    assert "mosaic" in volume.notes[0]


@pytest.mark.parametrize("count", [0, -3, 7, 10**9], ids=["none", "negative", "uneven", "huge"])
def test_an_impossible_number_of_slices_is_ignored(tmp_path, count):
    # 7 slices would need 3 by 3 tiles: neither 10 rows nor 14 columns divide by 3.
    ds = make_mosaic(4, key="")
    block = ds.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
    block.add_new(0x10, "OB", make_csa_header(2, NumberOfImagesInMosaic=[str(count)]))
    (volume,) = read(save_dataset(ds, tmp_path / "IM1"))
    assert volume.shape == (2 * ROWS, 2 * COLUMNS)
    assert "mosaic" in volume.notes[0]


@pytest.mark.parametrize("kept", [0, 3, 20, 90, 130, 300])
def test_a_broken_csa_header_falls_back_to_the_other_tag(tmp_path, kept):
    ds = make_mosaic(4, key="0019,100A")
    whole = make_csa_header(2, NumberOfImagesInMosaic=["4"])
    block = ds.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
    block.add_new(0x10, "OB", whole[:kept] + bytes(kept % 2))
    (volume,) = read(save_dataset(ds, tmp_path / "IM1"))
    assert volume.shape == (4, ROWS, COLUMNS)
