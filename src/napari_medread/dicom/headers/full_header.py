"""All elements of a DICOM file's header, for a person to read."""

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
from napari_medread.dicom.headers.file_discovery import check_openable, is_dicom, make_open_error
from napari_medread.dicom.headers.tolerant_parsing import tolerant_pydicom
from napari_medread.errors import UnreadableFile

_PER_FRAME = 0x52009230
"""PerFrameFunctionalGroupsSequence."""

_PIXEL_REPRESENTATION = BaseTag(0x00280103)

_SHOWN_BYTES = 16
"""So many bytes of binary data are shown."""

_SHOWN_TEXT = 64
"""So many letters of binary data that are text are shown."""


class FullHeader:
    """The header of one file, read once; pixels are never read.

    What follows the pixels in the file, such as padding and signatures, is left out.

    Parameters
    ----------
    path : Path
        A DICOM file.
    only : str
        A tag as ``(gggg,eeee)``: nothing else is read, which is quicker. Empty: everything.

    Raises
    ------
    UnreadableFile
        Where it is gone, or none.
    """

    def __init__(self, path: Path, only: str = "") -> None:
        self.path = path
        if not path.is_file():
            raise make_missing_file_error(path)
        check_openable(path)
        if not is_dicom(path):
            raise UnreadableFile(f"{path.name}: this is no DICOM file.")
        wanted: list[BaseTag] | None = None
        if only:
            tag = BaseTag(int(only.strip("()").replace(",", ""), 16))
            # What "US or SS" means is said by PixelRepresentation (PS3.3 C.7.6.3).
            wanted = [tag, _PIXEL_REPRESENTATION]
            if tag.is_private:  # whose it is says what it is
                wanted.append(BaseTag(tag.group << 16 | tag.element >> 8))
        try:
            with tolerant_pydicom:
                self._dataset = dcmread(
                    path, stop_before_pixels=True, force=True, specific_tags=wanted
                )
        except OSError as error:
            raise make_open_error(path, error) from error
        # pydicom raises many kinds for broken files, some with values of the patient in them.
        except Exception as error:
            raise _broken(path) from error

    @property
    def frames(self) -> int:
        """NumberOfFrames, 1 where it is not given."""
        return max(attributes.get_integer(self._dataset, "NumberOfFrames", 1), 1)

    def tags(self, frame: int | None = None) -> Tags:
        """Return its elements, by their tags.

        Parameters
        ----------
        frame : int or None
            Of the functional groups of single frames only those of this one, from 0 (PS3.3
            C.7.6.16); None: those of all.
        """
        with tolerant_pydicom:
            meta = getattr(self._dataset, "file_meta", None)
            found = [] if meta is None else list(_elements(meta, None))
            try:
                return Tags([*found, *_elements(self._dataset, frame)])
            except RecursionError as error:
                raise UnreadableFile(
                    f"{self.path.name}: its sequences are nested too deeply."
                ) from error
            # As above, of what is only read now.
            except Exception as error:
                raise _broken(self.path) from error


def make_missing_file_error(path: Path) -> UnreadableFile:
    """Return the error for a file that was there when its layer was opened."""
    return UnreadableFile(
        f"{path.name}: the file is no longer where it was. Open its folder again."
    )


def _broken(path: Path) -> UnreadableFile:
    return UnreadableFile(
        f"{path.name}: its header is broken. Fetch the file again from where it was made."
    )


def _elements(dataset: Dataset, frame: int | None) -> Iterator[Tag]:
    for tag in sorted(dataset.keys()):
        yield _element(dataset, BaseTag(tag), frame)


def _element(dataset: Dataset, tag: BaseTag, frame: int | None) -> Tag:
    shown = f"({tag.group:04X},{tag.element:04X})"
    creator = _creator(dataset, tag)
    name, keyword = _name(tag, creator), keyword_for_tag(tag)
    try:
        element = dataset[tag]
        value, vr = element.value, str(element.VR)
        meaning = ""
        if isinstance(value, Sequence):
            text, children = _items(value, frame if tag == _PER_FRAME else None)
        else:
            text, children = _text(value, vr), ()
            # The name of a UID that has none is itself.
            meaning = value.name if isinstance(value, UID) and value.name != value else ""
    # As above: a value that is none of its type is shown as it is.
    except Exception:  # noqa: BLE001
        vr, stored = _stored(dataset, tag)
        text, meaning, children = f"cannot be read as {vr}{stored}", "", ()
    return Tag(name, text, shown, vr, keyword, meaning, creator, children)


def _stored(dataset: Dataset, tag: BaseTag) -> tuple[str, str]:
    """Return the VR of an element that cannot be read, and what is stored."""
    try:
        raw: Any = dataset.get_item(tag)
    except Exception:  # noqa: BLE001  (its VR is none that there is)
        return "UN", ""
    value = raw.value or b""
    return str(raw.VR or "UN"), f": {_bytes(value)}" if isinstance(value, bytes) else ""


def _items(sequence: Sequence, frame: int | None) -> tuple[str, tuple[Tag, ...]]:
    """Return the items of a sequence, of a sequence of all frames that of one."""
    count = len(sequence)
    chosen = range(count) if frame is None else range(frame, min(frame + 1, count))
    items = tuple(
        Tag(f"Item {n + 1}", children=tuple(_elements(sequence[n], None))) for n in chosen
    )
    if frame is not None:
        what = f"item {frame + 1} of {count}, of this frame" if items else "none of this frame"
        return what, items
    return f"{count} {'item' if count == 1 else 'items'}", items


def _creator(dataset: Dataset, tag: BaseTag) -> str:
    """Return who has reserved the block of a private element (PS3.5 7.8.1)."""
    if not tag.is_private or tag.element < 0x1000:
        return ""
    try:
        return str(dataset[tag.group << 16 | tag.element >> 8].value or "").strip()
    # There is none, or it cannot be read.
    except Exception:  # noqa: BLE001
        return ""


def _name(tag: BaseTag, creator: str) -> str:
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


def _text(value: Any, vr: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        return _bytes(value)
    if isinstance(value, MultiValue | list | tuple):
        return "\\".join(_text(each, vr) for each in value)
    if vr == "FL":
        return str(np.float32(value))  # in double precision it would seem more exact than it is
    return str(value)


def _bytes(value: bytes) -> str:
    """Say how long binary data are, and how they start; what is text as text too."""
    length = f"{len(value):,} {'byte' if len(value) == 1 else 'bytes'}"
    if not value:
        return length
    plain = value.rstrip(b"\0 ")
    if plain and all(32 <= byte < 127 for byte in plain[:_SHOWN_TEXT]):
        cut = "…" if len(plain) > _SHOWN_TEXT else ""
        text = f'"{plain[:_SHOWN_TEXT].decode()}{cut}"'
        # Two or four bytes that seem to be text may be a number.
        return f"{length}: {value.hex(' ')} {text}" if len(value) <= 8 else f"{length}: {text}"
    cut = " …" if len(value) > _SHOWN_BYTES else ""
    return f"{length}: {value[:_SHOWN_BYTES].hex(' ')}{cut}"
