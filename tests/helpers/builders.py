"""Tiny DICOM files, each voxel with a value that says where it belongs."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    EnhancedMRImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    generate_uid,
)

# Different along every axis, so that exchanged axes are noticed.
ROW_SPACING, COLUMN_SPACING, SLICE_SPACING = 2.0, 3.0, 5.0
ROWS, COLUMNS, SLICES = 5, 7, 4

ORIENTATIONS = {
    "axial": ((1, 0, 0), (0, 1, 0)),
    "coronal": ((1, 0, 0), (0, 0, -1)),
    "sagittal": ((0, 1, 0), (0, 0, -1)),
}
"""Directions along a row and down a column of each plane, in the usual radiological display."""

_counter = itertools.count(1)


def make_uid() -> str:
    """Return a new UID; every run of the tests gets the same ones."""
    return generate_uid(entropy_srcs=[f"napari-medread test {next(_counter)}"])


def make_image(pixels: NDArray[Any], **attributes: Any) -> Dataset:
    """Return a single-frame CT image with given stored pixels.

    Attributes are set by keyword; None removes a default one.
    """
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, make_uid()
    ds.Modality = "CT"
    ds.SeriesInstanceUID = "1.2.826.0.1.3680043.8.498.1"
    ds.SeriesNumber, ds.SeriesDescription = 4, "Test series"
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.Rows, ds.Columns = pixels.shape[:2]
    ds.BitsAllocated = ds.BitsStored = pixels.dtype.itemsize * 8
    ds.HighBit = ds.BitsStored - 1
    ds.PixelRepresentation = int(pixels.dtype.kind == "i")
    ds.PixelData = pixels.tobytes()
    for keyword, value in attributes.items():
        if value is None:
            delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)
    ds["PixelData"].VR = "OB" if ds.BitsAllocated == 8 else "OW"
    return ds


def save_dataset(ds: Dataset, path: Path, syntax: str = ExplicitVRLittleEndian) -> Path:
    """Write a dataset as a DICOM file with preamble and meta information."""
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    path.parent.mkdir(parents=True, exist_ok=True)
    compressed = syntax not in (ImplicitVRLittleEndian, ExplicitVRBigEndian)
    ds.save_as(
        path,
        implicit_vr=None if compressed else syntax == ImplicitVRLittleEndian,
        little_endian=None if compressed else syntax != ExplicitVRBigEndian,
        enforce_file_format=True,
    )
    return path


def stored_value(slice_: int, row: int, column: int) -> int:
    """Return the stored value of a voxel in a series made here; it is unique in the series."""
    return 1 + column + 16 * row + 256 * slice_


def stored_slice(slice_: int, rows: int = ROWS, columns: int = COLUMNS) -> NDArray[np.uint16]:
    """Return one slice of ``stored_value``."""
    r, c = np.mgrid[:rows, :columns]
    return (1 + c + 16 * r + 256 * slice_).astype(np.uint16)


def stored_slices(order: ArrayLike) -> NDArray[np.uint16]:
    """Return ``stored_slice`` of each slice number in an array: (*order.shape, row, column)."""
    order = np.asarray(order)
    slices = np.array([stored_slice(n) for n in order.ravel()])
    return slices.reshape(*order.shape, *slices.shape[1:])


def find_normal(orientation: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """Return the slice normal, the cross product of row and column direction."""
    return np.cross(*np.asarray(orientation, dtype=float))


def find_slice_position(
    slice_: float,
    orientation: Sequence[Sequence[float]],
    origin: Sequence[float] = (-12.0, 34.0, -56.0),
    spacing: float = SLICE_SPACING,
) -> list[float]:
    """Return ImagePositionPatient of a slice, numbered along the slice normal."""
    return list(np.asarray(origin) + slice_ * spacing * find_normal(orientation))


def make_series(
    orientation: Sequence[Sequence[float]] = ORIENTATIONS["axial"],
    slices: Sequence[float] = range(SLICES),
    change: Callable[[int, Dataset], None] | None = None,
    **attributes: Any,
) -> list[Dataset]:
    """Return a series of images, slice n at ``find_slice_position(slices[n])``.

    ``change(n, dataset)`` is called on each, for what differs between them.
    """
    found = []
    for n, place in enumerate(slices):
        ds = make_image(
            stored_slice(n),
            ImagePositionPatient=find_slice_position(place, orientation),
            ImageOrientationPatient=[float(x) for pair in orientation for x in pair],
            PixelSpacing=[ROW_SPACING, COLUMN_SPACING],
            InstanceNumber=n + 1,
            **attributes,
        )
        if change is not None:
            change(n, ds)
        found.append(ds)
    return found


def write_series(folder: Path, datasets: Sequence[Dataset], **options: Any) -> Path:
    """Write images under names in random order; return the folder."""
    shuffled = np.random.default_rng(5).permutation(len(datasets))
    for name, ds in zip(shuffled, datasets, strict=True):
        save_dataset(ds, folder / f"IM{name:04d}", **options)
    return folder


def find_voxel_position(
    slice_: float, row: float, column: float, orientation: Sequence[Sequence[float]]
) -> NDArray[np.float64]:
    """Return the position of a voxel of a series in LPS mm (PS3.3 C.7.6.2.1.1)."""
    along_row, down_column = np.asarray(orientation, dtype=float)
    return np.asarray(
        np.array(find_slice_position(slice_, orientation))
        + along_row * COLUMN_SPACING * column
        + down_column * ROW_SPACING * row
    )


def make_functional_groups(**macros: dict[str, Any]) -> Dataset:
    """Return functional groups, given the attributes of the one item of each sequence by keyword.

    A dictionary instead of a value becomes a sequence with one item.
    """
    found = Dataset()
    for keyword, attributes in macros.items():
        item = Dataset()
        for name, value in attributes.items():
            nested = isinstance(value, dict)
            setattr(
                item, name, make_functional_groups(**{name: value})[name].value if nested else value
            )
        setattr(found, keyword, [item])
    return found


def make_plane_position(
    place: float, orientation: Sequence[Sequence[float]] = ORIENTATIONS["axial"]
) -> dict[str, dict[str, Any]]:
    """Return the functional group that positions a frame at ``find_slice_position(place)``."""
    position = find_slice_position(place, orientation)
    return {"PlanePositionSequence": {"ImagePositionPatient": position}}


def make_shared_groups(
    orientation: Sequence[Sequence[float]] = ORIENTATIONS["axial"], **macros: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return the functional groups that the frames of a stack share, and any others given."""
    directions = [float(x) for pair in orientation for x in pair]
    return {
        "PlaneOrientationSequence": {"ImageOrientationPatient": directions},
        "PixelMeasuresSequence": {"PixelSpacing": [ROW_SPACING, COLUMN_SPACING]},
        **macros,
    }


def make_enhanced(
    frames: Sequence[dict[str, dict[str, Any]]],
    shared: dict[str, dict[str, Any]] | None = None,
    pixels: NDArray[Any] | None = None,
    **attributes: Any,
) -> Dataset:
    """Return an enhanced MR object with one frame for every set of functional groups.

    Frame n holds ``stored_slice(n)`` unless ``pixels``, (frame, row, column), are given.
    """
    if pixels is None:
        pixels = np.array([stored_slice(n) for n in range(len(frames))])
    ds = make_image(
        pixels[0], **{"SOPClassUID": EnhancedMRImageStorage, "Modality": "MR", **attributes}
    )
    ds.PixelData = pixels.tobytes()
    ds.NumberOfFrames = len(frames)
    ds.SharedFunctionalGroupsSequence = [
        make_functional_groups(**(make_shared_groups() if shared is None else shared))
    ]
    ds.PerFrameFunctionalGroupsSequence = [make_functional_groups(**macros) for macros in frames]
    return ds


def make_sets(
    count: int,
    change: Callable[[int, int, Dataset], None],
    slices: Sequence[float] = range(SLICES),
    **attributes: Any,
) -> list[Dataset]:
    """Return several sets of images at the same positions, all with different stored values.

    Slice n of set t holds ``stored_slice(n + t * len(slices))``; ``change(t, n, dataset)`` is
    called on each. InstanceNumber counts through the sets.
    """
    found = []
    for t in range(count):
        for n, ds in enumerate(make_series(slices=slices, **attributes)):
            number = n + t * len(slices)
            ds.PixelData = stored_slice(number).tobytes()
            ds.InstanceNumber = number + 1
            change(t, n, ds)
            found.append(ds)
    return found


def expected_sets(count: int, slices: int = SLICES) -> NDArray[np.uint16]:
    """Return the voxels of axial ``make_sets``, (set, slice, row, column), superior first."""
    numbers = np.arange(count * slices).reshape(count, slices)[:, ::-1]
    return np.array([[stored_slice(n) for n in line] for line in numbers])
