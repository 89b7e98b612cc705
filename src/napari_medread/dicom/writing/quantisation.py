"""Values to the at most 16 bits of a DICOM image, and the line that leads back from them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_UP, Context
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medread.dicom.writing.slice_layout import format_decimal
from napari_medread.errors import CannotWrite

Array = NDArray[Any]

_ROUNDING_UP = Context(prec=6, rounding=ROUND_UP)
"""Makes slopes that are ours to choose of few digits, so that they are read as they are used."""

_FINEST = 2.0**-24
"""No step is a smaller share of the largest value: readers give numbers of single precision."""

_SAME = 1e-6
"""Values that miss a step by less than this share of it were written on it."""

_LARGEST = float(np.finfo(np.float32).max)
"""... and none that are larger."""

_MOST = 10.0**15
"""Whole numbers below this fit in a decimal string."""


@dataclass(frozen=True)
class ValueEncoding:
    """What stored values are, and how they become modality values (PS3.3 C.11.1).

    Attributes
    ----------
    dtype : dtype
        Of the stored values.
    slope, intercept : str
        RescaleSlope and RescaleIntercept, spelled as they are written.
    padding : int or None
        The stored value of what is no number.
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
        """Whether values are stored as they are."""
        return float(self.slope) == 1 and float(self.intercept) == 0

    def store(self, values: Array) -> Array:
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

    def values(self, stored: Array) -> Array:
        """Return the modality values that readers make of stored ones."""
        return np.asarray(stored * float(self.slope) + float(self.intercept))

    def keeps(self, values: Array) -> bool:
        """Tell whether values come back as they are, to single precision."""
        again = self.values(self.store(values))
        tolerance = _SAME * abs(float(self.slope))
        return bool(np.allclose(again, values, rtol=_FINEST, atol=tolerance))


@dataclass
class _Range:
    """What all values of a volume have in common."""

    name: str
    low: float = math.inf
    high: float = -math.inf
    whole: bool = True
    missing: int = 0
    fits: Sequence[ValueEncoding] = ()

    def add(self, values: Array) -> None:
        """Take some more values into account."""
        if values.dtype.kind == "f":
            finite = np.isfinite(values)
            self.missing += values.size - int(np.count_nonzero(finite))
            values = values[finite]
            self.whole = self.whole and bool((values == np.rint(values)).all())
        if not values.size:
            return
        self.low = min(self.low, values.min().item())
        self.high = max(self.high, values.max().item())
        self.fits = [line for line in self.fits if line.keeps(values)]


def choose_encoding(
    name: str,
    dtype: np.dtype[Any],
    pieces: Callable[[], Iterable[Array]],
    *,
    unit: str = "",
    known: Sequence[ValueEncoding] = (),
    least_bits: int = 8,
    shifts: bool = True,
) -> ValueEncoding:
    """Return how to store a volume's values in 16 bits: exactly where it can be done.

    Parameters
    ----------
    name : str
        The volume's, for errors.
    dtype : dtype
        Of its values.
    pieces : callable
        Returns all values, piece by piece. It is called only where the type does not say enough.
    unit : str
        Of the values, for notes.
    known : sequence of Line
        How they may have been stored before: one that keeps all of them is used.
    least_bits : int
        8, or 16 where the kind of image allows no fewer.
    shifts : bool
        Whether the intercept may be other than 0.

    Raises
    ------
    CannotWrite
        Where values are no numbers that an image can show.
    """
    if dtype.kind not in "biuf" or dtype.itemsize > 8:
        raise CannotWrite(
            f"{name}: DICOM images hold no values of the type {dtype}. "
            "Convert them to whole numbers or floating point first."
        )
    if dtype.kind == "b":
        return ValueEncoding(_of_bits(np.dtype(np.uint8), least_bits))
    if dtype.kind in "iu" and dtype.itemsize <= 2:
        return ValueEncoding(_of_bits(dtype, least_bits))
    found = _Range(name, fits=known)
    for piece in pieces():
        found.add(piece)
    if not math.isfinite(found.low):
        raise CannotWrite(f"{name}: there is no finite number in it, nothing to write.")
    if found.fits and not found.missing:
        return found.fits[0]
    line = _exact(found, shifts=shifts) if found.whole else None
    if line is None:
        line = _rounded(found, unit, shifts=shifts)
    if not found.missing:
        return line
    value = line.values(np.array(line.padding)).item()
    what = "1 value is" if found.missing == 1 else f"{found.missing} values are"
    note = f"{what} no finite number: written as padding, of the value {value:.6g}."
    return replace(line, notes=(*line.notes, note))


def _of_bits(dtype: np.dtype[Any], least_bits: int) -> np.dtype[Any]:
    """Return a little-endian integer type of at least some bits."""
    size = max(dtype.itemsize, least_bits // 8)
    return np.dtype(f"<{'i' if dtype.kind == 'i' else 'u'}{size}")


def _exact(found: _Range, *, shifts: bool) -> ValueEncoding | None:
    """Return the line that keeps whole numbers, if 16 bits hold them with room for padding."""
    low, high = int(found.low), int(found.high)
    room = int(found.missing > 0)
    for dtype in (np.dtype("<i2"), np.dtype("<u2")):
        limits = np.iinfo(dtype)
        if limits.min <= low - room and high <= limits.max:
            return ValueEncoding(dtype, padding=low - 1 if room else None)
    if not shifts or high - low + room > np.iinfo(np.uint16).max or max(-low, high) >= _MOST:
        return None
    return ValueEncoding(np.dtype("<u2"), intercept=str(low - room), padding=0 if room else None)


def _rounded(found: _Range, unit: str, *, shifts: bool) -> ValueEncoding:
    """Return the line of the smallest steps that reach from the lowest to the highest value.

    Where zero is among them, it stays exactly zero. Whole numbers stay whole.
    """
    low, high, room = found.low, found.high, int(found.missing > 0)
    most = max(abs(low), abs(high))
    if most > _LARGEST:
        raise CannotWrite(f"{found.name}: its values reach {most:.3g}, too much for DICOM images.")
    dtype: np.dtype[Any] = np.dtype("<u2")
    limits = np.iinfo(dtype)
    if shifts and not low <= 0 <= high:
        reach = (high - low) / (limits.max - room)
    elif low < 0 or room:
        dtype = np.dtype("<i2")
        limits = np.iinfo(dtype)
        reach = max(low / (limits.min + room), high / limits.max)
    else:
        reach = high / limits.max
    reach = max(reach, most * _FINEST)
    slope = float(math.ceil(reach) if found.whole else _ROUNDING_UP.create_decimal(reach))
    intercept = low - room * slope if shifts and not low <= 0 <= high else 0.0
    return ValueEncoding(
        dtype,
        format_decimal(slope),
        format_decimal(intercept),
        limits.min if room else None,
        (
            f"The values were rounded to steps of {f'{slope:.3g} {unit}'.strip()}: "
            "DICOM images hold 16 bits.",
        ),
    )
