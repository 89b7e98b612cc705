"""MetaImage, ``.mhd`` and ``.mha``: SimpleITK is the judge of array and geometry.

The header is read here too: to keep its keys, to say what is wrong with it in a sentence,
and to map uncompressed data into memory instead of reading them.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk  # noqa: N813  (its own convention)
from numpy.typing import NDArray

from napari_medread.core import display
from napari_medread.core.geometry import Geometry
from napari_medread.core.volume import Axis, Volume, to_world_order
from napari_medread.errors import NotAVolume, UnreadableFile

_TYPES: dict[str, type[np.generic]] = {
    "MET_CHAR": np.int8,
    "MET_UCHAR": np.uint8,
    "MET_SHORT": np.int16,
    "MET_USHORT": np.uint16,
    "MET_INT": np.int32,
    "MET_UINT": np.uint32,
    "MET_LONG": np.int32,
    "MET_ULONG": np.uint32,
    "MET_LONG_LONG": np.int64,
    "MET_ULONG_LONG": np.uint64,
    "MET_FLOAT": np.float32,
    "MET_DOUBLE": np.float64,
}

_LONGEST_HEADER = 1 << 20
"""Bytes after which a file without ElementDataFile is no MetaImage."""

_REQUIRED = ("NDims", "DimSize", "ElementType", "ElementDataFile")
_NUMERIC = ("DimSize", "ElementSpacing", "ElementSize", "Offset", "Position", "Origin",
            "ImagePosition", "TransformMatrix", "Rotation", "Orientation")  # fmt: skip
_PATTERN = re.compile(r"%0?\d*d")


@dataclass(frozen=True)
class Header:
    """A MetaImage header.

    Attributes
    ----------
    path : Path
        The header's file.
    keys : mapping of str to str
        Every key with its value as written.
    data_offset : int
        Where LOCAL data start in the file.
    listed : tuple of str
        The file names after ``ElementDataFile = LIST``.
    """

    path: Path
    keys: Mapping[str, str]
    data_offset: int
    listed: tuple[str, ...] = ()

    def flag(self, *names: str) -> bool:
        """Tell whether the first of some keys that is there is true."""
        value = next((self.keys[n] for n in names if n in self.keys), "")
        return value[:1] in ("T", "t", "1")

    @property
    def size(self) -> tuple[int, ...]:
        """DimSize: voxels along x, y, z."""
        return tuple(int(float(n)) for n in self.keys["DimSize"].split())

    @property
    def channels(self) -> int:
        """ElementNumberOfChannels."""
        return int(self.keys.get("ElementNumberOfChannels", "1") or 1)

    @property
    def dtype(self) -> np.dtype[Any]:
        """ElementType in the byte order of the file."""
        name = self.keys["ElementType"].removesuffix("_ARRAY")
        big = self.flag("BinaryDataByteOrderMSB", "ElementByteOrderMSB")
        return np.dtype(_TYPES[name]).newbyteorder(">" if big else "<")

    @property
    def is_local(self) -> bool:
        """Whether the data follow the header in its own file."""
        return self.keys["ElementDataFile"].upper() == "LOCAL"

    @property
    def data_files(self) -> list[Path]:
        """The files of the data in order; the header's own for LOCAL data."""
        target = self.keys["ElementDataFile"]
        folder = self.path.parent
        if self.is_local:
            return [self.path]
        if self.listed:
            return [folder / name for name in self.listed]
        if "%" in target:
            pattern, first, last, step = _numbered(self.path, target)
            return [folder / (pattern % n) for n in range(first, last + 1, step)]
        return [folder / target]

    @property
    def is_plain(self) -> bool:
        """Whether the data are one block of uncompressed binary numbers."""
        return (
            self.flag("BinaryData")
            and not self.flag("CompressedData")
            and len(self.data_files) == 1
            and (not self.is_local or "HeaderSize" not in self.keys)
        )


def read(path: Path) -> list[Volume]:
    """Read a MetaImage.

    Returns
    -------
    list of Volume
        One. Two-dimensional images have no patient position, others have (as ITK reads
        them, in LPS).

    Raises
    ------
    UnreadableFile
        Where the header is wrong, or the data are missing or too short.
    """
    header = read_header(path)
    notes = _check(header)
    reader = sitk.ImageFileReader()
    reader.SetImageIO("MetaImageIO")
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
        data = _mapped(header) if _is_mappable(header) else None
        if data is None:
            data = sitk.GetArrayFromImage(reader.Execute())
    except RuntimeError as error:
        raise UnreadableFile(f"{path.name}: SimpleITK cannot read it ({_last(error)}).") from error
    return [_volume(header, reader, data, notes)]


def read_header(path: Path) -> Header:
    """Read the keys of a MetaImage header.

    Keys are case sensitive, divided from values by ``=`` or ``:``; blank lines and
    comments are passed over; ElementDataFile ends the header.

    Raises
    ------
    UnreadableFile
        Where it is none, or a required key is missing.
    """
    try:
        with path.open("rb") as file:
            start = file.read(_LONGEST_HEADER)
    except OSError as error:
        raise UnreadableFile(f"{path.name}: cannot be opened ({error.strerror}).") from error
    keys: dict[str, str] = {}
    at = 0
    while at < len(start) and "ElementDataFile" not in keys:
        end = start.find(b"\n", at)
        end = len(start) if end < 0 else end
        line = start[at:end].decode("latin-1").strip()
        at = end + 1
        key, mark, value = re.match(r"([^=:]*)([=:]?)(.*)", line, re.DOTALL).groups()  # type: ignore[union-attr]
        if mark and key.strip():
            keys[key.strip()] = value.strip()
    missing = [key for key in _REQUIRED if not keys.get(key)]
    if missing:
        raise UnreadableFile(
            f"{path.name}: this is no complete MetaImage header: {missing[0]} is missing."
        )
    listed: tuple[str, ...] = ()
    if keys["ElementDataFile"].split()[0].upper() == "LIST":
        lines = start[at:].decode("latin-1").splitlines()
        listed = tuple(line.strip() for line in lines if line.strip())
    return Header(path, keys, at, listed)


def _numbered(path: Path, target: str) -> tuple[str, int, int, int]:
    """Take ``slice%03d.raw 1 60 1`` apart."""
    parts = target.split()
    numbers = parts[1:]
    if (
        len(_PATTERN.findall(parts[0])) != 1
        or parts[0].count("%") != 1
        or not 2 <= len(numbers) <= 3
        or not all(re.fullmatch(r"-?\d+", n) for n in numbers)
        or int((*numbers, "1")[2]) < 1
    ):
        raise UnreadableFile(
            f"{path.name}: ElementDataFile must be a name with one %d and then first, last and "
            f"step, not '{target}'."
        )
    first, last, step = (int(n) for n in (*numbers, "1")[:3])
    return parts[0], first, last, step


def _check(header: Header) -> list[str]:
    """Refuse headers whose picture would be wrong; return notes on what is odd."""
    name, keys = header.path.name, header.keys
    for key in _NUMERIC:
        for number in keys.get(key, "").split():
            try:
                finite = math.isfinite(float(number))
            except ValueError:
                finite = False
            if not finite:
                raise UnreadableFile(f"{name}: {key} holds '{number}', which is not a number.")
    dimensions = keys["NDims"]
    if dimensions not in ("2", "3", "4") or len(header.size) != int(dimensions):
        raise UnreadableFile(
            f"{name}: NDims is {dimensions} and DimSize '{keys['DimSize']}': two to four "
            "dimensions with a size each can be opened."
        )
    if min(header.size) < 1 or header.channels < 1:
        raise UnreadableFile(f"{name}: DimSize and ElementNumberOfChannels must be 1 or more.")
    spacing = keys.get("ElementSpacing") or keys.get("ElementSize")
    if spacing and 0.0 in map(float, spacing.split()):
        raise UnreadableFile(f"{name}: the spacing is zero ('{spacing}').")
    if keys["ElementType"].removesuffix("_ARRAY") not in _TYPES:
        raise UnreadableFile(f"{name}: the ElementType {keys['ElementType']} is unknown.")
    return _check_files(header)


def _check_files(header: Header) -> list[str]:
    name = header.path.name
    files = header.data_files
    folder = header.path.parent.resolve()
    notes = []
    for file in files:
        if not file.is_file():
            raise UnreadableFile(f"{name}: its data file {file.name} is missing.")
    outside = [file for file in files if not file.resolve().is_relative_to(folder)]
    if outside:
        notes.append(f"The data were read from outside the header's folder: {outside[0].name}.")
    if header.flag("CompressedData") or not header.flag("BinaryData"):
        return notes
    promised = math.prod(header.size) * header.channels * header.dtype.itemsize
    if len(files) > 1:
        promised //= max(1, header.size[-1] if len(header.size) > 2 else 1)
    skipped = header.data_offset if header.is_local else _header_size(header)
    for file in files:
        there = max(0, file.stat().st_size - max(skipped, 0))
        if there < promised:
            raise UnreadableFile(
                f"{name}: {file.name} holds {there} bytes where the header promises {promised}."
            )
    return notes


def _header_size(header: Header) -> int:
    """Return HeaderSize: bytes to skip, or -1 where the data are the last bytes."""
    return int(header.keys.get("HeaderSize", "0") or 0)


def _is_mappable(header: Header) -> bool:
    """Whether numpy can use the data as they lie on the disk: napari needs native order."""
    native = header.dtype.newbyteorder("=") == header.dtype or sys.byteorder == "big"
    return header.is_plain and native


def _mapped(header: Header) -> NDArray[Any]:
    shape = (*header.size[::-1], *((header.channels,) if header.channels > 1 else ()))
    file = header.data_files[0]
    offset = header.data_offset if header.is_local else _header_size(header)
    if offset < 0:
        offset = file.stat().st_size - math.prod(shape) * header.dtype.itemsize
    # Copy on write: a person may paint on a layer, never into the file.
    return np.memmap(file, header.dtype, "c", offset, shape)


def _last(error: RuntimeError) -> str:
    """Return the last line of an ITK error, which is the one that says what is wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else "no reason given"


def _volume(
    header: Header, reader: sitk.ImageFileReader, data: NDArray[Any], notes: list[str]
) -> Volume:
    ndim = reader.GetDimension()
    grid = min(ndim, 3)
    direction = np.reshape(reader.GetDirection(), (ndim, ndim))
    if ndim == 4 and (direction[3, :3].any() or direction[:3, 3].any()):
        raise UnreadableFile(f"{header.path.name}: the fourth axis is not apart from space.")
    try:
        geometry = Geometry.from_itk(
            reader.GetSize()[:grid],
            reader.GetSpacing()[:grid],
            reader.GetOrigin()[:grid],
            direction[:grid, :grid].ravel().tolist(),
        )
    except NotAVolume as error:
        raise UnreadableFile(f"{header.path.name}: {error}") from error
    # The fourth spacing is not millimetres; what it is the header does not say.
    leading: tuple[Axis, ...] = (Axis("frame"),) if ndim == 4 else ()
    rgb = header.channels in (3, 4) and data.dtype in (np.uint8, np.uint16)
    if header.channels > 1 and not rgb:
        data = np.moveaxis(data, -1, 0)
        leading = (Axis("channel"), *leading)
    limits = None if rgb else display.percentile_limits(display.sample(data))
    data, geometry = to_world_order(data, geometry, len(leading), rgb=rgb)
    modality = header.keys.get("Modality", "").removeprefix("MET_MOD_")
    return Volume(
        data,
        header.path.stem,
        geometry,
        leading,
        rgb=rgb,
        contrast_limits=limits,
        source=(header.path,),
        notes=tuple(notes),
        modality="" if modality == "UNKNOWN" else modality,
        header=dict(header.keys),
    )
