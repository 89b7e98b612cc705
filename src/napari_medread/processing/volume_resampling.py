"""Resampling: a volume on another grid."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import psutil
from numpy.typing import NDArray

from napari_medread.core.affines import Float
from napari_medread.core.geometry import Geometry
from napari_medread.core.progress import Progress, no_progress
from napari_medread.core.volume import Volume
from napari_medread.errors import CannotResample
from napari_medread.processing.target_grids import (
    RequestedSpacing,
    ResamplingTarget,
    find_index_bounds,
    format_spacing,
    make_resampling_target,
)

Array = NDArray[Any]
Interpolation = Literal["linear", "nearest", "b-spline"]

_SPOKEN = {"linear": "linear", "nearest": "nearest-neighbour", "b-spline": "cubic B-spline"}

_SLAB = 1 << 20
"""About so many voxels are computed at a time: work reports and stops between them."""

_STEPS_AHEAD = 20
"""Steps that preparing a frame is reported in, where it takes a while."""

_COARSER = 1.5
"""Steps of so many old voxels leave some of them out."""

_DEVIATIONS = math.sqrt(8 * math.log(2))
"""Standard deviations in the full width at half maximum of a Gaussian."""


def resample(
    volume: Volume,
    *,
    spacing: RequestedSpacing | None = None,
    straighten: bool = False,
    like: Volume | None = None,
    interpolation: Interpolation = "linear",
    smooth: bool = False,
    progress: Progress = no_progress,
) -> Volume:
    """Resample a volume to another grid.

    Without anything asked for, the voxels become isotropic, as small as their shortest side. See
    ``Geometry`` for the order of axes, unit and frame.

    Parameters
    ----------
    volume : Volume
        A lazy one is read frame by frame.
    spacing : float or sequence of float
        In mm: one number for isotropic voxels, or one for each array axis. The axes stay as they
        are. All that the voxels cover stays covered, from outer edge to outer edge.
    straighten : bool
        Whether the new axes are the patient's (SI, AP, RL), which ``spacing`` then
        follows; without it, that of the nearest axis is kept. The new grid holds all voxels
        of the volume.
    like : Volume
        Whose grid to take, exactly, instead of the two above.
    interpolation : str
        ``linear``, ``nearest`` or ``b-spline`` (cubic). Labels and masks are always ``nearest``.
    smooth : bool
        Whether to smooth first along axes that become coarser, against aliasing. The
        Gaussian is the one that widens a point as wide as the old voxels to the width
        of the new ones (full width at half maximum).
    progress : Progress
        Wraps loops, to report progress and to stop.

    Returns
    -------
    Volume
        In memory, of the same type of values. Outside the source it holds the lowest value
        of the source (0 for labels and colour). ``source`` keeps the first file alone, as it is
        no longer known which slice came from which, and ``header`` nothing. ``notes``
        say what was done.

    Raises
    ------
    CannotResample
        Where the volume has no such grid, its values cannot be interpolated, or the result does
        not fit into the free memory.
    """
    target = make_resampling_target(volume, spacing=spacing, straighten=straighten, like=like)
    return resample_to_target(volume, target, interpolation=interpolation, smooth=smooth, progress=progress)


def resample_to_target(
    volume: Volume,
    target: ResamplingTarget,
    *,
    interpolation: Interpolation = "linear",
    smooth: bool = False,
    progress: Progress = no_progress,
) -> Volume:
    """Resample a volume to a grid that ``make_resampling_target`` has returned for it; see ``resample``."""
    # Here, so that importing the package stays quick.
    from napari_medread.processing.grid_sampling import GridSampler

    how = choose_interpolation(volume, interpolation)
    check_resampling(volume, target, how)
    matrix = _matrix(volume, target)
    blur = _blur(matrix) if smooth and how != "nearest" else ()
    read = _reader(volume, how)
    frames = [*np.ndindex(volume.data.shape[: len(volume.leading)])]
    is_padded = _is_padded(volume, target, matrix)
    padding = 0
    if is_padded and not (volume.labels or volume.rgb):
        padding = _lowest(map(read, frames))

    shape = target.geometry.shape
    colours = [(..., n) for n in range(volume.data.shape[-1])] if volume.rgb else [()]
    thick = max(1, _SLAB // math.prod(shape[1:]))
    starts = range(0, shape[0], thick)
    out = np.empty(_shape(volume, target), volume.data.dtype)
    # Steps for what is done before a frame can be sampled, and one for every slab.
    ahead = _STEPS_AHEAD if how == "b-spline" or any(blur) else 1
    runs = [(frame, colour) for frame in frames for colour in colours]
    steps = progress(range(len(runs) * (ahead + len(starts))), f"Resampling {volume.name}")
    for n, (frame, colour) in enumerate(runs):
        done = next(steps)

        def poll(share: float, first: int = n * (ahead + len(starts))) -> None:
            nonlocal done
            while done < first + min(int(share * ahead), ahead - 1):
                done = next(steps)

        sampler = GridSampler(read(frame)[colour], matrix, how, padding, blur, poll)
        poll(1.0)
        for start in starts:
            next(steps)
            slab = out[frame][start : start + thick]
            slab[colour] = sampler.slab(start, (len(slab), *shape[1:]))
        del sampler  # before the next one takes its memory
    next(steps, None)  # lets it end

    notes = [
        f"Resampled from {format_spacing(_geometry(volume).spacing)} to {target.what} by {_SPOKEN[how]} "
        f"interpolation{', smoothed first where it became coarser' if any(blur) else ''}."
    ]
    if is_padded:
        unit = f" {volume.value_unit}" if volume.value_unit and not volume.labels else ""
        lowest = "" if volume.labels or volume.rgb else ", its lowest value"
        value = f"{padding:.6g}" if isinstance(padding, float | np.floating) else f"{padding}"
        notes.append(f"What lies outside of the source was filled with {value}{unit}{lowest}.")
    if not any(blur) and is_coarser(volume, target):
        smoothed = "" if how == "nearest" else " and nothing was smoothed first"
        notes.append(f"The new voxels are coarser{smoothed}: fine detail is lost.")
    return replace(
        volume,
        data=out,
        name=f"{volume.name} {target.name}",
        geometry=target.geometry,
        source=volume.source[:1],
        notes=(*volume.notes, *notes),
        header={},
    )


def choose_interpolation(volume: Volume, wanted: Interpolation = "linear") -> Interpolation:
    """Return how a volume is interpolated: numbers of regions and masks are never mixed."""
    return "nearest" if volume.labels or volume.data.dtype == bool else wanted


def find_resampled_size(volume: Volume, target: ResamplingTarget) -> int:
    """Return how many bytes a volume takes on another grid."""
    return math.prod(_shape(volume, target)) * int(volume.data.dtype.itemsize)


def is_coarser(volume: Volume, target: ResamplingTarget) -> bool:
    """Tell whether a target is so coarse that values between its voxels do not count."""
    return bool((_steps(_matrix(volume, target)) > _COARSER).any())


def check_resampling(volume: Volume, target: ResamplingTarget, interpolation: Interpolation) -> None:
    """Refuse what cannot be computed, before any work is done.

    Raises
    ------
    CannotResample
        Where values have no order, the interpolation is none of ours, or the memory is short.
    """
    dtype = np.dtype(volume.data.dtype)
    if interpolation not in _SPOKEN:
        raise CannotResample(
            f"{volume.name}: {interpolation} is no interpolation. Choose one of "
            f"{', '.join(_SPOKEN)}."
        )
    if dtype.kind not in "biuf" or dtype.itemsize > 8:
        raise CannotResample(
            f"{volume.name}: values of the type {dtype} cannot be interpolated. Convert them to "
            "whole numbers or floating point first."
        )
    size = find_resampled_size(volume, target)
    # A frame as it is read, and one or two times as SimpleITK has it.
    voxels = math.prod(_geometry(volume).shape)
    working = 4 if dtype.itemsize <= 2 or dtype == np.float32 else 8
    needed = size + voxels * (dtype.itemsize + working * (2 if interpolation == "b-spline" else 1))
    free = psutil.virtual_memory().available
    if needed > free:
        raise CannotResample(
            f"{volume.name}: on {target.what} it would take {size / 1e9:,.1f} GB, and the work "
            f"{needed / 1e9:,.1f} GB of memory; {free / 1e9:,.1f} GB are free. Choose larger "
            "voxels."
        )


def _geometry(volume: Volume) -> Geometry:
    geometry = volume.geometry
    if geometry is None:
        raise CannotResample(f"{volume.name}: the size of its voxels is not known.")
    return geometry


def _shape(volume: Volume, target: ResamplingTarget) -> tuple[int, ...]:
    """Return the shape of the data on another grid."""
    shape = tuple(volume.data.shape)
    colours = shape[-1:] if volume.rgb else ()
    return (*shape[: len(volume.leading)], *target.geometry.shape, *colours)


def _matrix(volume: Volume, target: ResamplingTarget) -> Float:
    """Return the matrix from the target's indices to the volume's.

    It is rounded, to far less than a voxel, so that equal grids give equal voxels.
    """
    return target.geometry.index_map(_geometry(volume)).round(10)


def _steps(matrix: Float) -> Float:
    """Return how far one new voxel goes along each old axis, at most, in old voxels."""
    return np.asarray(np.abs(matrix[:-1, :-1]).max(axis=1))


def _blur(matrix: Float) -> tuple[float, ...]:
    """Return the standard deviation that smooths each old axis to the new voxels, in old voxels."""
    return tuple((np.sqrt(np.maximum(_steps(matrix) ** 2 - 1, 0)) / _DEVIATIONS).tolist())


def _is_padded(volume: Volume, target: ResamplingTarget, matrix: Float) -> bool:
    """Tell whether the centre of any new voxel lies outside of all old ones, or on their edge."""
    low, high = find_index_bounds(matrix, target.geometry.shape)
    edge = 0.5 - 1e-6  # SimpleITK may take the very edge for outside
    return bool((low < -edge).any() or (high > np.array(_geometry(volume).shape) - 1 + edge).any())


def _reader(volume: Volume, interpolation: Interpolation) -> Callable[[tuple[int, ...]], Array]:
    """Return what reads a frame, and keeps it until the next."""

    @lru_cache(maxsize=1)
    def read(frame: tuple[int, ...]) -> Array:
        pixels = np.asarray(volume.data[frame])
        if interpolation == "b-spline" and not np.isfinite(pixels).all():
            raise CannotResample(
                f"{volume.name}: some values are not finite, which B-splines would spread over "
                "all others. Choose linear or nearest."
            )
        return pixels

    return read


def _lowest(frames: Iterable[Array]) -> Any:
    """Return the lowest finite value, 0 where there is none."""
    lowest = []
    for pixels in frames:
        finite = pixels if pixels.dtype.kind != "f" else pixels[np.isfinite(pixels)]
        if finite.size:
            lowest.append(finite.min())
    return min(lowest, default=0)
