"""Less common objects: Siemens mosaics with their private headers, and DICOMDIR files."""

import struct

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import MediaStorageDirectoryStorage

from helpers.builders import (
    COLUMN_SPACING,
    COLUMNS,
    ORIENTATIONS,
    ROW_SPACING,
    ROWS,
    SLICE_SPACING,
    find_normal,
    make_image,
    make_uid,
    save_dataset,
    stored_slice,
)


def make_csa_header(version, **tags):
    """Return a CSA header with some tags, their values given as texts, between other tags."""
    every = {
        "EchoLinePosition": ["12"],
        "AcquisitionMatrixText": ["7*5"],
        **tags,
        "After": ["x" * 13],
    }
    surplus = 1 if version == 1 else 0
    parts = [b"SV10\4\3\2\1"] if version == 2 else []
    parts.append(struct.pack("<II", len(every), 77))
    for name, texts in every.items():
        # In version 1 lengths are too large by the number of values of the first tag.
        items = texts if version == 1 and name == "EchoLinePosition" else [*texts, "", ""]
        vr = {"NumberOfImagesInMosaic": b"US", "SliceNormalVector": b"FD"}.get(name, b"LO")
        parts.append(struct.pack("<64si4siii", name.encode(), len(texts), vr, 0, len(items), 77))
        for item in items:
            data = item.encode() + b"\0" if item else b""
            size = len(data) + surplus
            parts.append(struct.pack("<iiii", size, size if version == 2 else 0, 77, size))
            parts.append(data + bytes(-len(data) % 4))
    return b"".join(parts)


def make_mosaic(
    count=5, orientation=ORIENTATIONS["axial"], normal=1, key="CSA2", first=0, **attributes
):
    """Return a mosaic whose tile n holds ``stored_slice(first + n)``.

    ``key`` says where the number of tiles is written: ``CSA1``, ``CSA2`` or ``0019,100A``.
    """
    side = int(np.ceil(np.sqrt(count)))
    pixels = np.zeros((side * ROWS, side * COLUMNS), np.uint16)
    for n in range(count):
        row, column = n // side * ROWS, n % side * COLUMNS
        pixels[row : row + ROWS, column : column + COLUMNS] = stored_slice(first + n)
    given = {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.4",
        "Modality": "MR",
        "Manufacturer": "SIEMENS",
        "ImageType": ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"],
        "ImagePositionPatient": [-100.0, -90.0, 20.0],
        "ImageOrientationPatient": [x for pair in orientation for x in pair],
        "PixelSpacing": [ROW_SPACING, COLUMN_SPACING],
        "SpacingBetweenSlices": SLICE_SPACING,
        **attributes,
    }
    ds = make_image(pixels, **{k: v for k, v in given.items() if v is not None})
    if key in ("CSA1", "CSA2"):
        direction = [f"{normal * x:.8f}" for x in find_normal(orientation)]
        tags = {"NumberOfImagesInMosaic": [str(count)], "SliceNormalVector": direction}
        block = ds.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
        block.add_new(0x10, "OB", make_csa_header(int(key[-1]), **tags))
    if key == "0019,100A":
        block = ds.private_block(0x0019, "SIEMENS MR HEADER", create=True)
        block.add_new(0x0A, "US", count)
    return ds


def write_dicomdir(folder, references, name="DICOMDIR"):
    """Write a DICOMDIR with one record for each reference, and one that references nothing."""
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = MediaStorageDirectoryStorage, make_uid()
    ds.FileSetID = "TEST"
    patient = Dataset()
    patient.DirectoryRecordType = "PATIENT"
    ds.DirectoryRecordSequence = [patient]
    for reference in references:
        record = Dataset()
        record.DirectoryRecordType = "IMAGE"
        record.ReferencedFileID = reference
        ds.DirectoryRecordSequence.append(record)
    return save_dataset(ds, folder / name)
