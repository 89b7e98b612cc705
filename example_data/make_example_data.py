"""Make the example data: pictures of an invented chest, and of an invented tissue section.

    python example_data/make_example_data.py [TARGET_DIR]

writes every file anew, by default next to this script, and always the same bytes: the random
numbers come from fixed seeds, dates and identifiers are fixed, and nothing depends on the
maths library or the compressor of the machine. No patient was involved.
"""

import heapq
import math
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage
from pydicom.valuerep import format_number_as_ds

from phantom import HU, T1, Dice, Grid, Painter, Tissue, grow_vessels, paint_chest

UID_ROOT = "1.2.826.0.1.3680043.8.498.20260115"
STUDY_UID = f"{UID_ROOT}.1"
FRAME_UID = f"{UID_ROOT}.8"
WRITER_UID = f"{UID_ROOT}.9"


def sample(grid: Grid, table: tuple[int, ...], edge: float) -> Painter:
    """Paint the phantom on a grid; see `phantom.Painter`."""
    painter = Painter(grid, table, edge)
    paint_chest(painter, grow_vessels())
    return painter


def halve(value: np.ndarray, axis: int) -> np.ndarray:
    """Average neighbouring samples in pairs along an axis: one voxel sees both."""
    even = [slice(None)] * value.ndim
    odd = [slice(None)] * value.ndim
    even[axis], odd[axis] = slice(0, None, 2), slice(1, None, 2)
    return (value[tuple(even)] + value[tuple(odd)]) / 2


def blur(value: np.ndarray, radius: int, axis: int) -> np.ndarray:
    """Take the mean over 2 * radius + 1 samples along an axis, edges repeated."""
    pad = [(0, 0)] * value.ndim
    pad[axis] = (radius, radius)
    padded = np.pad(value, pad, mode="edge")
    size = value.shape[axis]
    total = np.zeros_like(value)
    for shift in range(2 * radius + 1):
        window = [slice(None)] * value.ndim
        window[axis] = slice(shift, shift + size)
        total = total + padded[tuple(window)]
    return total / (2 * radius + 1)


def double(value: np.ndarray, axis: int) -> np.ndarray:
    """Double the number of samples along an axis by linear interpolation."""
    value = np.moveaxis(value, axis, 0)
    before = np.concatenate([value[:1], value[:-1]])
    after = np.concatenate([value[1:], value[-1:]])
    both = np.stack([value * 0.75 + before * 0.25, value * 0.75 + after * 0.25], axis=1)
    return np.moveaxis(both.reshape(-1, *value.shape[1:]), 0, axis)


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


def smooth_noise(dice: Dice, shape: tuple[int, int], doublings: int) -> np.ndarray:
    """Return gentle hills between about -1 and 1, a few pixels (2 ** doublings) apart."""
    coarse = tuple((size >> doublings) + 2 for size in shape)
    value = dice.noise(coarse) / 18
    for _ in range(doublings):
        value = double(double(value, 0), 1)
    return blur(blur(value, 1, 0), 1, 1)[: shape[0], : shape[1]]


def tissue_picture(height: int = 240, width: int = 320) -> np.ndarray:
    """Paint a section through a gut wall, stained pink and purple.

    Returns
    -------
    numpy.ndarray
        RGB, uint8. One pixel is 2 micrometres.
    """
    dice = Dice(23)
    rows, columns = 2 * height, 2 * width
    shape = (rows, columns)
    y, x = np.arange(rows, dtype=float)[:, None], np.arange(columns, dtype=float)[None, :]
    waves = [smooth_noise(dice, shape, n) for n in (6, 4, 3, 2)]
    picture = np.ones((rows, columns, 3))

    def stain(cover: np.ndarray, colour: tuple[float, float, float]) -> None:
        """Lay a dye over the picture; dyes on top of each other darken."""
        for channel, value in enumerate(colour):
            picture[..., channel] *= 1 - cover * (1 - value)

    def clear(cover: np.ndarray) -> None:
        picture[...] += (np.array([0.975, 0.955, 0.97]) - picture) * cover[..., None]

    def soft(distance: np.ndarray, width: float = 1.6) -> np.ndarray:
        return np.minimum(np.maximum(0.5 - distance / width, 0), 1)

    # Connective tissue: wavy fibres, the bands where a bent coordinate is near a whole number.
    bent = (0.5 * x + y + 34 * waves[0] + 15 * waves[1]) / 13
    fibre = np.abs(bent - np.floor(bent) - 0.5) * 2
    stain(np.full(shape, 0.8) + 0.2 * waves[1], (0.95, 0.72, 0.83))
    stain(np.minimum(np.maximum(fibre * 1.5 - 0.6 + 0.4 * waves[2], 0), 1), (0.93, 0.70, 0.82))
    clear(soft(0.62 - waves[1] + 0.3 * fibre, 0.3) * 0.7)

    glands = []
    for line in range(-1, 5):
        for place in range(-1, 6):
            middle_x = place * 136 + (line % 2) * 68 + 30 + 15 * dice.unit()
            middle_y = line * 120 + 62 + 13 * dice.unit()
            glands.append((middle_x, middle_y, 50 + 7 * dice.unit(), 0.14 * dice.unit()))
    nuclei = []
    ring = [
        (round(math.cos(k * math.pi / 90), 9), round(math.sin(k * math.pi / 90), 9))
        for k in range(180)
    ]
    territory = np.full(shape, 1e3)
    for middle_x, middle_y, radius, oval in glands:
        reach = int(radius * 1.5)
        r0, r1 = max(0, int(middle_y) - reach), min(rows, int(middle_y) + reach)
        c0, c1 = max(0, int(middle_x) - reach), min(columns, int(middle_x) + reach)
        if r0 >= r1 or c0 >= c1:
            continue
        part = (slice(r0, r1), slice(c0, c1))
        u, v = (x[:, c0:c1] - middle_x) / (1 + oval), (y[r0:r1] - middle_y) / (1 - oval)
        distance = np.sqrt(u * u + v * v) - radius + 7 * waves[0][part] + 5 * waves[1][part]
        territory[part] = np.minimum(territory[part], distance)
        step = 9 + int(2 * dice.unit())
        for k in range(0, 180, step):
            c, s = ring[(k + int(2 * dice.unit())) % 180]
            # Two looks at the waves lead to the wavy outline along this ray.
            at = radius
            for _ in range(2):
                ix = int(min(max(middle_x + at * c * (1 + oval), 0), columns - 1))
                iy = int(min(max(middle_y + at * s * (1 - oval), 0), rows - 1))
                at = radius - 7 * waves[0][iy, ix] - 5 * waves[1][iy, ix]
            at += 2.5 * dice.unit() - 8.5
            nuclei.append(
                (
                    middle_x + at * c * (1 + oval),
                    middle_y + at * s * (1 - oval),
                    c,
                    s,
                    7.2,
                    4.3,
                    0.95,
                )
            )
    epithelium = soft(territory, 2.5)
    clear(epithelium)
    stain(epithelium * (0.88 + 0.15 * waves[3]), (0.86, 0.66, 0.83))
    # The mucus of goblet cells towards the lumen, pale blue, then the lumen itself.
    goblet = soft(territory + 15) * soft(0.05 - waves[2] - 0.4 * waves[3], 0.5)
    clear(goblet * 0.75)
    stain(goblet, (0.90, 0.90, 0.98))
    clear(soft(territory + 31 + 6 * waves[2], 2.5))
    stain(soft(np.abs(territory + 31 + 6 * waves[2]) - 1.0, 2.0) * 0.6, (0.82, 0.55, 0.74))
    stain(soft(np.abs(territory - 1) - 0.8, 2.0) * 0.7, (0.90, 0.58, 0.76))

    for _ in range(620):
        px, py = (dice.unit() + 1) / 2 * columns, (dice.unit() + 1) / 2 * rows
        c, s = ring[int((dice.unit() + 1) * 89.9)]
        slim = dice.unit() > -0.2
        ix, iy = int(min(max(px, 2), columns - 3)), int(min(max(py, 2), rows - 3))
        if territory[iy, ix] > 9:
            # Slim nuclei of fibres follow them; round ones belong to wandering cells.
            up, right = bent[iy + 2, ix] - bent[iy - 2, ix], bent[iy, ix + 2] - bent[iy, ix - 2]
            size = math.sqrt(up * up + right * right) + 1e-9
            axis = (up / size, -right / size) if slim else (c, s)
            nuclei.append((px, py, *axis, 8.0 if slim else 4.6, 2.3 if slim else 4.0, 0.9))
    for px, py, c, s, long, short, depth in nuclei:
        r0, r1 = max(0, int(py) - 12), min(rows, int(py) + 13)
        c0, c1 = max(0, int(px) - 12), min(columns, int(px) + 13)
        if r0 >= r1 or c0 >= c1:
            continue
        part = (slice(r0, r1), slice(c0, c1))
        u = (x[:, c0:c1] - px) * c + (y[r0:r1] - py) * s
        v = (y[r0:r1] - py) * c - (x[:, c0:c1] - px) * s
        shape_at = np.sqrt((u / long) * (u / long) + (v / short) * (v / short))
        cover = soft((shape_at - 1) * short, 1.6) * (
            depth - 0.22 * soft((shape_at - 0.62) * short, 1.6)
        )
        cover = np.minimum(np.maximum(cover * (1 + 0.25 * waves[3][part]), 0), 1)
        for channel, value in enumerate((0.36, 0.20, 0.55)):
            picture[..., channel][part] *= 1 - cover * (1 - value)
    small = halve(halve(picture, 0), 1)
    return np.minimum(np.maximum(np.floor(small * 255 + 0.5), 0), 255).astype(np.uint8)


def huffman_lengths(counts: list[int]) -> list[int]:
    """Return the code length of every symbol; rare ones are rounded up to stay below 16 bits."""
    least = sum(counts) >> 9
    heap = [(max(n, least), i, (i,)) for i, n in enumerate(counts)]
    heapq.heapify(heap)
    lengths = [0] * len(counts)
    order = len(counts)
    while len(heap) > 1:
        n0, _, first = heapq.heappop(heap)
        n1, _, second = heapq.heappop(heap)
        for symbol in first + second:
            lengths[symbol] += 1
        heapq.heappush(heap, (n0 + n1, order, first + second))
        order += 1
    return lengths


def deflate(data: bytes) -> bytes:
    """Compress to a zlib stream, the same everywhere.

    The compressors that Python may be linked with differ in their output, so this packs the
    bytes with one Huffman code and no repeats.
    """
    symbols = [*data, 256]
    counts = [0] * 257
    for symbol in symbols:
        counts[symbol] += 1
    lengths = huffman_lengths(counts)
    codes: dict[int, str] = {}
    code = 0
    for length in range(1, 16):
        for symbol, own in enumerate(lengths):
            if own == length:
                codes[symbol] = f"{code:0{length}b}"
                code += 1
        code <<= 1

    def number(value: int, bits: int) -> str:
        return f"{value:0{bits}b}"[::-1]

    # One last block with its own code: 257 literals, 2 distances (unused), and the lengths
    # themselves written in four plain bits each (16 of the 19 length symbols, 4 bits long).
    head = "1" + number(2, 2) + number(0, 5) + number(1, 5) + number(15, 4)
    head += number(0, 3) * 3 + number(4, 3) * 16
    head += "".join(f"{length:04b}" for length in [*lengths, 1, 1])
    bits = head + "".join([codes[symbol] for symbol in symbols])
    bits += "0" * (-len(bits) % 8)
    packed = int(bits[::-1], 2).to_bytes(len(bits) // 8, "little")
    return b"\x78\x01" + packed + struct.pack(">I", zlib.adler32(data))


def write_png(path: Path, picture: np.ndarray, pixels_per_metre: int) -> None:
    """Write an RGB picture with its resolution, each row as differences to its neighbours."""
    wide = picture.astype(np.int32)
    left = np.pad(wide, ((0, 0), (1, 0), (0, 0)))[:, :-1]
    above = np.pad(wide, ((1, 0), (0, 0), (0, 0)))[:-1]
    rest = (wide - (left + above) // 2) & 255
    average_filter = np.full((len(rest), 1), 3)
    rows = np.concatenate([average_filter, rest.reshape(len(rest), -1)], axis=1)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    height, width = picture.shape[:2]
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + chunk(b"pHYs", struct.pack(">IIB", pixels_per_metre, pixels_per_metre, 1))
        + chunk(b"IDAT", deflate(rows.astype(np.uint8).tobytes()))
        + chunk(b"IEND", b"")
    )


def main(target: Path) -> None:
    """Write all example files into a folder."""
    target.mkdir(parents=True, exist_ok=True)
    write_ct_block(target)
    write_ct_series(target)
    write_mr_series(target)
    write_xray(target)
    write_png(target / "histology.png", tissue_picture(), pixels_per_metre=500_000)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent)
