"""Which header belongs to what a viewer shows of a layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from napari.layers import Image, Labels, Layer

from napari_medread.core.geometry import Geometry
from napari_medread.core.progress import Progress, no_progress
from napari_medread.core.slice_sources import SliceSources
from napari_medread.core.tag_elements import ElementKey, Tag, Tags
from napari_medread.errors import MedReadError, NotAVolume
from napari_medread.plugin.bridge.layer_record import get_record
from napari_medread.plugin.bridge.volume_to_layer import get_finest_data

if TYPE_CHECKING:
    from napari_medread.dicom.headers.full_header import FullHeader


class NoHeader(MedReadError):
    """A layer, or a place in it, without a header."""


class HeaderLocation(NamedTuple):
    """A header to read.

    Attributes
    ----------
    path : Path
        The file.
    frame : int or None
        Which of its frames; None for the whole file.
    at : tuple of int
        Indices along the leading axes and the slice axis; empty where there is one header.
    said : str
        Which slice this is, in a sentence.
    """

    path: Path
    frame: int | None
    at: tuple[int, ...]
    said: str

    def read(self, kept: Tags | None = None) -> Tags:
        """Read it; ``kept`` are keys that the layer carries, should the file be gone.

        Raises
        ------
        UnreadableFile
            Where the file is gone, or has no header.
        """
        # With what reads DICOM, for which opening a panel should not wait.
        from napari_medread.dicom.headers.file_discovery import make_missing_file_error
        from napari_medread.tag_reading import read_header_keys

        if not self.path.exists():
            if kept:
                return kept
            raise make_missing_file_error(self.path)
        keys = read_header_keys(self.path)
        if keys is not None:
            return keys
        return _opened(self.path, self.path.stat().st_mtime_ns).read_tags(self.frame)


@lru_cache(maxsize=1)
def _opened(path: Path, changed: int) -> FullHeader:
    """Return the header of a file, which in one of many frames is the same for all of them."""
    from napari_medread.dicom.headers.full_header import FullHeader

    del changed
    return FullHeader(path)


def clear_header_cache() -> None:
    """Keep no header in memory any longer."""
    _opened.cache_clear()


class LayerHeaders:
    """The files of a layer, and which of them its slices are.

    Parameters
    ----------
    layer : Layer
        It is not kept.

    Raises
    ------
    NoHeader
        Where it has none: it was made here, or opened by another plugin.
    """

    def __init__(self, layer: Layer) -> None:
        metadata = layer.metadata
        self.name = str(layer.name)
        self._paths = tuple(metadata.get("source", ()))
        if not isinstance(layer, Image | Labels) or not self._paths:
            raise NoHeader(
                f"{self.name}: no file is known for this layer. Only images that were opened as "
                '"Medical images" have a header.'
            )
        self.kept = Tags([Tag(str(k), str(v)) for k, v in metadata.get("header", {}).items()])
        data = get_finest_data(layer)
        self._shape = tuple(data.shape[: layer.ndim])
        self._axes = tuple(str(label) for label in layer.axis_labels)
        self._frames: SliceSources | None = get_record(metadata).slice_sources
        self._changed = self._frames is not None
        self._grid: Geometry | None = None
        self._lead = len(self._shape) - 2
        if self._frames is not None and self._frames.grid is not None:
            self._lead = len(self._shape) - 3
            self._grid = _grid_of(self._shape[max(self._lead, 0) :], metadata)
        if self._frames is not None and (
            self._lead < 0
            or (self._frames.grid is not None and self._grid is None)
            or not self._frames.is_valid_for(len(self._paths), self._shape[: self._lead])
        ):
            self._frames = None
        self._changed = self._changed and self._frames is None

    @property
    def has_slices(self) -> bool:
        """Whether its slices have headers of their own."""
        return self._frames is not None and self._frames.file_indices.size > 1

    def place(self, index: Sequence[float], displayed: Sequence[int]) -> HeaderLocation:
        """Return the header of what is shown.

        Parameters
        ----------
        index : sequence of float
            The point that the viewer shows, in voxels of the layer.
        displayed : sequence of int
            The axes of the layer that are on the screen.

        Raises
        ------
        NoHeader
            Where no file has an image of it.
        """
        frames = self._frames
        if frames is None:
            return self._only()
        wanted = np.asarray(index, dtype=float)
        last = np.array(self._shape) - 1
        shown = [n in displayed for n in range(len(wanted))]
        # Along an axis on the screen the point may be anywhere.
        wanted = np.where(shown, np.clip(wanted, 0, last), wanted)
        rounded = np.round(wanted)  # as napari rounds it
        if (rounded < 0).any() or (rounded > last).any():
            raise NoHeader(f"{self.name}: the point shown lies outside of this layer.")
        whole = [int(n) for n in rounded]
        lead = whole[: self._lead]
        image = frames.find_nearest(lead, whole[self._lead :], self._grid)
        axes = list(range(self._lead))
        if self._grid is not None:
            axes.append(self._lead + self._grid.slice_axis)
        what = ", ".join(self._said(n, whole[n], is_slice=n >= self._lead) for n in axes)
        if image is None:
            raise NoHeader(
                f"{what}: it was missing among the files and was filled, so it has no header."
            )
        path = Path(self._paths[image.file_index])
        said = f"{what}: " if what else ""
        said += path.name
        if (frames.file_indices == image.file_index).sum() > 1:
            alike = frames.frame_indices[frames.file_indices == image.file_index].max() == 0
            said += ", one image for all slices" if alike else f", frame {image.frame_index + 1}"
        said += "."
        if image.distance:
            said += f" It is the nearest image, {image.distance:.2g} mm away."
        crossed = [self._axes[n] for n in axes if n in displayed and self._shape[n] > 1]
        if crossed:
            said += " The view crosses all slices: this is the one at the slider's last position."
        return HeaderLocation(path, image.frame_index, tuple(whole[n] for n in axes), said)

    def places(self) -> list[HeaderLocation]:
        """Return the header of every slice that has one, in order."""
        frames = self._frames
        if frames is None:
            return []
        centre = [(n - 1) / 2 for n in self._shape]
        lengths = [*self._shape[: self._lead]]
        if self._grid is not None:
            lengths.append(self._grid.shape[self._grid.slice_axis])
        found = []
        for each in np.ndindex(*lengths):
            at = centre.copy()
            at[: self._lead] = each[: self._lead]
            if self._grid is not None:
                at[self._lead + self._grid.slice_axis] = each[-1]
            image = frames.find_nearest(each[: self._lead], at[self._lead :], self._grid)
            # Of a slice that was interpolated no header is its own.
            if image is not None and not image.distance:
                found.append(
                    HeaderLocation(
                        Path(self._paths[image.file_index]), image.frame_index, tuple(each), ""
                    )
                )
        return found

    @property
    def axes(self) -> tuple[str, ...]:
        """What the numbers of ``Place.at`` count."""
        lead = tuple(name.strip("-") or "frame" for name in self._axes[: self._lead])
        return lead if self._grid is None else (*lead, "slice")

    def _only(self) -> HeaderLocation:
        """Return the header of a layer whose slices are not known one by one."""
        first, count = Path(self._paths[0]), len(self._paths)
        if not first.exists() and self.kept:
            return HeaderLocation(
                first, None, (), f"{first.name} is gone: the keys kept in the layer."
            )
        if count > 1:
            raise NoHeader(f"{self.name}: which of its {count} files is this slice cannot be told.")
        if self._changed:
            said = f"The layer was made of others: this is {first.name}, their first file."
            return HeaderLocation(first, None, (), said)
        return HeaderLocation(first, None, (), f"The header of {first.name}, for all of the layer.")

    def _said(self, axis: int, at: int, *, is_slice: bool) -> str:
        name = "Slice" if is_slice else self._axes[axis].strip("-").capitalize() or "Frame"
        return f"{name} {at} of 0 to {self._shape[axis] - 1}"


def _grid_of(shape: tuple[int, ...], metadata: Any) -> Geometry | None:
    """Return where a layer's voxels lie in its files: moving it in napari does not matter."""
    try:
        return Geometry(shape, metadata["patient_affine"], get_record(metadata).slice_axis or 0)
    except (KeyError, TypeError, ValueError, NotAVolume):
        return None


class ElementValues(NamedTuple):
    """One element over all slices.

    Attributes
    ----------
    name, tag : str
        Of the element.
    axes : tuple of str
        What the numbers of an index count.
    rows : list of (index, value)
        The value is None where a slice does not have the element.
    """

    name: str
    tag: str
    axes: tuple[str, ...]
    rows: list[tuple[tuple[int, ...], str | None]]

    @property
    def numbers(self) -> list[float] | None:
        """The values as numbers, NaN where there is none; None if any is not a single number."""
        found = []
        for _, value in self.rows:
            if value is None:
                found.append(math.nan)
                continue
            try:
                found.append(float(value))
            except ValueError:
                return None
        return found if any(map(math.isfinite, found)) else None


def read_element_values(
    source: LayerHeaders, key: ElementKey, tag: Tag, progress: Progress = no_progress
) -> ElementValues:
    """Read one element of the header of every slice.

    Parameters
    ----------
    source : Source
        The layer's files.
    key : tuple
        Where the element is.
    tag : Tag
        The element as it is in one of them.

    Raises
    ------
    UnreadableFile
        Where a file is gone.
    """
    from napari_medread.dicom.headers.full_header import FullHeader

    rows: list[tuple[tuple[int, ...], str | None]] = []
    header: FullHeader | None = None
    for place in progress(source.places(), "Reading headers"):
        if header is None or header.path != place.path:
            header = FullHeader(place.path, str(key[0]))
        found = header.read_tags(place.frame).at(key)
        rows.append((place.at, None if found is None else found.value))
    return ElementValues(tag.name, tag.tag, source.axes, rows)
