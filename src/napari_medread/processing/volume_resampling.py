"""Resampling of volumes to other grids."""

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
    describe_spacing,
    find_index_bounds,
    make_resampling_target,
)

Array = NDArray[Any]
Interpolation = Literal["linear", "nearest", "b-spline"]

INTERPOLATION_NAMES = {
    "linear": "linear",
    "nearest": "nearest-neighbour",
    "b-spline": "cubic B-spline",
}
"""Names of the interpolations in sentences."""

SLAB_VOXELS = 1 << 20
"""About how many voxels are computed at a time; between them, progress is reported and work can be
cancelled."""

PREPARATION_STEPS = 20
"""Number of progress steps for the preparation of a frame, if that takes a while."""

COARSER_STEP = 1.5
"""Steps of more than this many old voxels skip some of them."""

DEVIATIONS_PER_FWHM = math.sqrt(8 * math.log(2))
"""Number of standard deviations in the full width at half maximum of a Gaussian."""


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

    Without further arguments the voxels become isotropic, with the smallest spacing. See
    ``Geometry`` for the order of axes, unit and frame.

    Parameters
    ----------
    volume : Volume
        A lazy volume is read frame by frame.
    spacing : float or sequence of float
        Spacing in mm: one number for isotropic voxels, or one for each array axis. The axes are
        kept. The new voxels cover all old voxels, from outer edge to outer edge.
    straighten : bool
        Whether the new axes are those of the patient. ``spacing`` then is in the order SI, AP,
        RL; without it, each axis keeps the spacing of the nearest old one. The new grid covers all
        old voxels.
    like : Volume
        Resample to exactly the grid of this volume, instead of the two arguments above.
    interpolation : str
        ``linear``, ``nearest`` or ``b-spline`` (cubic). Labels and masks are always ``nearest``.
    smooth : bool
        Whether to smooth axes that become coarser before resampling, against aliasing. The
        Gaussian widens a point as wide as an old voxel to the width of a new one (full width at
        half maximum).
    progress : Progress
        Reports progress, and cancels.

    Returns
    -------
    Volume
        In memory, with the same data type. Outside the volume it holds the volume's lowest value
        (0 for labels and colour). ``source`` only keeps the first file, as slices no longer belong
        to files, and ``header`` is empty. ``notes`` say what was done.

    Raises
    ------
    CannotResample
        If the volume cannot be resampled to such a grid, its values cannot be interpolated, or
        the result does not fit into the free memory.
    """
    target = make_resampling_target(volume, spacing=spacing, straighten=straighten, like=like)
    return resample_to_target(
        volume, target, interpolation=interpolation, smooth=smooth, progress=progress
    )


def resample_to_target(
    volume: Volume,
    target: ResamplingTarget,
    *,
    interpolation: Interpolation = "linear",
    smooth: bool = False,
    progress: Progress = no_progress,
) -> Volume:
    """Resample a volume to a grid from ``make_resampling_target``; see ``resample``."""
    # Imported here because SimpleITK takes long to import.
    from napari_medread.processing.grid_sampling import GridSampler

    interpolation = choose_interpolation(volume, interpolation)
    check_resampling(volume, target, interpolation)
    index_map = _find_index_map(volume, target)
    is_smoothed = smooth and interpolation != "nearest"
    deviations = _find_deviations(index_map) if is_smoothed else ()
    read_frame = _make_frame_reader(volume, interpolation)
    frames = [*np.ndindex(volume.data.shape[: len(volume.leading)])]
    is_padded = _is_padded(volume, target, index_map)
    padding = 0
    if is_padded and not (volume.labels or volume.rgb):
        padding = _find_lowest(map(read_frame, frames))

    shape = target.geometry.shape
    channels = [(..., n) for n in range(volume.data.shape[-1])] if volume.rgb else [()]
    slab_length = max(1, SLAB_VOXELS // math.prod(shape[1:]))
    starts = range(0, shape[0], slab_length)
    out = np.empty(_find_shape(volume, target), volume.data.dtype)
    # Each frame has progress steps for its preparation, and one for each slab.
    is_slow = interpolation == "b-spline" or any(deviations)
    preparation_steps = PREPARATION_STEPS if is_slow else 1
    steps_per_run = preparation_steps + len(starts)
    runs = [(frame, channel) for frame in frames for channel in channels]
    steps = iter(progress(range(len(runs) * steps_per_run), f"Resampling {volume.name}"))
    for n, (frame, channel) in enumerate(runs):
        step = next(steps)

        def report(share: float, first_step: int = n * steps_per_run) -> None:
            nonlocal step
            while step < first_step + min(int(share * preparation_steps), preparation_steps - 1):
                step = next(steps)

        sampler = GridSampler(
            read_frame(frame)[channel], index_map, interpolation, padding, deviations, report
        )
        report(1.0)
        for start in starts:
            next(steps)
            slab = out[frame][start : start + slab_length]
            slab[channel] = sampler.sample_slab(start, (len(slab), *shape[1:]))
        del sampler  # frees its memory before the next one is created
    next(steps, None)  # lets the progress end

    notes = _describe_resampling(
        volume,
        target,
        interpolation,
        padding=padding if is_padded else None,
        is_smoothed=any(deviations),
    )
    return replace(
        volume,
        data=out,
        name=f"{volume.name} {target.name_suffix}",
        geometry=target.geometry,
        source=volume.source[:1],
        notes=(*volume.notes, *notes),
        header={},
    )


def _describe_resampling(
    volume: Volume,
    target: ResamplingTarget,
    interpolation: Interpolation,
    *,
    padding: Any,
    is_smoothed: bool,
) -> list[str]:
    """Return the notes of a resampled volume.

    Parameters
    ----------
    volume : Volume
        The volume before.
    target : ResamplingTarget
    interpolation : str
    padding : number or None
        The value outside the volume; None if no new voxel lies outside.
    is_smoothed : bool
        Whether any axis was smoothed first.
    """
    geometry = _require_geometry(volume)
    notes = [
        f"Resampled from {describe_spacing(geometry.spacing, geometry.slice_axis)} to "
        f"{target.description} by {INTERPOLATION_NAMES[interpolation]} "
        f"interpolation{', smoothed first where it became coarser' if is_smoothed else ''}."
    ]
    if padding is not None:
        unit = f" {volume.value_unit}" if volume.value_unit and not volume.labels else ""
        lowest = "" if volume.labels or volume.rgb else ", its lowest value"
        value = f"{padding:.6g}" if isinstance(padding, float | np.floating) else f"{padding}"
        notes.append(f"Voxels outside the original volume were filled with {value}{unit}{lowest}.")
    if not is_smoothed and is_coarser(volume, target):
        smoothed = "" if interpolation == "nearest" else " and it was not smoothed first"
        notes.append(f"The new voxels are coarser{smoothed}: fine detail is lost.")
    return notes


def choose_interpolation(volume: Volume, wanted: Interpolation = "linear") -> Interpolation:
    """Return the interpolation for a volume: ``nearest`` for labels and masks."""
    return "nearest" if volume.labels or volume.data.dtype == bool else wanted


def find_resampled_size(volume: Volume, target: ResamplingTarget) -> int:
    """Return the size in bytes of a volume after resampling."""
    return math.prod(_find_shape(volume, target)) * int(volume.data.dtype.itemsize)


def is_coarser(volume: Volume, target: ResamplingTarget) -> bool:
    """Return whether a target is so coarse that some old voxels do not contribute to it."""
    return bool((_find_steps(_find_index_map(volume, target)) > COARSER_STEP).any())


def check_resampling(
    volume: Volume, target: ResamplingTarget, interpolation: Interpolation
) -> None:
    """Check that a volume can be resampled, before any work is done.

    Raises
    ------
    CannotResample
        If the values are not numbers, the interpolation is unknown, or the memory does not
        suffice.
    """
    dtype = np.dtype(volume.data.dtype)
    if interpolation not in INTERPOLATION_NAMES:
        raise CannotResample(
            f"{volume.name}: {interpolation} is not an interpolation. Choose one of "
            f"{', '.join(INTERPOLATION_NAMES)}."
        )
    if dtype.kind not in "biuf" or dtype.itemsize > 8:
        raise CannotResample(
            f"{volume.name}: values of type {dtype} cannot be interpolated. Convert them to "
            "integers or floating point first."
        )
    size = find_resampled_size(volume, target)
    # One frame as it is read, and one or two copies of it in SimpleITK's working type.
    voxels = math.prod(_require_geometry(volume).shape)
    working_bytes = 4 if dtype.itemsize <= 2 or dtype == np.float32 else 8
    needed = size + voxels * (
        dtype.itemsize + working_bytes * (2 if interpolation == "b-spline" else 1)
    )
    free = psutil.virtual_memory().available
    if needed > free:
        raise CannotResample(
            f"{volume.name}: resampling to {target.description} needs {needed / 1e9:,.1f} GB of "
            f"memory, {size / 1e9:,.1f} GB of it for the result, and {free / 1e9:,.1f} GB are "
            "free. Choose larger voxels."
        )


def _require_geometry(volume: Volume) -> Geometry:
    geometry = volume.geometry
    if geometry is None:
        raise CannotResample(f"{volume.name}: the size of its voxels is not known.")
    return geometry


def _find_shape(volume: Volume, target: ResamplingTarget) -> tuple[int, ...]:
    """Return the shape of the data on another grid."""
    shape = tuple(volume.data.shape)
    colours = shape[-1:] if volume.rgb else ()
    return (*shape[: len(volume.leading)], *target.geometry.shape, *colours)


def _find_index_map(volume: Volume, target: ResamplingTarget) -> Float:
    """Return the matrix from array indices of the target to those of the volume.

    It is rounded to far less than a voxel, so that equal grids give equal voxels.
    """
    return target.geometry.index_map(_require_geometry(volume)).round(10)


def _find_steps(index_map: Float) -> Float:
    """Return the largest step of a new axis along each old axis, in old voxels."""
    return np.asarray(np.abs(index_map[:-1, :-1]).max(axis=1))


def _find_deviations(index_map: Float) -> tuple[float, ...]:
    """Return the standard deviation along each old axis that smooths to the size of the new voxels.

    It is in old voxels, 0 for axes that do not become coarser.
    """
    return tuple(
        (np.sqrt(np.maximum(_find_steps(index_map) ** 2 - 1, 0)) / DEVIATIONS_PER_FWHM).tolist()
    )


def _is_padded(volume: Volume, target: ResamplingTarget, index_map: Float) -> bool:
    """Return whether the centre of any new voxel lies outside all old voxels, or on their edge."""
    low, high = find_index_bounds(index_map, target.geometry.shape)
    edge = 0.5 - 1e-6  # SimpleITK may count the edge itself as outside
    return bool(
        (low < -edge).any() or (high > np.array(_require_geometry(volume).shape) - 1 + edge).any()
    )


def _make_frame_reader(
    volume: Volume, interpolation: Interpolation
) -> Callable[[tuple[int, ...]], Array]:
    """Return a function that reads a frame and caches it until another one is read."""

    @lru_cache(maxsize=1)
    def read(frame: tuple[int, ...]) -> Array:
        pixels = np.asarray(volume.data[frame])
        if interpolation == "b-spline" and not np.isfinite(pixels).all():
            raise CannotResample(
                f"{volume.name}: some values are not finite, and B-splines would spread them over "
                "all others. Choose linear or nearest."
            )
        return pixels

    return read


def _find_lowest(frames: Iterable[Array]) -> Any:
    """Return the lowest finite value of all frames, 0 if there is none."""
    minima = []
    for pixels in frames:
        finite = pixels if pixels.dtype.kind != "f" else pixels[np.isfinite(pixels)]
        if finite.size:
            minima.append(finite.min())
    return min(minima, default=0)
