"""Stored values become modality values, in the smallest type that holds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut

from napari_medread.dicom.frames.frame import Frame
from napari_medread.dicom.frames.stored_values import find_stored_range
from napari_medread.dicom.headers import attributes
from napari_medread.dicom.headers.private_attributes import get_philips_scale_slope
from napari_medread.errors import UnreadableFile

Array = NDArray[Any]

INTEGER_TYPES = (np.int16, np.uint16, np.int32)
"""Types for integer values, in the order in which they are tried."""

LABELS_IMAGE_TYPE = "LABELMAP"
"""Fourth value of ImageType of this project, which marks label numbers (PS3.3 C.7.6.1.1.2)."""

UNIT_LABELS = {"HU": "HU", "BQML": "Bq/ml", "CNTS": "counts", "GML": "g/ml", "OD": "OD", "GY": "Gy"}
"""Unit symbols for RescaleType, and for Units of PET."""

MAX_EXACT_INTEGER = 2.0**53
"""Integers below this are exact in double precision."""


@dataclass(frozen=True, eq=False)
class ModalityTransform:
    """From stored to modality values (PS3.3 C.11.1): slope and intercept, or a table.

    Attributes
    ----------
    slope, intercept : float
        RescaleSlope and RescaleIntercept, or DoseGridScaling.
    low, high : float
        The lowest and highest modality value that the header allows.
    is_integral : bool
        Whether all modality values are integers.
    table_dataset : Dataset or None
        The dataset that holds a ModalityLUTSequence.
    window_scale : float
        Factor from the file's windows to the scale of the modality values.
    file_name : str
        For errors.
    """

    slope: float
    intercept: float
    low: float
    high: float
    is_integral: bool
    table_dataset: Dataset | None = None
    window_scale: float = 1.0
    file_name: str = ""

    @classmethod
    def from_frame(cls, frame: Frame) -> ModalityTransform:
        """Return the transform of one frame."""
        tables = attributes.get_items(frame.dataset, "ModalityLUTSequence")
        if tables:
            bits = (attributes.get_numbers(tables[0], "LUTDescriptor", 3) or (0, 0, 16))[2]
            high = 2.0**bits - 1 if 8 <= bits <= 16 else 65535.0
            return cls(1.0, 0.0, 0.0, high, True, frame.dataset, file_name=frame.header.path.name)
        slope = attributes.get_number(frame.dataset, "RescaleSlope")
        intercept = attributes.get_number(frame.dataset, "RescaleIntercept")
        if "DoseGridScaling" in frame.dataset:
            slope = attributes.get_number(frame.dataset, "DoseGridScaling")
        # A slope of zero would erase the image; writers that give it have no slope.
        slope, intercept = slope or 1.0, intercept or 0.0
        window_scale = 1.0
        scale_slope = get_philips_scale_slope(frame.dataset)
        if scale_slope and frame.header.number_of_frames > 1:
            window_scale = 1 / (slope * scale_slope)
            slope, intercept = slope * window_scale, intercept * window_scale
        low, high = sorted(end * slope + intercept for end in find_stored_range(frame))
        pixels = frame.header.pixels
        is_integral = (
            pixels is not None
            and pixels.keyword == "PixelData"
            and slope.is_integer()
            and intercept.is_integer()
            and max(abs(low), abs(high)) < MAX_EXACT_INTEGER
        )
        return cls(slope, intercept, low, high, is_integral, window_scale=window_scale)

    def apply(self, stored: Array) -> Array:
        """Return the modality values of stored values, in a type that holds them all.

        Raises
        ------
        UnreadableFile
            Where the table is broken.
        """
        if self.table_dataset is not None:
            return self._look_up(stored, self.table_dataset)
        if self.is_integral:
            if self.slope == 1.0 and self.intercept == 0.0:
                return stored
            return stored.astype(np.int64) * int(self.slope) + int(self.intercept)
        with np.errstate(over="ignore", invalid="ignore"):  # beyond float32 is infinite
            return (stored * self.slope + self.intercept).astype(np.float32)

    def _look_up(self, stored: Array, table_dataset: Dataset) -> Array:
        try:
            return np.asarray(apply_modality_lut(stored, table_dataset))
        # pydicom raises many kinds of errors for tables that are short or lack a part.
        except Exception as error:
            raise UnreadableFile(f"{self.file_name}: its modality LUT is broken.") from error


def find_value_type(transforms: Sequence[ModalityTransform]) -> type[np.generic]:
    """Return the smallest type that holds every value that the headers allow.

    int16, uint16 or int32 where the values are integers and fit, else float32.
    """
    if not all(transform.is_integral for transform in transforms):
        return np.float32
    return find_smallest_type(min(t.low for t in transforms), max(t.high for t in transforms))


def find_smallest_type(low: float, high: float) -> type[np.generic]:
    """Return the first of int16, uint16 and int32 that holds a range, else float32."""
    for dtype in INTEGER_TYPES:
        if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
            return dtype
    return np.float32
