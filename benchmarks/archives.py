"""Test data for the series browser: a folder tree of many small DICOM files, as a PACS exports it.

Every file is a copy of one of a few encoded slices in which the values that differ from file to
file are replaced, so that 80,000 files take seconds to write.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage

_UID_LENGTH = 40
_PIXELS_ACROSS = 16
_SERIES_PER_STUDY, _STUDIES_PER_PATIENT = 4, 2
_FILES_PER_FOLDER = 250
"""Files in a folder of an archive whose series are scattered."""


def write_export(folder: Path, file_count: int, series_count: int, *, scattered: bool) -> None:
    """Write files of equally long series, axial slices 2 mm apart.

    Parameters
    ----------
    folder : Path
        A folder, which is made.
    file_count, series_count : int
        Number of files and of series.
    scattered : bool
        Whether the slices of one series lie in many folders, in each beside those of others, as in
        the storage of a PACS; else every series has its folder.
    """
    made: set[Path] = set()
    for n, (series, instance) in enumerate(_number_slices(file_count, series_count, scattered)):
        place = folder / (
            f"{n // _FILES_PER_FOLDER:04d}"
            if scattered
            else f"patient{series // (_SERIES_PER_STUDY * _STUDIES_PER_PATIENT):03d}/"
            f"study{series // _SERIES_PER_STUDY:03d}/series{series:03d}"
        )
        if place not in made:
            made.add(place)
            place.mkdir(parents=True)
        (place / f"IM{n:06d}").write_bytes(_fill_in(_TEMPLATES[series % 2], series, instance))


def _number_slices(
    file_count: int, series_count: int, scattered: bool
) -> Iterator[tuple[int, int]]:
    """Yield series and instance of every file, in the order of the files."""
    length = -(-file_count // series_count)
    for n in range(file_count):
        yield (n % series_count, n // series_count) if scattered else divmod(n, length)


def _make_template(modality: str) -> bytes:
    """Return the bytes of a slice, with places in it for the values that differ."""
    ds = Dataset()
    ds.SOPClassUID = CTImageStorage if modality == "CT" else MRImageStorage
    for n, keyword in enumerate(
        ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID"), 1
    ):
        setattr(ds, keyword, f"1.{n}.".ljust(_UID_LENGTH, "8"))
    ds.Modality, ds.Manufacturer = modality, "Example Imaging Systems"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.PatientName, ds.PatientID = "NAME####^Example", "ID####"
    ds.StudyDate, ds.StudyDescription = "20240131", "Archive"
    ds.SeriesDescription, ds.SeriesNumber = "Series####", "9999"
    ds.InstanceNumber, ds.AcquisitionNumber = "9999", "1"
    ds.ContentTime = ds.AcquisitionTime = "101010.000"
    ds.ImagePositionPatient = ["-100", "-100", "+0088.25"]
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    ds.PixelSpacing, ds.SliceThickness, ds.SliceLocation = [12.5, 12.5], 2, "+0088.25"
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows = ds.Columns = _PIXELS_ACROSS
    ds.BitsAllocated = ds.BitsStored = 16
    ds.HighBit, ds.PixelRepresentation = 15, 0
    ds.WindowCenter, ds.WindowWidth = 300, 600
    ds.RescaleSlope, ds.RescaleIntercept = 1, 0
    # Scanners write some hundred elements that reading does not need.
    for n in range(40):
        ds.private_block(0x0019, "EXAMPLE", create=True).add_new(n, "LO", f"private value {n:03d}")
        ds.private_block(0x0021, "EXAMPLE", create=True).add_new(n, "DS", f"{n}.125")
    ds.PixelData = np.arange(_PIXELS_ACROSS**2, dtype=np.uint16).tobytes()
    ds["PixelData"].VR = "OW"
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    buffer = io.BytesIO()
    dcmwrite(buffer, ds, enforce_file_format=True)
    return buffer.getvalue()


def _fill_in(template: bytes, series: int, instance: int) -> bytes:
    """Return the bytes of one slice of one series."""
    study = series // _SERIES_PER_STUDY
    patient = study // _STUDIES_PER_PATIENT
    uids = (f"{series}.{instance}", f"{series}", f"{study}", f"{study}")
    filled = template
    for n, uid in enumerate(uids, 1):
        new = f"1.{n}.9.{uid}.".ljust(_UID_LENGTH, "7")
        filled = filled.replace(f"1.{n}.".ljust(_UID_LENGTH, "8").encode(), new.encode())
    for old, new in (
        ("NAME####", f"NAME{patient:04d}"),
        ("ID####", f"ID{patient:04d}"),
        ("Series####", f"Series{series:04d}"),
        ("+0088.25", f"{2.0 * instance:+08.2f}"),
    ):
        filled = filled.replace(old.encode(), new.encode())
    first, second = (f"{number + 1:04d}".encode() for number in (series, instance))
    head, between, tail = filled.split(b"9999", 2)
    return head + first + between + second + tail


_TEMPLATES = [_make_template(modality) for modality in ("CT", "MR")]
