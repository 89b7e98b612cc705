"""Make the example data: pictures of an invented chest.

    python example_data/make_example_data.py [TARGET_DIR]

writes every file anew, by default next to this script, and always the same bytes: the random
numbers come from fixed seeds, dates and identifiers are fixed, and nothing depends on the
maths library or the compressor of the machine. No patient was involved.
"""

import math
import sys
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage
from pydicom.valuerep import format_number_as_ds

from cryosection import coronal_section
from phantom import HU, T1, Dice, Grid, Painter, Tissue, grow_vessels, paint_chest
from png import write_png
from resample import blur, double, halve

UID_ROOT = "1.2.826.0.1.3680043.8.498.20260115"
STUDY_UID = f"{UID_ROOT}.1"
FRAME_UID = f"{UID_ROOT}.8"
WRITER_UID = f"{UID_ROOT}.9"


def sample(grid: Grid, table: tuple[int, ...], edge: float) -> Painter:
    """Paint the phantom on a grid; see `phantom.Painter`."""
    painter = Painter(grid, table, edge)
    paint_chest(painter, grow_vessels())
    return painter


def ct_volume(
    origin: tuple[float, float, float],
    spacing: tuple[float, float, float],
    shape: tuple[int, int, int],
    seed: int,
) -> np.ndarray:
    """Sample the phantom like a CT scanner.

    Parameters
    ----------
    origin : tuple of float
        Centre of the first voxel, x, y, z (mm).
    spacing : tuple of float
        Voxel size in x, y, z (mm).
    shape : tuple of int
        Number of voxels in z, y, x.
    seed : int
        Seed of the noise.

    Returns
    -------
    numpy.ndarray
        Hounsfield units, int16, indexed z, y, x.
    """
    fine = [size / 2 for size in spacing]
    start = [o - f / 2 for o, f in zip(origin, fine, strict=True)]
    steps = [(0.0, 0.0, fine[2]), (0.0, fine[1], 0.0), (fine[0], 0.0, 0.0)]
    grid = Grid(tuple(start), steps, tuple(2 * size for size in shape))
    painter = sample(grid, HU, 1.4)
    value = painter.value
    for axis in range(3):
        value = halve(value, axis)
    inside = painter.label[::2, ::2, ::2] != Tissue.AIR
    noise = Dice(seed).noise(shape)
    # Noise of one voxel and of its neighbourhood: the grain of a smooth CT kernel.
    grain = noise + 1.5 * blur(blur(noise.astype(float), 1, 1), 1, 2)
    value = value + np.where(inside, grain, grain * 0.5)
    return np.maximum(np.floor(value + 0.5), -1024).astype(np.int16)


def write_ct_block(target: Path) -> None:
    """Write a block around heart and spine as MetaImage: Hounsfield units, head last."""
    shape, spacing, origin = (27, 104, 104), (1.16, 1.16, 2.5), (-41.0, -56.0, -62.0)
    value = ct_volume(origin, spacing, shape, seed=11)
    (target / "chest_ct.raw").write_bytes(value.astype("<i2").tobytes())
    lines = [
        "ObjectType = Image",
        "NDims = 3",
        "BinaryData = True",
        "BinaryDataByteOrderMSB = False",
        "CompressedData = False",
        "TransformMatrix = 1 0 0 0 1 0 0 0 1",
        "Offset = " + " ".join(f"{o:g}" for o in origin),
        "CenterOfRotation = 0 0 0",
        "AnatomicalOrientation = RAI",
        "ElementSpacing = " + " ".join(f"{s:g}" for s in spacing),
        "DimSize = " + " ".join(str(n) for n in reversed(shape)),
        "ElementType = MET_SHORT",
        "ElementDataFile = chest_ct.raw",
    ]
    (target / "chest_ct.mhd").write_bytes(("\n".join(lines) + "\n").encode("ascii"))


def write_xray(target: Path) -> None:
    """Write a radiograph, seen from the front, as MetaImage with double-precision values."""
    size, depths, pixel = 512, 120, 348 / 512
    vessels = grow_vessels()
    path = np.zeros((size, size))
    rows = 64
    for first in range(0, size, rows):
        grid = Grid(
            (-174 + pixel / 2, -119, 160 - (first + 0.5) * pixel),
            [(0.0, 0.0, -pixel), (0.0, 2.0, 0.0), (pixel, 0.0, 0.0)],
            (rows, depths, size),
        )
        painter = Painter(grid, HU, 1.6)
        paint_chest(painter, vessels)
        # Attenuation relative to water; the calcium of bone stops more of the soft rays of a
        # radiograph than its Hounsfield units, measured with harder rays, say.
        dense = (painter.value + 1000) / 1000 + np.maximum(painter.value - 130, 0) * 0.0016
        # One plane after the other: the order of a library's sum is its own affair.
        for plane in range(depths):
            path[first : first + rows] += dense[:, plane] * 0.2
    # `path` is now in centimetres of water, which is the logarithm of the radiograph.
    near = blur(blur(blur(blur(path, 9, 0), 9, 1), 9, 0), 9, 1)
    wide = blur(blur(blur(blur(path, 34, 0), 34, 1), 34, 0), 34, 1)
    # Digital radiographs are shown with fine detail raised and broad shades lowered.
    shown = path + 0.9 * (path - near) + 0.25 * (near - wide)
    shown = np.maximum(shown, 0)
    bright = 5400 * shown * shown / (shown * shown + 17 * 17)
    bright = double(double(bright, 0), 1)
    grain = Dice(13).noise(bright.shape) * (0.6 + bright / 2600)
    bright = np.minimum(np.maximum(np.floor(bright + grain + 0.5), 0), 4095)
    (target / "chest_xray.raw").write_bytes(bright.astype("<f8").tobytes())
    lines = [
        "ObjectType = Image",
        "NDims = 2",
        "BinaryData = True",
        "BinaryDataByteOrderMSB = False",
        "CompressedData = False",
        "TransformMatrix = 1 0 0 1",
        "Offset = 0 0",
        "CenterOfRotation = 0 0",
        "ElementSpacing = 1 1",
        "DimSize = 1024 1024",
        "ElementType = MET_DOUBLE",
        "ElementDataFile = chest_xray.raw",
    ]
    (target / "chest_xray.mhd").write_bytes(("\n".join(lines) + "\n").encode("ascii"))


def common_attributes(sop_class: str, series: int, instance: int) -> Dataset:
    """Return what CT and MR images share: patient, study, frame of reference, maker."""
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.SOPClassUID = sop_class
    ds.SOPInstanceUID = f"{UID_ROOT}.{series}.{instance}"
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = "20260115"
    ds.StudyTime = "101500"
    ds.SeriesTime = ds.AcquisitionTime = ds.ContentTime = f"10{15 + 5 * series}00"
    ds.AccessionNumber = ""
    ds.Manufacturer = "napari-medread"
    ds.ManufacturerModelName = "Phantom"
    ds.ReferringPhysicianName = ""
    ds.StudyDescription = "Synthetic chest"
    ds.PatientName = "Phantom^Chest"
    ds.PatientID = "PHANTOM"
    ds.PatientBirthDate = ""
    ds.PatientSex = "O"
    ds.BodyPartExamined = "CHEST"
    ds.PatientPosition = "HFS"
    ds.StudyInstanceUID = STUDY_UID
    ds.SeriesInstanceUID = f"{UID_ROOT}.{series}"
    ds.StudyID = "1"
    ds.SeriesNumber = series
    ds.InstanceNumber = instance
    ds.AcquisitionNumber = 1
    ds.FrameOfReferenceUID = FRAME_UID
    ds.PositionReferenceIndicator = ""
    ds.ImageComments = "Computed from formulas, no patient"
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.BitsAllocated = 16
    ds.BitsStored = 12
    ds.HighBit = 11
    ds.PixelRepresentation = 0
    return ds


def write_dicom(path: Path, ds: Dataset, pixels: np.ndarray) -> None:
    """Write one slice; the file meta names this writer, not the version of a library."""
    ds.Rows, ds.Columns = pixels.shape
    ds.PixelData = pixels.astype("<u2").tobytes()
    ds["PixelData"].VR = "OW"
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = ds.SOPClassUID
    meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = WRITER_UID
    meta.ImplementationVersionName = "MEDREAD_PHANTOM"
    ds.file_meta = meta
    ds.save_as(path, enforce_file_format=True)


def write_ct_series(target: Path) -> None:
    """Write the axial CT series; names, instance numbers and heights run in three orders."""
    shape, spacing, origin = (60, 112, 152), (2.3, 2.2, 5.0), (-173.65, -121.1, -162.5)
    value = ct_volume(origin, spacing, shape, seed=17)
    folder = target / "ct_thorax"
    folder.mkdir(parents=True, exist_ok=True)
    count = shape[0]
    for plane in range(count):
        # 23 and 37 have no factor in common with 60, so that both run through all numbers.
        name = f"IM{(plane * 23 + 17) % count + 1:04d}"
        instance = (plane * 37 + 5) % count + 1
        height = origin[2] + plane * spacing[2]
        ds = common_attributes(CTImageStorage, 2, instance)
        ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        ds.Modality = "CT"
        ds.SeriesDescription = "Thorax soft tissue"
        ds.KVP = "120"
        ds.SliceThickness = "5"
        ds.ImagePositionPatient = [f"{p:g}" for p in (*origin[:2], height)]
        ds.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
        ds.SliceLocation = f"{height:g}"
        ds.PixelSpacing = ["2.2", "2.3"]
        ds.WindowCenter = ["40", "-600"]
        ds.WindowWidth = ["400", "1500"]
        ds.WindowCenterWidthExplanation = ["SOFT TISSUE", "LUNG"]
        ds.RescaleIntercept = "-1024"
        ds.RescaleSlope = "1"
        ds.RescaleType = "HU"
        stored = np.minimum(value[plane].astype(np.int32) + 1024, 4095)
        write_dicom(folder / name, ds, stored)


def write_mr_series(target: Path) -> None:
    """Write the sagittal MR series, turned 8 degrees about the body axis and 5 sideways."""
    size, count, spacing, gap = 128, 12, (2.5, 2.3), 7.0
    # Rounded, because the last bit of a sine may differ between maths libraries.
    c8, s8 = round(math.cos(math.radians(8)), 13), round(math.sin(math.radians(8)), 13)
    c5, s5 = round(math.cos(math.radians(5)), 13), round(math.sin(math.radians(5)), 13)
    # Straight sagittal: columns run to the back (0, 1, 0), rows to the feet (0, 0, -1).
    # First nod by 5 degrees about x, then turn by 8 degrees about z.
    across = (-s8 * c5, c8 * c5, s5)
    down = (-s8 * s5, c8 * s5, -c5)
    normal = tuple(across[i - 2] * down[i - 1] - across[i - 1] * down[i - 2] for i in range(3))
    middle = (4.0, 4.0, -16.0)
    corner = tuple(
        m
        - a * spacing[1] * (size - 1) / 2
        - d * spacing[0] * (size - 1) / 2
        - n * gap * (count - 1) / 2
        for m, a, d, n in zip(middle, across, down, normal, strict=True)
    )
    # Two samples across the thickness of a slice.
    start = tuple(c - n * gap / 4 for c, n in zip(corner, normal, strict=True))
    steps = [
        tuple(n * gap / 2 for n in normal),
        tuple(d * spacing[0] for d in down),
        tuple(a * spacing[1] for a in across),
    ]
    painter = sample(Grid(start, steps, (2 * count, size, size)), T1, 2.6)
    signal = halve(painter.value, 0)
    # The receiving coil lies under the back, so that what is near to it shines brighter.
    _, y, _ = painter.grid.points(painter.all)
    signal = signal * (0.8 + 45 / (175 - halve(np.broadcast_to(y, painter.grid.shape), 0)))
    signal = np.abs(signal + Dice(19).noise(signal.shape) * 1.1)
    stored = np.minimum(np.floor(signal + 0.5), 4095).astype(np.uint16)
    folder = target / "mr_sagittal"
    folder.mkdir(parents=True, exist_ok=True)
    for plane in range(count):
        instance = plane + 1
        position = [c + n * gap * plane for c, n in zip(corner, normal, strict=True)]
        ds = common_attributes(MRImageStorage, 3, instance)
        ds.ImageType = ["ORIGINAL", "PRIMARY", "OTHER"]
        ds.Modality = "MR"
        ds.SeriesDescription = "T1 sagittal"
        ds.ScanningSequence = "SE"
        ds.SequenceVariant = "NONE"
        ds.ScanOptions = ""
        ds.MRAcquisitionType = "2D"
        ds.RepetitionTime = "500"
        ds.EchoTime = "12"
        ds.EchoTrainLength = 1
        ds.MagneticFieldStrength = "1.5"
        ds.SliceThickness = "6"
        ds.SpacingBetweenSlices = f"{gap:g}"
        ds.ImagePositionPatient = [format_number_as_ds(p) for p in position]
        ds.ImageOrientationPatient = [format_number_as_ds(o) for o in (*across, *down)]
        ds.SliceLocation = f"{(plane - (count - 1) / 2) * gap:g}"
        ds.PixelSpacing = [f"{s:g}" for s in spacing]
        ds.WindowCenter = "480"
        ds.WindowWidth = "1000"
        write_dicom(folder / f"MR{instance:04d}.dcm", ds, stored[plane])


def main(target: Path) -> None:
    """Write all example files into a folder."""
    target.mkdir(parents=True, exist_ok=True)
    write_ct_block(target)
    write_ct_series(target)
    write_mr_series(target)
    write_xray(target)
    write_png(target / "chest_section.png", coronal_section(), pixels_per_metre=1000)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent)
