"""Which header, of which file and frame, belongs to the slice that a viewer shows of a layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from napari.layers import Image, Labels, Layer

from napari_medread.core.axis_positions import capitalise_label, format_axis_position
from napari_medread.core.geometry import Geometry
from napari_medread.core.slice_sources import SliceSources
from napari_medread.core.tag_elements import Tag, Tags
from napari_medread.errors import MedReadError, NotAVolume
from napari_medread.plugin.bridge.layer_metadata import get_record
from napari_medread.plugin.bridge.slice_numbers import number_indices
from napari_medread.plugin.bridge.volume_to_layer import get_finest_data

if TYPE_CHECKING:
    from napari_medread.dicom.headers.full_header import FullHeader


class NoHeader(MedReadError):
    """A layer, or a slice of it, has no header."""


class HeaderLocation(NamedTuple):
    """Where the header of a slice is stored.

    Attributes
    ----------
    path : Path
        The file.
    frame : int or None
        The index of the frame in that file; None for the whole file.
    slice_numbers : tuple of int
        The slice: its numbers along the leading axes and the slice axis, counted from 1 as the
        slider goes. Empty where the layer has one header.
    description : str
        Which slice it is and where its header is stored, as a sentence.
    """

    path: Path
    frame: int | None
    slice_numbers: tuple[int, ...]
    description: str

    def read(self, kept_keys: Tags | None = None) -> Tags:
        """Read the header.

        Parameters
        ----------
        kept_keys : Tags or None
            The header keys that the layer carries, returned where the file no longer exists.

        Raises
        ------
        UnreadableFile
            Where the file no longer exists, or has no header.
        """
        # These import what reads DICOM, for which opening a panel should not wait.
        from napari_medread.dicom.headers.file_discovery import make_missing_file_error
        from napari_medread.tag_reading import read_header_keys

        if not self.path.exists():
            if kept_keys:
                return kept_keys
            raise make_missing_file_error(self.path)
        keys = read_header_keys(self.path)
        if keys is not None:
            return keys
        return _read_cached_header(self.path, self.path.stat().st_mtime_ns).read_tags(self.frame)


@lru_cache(maxsize=1)
def _read_cached_header(path: Path, modified_ns: int) -> FullHeader:
    """Return the header of a file; the slices of a multi-frame file share it."""
    from napari_medread.dicom.headers.full_header import FullHeader

    del modified_ns
    return FullHeader(path)


def clear_header_cache() -> None:
    """Free the header that was read last."""
    _read_cached_header.cache_clear()


class LayerHeaders:
    """The headers of a layer's slices.

    Parameters
    ----------
    layer : Layer
        It is not kept alive.

    Attributes
    ----------
    kept_keys : Tags
        The header keys in the layer's metadata.

    Raises
    ------
    NoHeader
        Where no file is known for the layer: it was made in napari, or opened by another plugin.
    """

    def __init__(self, layer: Layer) -> None:
        metadata = layer.metadata
        self._name = str(layer.name)
        self._paths = tuple(metadata.get("source", ()))
        if not isinstance(layer, Image | Labels) or not self._paths:
            raise NoHeader(
                f"{self._name}: no file is known for this layer. Only images opened with "
                '"Medical images" have a header.'
            )
        self.kept_keys = Tags([Tag(str(k), str(v)) for k, v in metadata.get("header", {}).items()])
        self._shape = tuple(get_finest_data(layer).shape[: layer.ndim])
        self._axis_labels = tuple(str(label) for label in layer.axis_labels)
        self._numbers = [number_indices(layer, axis) for axis in range(layer.ndim)]
        self._grid: Geometry | None = None
        self._leading = len(self._shape) - 2
        recorded = get_record(metadata).slice_sources
        if recorded is not None and recorded.grid is not None:
            self._leading = len(self._shape) - 3
            self._grid = _get_file_grid(self._shape[max(self._leading, 0) :], metadata)
        is_usable = (
            recorded is not None
            and self._leading >= 0
            and (recorded.grid is None or self._grid is not None)
            and recorded.is_valid_for(len(self._paths), self._shape[: self._leading])
        )
        self._sources: SliceSources | None = recorded if is_usable else None
        self._is_derived = recorded is not None and not is_usable

    @property
    def has_slice_headers(self) -> bool:
        """Whether its slices have headers of their own."""
        return self._sources is not None and self._sources.file_indices.size > 1

    @property
    def numbered_axes(self) -> tuple[str, ...]:
        """What ``HeaderLocation.slice_numbers`` count."""
        leading = tuple(label.strip("-") or "frame" for label in self._axis_labels[: self._leading])
        return leading if self._grid is None else (*leading, "slice")

    @property
    def _slice_axes(self) -> list[int]:
        """The axes of the layer whose indices tell its slices apart."""
        axes = list(range(self._leading))
        return axes if self._grid is None else [*axes, self._leading + self._grid.slice_axis]

    def locate(self, index: Sequence[float], displayed: Sequence[int]) -> HeaderLocation:
        """Return the location of the header of the displayed slice.

        Parameters
        ----------
        index : sequence of float
            The point that the viewer shows, in voxels of the layer.
        displayed : sequence of int
            The axes of the layer that are on the screen.

        Raises
        ------
        NoHeader
            Where no file has an image of the slice.
        """
        sources = self._sources
        if sources is None:
            return self._locate_single()
        voxel = self._find_voxel(index, displayed)
        image = sources.find_nearest(voxel[: self._leading], voxel[self._leading :], self._grid)
        axes = self._slice_axes
        where = ", ".join(
            self._describe_index(axis, voxel[axis], is_slice=axis >= self._leading) for axis in axes
        )
        where = capitalise_label(where)
        if image is None:
            raise NoHeader(
                f"{where}: it was missing among the files and was filled, so it has no header."
            )
        path = Path(self._paths[image.file_index])
        description = f"{where}: {path.name}" if where else path.name
        if (sources.file_indices == image.file_index).sum() > 1:
            is_shared = sources.frame_indices[sources.file_indices == image.file_index].max() == 0
            description += (
                ", one image for all slices" if is_shared else f", frame {image.frame_index + 1}"
            )
        description += "."
        if image.distance:
            description += f" It is the nearest image, {image.distance:.2g} mm away."
        if any(axis in displayed and self._shape[axis] > 1 for axis in axes):
            description += (
                " The view crosses all slices: this is the one at the slider's last position."
            )
        numbers = tuple(self._numbers[axis][voxel[axis]] for axis in axes)
        return HeaderLocation(path, image.frame_index, numbers, description)

    def locate_all(self) -> list[HeaderLocation]:
        """Return the locations of all slices that have a header of their own, in order."""
        sources = self._sources
        if sources is None:
            return []
        centre = [(length - 1) / 2 for length in self._shape]
        lengths = [self._shape[axis] for axis in self._slice_axes]
        locations = []
        for index in np.ndindex(*lengths):
            voxel = centre.copy()
            voxel[: self._leading] = index[: self._leading]
            if self._grid is not None:
                voxel[self._leading + self._grid.slice_axis] = index[-1]
            image = sources.find_nearest(index[: self._leading], voxel[self._leading :], self._grid)
            # An interpolated slice has no header of its own.
            if image is not None and not image.distance:
                path = Path(self._paths[image.file_index])
                numbers = tuple(
                    self._numbers[axis][n] for axis, n in zip(self._slice_axes, index, strict=True)
                )
                locations.append(HeaderLocation(path, image.frame_index, numbers, ""))
        return locations

    def _find_voxel(self, index: Sequence[float], displayed: Sequence[int]) -> list[int]:
        """Return the voxel at a point, rounded as napari rounds it."""
        point = np.asarray(index, dtype=float)
        last = np.array(self._shape) - 1
        is_displayed = [axis in displayed for axis in range(len(point))]
        # Along an axis on the screen the point may be anywhere.
        rounded = np.round(np.where(is_displayed, np.clip(point, 0, last), point))
        if (rounded < 0).any() or (rounded > last).any():
            raise NoHeader(f"{self._name}: the displayed point lies outside this layer.")
        return [int(n) for n in rounded]

    def _locate_single(self) -> HeaderLocation:
        """Return the header of a layer for whose slices no files are known."""
        first, count = Path(self._paths[0]), len(self._paths)
        if not first.exists() and self.kept_keys:
            description = f"{first.name} no longer exists: the header keys kept in the layer."
        elif count > 1:
            raise NoHeader(
                f"{self._name}: it is not known which of its {count} files this slice is from."
            )
        elif self._is_derived:
            description = (
                "This layer was made from other layers. "
                f"This is the header of {first.name}, their first file."
            )
        else:
            description = f"The header of {first.name}, for the whole layer."
        return HeaderLocation(first, None, (), description)

    def _describe_index(self, axis: int, index: int, *, is_slice: bool) -> str:
        label = "slice" if is_slice else self._axis_labels[axis].strip("-") or "frame"
        return format_axis_position(label, self._numbers[axis][index], self._shape[axis])


def _get_file_grid(shape: tuple[int, ...], metadata: Mapping[str, Any]) -> Geometry | None:
    """Return where a layer's voxels lie in its files, wherever the layer was moved in napari."""
    try:
        return Geometry(shape, metadata["patient_affine"], get_record(metadata).slice_axis or 0)
    except (KeyError, TypeError, ValueError, NotAVolume):
        return None
