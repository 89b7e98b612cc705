"""The range of stored values that a frame can hold, and which of them are padding."""

from __future__ import annotations

from napari_medread.dicom.frames.frame import Frame
from napari_medread.dicom.headers import attributes


def find_stored_range(frame: Frame) -> tuple[int, int]:
    """Return the lowest and highest stored value that a frame's bits can hold."""
    allocated = max(1, frame.header.bits_allocated)
    bits = attributes.get_integer(frame.dataset, "BitsStored", allocated)
    bits = bits if 1 <= bits <= allocated else allocated
    if attributes.get_integer(frame.dataset, "PixelRepresentation", 0):
        return -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    return 0, (1 << bits) - 1


def find_padding_range(frame: Frame) -> tuple[int, int] | None:
    """Return the lowest and highest stored value that are padding (PS3.3 C.7.5.1.1.2), or None."""
    first = attributes.get_number(frame.dataset, "PixelPaddingValue")
    if first is None:
        return None
    last = attributes.get_number(frame.dataset, "PixelPaddingRangeLimit")
    limits = (first, first if last is None else last)
    low, high = sorted(_undo_unsigned_wrap(int(limit), frame) for limit in limits)
    return low, high


def _undo_unsigned_wrap(value: int, frame: Frame) -> int:
    """Return a negative padding value that was written as unsigned; other values as they are."""
    low, high = find_stored_range(frame)
    wrap = 1 << frame.header.bits_allocated
    return value - wrap if low < 0 and value > high and value - wrap >= -(wrap // 2) else value
