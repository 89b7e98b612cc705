"""All elements of a DICOM file's header as text, for display."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import dcmread
from pydicom.datadict import dictionary_description, keyword_for_tag, private_dictionary_description
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag
from pydicom.uid import UID

from napari_medread.core.tag_elements import Tag, Tags
from napari_medread.dicom.headers import attributes
from napari_medread.dicom.headers.file_discovery import (
    check_openable,
    is_dicom,
    make_missing_file_error,
    make_open_error,
)
from napari_medread.dicom.headers.tolerant_parsing import tolerant_pydicom
from napari_medread.errors import UnreadableFile

_PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE = 0x52009230
_PIXEL_REPRESENTATION = BaseTag(0x00280103)

_MAX_SHOWN_BYTES = 16
"""Number of bytes of a binary value that are shown."""

_MAX_SHOWN_CHARACTERS = 64
"""Number of characters of a binary value that are shown if it is text."""


class FullHeader:
    """All elements of one file's header, read once.

    Pixels, and elements that follow them such as padding and signatures, are not read.

    Parameters
    ----------
    path : Path
        A DICOM file.
    only_tag : str
        The only element to read, as ``(gggg,eeee)``, which is faster. Empty: all of them.

    Raises
    ------
    UnreadableFile
        If the file no longer exists, cannot be opened, is not DICOM, or is broken.
    """

    def __init__(self, path: Path, only_tag: str = "") -> None:
        self.path = path
        if not path.is_file():
            raise make_missing_file_error(path)
        check_openable(path)
        if not is_dicom(path):
            raise UnreadableFile(f"{path.name}: this is not a DICOM file.")
        wanted: list[BaseTag] | None = None
        if only_tag:
            tag = BaseTag(int(only_tag.strip("()").replace(",", ""), 16))
            # PixelRepresentation decides whether "US or SS" is US or SS (PS3.3 C.7.6.3).
            wanted = [tag, _PIXEL_REPRESENTATION]
            if tag.is_private:  # the private creator decides what the element means
                wanted.append(BaseTag(tag.group << 16 | tag.element >> 8))
        try:
            with tolerant_pydicom:
                self._dataset = dcmread(
                    path, stop_before_pixels=True, force=True, specific_tags=wanted
                )
        except OSError as error:
            raise make_open_error(path, error) from error
        # pydicom raises many types of error for broken files. Their messages can contain
        # patient data, so they are not shown.
        except Exception as error:
            raise _make_broken_header_error(path) from error

    @property
    def number_of_frames(self) -> int:
        """NumberOfFrames, at least 1; 1 where absent."""
        return max(attributes.get_integer(self._dataset, "NumberOfFrames", 1), 1)

    def read_tags(self, frame: int | None = None) -> Tags:
        """Return the elements, file meta information first, in the order of their tags.

        Parameters
        ----------
        frame : int or None
            The frame, from 0, whose per-frame functional groups are returned (PS3.3 C.7.6.16);
            None: those of all frames.

        Raises
        ------
        UnreadableFile
            If sequences are nested too deeply, or the header is broken.
        """
        with tolerant_pydicom:
            meta = getattr(self._dataset, "file_meta", None)
            meta_tags = [] if meta is None else list(_iterate_tags(meta, None))
            try:
                return Tags([*meta_tags, *_iterate_tags(self._dataset, frame)])
            except RecursionError as error:
                raise UnreadableFile(
                    f"{self.path.name}: its sequences are nested too deeply."
                ) from error
            # As above: pydicom converts values only when they are asked for.
            except Exception as error:
                raise _make_broken_header_error(self.path) from error


def _make_broken_header_error(path: Path) -> UnreadableFile:
    return UnreadableFile(
        f"{path.name}: its header is broken. Copy the file again from its original location."
    )


def _iterate_tags(dataset: Dataset, frame: int | None) -> Iterator[Tag]:
    """Yield every element of a dataset as text, in the order of the tags."""
    for tag in sorted(dataset.keys()):
        yield _make_tag(dataset, BaseTag(tag), frame)


def _make_tag(dataset: Dataset, tag: BaseTag, frame: int | None) -> Tag:
    """Return one element as text; a sequence has its items as children."""
    tag_text = f"({tag.group:04X},{tag.element:04X})"
    creator = _find_private_creator(dataset, tag)
    name, keyword = _find_name(tag, creator), keyword_for_tag(tag)
    try:
        element = dataset[tag]
        value, vr = element.value, str(element.VR)
        meaning = ""
        if isinstance(value, Sequence):
            text, children = _make_items(
                value, frame if tag == _PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE else None
            )
        else:
            text, children = _format_value(value, vr), ()
            # pydicom gives a UID without a name the UID itself as its name.
            meaning = value.name if isinstance(value, UID) and value.name != value else ""
    # As above: a value that does not fit its VR is shown as stored.
    except Exception:  # noqa: BLE001
        vr, stored = _describe_stored_value(dataset, tag)
        text, meaning, children = f"cannot be read as {vr}{stored}", "", ()
    return Tag(name, text, tag_text, vr, keyword, meaning, creator, children)


def _describe_stored_value(dataset: Dataset, tag: BaseTag) -> tuple[str, str]:
    """Return the VR of an element that cannot be converted, and its bytes as text."""
    try:
        raw: Any = dataset.get_item(tag)
    except Exception:  # noqa: BLE001  (its VR does not exist)
        return "UN", ""
    value = raw.value or b""
    return str(raw.VR or "UN"), f": {_format_bytes(value)}" if isinstance(value, bytes) else ""


def _make_items(sequence: Sequence, frame: int | None) -> tuple[str, tuple[Tag, ...]]:
    """Return a text for a sequence, and its items; with a frame only the item of that frame."""
    count = len(sequence)
    chosen = range(count) if frame is None else range(frame, min(frame + 1, count))
    items = tuple(
        Tag(f"Item {n + 1}", children=tuple(_iterate_tags(sequence[n], None))) for n in chosen
    )
    if frame is not None:
        text = f"item {frame + 1} of {count}, of this frame" if items else "none of this frame"
        return text, items
    return f"{count} {'item' if count == 1 else 'items'}", items


def _find_private_creator(dataset: Dataset, tag: BaseTag) -> str:
    """Return the private creator of an element (PS3.5 7.8.1); empty if it has none."""
    if not tag.is_private or tag.element < 0x1000:
        return ""
    try:
        return str(dataset[tag.group << 16 | tag.element >> 8].value or "").strip()
    # It is absent or malformed.
    except Exception:  # noqa: BLE001
        return ""


def _find_name(tag: BaseTag, creator: str) -> str:
    """Return the name of an element by pydicom's dictionaries."""
    if tag.is_private_creator:
        return "Private Creator"
    try:
        if tag.is_private:
            return str(private_dictionary_description(tag, creator))
        return str(dictionary_description(tag))
    except KeyError:
        if tag.element == 0:
            return "Group Length"
        return "Private element" if tag.is_private else "Unknown element"


def _format_value(value: Any, vr: str) -> str:
    """Return an element's value as text; several values are joined by backslashes."""
    if value is None:
        return ""
    if isinstance(value, bytes):
        return _format_bytes(value)
    if isinstance(value, MultiValue | list | tuple):
        return "\\".join(_format_value(part, vr) for part in value)
    if vr == "FL":
        return str(np.float32(value))  # as a double it would show digits that mean nothing
    return str(value)


def _format_bytes(value: bytes) -> str:
    """Return the length of a binary value and its first bytes, as text too if they are ASCII."""
    length = f"{len(value):,} {'byte' if len(value) == 1 else 'bytes'}"
    if not value:
        return length
    content = value.rstrip(b"\0 ")
    if content and all(32 <= byte < 127 for byte in content[:_MAX_SHOWN_CHARACTERS]):
        cut = "…" if len(content) > _MAX_SHOWN_CHARACTERS else ""
        text = f'"{content[:_MAX_SHOWN_CHARACTERS].decode()}{cut}"'
        # A few bytes that look like text may be a number, so they are shown as bytes too.
        return f"{length}: {value.hex(' ')} {text}" if len(value) <= 8 else f"{length}: {text}"
    cut = " …" if len(value) > _MAX_SHOWN_BYTES else ""
    return f"{length}: {value[:_MAX_SHOWN_BYTES].hex(' ')}{cut}"
