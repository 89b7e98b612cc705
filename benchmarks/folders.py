"""Test data for the panels that read headers: large folders, and a very large header."""

from __future__ import annotations

import atexit
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

from napari_medread import write
from napari_medread.core.volume import Volume

FRAME_COUNT = 2000
"""Frames described by the large header."""

SERIES_COUNT = 500
"""Series in the archive."""


def make_folder() -> Path:
    """Return a new folder that is deleted when Python ends."""
    temporary = tempfile.TemporaryDirectory()
    atexit.register(temporary.cleanup)
    return Path(temporary.name)


def write_slices(path: Path, volume: Volume) -> Path:
    """Write a volume as a file for every slice."""
    path.mkdir()
    write(path, volume)
    return path


def write_many_frames(path: Path) -> Path:
    """Write an image whose header describes many frames."""
    ds = _make_image(SeriesDescription="Many frames")
    ds.PerFrameFunctionalGroupsSequence = [Dataset() for _ in range(FRAME_COUNT)]
    for n, frame in enumerate(ds.PerFrameFunctionalGroupsSequence):
        frame.FrameContentSequence = [Dataset()]
        frame.FrameContentSequence[0].FrameAcquisitionNumber = n
        frame.PlanePositionSequence = [Dataset()]
        frame.PlanePositionSequence[0].ImagePositionPatient = [0, 0, n]
        frame.DerivationImageSequence = [Dataset()]
        frame.DerivationImageSequence[0].SourceImageSequence = [Dataset() for _ in range(3)]
        for k, source in enumerate(frame.DerivationImageSequence[0].SourceImageSequence):
            source.ReferencedSOPClassUID = MRImageStorage
            source.ReferencedSOPInstanceUID = f"1.2.3.{n}.{k}"
            source.ReferencedFrameNumber = k
    return _save(ds, path)


def write_archive(path: Path) -> Path:
    """Write many series of one image each, of several patients and studies."""
    for n in range(SERIES_COUNT):
        ds = _make_image(
            SeriesNumber=n,
            SeriesDescription=f"Archive {n}",
            SeriesInstanceUID=f"1.2.3.4.{n}",
            StudyInstanceUID=f"1.2.3.5.{n // 10}",
            PatientID=f"{n // 50}",
        )
        _save(ds, path / f"{n}")
    return path


def _make_image(**attributes: Any) -> Dataset:
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID, ds.Modality = MRImageStorage, generate_uid(), "MR"
    ds.Rows = ds.Columns = 64
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated = ds.BitsStored = 16
    ds.HighBit, ds.PixelRepresentation = 15, 0
    ds.PixelData = np.arange(64 * 64, dtype=np.uint16).tobytes()
    ds["PixelData"].VR = "OW"
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    return ds


def _save(ds: Dataset, path: Path) -> Path:
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    path.parent.mkdir(parents=True, exist_ok=True)
    ds.save_as(path, enforce_file_format=True)
    return path
