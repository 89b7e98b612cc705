"""Stacks to arrays: stored pixels, decoded and taken to modality values."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut
from pydicom.pixels.utils import pixel_array
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGExtended12Bit,
)

from napari_medread.core.display import SAMPLED_PLANES, SAMPLES
from napari_medread.core.progress import Track, silently
from napari_medread.dicom import values
from napari_medread.dicom.frames import Frame
from napari_medread.dicom.scan import Header
from napari_medread.dicom.series import Stack
from napari_medread.errors import UnreadableFile

Array = NDArray[Any]

_NATIVE = (ImplicitVRLittleEndian, ExplicitVRLittleEndian)

INTEGER_TYPES = (np.int16, np.uint16, np.int32)
"""Types for integral values, in the order in which they are tried."""


@dataclass
class Pixels:
    """The voxels of a stack.

    Attributes
    ----------
    data : array
        Shape (*leading, slice, row, column[, 3]).
    sample : array
        Modality values from all over it, without padding; empty for colour.
    notes : list of str
        Images that could not be decoded.
    """

    data: Array
    sample: Array
    notes: list[str]


def read_stack(stack: Stack, track: Track = silently) -> Pixels:
    """Read a stack's pixels into one array of modality values.

    Raises
    ------
    UnreadableFile
        Where no image of it can be decoded.
    """
    first = stack.all_frames[0]
    rgb = is_rgb(first)
    planes = [(n, f) for n, f in enumerate(f for line in stack.frames for f in line)]
    shape = (len(planes), first.header.rows, first.header.columns, *((3,) if rgb else ()))
    mappings = {id(f): Mapping.of(f) for _, f in planes if f is not None}
    dtype = rgb_type(first) if rgb else value_type(stack, mappings)
    out = np.empty(shape, dtype)
    empty = [n for n, frame in planes if frame is None]
    sampler = _Sampler(len(planes) - len(empty), shape)
    notes = []
    for n, frame in track([p for p in planes if p[1] is not None], "Reading pixels"):
        assert frame is not None  # noqa: S101  (for the type checker)
        try:
            stored = read_stored(frame)
        except UnreadableFile as error:
            notes.append(f"{error} Its plane is empty.")
            empty.append(n)
            continue
        if rgb:
            out[n] = stored
            continue
        plane = mappings[id(frame)].apply(stored)
        out = _room_for(out, plane, n)
        out[n] = plane
        sampler.add(plane, stored, frame)
    if len(empty) == len(planes):
        raise UnreadableFile(notes[0].removesuffix(" Its plane is empty."))
    if empty:
        absent = set(empty)
        lowest = min(out[n].min() for n in range(len(out)) if n not in absent)
        out[empty] = _fill_value(first, mappings[id(first)], out.dtype, lowest)
    lead = stack.lead_shape
    data = out.reshape((*lead, len(stack.frames[0]), *out.shape[1:]))
    if stack.grid is not None:
        data = _interpolate(data, len(lead), stack.grid.places, stack.grid.planes)
    return Pixels(data, sampler.values(), notes)


def _fill_value(frame: Frame, mapping: Mapping, dtype: np.dtype[Any], lowest: Any) -> Any:
    """Return the value of a plane without a slice: the padding value, else the lowest."""
    limits = None if is_rgb(frame) else padding(frame)
    if limits is None:
        return lowest
    value = mapping.apply(np.array([limits[0]]))[0]
    fits = dtype.kind == "f" or np.iinfo(dtype).min <= value <= np.iinfo(dtype).max
    return value if fits else lowest


def is_rgb(frame: Frame) -> bool:
    """Tell whether a frame is in colour."""
    return frame.header.samples >= 3 or frame.header.photometric == "PALETTE COLOR"


def rgb_type(frame: Frame) -> type[np.generic]:
    """Return the type of a colour frame's samples."""
    if frame.header.photometric == "PALETTE COLOR":
        # Entries of 16 bits, unless the third number of the descriptor is 8 (PS3.3 C.7.6.3.1.5).
        found = values.numbers(frame.dataset, "RedPaletteColorLookupTableDescriptor", 3)
        return np.uint8 if found and found[2] <= 8 else np.uint16
    return np.uint8 if frame.header.bits_allocated <= 8 else np.uint16


@dataclass(frozen=True, eq=False)
class Mapping:
    """From stored to modality values (PS3.3 C.11.1): a line, or a table.

    Attributes
    ----------
    slope, intercept : float
        RescaleSlope and RescaleIntercept.
    table : Dataset or None
        What holds a ModalityLUTSequence.
    """

    slope: float
    intercept: float
    table: Dataset | None = None

    @classmethod
    def of(cls, frame: Frame) -> Mapping:
        """Return the mapping of one frame."""
        if values.items(frame.dataset, "ModalityLUTSequence"):
            return cls(1.0, 0.0, frame.dataset)
        slope = values.number(frame.dataset, "RescaleSlope")
        intercept = values.number(frame.dataset, "RescaleIntercept")
        # A slope of zero would erase the image; writers that give it mean none.
        return cls(slope or 1.0, intercept or 0.0)

    @property
    def is_integral(self) -> bool:
        """Whether whole numbers stay whole."""
        return self.slope.is_integer() and self.intercept.is_integer()

    def apply(self, stored: Array) -> Array:
        """Return modality values, in a type that holds them all."""
        if self.table is not None:
            return np.asarray(apply_modality_lut(stored, self.table))
        if self.slope == 1.0 and self.intercept == 0.0:
            return stored
        if self.is_integral and stored.dtype.kind in "iu":
            return stored.astype(np.int64) * int(self.slope) + int(self.intercept)
        return stored * self.slope + self.intercept


def value_type(stack: Stack, mappings: dict[int, Mapping]) -> type[np.generic]:
    """Return the type in which to start reading a stack.

    The smallest of int16, uint16 and int32 that holds every value the headers allow; where
    only int32 would, int16 all the same, since real values rarely use the full range and
    ``_room_for`` widens the array when one does. float32 where values are not whole.
    """
    lows, highs = [0.0], [0.0]
    for frame in stack.all_frames:
        mapping = mappings[id(frame)]
        pixels = frame.header.pixels
        if not mapping.is_integral or (pixels and pixels.keyword != "PixelData"):
            return np.float32
        low, high = stored_range(frame)
        ends = sorted((low * mapping.slope + mapping.intercept,
                       high * mapping.slope + mapping.intercept))  # fmt: skip
        lows.append(ends[0])
        highs.append(ends[1])
    found = _smallest_type(min(lows), max(highs))
    return np.int16 if found in (np.int32, np.float32) else found


def stored_range(frame: Frame) -> tuple[int, int]:
    """Return the lowest and highest stored value that a header allows."""
    bits = values.integer(frame.dataset, "BitsStored", frame.header.bits_allocated)
    if values.integer(frame.dataset, "PixelRepresentation", 0):
        return -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    return 0, (1 << bits) - 1


def _smallest_type(low: float, high: float) -> type[np.generic]:
    for dtype in INTEGER_TYPES:
        if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
            return dtype
    return np.float32


def _room_for(out: Array, plane: Array, done: int) -> Array:
    """Return the array, widened if the next plane's values do not fit its type."""
    if out.dtype.kind == "f" or not plane.size:
        return out
    if plane.dtype.kind == "f":
        return out.astype(np.float32)
    low, high = int(plane.min()), int(plane.max())
    limits = np.iinfo(out.dtype)
    if limits.min <= low and high <= limits.max:
        return out
    if done:
        low, high = min(low, int(out[:done].min())), max(high, int(out[:done].max()))
    return out.astype(_smallest_type(low, high))


def read_stored(frame: Frame) -> Array:
    """Read one frame's stored values, or its RGB.

    Raises
    ------
    UnreadableFile
        Where it cannot be decoded; the message starts with the file's name.
    """
    header = frame.header
    name = header.path.name
    try:
        if _is_plain(header):
            stored = _read_plain(header, frame.number)
        else:
            stored = _decode(header, frame.number)
    # Decoders raise many kinds for broken streams; all of them mean "unreadable".
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        if isinstance(error, NotImplementedError) or "missing dependencies" in str(error):
            reason = f"no installed package decodes {header.syntax.name} ({header.syntax})"
        raise UnreadableFile(f"{name}: the pixels cannot be decoded: {reason}.") from error
    if stored.shape[:2] != (header.rows, header.columns):
        raise UnreadableFile(f"{name}: the pixels are not {header.rows} x {header.columns}.")
    if is_rgb(frame) or stored.dtype.kind == "f":
        return stored
    return _stored_bits(stored, frame)


def _is_plain(header: Header) -> bool:
    """Tell whether pixels are plain numbers in the file, to be read without a decoder."""
    pixels = header.pixels
    return (
        pixels is not None
        and pixels.keyword == "PixelData"
        and pixels.length is not None
        and header.samples == 1
        and header.photometric in ("MONOCHROME1", "MONOCHROME2")
        and header.bits_allocated in (8, 16, 32)
        and (
            header.syntax in _NATIVE
            # Words of big-endian files hold their bytes swapped even at 8 bits.
            or (header.syntax == ExplicitVRBigEndian and header.bits_allocated > 8)
        )
    )


def _read_plain(header: Header, number: int) -> Array:
    assert header.pixels is not None  # noqa: S101  (for the type checker)
    order = ">" if header.syntax == ExplicitVRBigEndian else "<"
    dtype = np.dtype(f"{order}u{header.bits_allocated // 8}")
    count = header.rows * header.columns
    found = np.fromfile(
        header.path, dtype, count, offset=header.pixels.offset + number * count * dtype.itemsize
    )
    return found.reshape(header.rows, header.columns).astype(dtype.newbyteorder("="), copy=False)


def _stored_bits(stored: Array, frame: Frame) -> Array:
    """Keep BitsStored bits up to HighBit, with the sign PixelRepresentation gives (PS3.5 8.1.1).

    What lies in the other bits may be an old overlay.
    """
    allocated = stored.dtype.itemsize * 8
    bits = min(values.integer(frame.dataset, "BitsStored", allocated), allocated)
    high = min(values.integer(frame.dataset, "HighBit", bits - 1), allocated - 1)
    signed = values.integer(frame.dataset, "PixelRepresentation", 0) == 1
    if bits < 1 or high + 1 < bits:
        bits, high = allocated, allocated - 1
    kind = np.dtype(f"{'i' if signed else 'u'}{stored.dtype.itemsize}")
    if bits == allocated:
        return stored.view(kind)
    # Shifted up so that the highest bit is the sign, then down again with it.
    up = stored.view(f"u{stored.dtype.itemsize}") << (allocated - 1 - high)
    return np.asarray(up.view(kind) >> (allocated - bits))


def _decode(header: Header, number: int) -> Array:
    dataset = _opened(header.path, header.syntax)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if header.syntax == JPEGExtended12Bit and values.integer(dataset, "BitsStored", 8) > 8:
            return _decode_with_gdcm(header, number)
        found = pixel_array(dataset, index=number)
        if header.photometric == "PALETTE COLOR":
            found = apply_color_lut(found, dataset)[..., :3]
    return np.asarray(found)


@lru_cache(maxsize=1)
def _opened(path: Path, syntax: UID) -> Dataset:
    """Return a file's dataset; the last one stays open for its next frame."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(path, force=True)
    if "TransferSyntaxUID" not in getattr(dataset, "file_meta", {}):
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = syntax
    return dataset


def _decode_with_gdcm(header: Header, number: int) -> Array:
    """Decode JPEG of 12 bits, which pydicom leaves to a decoder that is not free to ship."""
    import gdcm

    reader = gdcm.ImageReader()
    reader.SetFileName(str(header.path))
    if not reader.Read():
        raise ValueError("the JPEG stream is broken")
    buffer = reader.GetImage().GetBuffer().encode("utf-8", "surrogateescape")
    count = header.rows * header.columns
    found = np.frombuffer(buffer, np.uint16, count, offset=number * count * 2)
    return found.reshape(header.rows, header.columns)


class _Sampler:
    """Collects modality values from all over a stack, for its contrast limits."""

    def __init__(self, planes: int, shape: tuple[int, ...]) -> None:
        self._every = max(1, planes // SAMPLED_PLANES)
        taken = math.ceil(planes / self._every)
        self._step = max(1, math.isqrt(max(1, taken * shape[1] * shape[2] // SAMPLES)))
        self._parts: list[Array] = []
        self._seen = 0

    def add(self, plane: Array, stored: Array, frame: Frame) -> None:
        """Take a share of one plane, without its padding."""
        if self._seen % self._every == 0:
            spread = (slice(None, None, self._step),) * 2
            part, raw = plane[spread], stored[spread]
            limits = padding(frame)
            if limits is not None:
                part = part[(raw < limits[0]) | (raw > limits[1])]
            self._parts.append(part.ravel())
        self._seen += 1

    def values(self) -> Array:
        """Return what was collected."""
        return np.concatenate(self._parts) if self._parts else np.empty(0)


def padding(frame: Frame) -> tuple[int, int] | None:
    """Return the range of stored values that are padding (PS3.3 C.7.5.1.1.2)."""
    first = values.number(frame.dataset, "PixelPaddingValue")
    if first is None:
        return None
    last = values.number(frame.dataset, "PixelPaddingRangeLimit")
    ends = sorted(_signed(int(v), frame) for v in (first, first if last is None else last))
    return ends[0], ends[1]


def _signed(value: int, frame: Frame) -> int:
    """Undo the wrap of a negative padding value that was written as unsigned."""
    low, high = stored_range(frame)
    wrap = 1 << frame.header.bits_allocated
    return value - wrap if low < 0 and value > high and value - wrap >= -(wrap // 2) else value


def _interpolate(data: Array, axis: int, places: tuple[float, ...], planes: int) -> Array:
    """Interpolate slices at ``places`` linearly onto whole planes, along one axis."""
    out_shape = list(data.shape)
    out_shape[axis] = planes
    out = np.empty(out_shape, data.dtype)
    at = np.array(places)
    for plane in range(planes):
        after = int(np.clip(np.searchsorted(at, plane), 1, len(at) - 1))
        share = np.clip((plane - at[after - 1]) / (at[after] - at[after - 1]), 0.0, 1.0)
        before = np.take(data, after - 1, axis)
        mixed = before * (1 - share) + np.take(data, after, axis) * share
        target = (slice(None),) * axis + (plane,)
        out[target] = np.rint(mixed) if data.dtype.kind in "iu" else mixed
    return out
