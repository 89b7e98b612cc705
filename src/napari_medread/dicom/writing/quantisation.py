"""How values are stored in 16 bits, from which readers restore them by slope and intercept."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_UP, Context
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medread.dicom.writing.decimal_strings import format_decimal
from napari_medread.errors import CannotWrite

Array = NDArray[Any]

SLOPE_CONTEXT = Context(prec=6, rounding=ROUND_UP)
"""Rounds the slopes chosen here to few digits, so that the written text is exactly the slope."""

MIN_RELATIVE_STEP = 2.0**-24
"""Steps are at least this share of the largest value: readers use single precision."""

SAME_STEP_TOLERANCE = 1e-6
"""Values that miss a step by less than this share of it lie on the step."""

MAX_VALUE = float(np.finfo(np.float32).max)
"""The largest value that readers can show in single precision."""

MAX_INTERCEPT = 10.0**15
"""Integers below this fit in a decimal string."""


@dataclass(frozen=True)
class ValueEncoding:
    """How modality values become stored values, and how readers restore them (PS3.3 C.11.1).

    Attributes
    ----------
    dtype : dtype
        Of the stored values.
    slope, intercept : str
        RescaleSlope and RescaleIntercept, as they are written.
    padding : int or None
        The stored value of values that are not finite.
    notes : tuple of str
        What was changed.
    """

    dtype: np.dtype[Any]
    slope: str = "1.0"
    intercept: str = "0.0"
    padding: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def is_identity(self) -> bool:
        """Whether values are stored unchanged."""
        return float(self.slope) == 1 and float(self.intercept) == 0

    def encode(self, values: Array) -> Array:
        """Return the stored values of modality values."""
        slope, intercept = float(self.slope), float(self.intercept)
        if slope == 1 and values.dtype.kind in "biu":
            shifted = values if self.is_identity else values.astype(np.int64) - int(intercept)
            return shifted.astype(self.dtype)
        limits = np.iinfo(self.dtype)
        numbers = values.astype(np.float64)
        stored = np.rint((numbers - intercept) / slope)
        if self.padding is not None:
            stored[~np.isfinite(numbers)] = self.padding
        return stored.clip(limits.min, limits.max).astype(self.dtype)

    def decode(self, stored: Array) -> Array:
        """Return the modality values that readers restore from stored values."""
        return np.asarray(stored * float(self.slope) + float(self.intercept))

    def is_lossless_for(self, values: Array) -> bool:
        """Return whether values are restored unchanged, to single precision."""
        restored = self.decode(self.encode(values))
        tolerance = SAME_STEP_TOLERANCE * abs(float(self.slope))
        return bool(np.allclose(restored, values, rtol=MIN_RELATIVE_STEP, atol=tolerance))


@dataclass
class _ValueSurvey:
    """What the values of a volume require of an encoding, collected piece by piece."""

    name: str
    low: float = math.inf
    high: float = -math.inf
    is_integral: bool = True
    nonfinite_count: int = 0
    lossless_encodings: Sequence[ValueEncoding] = ()

    def add(self, values: Array) -> None:
        """Take a piece of the values into account."""
        if values.dtype.kind == "f":
            is_finite = np.isfinite(values)
            self.nonfinite_count += values.size - int(np.count_nonzero(is_finite))
            values = values[is_finite]
            self.is_integral = self.is_integral and bool((values == np.rint(values)).all())
        if not values.size:
            return
        self.low = min(self.low, values.min().item())
        self.high = max(self.high, values.max().item())
        self.lossless_encodings = [e for e in self.lossless_encodings if e.is_lossless_for(values)]


def choose_encoding(
    name: str,
    dtype: np.dtype[Any],
    read_pieces: Callable[[], Iterable[Array]],
    *,
    unit: str = "",
    source_encodings: Sequence[ValueEncoding] = (),
    min_bits: int = 8,
    allow_intercept: bool = True,
) -> ValueEncoding:
    """Return how to store a volume's values in 16 bits: without loss where that is possible.

    Parameters
    ----------
    name : str
        Name of the volume, for errors.
    dtype : dtype
        Of its values.
    read_pieces : callable
        Returns all values, piece by piece. Only called where the type does not say enough.
    unit : str
        Of the values, for notes.
    source_encodings : sequence of ValueEncoding
        Encodings of the source file: one that loses nothing is used again.
    min_bits : int
        8, or 16 where the kind of image allows no fewer.
    allow_intercept : bool
        Whether the intercept may be other than 0.

    Raises
    ------
    CannotWrite
        Where values are not numbers that an image can hold.
    """
    if dtype.kind not in "biuf" or dtype.itemsize > 8:
        raise CannotWrite(
            f"{name}: DICOM images cannot hold values of type {dtype}. "
            "Convert them to integers or floating point first."
        )
    if dtype.kind == "b":
        return ValueEncoding(_widen_type(np.dtype(np.uint8), min_bits))
    if dtype.kind in "iu" and dtype.itemsize <= 2:
        return ValueEncoding(_widen_type(dtype, min_bits))
    survey = _ValueSurvey(name, lossless_encodings=source_encodings)
    for piece in read_pieces():
        survey.add(piece)
    if not math.isfinite(survey.low):
        raise CannotWrite(f"{name}: it holds no finite value, there is nothing to write.")
    if survey.lossless_encodings and not survey.nonfinite_count:
        return survey.lossless_encodings[0]
    encoding = None
    if survey.is_integral:
        encoding = _find_lossless_encoding(survey, allow_intercept=allow_intercept)
    if encoding is None:
        encoding = _make_rounding_encoding(survey, unit, allow_intercept=allow_intercept)
    if not survey.nonfinite_count:
        return encoding
    padding_value = encoding.decode(np.array(encoding.padding)).item()
    count = survey.nonfinite_count
    subject = "1 value is" if count == 1 else f"{count} values are"
    note = f"{subject} not finite: written as padding, with the value {padding_value:.6g}."
    return replace(encoding, notes=(*encoding.notes, note))


def _widen_type(dtype: np.dtype[Any], min_bits: int) -> np.dtype[Any]:
    """Return a little-endian integer type of at least some bits."""
    size = max(dtype.itemsize, min_bits // 8)
    return np.dtype(f"<{'i' if dtype.kind == 'i' else 'u'}{size}")


def _find_lossless_encoding(survey: _ValueSurvey, *, allow_intercept: bool) -> ValueEncoding | None:
    """Return the encoding of whole numbers, if 16 bits hold them with room for padding."""
    low, high = int(survey.low), int(survey.high)
    padding_room = int(survey.nonfinite_count > 0)
    for dtype in (np.dtype("<i2"), np.dtype("<u2")):
        limits = np.iinfo(dtype)
        if limits.min <= low - padding_room and high <= limits.max:
            return ValueEncoding(dtype, padding=low - 1 if padding_room else None)
    if (
        not allow_intercept
        or high - low + padding_room > np.iinfo(np.uint16).max
        or max(-low, high) >= MAX_INTERCEPT
    ):
        return None
    return ValueEncoding(
        np.dtype("<u2"), intercept=str(low - padding_room), padding=0 if padding_room else None
    )


def _make_rounding_encoding(
    survey: _ValueSurvey, unit: str, *, allow_intercept: bool
) -> ValueEncoding:
    """Return the encoding with the smallest steps that reach from the lowest to the highest value.

    Zero, where it is in between, stays exactly zero. Whole numbers stay whole.
    """
    low, high, padding_room = survey.low, survey.high, int(survey.nonfinite_count > 0)
    largest = max(abs(low), abs(high))
    if largest > MAX_VALUE:
        raise CannotWrite(
            f"{survey.name}: its values reach {largest:.3g}, more than DICOM images can hold."
        )
    dtype: np.dtype[Any] = np.dtype("<u2")
    limits = np.iinfo(dtype)
    has_intercept = allow_intercept and not low <= 0 <= high
    if has_intercept:
        step = (high - low) / (limits.max - padding_room)
    elif low < 0 or padding_room:
        dtype = np.dtype("<i2")
        limits = np.iinfo(dtype)
        step = max(low / (limits.min + padding_room), high / limits.max)
    else:
        step = high / limits.max
    step = max(step, largest * MIN_RELATIVE_STEP)
    slope = float(math.ceil(step) if survey.is_integral else SLOPE_CONTEXT.create_decimal(step))
    intercept = low - padding_room * slope if has_intercept else 0.0
    step_text = f"{slope:.3g} {unit}".strip()
    return ValueEncoding(
        dtype,
        format_decimal(slope),
        format_decimal(intercept),
        limits.min if padding_room else None,
        (f"The values were rounded to steps of {step_text}: DICOM images hold 16 bits.",),
    )
