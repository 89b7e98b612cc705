"""The DICOM file that a volume was read from: what may be copied from it, and its encoding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSNearLossless,
)

from napari_medread.core.volume import Volume
from napari_medread.dicom.frames.frame import Frame
from napari_medread.dicom.frames.multiframe_objects import make_frames
from napari_medread.dicom.frames.stored_values import find_stored_range
from napari_medread.dicom.headers import attributes
from napari_medread.dicom.headers.element_reader import TruncatedFile, read_elements
from napari_medread.dicom.headers.file_discovery import is_dicom
from napari_medread.dicom.headers.header_scan import read_header
from napari_medread.dicom.pixels.modality_values import ModalityTransform
from napari_medread.dicom.writing.copied_keywords import (
    COMPARED_KEYWORDS,
    PATIENT_KEYWORDS,
    TECHNICAL_KEYWORDS,
    TECHNICAL_KEYWORDS_BY_KIND,
)
from napari_medread.dicom.writing.decimal_strings import format_decimal
from napari_medread.dicom.writing.quantisation import ValueEncoding
from napari_medread.dicom.writing.slice_layout import SliceGeometry
from napari_medread.errors import CannotWrite, UnreadableFile

LOSSY_SYNTAXES = (JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless)
"""Transfer syntaxes that always lose information. JPEG 2000 may or may not."""

SAME_GEOMETRY_TOLERANCE = 1e-3
"""Positions in mm, directions and sizes that differ by less than this are equal."""

MAX_SOURCE_ENCODINGS = 4
"""Most encodings that are tried on all values. If every image has its own, none fits them all."""


@dataclass(frozen=True, eq=False)
class SourceHeader:
    """The header of the first DICOM file that a volume was read from.

    Attributes
    ----------
    dataset : Dataset
        The attributes that may be copied; empty where there is no such file.
    is_lossy : bool
        Whether the pixels were ever compressed with a loss.
    """

    dataset: Dataset
    is_lossy: bool = False

    def is_slice_of(self, geometry: SliceGeometry) -> bool:
        """Return whether the file's image is one of the slices that are written."""
        spacing = attributes.get_numbers(self.dataset, "PixelSpacing", 2)
        position = attributes.get_numbers(self.dataset, "ImagePositionPatient", 3)
        orientation = attributes.get_numbers(self.dataset, "ImageOrientationPatient", 6)
        if not (spacing and position and orientation):
            return False
        tolerance = SAME_GEOMETRY_TOLERANCE
        return (
            np.allclose(spacing, geometry.pixel_spacing, atol=tolerance)
            and np.allclose(orientation, geometry.orientation.ravel(), atol=tolerance)
            and bool(np.abs(geometry.positions - position).max(axis=1).min() < tolerance)
        )


def read_source_header(volume: Volume, *, keep_patient: bool) -> SourceHeader:
    """Read the attributes of a volume's source that may be copied.

    Parameters
    ----------
    volume : Volume
        Its first source file is read.
    keep_patient : bool
        Whether patient and study are read too. Otherwise they never get into memory.

    Raises
    ------
    CannotWrite
        Where patient data are asked for and cannot be read.
    """
    path = volume.source[0] if volume.source else None
    if path is not None and is_dicom(path):
        try:
            elements = read_elements(path, _find_wanted_tags(keep_patient=keep_patient))
        except (TruncatedFile, OSError):
            pass
        else:
            is_lossy = _is_lossy(elements.dataset, elements.transfer_syntax)
            return SourceHeader(elements.dataset, is_lossy)
    if keep_patient:
        reason = "it was not read from DICOM files"
        if path is not None and not path.exists():
            reason = f"its source {path.name} no longer exists"
        raise CannotWrite(
            f"{volume.name}: the patient data cannot be kept because {reason}. "
            "Write it without patient data."
        )
    return SourceHeader(Dataset(), path is not None and path.suffix.lower() in (".jpg", ".jpeg"))


def _find_wanted_tags(*, keep_patient: bool) -> frozenset[int]:
    """Return the tags to read from a source file."""
    keywords = {*TECHNICAL_KEYWORDS, *COMPARED_KEYWORDS}
    keywords.update(*TECHNICAL_KEYWORDS_BY_KIND.values())
    if keep_patient:
        keywords.update(PATIENT_KEYWORDS)
    return frozenset(tag for tag in map(tag_for_keyword, keywords) if tag)


def _is_lossy(dataset: Dataset, syntax: UID) -> bool:
    """Return whether pixels were compressed with a loss, by LossyImageCompression or the syntax."""
    flag = attributes.get_text(dataset, "LossyImageCompression")
    may_be_lossy = syntax in (JPEG2000, HTJ2K)
    return flag == "01" or syntax in LOSSY_SYNTAXES or (may_be_lossy and flag != "00")


def find_source_encodings(volume: Volume) -> list[ValueEncoding]:
    """Return how the first source file stores its values; nothing if its frames vary a lot."""
    try:
        header = read_header(volume.source[0]) if volume.source else None
        if header is None or not header.rows:
            return []
        encodings = dict.fromkeys(filter(None, map(_find_frame_encoding, make_frames(header))))
    except UnreadableFile:
        return []
    return list(encodings) if len(encodings) <= MAX_SOURCE_ENCODINGS else []


def _find_frame_encoding(frame: Frame) -> ValueEncoding | None:
    """Return how a frame stores its values, unless it has a table or more than 16 bits."""
    transform = ModalityTransform.from_frame(frame)
    low, high = find_stored_range(frame)
    dtype = np.dtype("<i2" if low < 0 else "<u2")
    limits = np.iinfo(dtype)
    if transform.table_dataset is not None or low < limits.min or high > limits.max:
        return None
    slope, intercept = format_decimal(transform.slope), format_decimal(transform.intercept)
    return ValueEncoding(dtype, slope, intercept)
