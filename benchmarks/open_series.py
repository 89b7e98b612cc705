"""Compare the time to open a DICOM series with that of its peers, as ratios of one run.

Peers: SimpleITK's series reader, and pydicom file by file as most scripts do it (dcmread,
pixel_array, rescale, sort, stack). All read the same files in turn, several times; the medians
are compared.

usage: python benchmarks/open_series.py [FOLDER] [--slices 300] [--size 512] [--rounds 5]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from napari_medread import read


def make_series(folder: Path, slices: int, size: int) -> None:
    """Write a plain CT series of random pixels."""
    rng = np.random.default_rng(0)
    series = generate_uid()
    for n in range(slices):
        ds = Dataset()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.SOPClassUID, ds.SOPInstanceUID, ds.SeriesInstanceUID = (
            CTImageStorage,
            generate_uid(),
            series,
        )
        ds.Modality, ds.InstanceNumber = "CT", n + 1
        ds.ImagePositionPatient = [-200, -200, 1.5 * n]
        ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        ds.PixelSpacing, ds.SliceThickness = [0.8, 0.8], 1.5
        ds.RescaleSlope, ds.RescaleIntercept = 1, -1024
        ds.Rows = ds.Columns = size
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
        ds.PixelData = rng.integers(0, 4096, (size, size), dtype=np.uint16).tobytes()
        ds["PixelData"].VR = "OW"
        ds.save_as(folder / f"{rng.integers(1 << 62):x}", enforce_file_format=True)


def ours(folder: Path) -> None:
    read(folder, lazy=False)


def simpleitk(folder: Path) -> None:
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    sitk.GetArrayFromImage(reader.Execute())


def pydicom_loop(folder: Path) -> None:
    datasets = [pydicom.dcmread(path) for path in folder.iterdir()]
    datasets.sort(key=lambda ds: float(ds.ImagePositionPatient[2]))
    np.stack([ds.pixel_array * ds.RescaleSlope + ds.RescaleIntercept for ds in datasets])


def measure_seconds(function: Callable[[Path], None], folder: Path) -> float:
    start = time.perf_counter()
    function(folder)
    return time.perf_counter() - start


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = arguments.folder or Path(made)
        if arguments.folder is None:
            make_series(folder, arguments.slices, arguments.size)
        times: dict[str, list[float]] = {}
        for n in range(arguments.rounds + 1):
            for function in (ours, simpleitk, pydicom_loop):
                duration = measure_seconds(function, folder)
                if n:  # the first round warms the disk's cache
                    times.setdefault(function.__name__, []).append(duration)
    medians = {name: statistics.median(durations) for name, durations in times.items()}
    for name, median in medians.items():
        print(f"{name:14} {median:7.3f} s   {median / medians['ours']:5.2f} x ours")
    return 0


if __name__ == "__main__":
    sys.exit(main())
