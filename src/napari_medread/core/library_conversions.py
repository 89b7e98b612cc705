"""Conversions between volumes and the images of other libraries: SimpleITK and nibabel.

What is converted is the position of every voxel, so the physical point of a voxel is the same on
both sides. See ``Geometry`` for the order of axes, unit and frame. The libraries are imported when
a function needs them; nibabel need not be installed.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.geometry import Geometry
from napari_medread.core.volume import Axis, Volume, is_colour
from napari_medread.core.voxel_blocks import CHANNEL_LABEL, find_channel_axis
from napari_medread.errors import CannotConvert

MAX_SIMPLEITK_DIMENSIONS = 5
"""Number of dimensions of an image that SimpleITK's packages are built for."""

_FRAME_LABEL = "frame"
"""Label of an axis of which the image does not say what it is."""

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""Matrix between the two frames, in either direction."""

_COLOUR_FIELDS = "RGBA"
"""Names of the fields of NIfTI's RGB and RGBA types."""

_NIFTI_UNITS = {"s": "sec", "ms": "msec", "Hz": "hz", "ppm": "ppm", "rad/s": "rads"}
"""Unit of a leading axis to nibabel's name of that unit."""

_AXES_BY_NIFTI_UNIT = {
    "sec": ("time", "s", 1.0),
    "msec": ("time", "s", 1e-3),
    "usec": ("time", "s", 1e-6),
    "hz": ("frequency", "Hz", 1.0),
    "ppm": ("chemical shift", "ppm", 1.0),
    "rads": ("frequency", "rad/s", 1.0),
}
"""nibabel's name of a unit to the label and unit of a leading axis, and a factor for its step."""


def volume_from_simpleitk(
    image: Any, *, name: str, leading: Sequence[Axis] | None, labels: bool
) -> Volume:
    """Return a volume of a SimpleITK image: see ``Volume.from_simpleitk``."""
    import SimpleITK as sitk

    pixel_type = image.GetPixelIDTypeAsString()
    if pixel_type.startswith("label"):  # asking for its array ends the process
        raise CannotConvert(
            f"{name}: a label map has no array. Convert it with SimpleITK.LabelMapToLabel first."
        )
    if pixel_type.startswith("complex"):
        raise CannotConvert(
            f"{name}: its values are complex numbers. Convert them with "
            "SimpleITK.ComplexToModulus or SimpleITK.ComplexToReal first."
        )
    ndim = image.GetDimension()
    if leading is None:
        leading = (Axis(_FRAME_LABEL),) if ndim == 4 else ()
    grid_ndim = ndim - len(leading)
    if grid_ndim not in (2, 3):
        raise CannotConvert(
            f"{name}: the image has {ndim} dimensions. Say in leading what those after the two or "
            "three of space are."
        )
    direction = np.reshape(image.GetDirection(), (ndim, ndim))
    if direction[grid_ndim:, :grid_ndim].any() or direction[:grid_ndim, grid_ndim:].any():
        raise CannotConvert(f"{name}: a dimension that is not of space is not at right angles.")
    data = sitk.GetArrayFromImage(image)
    rgb = False
    if data.ndim > ndim:
        rgb = is_colour(data.dtype, data.shape[-1]) and not labels
        if not rgb:
            data, leading = np.moveaxis(data, -1, 0), (Axis(CHANNEL_LABEL), *leading)
    geometry = Geometry.from_itk(
        image.GetSize()[:grid_ndim],
        image.GetSpacing()[:grid_ndim],
        image.GetOrigin()[:grid_ndim],
        direction[:grid_ndim, :grid_ndim].ravel().tolist(),
    )
    return _make_volume(data, geometry, leading, name=name, rgb=rgb, labels=labels)


def volume_to_simpleitk(volume: Volume) -> Any:
    """Return a volume as a SimpleITK image: see ``Volume.to_simpleitk``."""
    import SimpleITK as sitk

    if volume.geometry is not None and volume.geometry.is_sheared:
        raise CannotConvert(
            f"{volume.name}: its axes are not at right angles (a tilted gantry), which SimpleITK "
            "images cannot hold. Straighten it first: napari_medread.resample(volume, "
            "straighten=True)."
        )
    data = _to_array(volume)
    channel_axis = find_channel_axis(volume)
    if channel_axis is not None:
        data = np.moveaxis(data, channel_axis, -1)
    has_components = volume.rgb or channel_axis is not None
    ndim = data.ndim - has_components
    if ndim > MAX_SIMPLEITK_DIMENSIONS:
        raise CannotConvert(
            f"{volume.name}: it has {ndim} axes ({', '.join(volume.axis_labels)}), and SimpleITK "
            f"images have at most {MAX_SIMPLEITK_DIMENSIONS}. Convert parts of it."
        )
    image = sitk.GetImageFromArray(np.ascontiguousarray(data), isVector=has_components)
    geometry = volume.geometry or _make_pixel_geometry(volume)
    steps = [axis.step for axis in _other_axes(volume)][::-1]
    direction = np.eye(ndim)
    direction[: geometry.ndim, : geometry.ndim] = np.reshape(
        geometry.itk.direction, (geometry.ndim, geometry.ndim)
    )
    image.SetSpacing([*geometry.itk.spacing, *steps])
    image.SetOrigin([*geometry.itk.origin, *(0.0 for _ in steps)])
    image.SetDirection(direction.ravel().tolist())
    return image


def volume_from_nibabel(image: Any, *, name: str, labels: bool | None) -> Volume:
    """Return a volume of a nibabel image: see ``Volume.from_nibabel``."""
    header = image.header
    data, rgb = _view_colours(np.asanyarray(image.dataobj))
    ndim = data.ndim - rgb
    if ndim not in (2, 3, 4, 5) or (ndim == 5 and rgb):
        raise CannotConvert(
            f"{name}: the image has {ndim} dimensions, and two to five can be converted."
        )
    # To array order: the last dimension first, but colours last.
    data = data.transpose([*range(ndim)[::-1], *range(ndim, data.ndim)])
    leading: list[Axis] = []
    if ndim == 5:
        if is_colour(data.dtype, data.shape[0]):
            data, rgb = np.moveaxis(data, 0, -1), True
        else:
            leading.append(Axis(CHANNEL_LABEL))
    if ndim >= 4:
        leading.append(_make_fourth_axis(header))
        if data.shape[len(leading) - 1] == 1:
            data = data.squeeze(len(leading) - 1)
            leading.pop()
    if labels is None:
        labels = not rgb and hasattr(header, "get_intent") and header.get_intent()[0] == "label"
    has_position = not hasattr(header, "get_sform") or bool(
        header["sform_code"] or header["qform_code"]
    )
    grid_shape = data.shape[len(leading) : data.ndim - rgb]
    notes: list[str] = []
    geometry: Geometry | None
    if ndim > 2:
        if not has_position:
            raise CannotConvert(
                f"{name}: neither its qform nor its sform says where it lies. Set one first, as in "
                "image.set_sform(affine, code=1)."
            )
        lps = _LPS_TO_RAS @ image.affine
        geometry = Geometry(grid_shape, lps[:, [2, 1, 0, 3]])
    else:
        geometry = _make_plane(image, grid_shape, has_position=has_position, notes=notes)
    return _make_volume(data, geometry, leading, name=name, rgb=rgb, labels=labels, notes=notes)


def volume_to_nibabel(volume: Volume) -> Any:
    """Return a volume as a nibabel image: see ``Volume.to_nibabel``."""
    nibabel = _import_nibabel(volume.name)
    channel_axis = find_channel_axis(volume)
    other_axes = _other_axes(volume)
    grid_ndim = volume.ndim - len(volume.leading)
    if len(other_axes) > 1:
        raise CannotConvert(
            f"{volume.name}: NIfTI images have one axis besides those of space, and this volume "
            f"has {len(other_axes)} ({', '.join(axis.label for axis in other_axes)}). Convert "
            "parts of it."
        )
    if grid_ndim == 2 and volume.leading:
        raise CannotConvert(
            f"{volume.name}: it has no position in patient space, and nibabel would take its axes "
            f"({', '.join(volume.axis_labels)}) for some. Write it with napari_medread.write and "
            "load the file."
        )
    data = _to_array(volume)
    has_components = channel_axis is not None
    if channel_axis is not None:
        data = np.moveaxis(data, channel_axis, 0)
    elif volume.rgb and data.dtype == np.uint8:
        fields = [(field, "u1") for field in _COLOUR_FIELDS[: data.shape[-1]]]
        data = np.ascontiguousarray(data).view(fields)[..., 0]
    elif volume.rgb and grid_ndim == 3:
        data, has_components = np.moveaxis(data, -1, 0), True
    elif volume.rgb:
        raise CannotConvert(
            f"{volume.name}: NIfTI images of two dimensions hold colours of 8 bits, not of 16. "
            "Convert the values first."
        )
    if has_components and not other_axes:
        data = data[:, np.newaxis]  # components are the fifth dimension
    return _make_nifti(nibabel, volume, data.T, other_axes, has_components=has_components)


def _make_nifti(
    nibabel: ModuleType,
    volume: Volume,
    data: NDArray[Any],
    other_axes: Sequence[Axis],
    *,
    has_components: bool,
) -> Any:
    """Return a ``Nifti1Image`` of data in the order x, y[, z, time, components]."""
    geometry = volume.geometry
    affine = None
    if geometry is not None:
        n = geometry.ndim
        lps = np.eye(4)
        kept = [*range(n), 3]
        lps[np.ix_(kept, kept)] = geometry.affine[:, [*range(n)[::-1], n]]
        affine = _LPS_TO_RAS @ lps
    header = nibabel.Nifti1Header()
    header.set_data_dtype(data.dtype)
    header.set_data_shape(data.shape)
    spacing = volume.pixel_size if geometry is None else geometry.components.spacing
    step = other_axes[0].step if other_axes else 1.0
    header.set_zooms([*spacing[::-1], step, 1.0][: data.ndim])
    unit = _NIFTI_UNITS.get(other_axes[0].unit) if other_axes else "sec"
    header.set_xyzt_units(None if geometry is None else "mm", unit)
    if has_components:
        header.set_intent("vector")
    elif volume.labels:
        header.set_intent("label")
    image = nibabel.Nifti1Image(data, affine, header)
    if affine is not None:
        code = "scanner" if volume.geometry is not None and volume.geometry.ndim == 3 else "aligned"
        image.set_sform(affine, code)
        image.set_qform(affine, code)
    return image


def _make_volume(
    data: NDArray[Any],
    geometry: Geometry | None,
    leading: Sequence[Axis],
    *,
    name: str,
    rgb: bool,
    labels: bool,
    notes: Sequence[str] = (),
) -> Volume:
    """Return a volume of an array in native byte order, with its grid axes in world order."""
    data = data.astype(data.dtype.newbyteorder("="), copy=False)
    return Volume.from_array(
        data, geometry=geometry, name=name, leading=leading, rgb=rgb, labels=labels, notes=notes
    )


def _to_array(volume: Volume) -> NDArray[Any]:
    """Return the voxels in memory, in a type that other libraries have.

    Raises
    ------
    CannotConvert
        If there are none, they have no such type, or colours also have channels.
    """
    if 0 in volume.data.shape:
        raise CannotConvert(f"{volume.name}: it is empty, there is nothing to convert.")
    if volume.rgb and find_channel_axis(volume) is not None:
        raise CannotConvert(f"{volume.name}: a colour image with channels cannot be converted.")
    dtype = np.dtype(volume.data.dtype)
    if dtype.kind == "b":
        dtype = np.dtype(np.uint8)
    elif dtype == np.float16:
        dtype = np.dtype(np.float32)
    elif dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise CannotConvert(
            f"{volume.name}: other libraries hold no values of the type {dtype}. Convert them to "
            "whole numbers or floating point first."
        )
    return np.asarray(volume.data).astype(dtype.newbyteorder("="), copy=False)


def _other_axes(volume: Volume) -> list[Axis]:
    """Return the leading axes without the one of channels, in array order."""
    return [axis for axis in volume.leading if axis.label != CHANNEL_LABEL]


def _make_pixel_geometry(volume: Volume) -> Geometry:
    """Return the grid of an image without spacing, whose unit is pixels."""
    shape = volume.shape[-2:]
    return Geometry.from_components(
        shape, spacing=volume.pixel_size, origin=(0, 0), direction=[[0, 1], [1, 0]]
    )


def _view_colours(data: NDArray[Any]) -> tuple[NDArray[Any], bool]:
    """Return an array of NIfTI's RGB or RGBA type with a last axis for the colours."""
    if data.dtype.names is None:
        return data, False
    return np.stack([data[field] for field in data.dtype.names], axis=-1), True


def _make_fourth_axis(header: Any) -> Axis:
    """Return what the fourth dimension of a nibabel image is, by its unit."""
    unit = header.get_xyzt_units()[1] if hasattr(header, "get_xyzt_units") else "unknown"
    zooms = header.get_zooms()
    step = abs(float(zooms[3])) if len(zooms) > 3 else 0.0
    if unit not in _AXES_BY_NIFTI_UNIT or not np.isfinite(step) or step == 0:
        return Axis(_FRAME_LABEL)
    label, our_unit, factor = _AXES_BY_NIFTI_UNIT[unit]
    return Axis(label, our_unit, step * factor)


def _make_plane(
    image: Any, shape: Sequence[int], *, has_position: bool, notes: list[str]
) -> Geometry | None:
    """Return the geometry of an image of two dimensions, which has no patient position.

    A position that leans out of the plane is not used, and noted.
    """
    header = image.header
    zooms = [float(zoom) for zoom in header.get_zooms()[:2]]
    if has_position:
        lps = _LPS_TO_RAS @ image.affine
        if np.allclose(lps[2, :2], 0, atol=1e-3 * min(zooms)):
            return Geometry(shape, lps[np.ix_([0, 1, 3], [1, 0, 3])])
        notes.append("The image has two dimensions: its position in patient space was not used.")
    elif zooms == [1.0, 1.0] and header.get_xyzt_units()[0] == "unknown":
        return None
    return Geometry.from_components(
        shape, spacing=zooms[::-1], origin=(0, 0), direction=[[0, 1], [1, 0]]
    )


def _import_nibabel(name: str) -> ModuleType:
    try:
        import nibabel
    except ImportError as error:
        raise CannotConvert(
            f"{name}: the package nibabel is not installed. Install it with pip install nibabel."
        ) from error
    return nibabel
