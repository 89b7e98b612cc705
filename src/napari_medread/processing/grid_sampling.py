"""One frame sampled at the voxels of another grid, by SimpleITK."""

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

_INTERPOLATORS = {
    "linear": sitk.sitkLinear,
    "nearest": sitk.sitkNearestNeighbor,
    # Of coefficients, which are computed once and not again for every slab.
    "b-spline": sitk.sitkBSplineResamplerOrder3,
}

_TIE = 1e-6
"""In voxels: how far places are moved so that rounding does not decide between equally near
voxels, here one and there the other."""


class GridSampler:
    """A frame, ready to be sampled slab by slab.

    The image that SimpleITK gets lies on a grid of plain indices, and the transform takes
    indices of the new grid to indices of the old. So every geometry is exact, sheared ones too,
    of which ITK's own properties of an image are not meant to speak.

    Parameters
    ----------
    frame : array
        (*grid,): bool, whole numbers or floating point.
    matrix : array
        (n + 1, n + 1): indices of the new grid to indices of the frame.
    interpolation : str
        ``linear``, ``nearest`` or ``b-spline``.
    padding : number
        The value outside the frame's voxels; between the centres of its outermost voxels
        and their edges, the outermost values go on.
    blur : sequence of float
        Standard deviation along each axis, in voxels, of a Gaussian that smooths the frame first.
        None where it is all 0; not for ``nearest``.
    poll : callable
        Called now and then while the frame is prepared, with the share that is done. What it
        raises ends the work.
    """

    def __init__(
        self,
        frame: Array,
        matrix: Float,
        interpolation: str,
        padding: Any,
        blur: Sequence[float] = (),
        poll: ProgressPoll = lambda _: None,
    ) -> None:
        n = frame.ndim
        frame = np.ascontiguousarray(frame)
        self._dtype = frame.dtype
        self._padding = padding
        # 64-bit numbers would pass through floating point, and be rounded.
        self._halved = interpolation == "nearest" and _is_wide(frame.dtype)
        self._filter = sitk.ResampleImageFilter()
        self._filter.SetInterpolator(_INTERPOLATORS[interpolation])
        self._filter.SetDefaultPixelValue(0.0 if self._halved else float(padding))
        transform = sitk.AffineTransform(n)
        # SimpleITK's points are in the order x, y[, z], the last index first.
        transform.SetMatrix(matrix[:n, :n][::-1, ::-1].ravel().tolist())
        shift = _TIE if interpolation == "nearest" else 0.0
        transform.SetTranslation((matrix[:n, n][::-1] + shift).tolist())
        self._filter.SetTransform(transform)
        self._image = self._prepared(frame, interpolation, blur, poll)

    def _prepared(
        self, frame: Array, interpolation: str, blur: Sequence[float], poll: ProgressPoll
    ) -> sitk.Image:
        """Return the frame as an image, and have the filter give the type that is needed."""
        native = self._dtype.newbyteorder("=")
        if interpolation == "nearest":
            if self._halved:
                # Counted from the padding, which then is 0 in both halves.
                raised = frame.astype(np.uint64) - np.array(self._padding).astype(np.uint64)
                halves = raised.view(np.uint32).reshape(*frame.shape, 2)
                return sitk.GetImageFromArray(halves, isVector=True)
            dtype = native
            if native.kind == "b":
                dtype = np.dtype(np.uint8)
            elif native.kind == "f":
                dtype = find_working_type(native)
            return sitk.GetImageFromArray(frame.astype(dtype, copy=False))
        # Whole numbers are rounded here: the filter would cut off what follows the point.
        working = find_working_type(native)
        self._filter.SetOutputPixelType(
            sitk.sitkFloat32 if working == np.float32 else sitk.sitkFloat64
        )
        steps: list[Any] = []
        if any(blur):
            gaussian = sitk.DiscreteGaussianImageFilter()
            gaussian.SetVariance([float(deviation) ** 2 for deviation in blur[::-1]])
            gaussian.SetMaximumKernelWidth(2 * math.ceil(4 * max(blur)) + 1)
            gaussian.SetMaximumError(0.001)
            steps.append(gaussian)
        if interpolation == "b-spline":
            steps.append(sitk.BSplineDecompositionImageFilter())  # cubic
        dtype = native if native.kind in "iu" and not steps and not _is_wide(native) else working
        image = sitk.GetImageFromArray(frame.astype(dtype, copy=False))
        for n, step in enumerate(steps):
            image = _executed(step, image, partial(_shared, poll, n, len(steps)))
        return image

    def slab(self, first: int, shape: tuple[int, ...]) -> Array:
        """Return the voxels of a slab of the new grid, in the type of the frame.

        Parameters
        ----------
        first : int
            Its first index along the first axis.
        shape : tuple of int
            Its voxels along each axis.
        """
        self._filter.SetSize(shape[::-1])
        self._filter.SetOutputOrigin([*[0.0] * (len(shape) - 1), float(first)])
        found = sitk.GetArrayFromImage(self._filter.Execute(self._image))
        if self._halved:
            raised = found.view(np.uint64)[..., 0] + np.array(self._padding).astype(np.uint64)
            return np.asarray(raised.view(self._dtype.newbyteorder("=")))
        return np.asarray(_fitted(found, self._dtype))


def _shared(poll: ProgressPoll, before: int, count: int, share: float) -> None:
    """Report the share of one of several steps."""
    poll((before + share) / count)


def _executed(work: Any, image: sitk.Image, poll: ProgressPoll) -> sitk.Image:
    """Execute a filter of SimpleITK, and abort it where ``poll`` raises."""
    raised: list[BaseException] = []

    def report() -> None:
        try:
            if not raised:
                poll(work.GetProgress())
        except BaseException as error:  # noqa: BLE001  (it must not go through SimpleITK's code)
            raised.append(error)
            work.Abort()

    work.AddCommand(sitk.sitkProgressEvent, report)
    try:
        found: sitk.Image = work.Execute(image)
    except RuntimeError:
        if not raised:
            raise
    if raised:
        raise raised[0]
    return found


def find_working_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the floating point that values between those of a type are computed in."""
    return np.promote_types(dtype, np.float32) if dtype.kind in "iuf" else np.dtype(np.float32)


def _fitted(values: Array, dtype: np.dtype[Any]) -> Array:
    """Return values in a type: rounded where it is whole, and none beyond its ends."""
    if dtype.kind in "iu" and values.dtype.kind == "f":
        # The largest 64-bit number rounds up to one that is not.
        low, high = (values.dtype.type(end) for end in _ends(dtype))
        if int(high) > np.iinfo(dtype).max:
            high = np.nextafter(high, values.dtype.type(0))
        np.rint(values, out=values)
        np.clip(values, low, high, out=values)
    elif dtype == np.float16:
        beyond = np.isfinite(values)
        np.clip(values, *_ends(dtype), out=values, where=beyond)
    return values.astype(dtype, copy=False)


def _ends(dtype: np.dtype[Any]) -> tuple[Any, Any]:
    info: Any = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    return info.min, info.max


def _is_wide(dtype: np.dtype[Any]) -> bool:
    return dtype.kind in "iu" and dtype.itemsize == 8
