"""A volume: one regular grid of voxels with its geometry, which becomes one layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_medread.core.geometry import PATIENT_LABELS, PLANE_LABELS, Geometry
from napari_medread.core.segments import Segment
from napari_medread.core.series_names import SeriesReference
from napari_medread.core.slice_sources import SliceSources
from napari_medread.errors import NotAVolume

Window = tuple[float, float, str]
"""Center, width and explanation of a display window, in the volume's value unit."""


INVERTED_MODALITIES = ("PT",)
"""Modalities whose high values are drawn dark, as is usual for PET, whatever the file stores."""

SKIPPED = "Skipped "
"""Start of a note on a file that cannot be read; the name of the file follows."""

NO_PIXEL_SIZE = "The file gives no pixel size: shown in pixels."
"""Note on every image whose units stay pixels."""


@dataclass(frozen=True)
class Axis:
    """A leading axis, which is not one of the grid's: time, echo, b-value, page, channel.

    Attributes
    ----------
    label : str
        What changes along the axis.
    unit : str
        Unit of its steps; ``pixel`` where steps are only counted.
    step : float
        Size of one step in ``unit``, positive.
    values : tuple
        The value at each index, if the file gives one. A b-value is a tuple that may go on with
        the direction of its gradient.
    value_unit : str
        Unit of the values; empty if it is that of the steps, or if the values have none.
    """

    label: str
    unit: str = "pixel"
    step: float = 1.0
    values: tuple[Any, ...] = ()
    value_unit: str = ""

    @property
    def unit_of_values(self) -> str:
        """The unit of the values; empty where they have none, or only count."""
        return self.value_unit or ("" if self.unit == "pixel" else self.unit)


@dataclass(eq=False)
class Volume:
    """Voxels with their geometry, and all that a viewer needs to show them correctly.

    ``read`` makes volumes of files, ``from_array``, ``from_simpleitk`` and ``from_nibabel`` of
    what is in memory. See ``Geometry`` for the order of axes, unit and frame.

    Attributes
    ----------
    data : array
        Shape ``(*leading, *grid)``, with a last axis of 3 or 4 where ``rgb``. The grid's
        axes are in world order. Holds modality values: HU, Bq/ml, plain intensities.
    name : str
        Name to show. Never a patient's name.
    geometry : Geometry or None
        Three axes in patient space, or two axes with spacing alone; None if the file gives no
        spacing.
    leading : tuple of Axis
        The axes before those of the grid.
    pixel_size : tuple of float
        Height and width of a pixel in pixels, used if there is no geometry: some files only
        give the ratio of the two.
    rgb : bool
        Whether the last axis of ``data`` is colour.
    labels : bool
        Whether the values are label numbers, which must not be interpolated.
    contrast_limits : tuple of float or None
        The values shown as black and as white; None for colour.
    inverted : bool
        Whether high values are shown dark (MONOCHROME1). The values are not inverted.
    source : tuple of Path
        The files it was read from, in slice order.
    notes : tuple of str
        Sentences about every guess and repair.
    modality : str
        Modality (0008,0060), empty if unknown.
    value_unit : str
        Unit of the values: ``HU``, ``Bq/ml`` and so on, empty if unknown.
    windows : tuple of Window
        All display windows of the file.
    header : mapping
        Keys and values of the header, for MetaImage, NIfTI and NRRD.
    slice_sources : SliceSources or None
        Which frame of which file of ``source`` each slice was read from, if known.
    series : SeriesReference or None
        Which series of which patient and study it is from, without the patient's data; None if
        unknown.
    proposed_windows : tuple of Window
        Windows proposed for the values, see ``core.opening_window``. Where the contrast limits
        are not those of the file's first window, they are those of the first of these.
    segments : tuple of Segment
        What the values of a label image stand for, if known.
    """

    data: Any
    name: str
    geometry: Geometry | None = None
    leading: tuple[Axis, ...] = ()
    pixel_size: tuple[float, float] = (1.0, 1.0)
    rgb: bool = False
    labels: bool = False
    contrast_limits: tuple[float, float] | None = None
    inverted: bool = False
    source: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
    modality: str = ""
    value_unit: str = ""
    windows: tuple[Window, ...] = ()
    header: Mapping[str, str] = field(default_factory=dict)
    slice_sources: SliceSources | None = None
    series: SeriesReference | None = None
    proposed_windows: tuple[Window, ...] = ()
    segments: tuple[Segment, ...] = ()

    @classmethod
    def from_array(
        cls,
        array: Any,
        *,
        geometry: Geometry | None = None,
        spacing: float | Sequence[float] | None = None,
        origin: Sequence[float] | None = None,
        direction: ArrayLike | None = None,
        slice_axis: int = 0,
        name: str = "volume",
        leading: Sequence[Axis] = (),
        rgb: bool = False,
        labels: bool = False,
        contrast_limits: tuple[float, float] | None = None,
        modality: str = "",
        value_unit: str = "",
        notes: Sequence[str] = (),
    ) -> Volume:
        """Return a volume of an array, with its geometry in array order.

        Give either ``geometry`` or its parts. See ``Geometry`` for the order of axes, unit and
        frame.

        Parameters
        ----------
        array : array_like
            Shape ``(*leading, *grid)``, with a last axis of 3 or 4 if ``rgb``. The grid has three
            axes in patient space, such as (slice, row, column), or two, (row, column), for an
            image without a patient position. A numpy or dask array is not copied.
        geometry : Geometry or None
            The geometry of the grid, such as that of another volume on the same grid.
        spacing : float, sequence of float or None
            Step length along each grid axis in mm; one number for all axes. None, without a
            geometry, for an image of two axes whose pixel size is unknown.
        origin : sequence of float or None
            Position (x, y[, z]) of the first voxel in LPS mm. None: zeros.
        direction : (n, n) array_like or None
            Its columns are the unit directions of the grid axes in LPS. None: the axes run along
            z, y and x (y and x), as in ``SimpleITK.GetImageFromArray``.
        slice_axis : int
            The grid axis along which slices are stacked.
        name : str
            The name of the layer.
        leading : sequence of Axis
            What the axes before the grid are, such as ``Axis("time", "s", 2.5)``.
        rgb, labels : bool
            Whether the values are colours, or numbers of regions.
        contrast_limits : tuple of float or None
            Lowest and highest value of the grey scale. None: those of a window
            that is proposed for the values.
        modality, value_unit, notes
            As in ``Volume``.

        Returns
        -------
        Volume
            Its ``data`` is a view of the array whose grid axes are permuted so that each is as
            close as possible to its world axis (SI, AP, RL); its ``geometry`` describes that view.

        Raises
        ------
        NotAVolume
            If the number of axes does not match, or the geometry is no regular grid.
        """
        data = array if hasattr(array, "shape") and hasattr(array, "dtype") else np.asarray(array)
        _check_values(data, name, rgb=rgb)
        if data.dtype == bool:
            data = data.astype(np.uint8)
        grid_shape = tuple(data.shape)[len(leading) : data.ndim - rgb]
        if geometry is None and spacing is not None:
            geometry = _geometry_from_parts(grid_shape, spacing, origin, direction, slice_axis)
        elif not (spacing is origin is direction is None):
            raise NotAVolume(
                f"{name}: an origin or direction needs a spacing, and with a geometry none of them "
                "is given."
            )
        _check_grid(grid_shape, geometry, leading, name)
        if geometry is not None:
            data, geometry = to_world_order(data, geometry, len(leading), rgb=rgb)
        proposed: tuple[Window, ...] = ()
        if contrast_limits is None and not (rgb or labels):
            from napari_medread.core.opening_window import choose_array_window

            slice_axis = 0 if geometry is None else geometry.slice_axis
            contrast_limits, proposed, guesses = choose_array_window(
                data, slice_axis, modality=modality, unit=value_unit
            )
            notes = (*notes, *guesses)
        return cls(
            data,
            name,
            geometry,
            tuple(leading),
            rgb=rgb,
            labels=labels,
            contrast_limits=contrast_limits,
            modality=modality,
            value_unit=value_unit,
            notes=tuple(notes),
            proposed_windows=proposed,
        )

    @classmethod
    def from_simpleitk(
        cls,
        image: Any,
        *,
        name: str = "image",
        leading: Sequence[Axis] | None = None,
        labels: bool = False,
    ) -> Volume:
        """Return a volume of a SimpleITK image.

        See ``Geometry`` for the order of axes, unit and frame: each voxel has the same physical
        point as in the image.

        Parameters
        ----------
        image : SimpleITK.Image
            Of two dimensions (no patient position), three, or more. Vectors of three or four
            unsigned numbers of 8 or 16 bits are colour, other vectors a leading axis ``channel``.
            The voxels are copied.
        name : str
            The name of the layer.
        leading : sequence of Axis or None
            What the dimensions after those of space are, in array order: the last dimension
            first. None: of four dimensions the fourth is an axis ``frame``.
        labels : bool
            Whether the values are numbers of regions.

        Raises
        ------
        CannotConvert
            If a volume cannot hold the image.
        NotAVolume
            If its geometry is no regular grid.
        """
        from napari_medread.core.library_conversions import volume_from_simpleitk

        return volume_from_simpleitk(image, name=name, leading=leading, labels=labels)

    @classmethod
    def from_nibabel(cls, image: Any, *, name: str = "image", labels: bool | None = None) -> Volume:
        """Return a volume of a nibabel image.

        See ``Geometry`` for the order of axes, unit and frame: each voxel has the same position
        as in the image, in LPS instead of RAS.

        Parameters
        ----------
        image : nibabel.spatialimages.SpatialImage
            Of two dimensions (no patient position), three, or more: a fourth is a leading axis,
            ``time`` if its unit is one of time, and a fifth an axis ``channel``, or colour if it
            holds three or four unsigned numbers of 8 or 16 bits. Its scaling is applied.
        name : str
            The name of the layer.
        labels : bool or None
            Whether the values are numbers of regions. None: if the header's intent says so.

        Raises
        ------
        CannotConvert
            If a volume cannot hold the image, or the image has no position.
        NotAVolume
            If its geometry is no regular grid.
        """
        from napari_medread.core.library_conversions import volume_from_nibabel

        return volume_from_nibabel(image, name=name, labels=labels)

    def to_simpleitk(self) -> Any:
        """Return the volume as a SimpleITK image with the same physical points.

        Colour and an axis ``channel`` become vectors; other leading axes become dimensions after
        those of space, with their step as spacing. ``sitk.GetArrayFromImage`` of the image has
        the order of ``data``. A lazy volume is computed. SimpleITK has no images without
        spacing: those have one of ``pixel_size``.

        Returns
        -------
        SimpleITK.Image

        Raises
        ------
        CannotConvert
            If SimpleITK cannot hold the volume: its axes are not at right angles, there are more
            than five, or the values have no type there.
        """
        from napari_medread.core.library_conversions import volume_to_simpleitk

        return volume_to_simpleitk(self)

    def to_nibabel(self) -> Any:
        """Return the volume as a nibabel image with the same positions, in RAS.

        The axes are those of a NIfTI file: x, y, z, then time, then the channels. A lazy volume
        is computed. nibabel must be installed.

        Returns
        -------
        nibabel.Nifti1Image

        Raises
        ------
        CannotConvert
            If NIfTI cannot hold the volume, or nibabel is not installed.
        """
        from napari_medread.core.library_conversions import volume_to_nibabel

        return volume_to_nibabel(self)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the voxels, without the colour axis."""
        shape = tuple(self.data.shape)
        return shape[:-1] if self.rgb else shape

    @property
    def ndim(self) -> int:
        """Number of axes, without the colour axis."""
        return len(self.shape)

    @property
    def is_drawn_inverted(self) -> bool:
        """Whether high values are drawn dark: as stored (MONOCHROME1), or as is usual for PET."""
        return self.inverted or self.modality in INVERTED_MODALITIES

    @property
    def patient_affine(self) -> NDArray[np.float64] | None:
        """(4, 4) matrix from the last three array axes to LPS mm, or None without a position.

        See ``Geometry`` for the order of axes, unit and frame.
        """
        if self.geometry is None or self.geometry.ndim != 3:
            return None
        return np.array(self.geometry.affine)

    @property
    def slice_axis(self) -> int:
        """Which of the last three array axes the slices are stacked along; 0 if it is not known."""
        return 0 if self.geometry is None else self.geometry.slice_axis

    @property
    def axis_labels(self) -> tuple[str, ...]:
        """A label for every axis."""
        patient = self.geometry is not None and self.geometry.ndim == 3
        return (*(a.label for a in self.leading), *(PATIENT_LABELS if patient else PLANE_LABELS))

    @property
    def units(self) -> tuple[str, ...]:
        """A unit for every axis: mm along the grid where its spacing is known."""
        grid = self.ndim - len(self.leading)
        return (
            *(a.unit for a in self.leading),
            *(("pixel" if self.geometry is None else "mm",) * grid),
        )


def is_colour(dtype: np.dtype[Any], channels: int) -> bool:
    """Return whether channels are colour: three or four unsigned numbers of 8 or 16 bits."""
    return channels in (3, 4) and dtype in (np.uint8, np.uint16)


def _check_values(data: Any, name: str, *, rgb: bool) -> None:
    """Raise ``NotAVolume`` for values that are no numbers, or a colour axis of another length."""
    if data.dtype.kind not in "biuf":
        raise NotAVolume(
            f"{name}: its values have the type {data.dtype}. Convert them to whole numbers or "
            "floating point first."
        )
    if rgb and (data.ndim < 3 or data.shape[-1] not in (3, 4)):
        raise NotAVolume(f"{name}: the last axis of a colour image has a length of 3 or 4.")


def _geometry_from_parts(
    shape: Sequence[int],
    spacing: float | Sequence[float],
    origin: Sequence[float] | None,
    direction: ArrayLike | None,
    slice_axis: int,
) -> Geometry:
    n = len(shape)
    return Geometry.from_components(
        shape,
        spacing=[float(spacing)] * n if isinstance(spacing, int | float) else spacing,
        origin=[0.0] * n if origin is None else origin,
        direction=np.eye(n)[:, ::-1] if direction is None else direction,
        slice_axis=slice_axis,
    )


def _check_grid(
    shape: Sequence[int], geometry: Geometry | None, leading: Sequence[Axis], name: str
) -> None:
    """Raise ``NotAVolume`` if a geometry is not that of a shape, or lacks where one is needed."""
    if geometry is not None and geometry.shape != tuple(shape):
        raise NotAVolume(
            f"{name}: the geometry has the shape {geometry.shape}, and the array {tuple(shape)} "
            f"after {len(leading)} leading axes."
        )
    if geometry is None and len(shape) != 2:
        raise NotAVolume(
            f"{name}: the array has {len(shape)} axes after {len(leading)} leading axes. Give "
            "their spacing in mm, or name those before the last two in leading."
        )


def to_world_order(
    data: Any, geometry: Geometry, leading: int = 0, *, rgb: bool = False
) -> tuple[Any, Geometry]:
    """Return an array and its geometry with the grid axes permuted into world order.

    Each array axis then is the one closest to its world axis. Nothing is copied or interpolated.

    Parameters
    ----------
    data : array
        ``leading`` axes, then the grid's axes, then colour where ``rgb``.
    geometry : Geometry
        Geometry of the grid as it is in ``data``.
    leading : int
        Number of axes before the grid.
    rgb : bool
        Whether a colour axis comes last.

    Returns
    -------
    data : array
        A transposed view.
    geometry : Geometry
        Its geometry.
    """
    order: Sequence[int] = geometry.world_order
    if list(order) == sorted(order):
        return data, geometry
    axes = [*range(leading), *(leading + n for n in order)]
    if rgb:
        axes.append(data.ndim - 1)
    return data.transpose(axes), geometry.permute_axes(order)
