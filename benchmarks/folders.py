"""What the panels that read headers are measured on: large folders, and a very large header."""

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

FRAMES = 2000
"""Of the header with a sequence of all frames."""

SERIES = 500
"""In an archive."""


def folder() -> Path:
    """Return a new folder, which is there as long as the measuring."""
    made = tempfile.TemporaryDirectory()
    atexit.register(made.cleanup)
    return Path(made.name)


def slices(place: Path, volume: Volume) -> Path:
    """Write a volume as a file for every slice."""
    place.mkdir()
    write(place, volume)
    return place


def many_frames(path: Path) -> Path:
    """Write an image whose header describes many frames."""
    ds = _picture(SeriesDescription="Many frames")
    ds.PerFrameFunctionalGroupsSequence = [Dataset() for _ in range(FRAMES)]
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
    return _written(ds, path)


def archive(place: Path) -> Path:
    """Write many series of one image each, of several patients and studies."""
    for n in range(SERIES):
        ds = _picture(
            SeriesNumber=n,
            SeriesDescription=f"Archive {n}",
            SeriesInstanceUID=f"1.2.3.4.{n}",
            StudyInstanceUID=f"1.2.3.5.{n // 10}",
            PatientID=f"{n // 50}",
        )
        _written(ds, place / f"{n}")
    return place


def _picture(**attributes: Any) -> Dataset:
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


def _written(ds: Dataset, path: Path) -> Path:
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    path.parent.mkdir(parents=True, exist_ok=True)
    ds.save_as(path, enforce_file_format=True)
    return path
