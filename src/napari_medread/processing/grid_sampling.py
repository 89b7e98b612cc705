"""Sampling one frame at the voxels of another grid, by SimpleITK."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from napari_medread.core.affines import Float

Array = NDArray[Any]
ProgressPoll = Callable[[float], None]
"""Called with the share of the work that is done, from 0 to 1. An error it raises ends the work."""

_INTERPOLATORS = {
    "linear": sitk.sitkLinear,
    "nearest": sitk.sitkNearestNeighbor,
    # This one takes coefficients, which are computed once instead of for every slab.
    "b-spline": sitk.sitkBSplineResamplerOrder3,
}

NEAREST_SHIFT_VOXELS = 1e-6
"""Shift of the sampled positions with ``nearest``. Without it, rounding would choose now one and
now the other of two equally near voxels."""


class GridSampler:
    """A frame, prepared for sampling slab by slab.

    SimpleITK gets an image whose coordinates are array indices, and a transform from indices of
    the new grid to indices of the frame. So every geometry is exact, including sheared grids,
    which ITK's direction of an image is not meant for.

    Parameters
    ----------
    frame : (*grid,) array
        Bool, integers or floating point.
    index_map : (n + 1, n + 1) array
        Matrix from array indices of the new grid to those of the frame.
    interpolation : str
        ``linear``, ``nearest`` or ``b-spline``.
    padding : number
        The value outside the voxels of the frame. Between the centres of the outermost voxels and
        their edges, their values are continued.
    deviations : sequence of float
        Standard deviation along each axis, in voxels, of a Gaussian that smooths the frame first.
        The frame is not smoothed if all are 0 or there are none, or with ``nearest``.
    poll : callable
        Called now and then during the preparation, with the share that is done.
    """

    def __init__(
        self,
        frame: Array,
        index_map: Float,
        interpolation: str,
        padding: Any,
        deviations: Sequence[float] = (),
        poll: ProgressPoll = lambda _: None,
    ) -> None:
        n = frame.ndim
        frame = np.ascontiguousarray(frame)
        self._dtype = frame.dtype
        self._padding = padding
        # SimpleITK would convert 64-bit integers to floating point, and round them. So each is
        # split into two 32-bit integers.
        self._is_split = interpolation == "nearest" and _is_wide(frame.dtype)
        self._filter = sitk.ResampleImageFilter()
        self._filter.SetInterpolator(_INTERPOLATORS[interpolation])
        self._filter.SetDefaultPixelValue(0.0 if self._is_split else float(padding))
        transform = sitk.AffineTransform(n)
        # SimpleITK's points are in the order x, y[, z], the last index first.
        transform.SetMatrix(index_map[:n, :n][::-1, ::-1].ravel().tolist())
        shift = NEAREST_SHIFT_VOXELS if interpolation == "nearest" else 0.0
        transform.SetTranslation((index_map[:n, n][::-1] + shift).tolist())
        self._filter.SetTransform(transform)
        self._image = self._prepare(frame, interpolation, deviations, poll)

    def _prepare(
        self, frame: Array, interpolation: str, deviations: Sequence[float], poll: ProgressPoll
    ) -> sitk.Image:
        """Return the frame as an image, and set the output type of the filter."""
        native = self._dtype.newbyteorder("=")
        if interpolation == "nearest":
            if self._is_split:
                # Subtract the padding (modulo 2**64), so that it is 0 in both halves.
                shifted = frame.astype(np.uint64) - np.array(self._padding).astype(np.uint64)
                halves = shifted.view(np.uint32).reshape(*frame.shape, 2)
                return sitk.GetImageFromArray(halves, isVector=True)
            dtype = native
            if native.kind == "b":
                dtype = np.dtype(np.uint8)
            elif native.kind == "f":
                dtype = find_working_type(native)
            return sitk.GetImageFromArray(frame.astype(dtype, copy=False))
        # Integers are rounded in ``sample_slab``, as the filter would truncate.
        working = find_working_type(native)
        self._filter.SetOutputPixelType(
            sitk.sitkFloat32 if working == np.float32 else sitk.sitkFloat64
        )
        filters: list[Any] = []
        if any(deviations):
            gaussian = sitk.DiscreteGaussianImageFilter()
            gaussian.SetVariance([float(deviation) ** 2 for deviation in deviations[::-1]])
            gaussian.SetMaximumKernelWidth(2 * math.ceil(4 * max(deviations)) + 1)
            gaussian.SetMaximumError(0.001)
            filters.append(gaussian)
        if interpolation == "b-spline":
            filters.append(sitk.BSplineDecompositionImageFilter())  # cubic
        dtype = native if native.kind in "iu" and not filters and not _is_wide(native) else working
        image = sitk.GetImageFromArray(frame.astype(dtype, copy=False))
        for n, image_filter in enumerate(filters):
            image = _execute(image_filter, image, partial(_report_share, poll, n, len(filters)))
        return image

    def sample_slab(self, first: int, shape: tuple[int, ...]) -> Array:
        """Return the voxels of a slab of the new grid, in the data type of the frame.

        Parameters
        ----------
        first : int
            First index of the slab along the first axis.
        shape : tuple of int
            Number of voxels of the slab along each axis.
        """
        self._filter.SetSize(shape[::-1])
        self._filter.SetOutputOrigin([*[0.0] * (len(shape) - 1), float(first)])
        sampled = sitk.GetArrayFromImage(self._filter.Execute(self._image))
        if self._is_split:
            padding = np.array(self._padding).astype(np.uint64)
            values = sampled.view(np.uint64)[..., 0] + padding
            return np.asarray(values.view(self._dtype.newbyteorder("=")))
        return np.asarray(_convert_values(sampled, self._dtype))


def _report_share(poll: ProgressPoll, before: int, count: int, share: float) -> None:
    """Report the share of the whole work, from the share of one of several steps."""
    poll((before + share) / count)


def _execute(image_filter: Any, image: sitk.Image, poll: ProgressPoll) -> sitk.Image:
    """Return the output of a SimpleITK filter, aborting it if ``poll`` raises."""
    errors: list[BaseException] = []

    def report() -> None:
        try:
            if not errors:
                poll(image_filter.GetProgress())
        except BaseException as error:  # noqa: BLE001  (it must not pass through SimpleITK)
            errors.append(error)
            image_filter.Abort()

    image_filter.AddCommand(sitk.sitkProgressEvent, report)
    try:
        output: sitk.Image = image_filter.Execute(image)
    except RuntimeError:
        if not errors:
            raise
    if errors:
        raise errors[0]
    return output


def find_working_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the floating-point type in which values of a type are interpolated."""
    return np.promote_types(dtype, np.float32) if dtype.kind in "iuf" else np.dtype(np.float32)


def _convert_values(values: Array, dtype: np.dtype[Any]) -> Array:
    """Return values converted to a type: rounded if it is an integer type, and within its range."""
    if dtype.kind in "iu" and values.dtype.kind == "f":
        # The largest 64-bit integer becomes a larger number in floating point.
        low, high = (values.dtype.type(end) for end in _find_type_range(dtype))
        if int(high) > np.iinfo(dtype).max:
            high = np.nextafter(high, values.dtype.type(0))
        np.rint(values, out=values)
        np.clip(values, low, high, out=values)
    elif dtype == np.float16:
        is_finite = np.isfinite(values)
        np.clip(values, *_find_type_range(dtype), out=values, where=is_finite)
    return values.astype(dtype, copy=False)


def _find_type_range(dtype: np.dtype[Any]) -> tuple[Any, Any]:
    info: Any = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    return info.min, info.max


def _is_wide(dtype: np.dtype[Any]) -> bool:
    return dtype.kind in "iu" and dtype.itemsize == 8
