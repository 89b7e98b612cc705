"""Contrast limits at which the object in an image is seen, found from a sample of its values."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.contrast_limits import make_drawable_limits

Limits = tuple[float, float]
"""The values drawn as black and as white."""

_FEW_VALUES = 32
"""An image with no more different values is drawn from the lowest to the highest."""

_FILL_SHARE = 0.2
"""One value that this share of an image has is fill or saturation, and no part of the object."""

_LOW_PERCENTILE, _HIGH_PERCENTILE = 1.0, 99.5
"""Percentiles of all values, and of those of the object, that become black and white."""

_SPARE_WIDTH = 1.15
"""The window is widened by up to this factor where it then shows the highest value too."""

_MAX_WHITE_SHARE = 0.25
"""Largest share of the brightest part of an image that may be drawn white."""

_MAX_BRIGHT_RATIO = 6.5
"""Limit of the upper value in units of the upper quarter of the tissue, which hot spots would sink
into black otherwise."""

_HOT_PERCENTILE = 98.0
"""Values above this percentile do not move the threshold between background and tissue."""

_MIN_SEPARABILITY = 0.7
"""Share of the variance between two classes above which they are background and tissue: of noise
alone it is 0.64 to 0.68."""

_MAX_HOT_SHARE = 0.05
"""The brightest class may be hot spots if it is no larger."""

_MIN_OBJECT_SHARE, _MIN_OBJECT_CONTRAST = 0.001, 8.0
"""Bright values in noise are the object if they are this share of all, and so many times brighter
than the noise."""

_HIDDEN_DARK_SHARE = 0.95
_HIDDEN_SHARE = 0.999
"""A window hides the object if this share of it lies in the darkest tenth of the window, or this
share of the image is on one side of the window."""

_UPTAKE_RATIO = 7.0
"""The upper value for a PET, in units of the mean over the body."""

_DISPLAY_DIGITS = 3
"""Limits are rounded to this many digits of the width, outwards."""


class ObjectLimits(NamedTuple):
    """What a sample of values says about windows.

    Attributes
    ----------
    whole : tuple of float
        Shows the whole object, with little of it saturated.
    dark : tuple of float
        Shows its dark parts: the lower half of these limits.
    bright : tuple of float
        Shows its bright parts: from the upper half of these limits to the highest value.
    """

    whole: Limits
    dark: Limits
    bright: Limits


def find_object_limits(values: NDArray[Any], *, is_signed_map: bool = True) -> ObjectLimits:
    """Return contrast limits at which the object is seen, from a sample of an image's values.

    A value that is very frequent (padding, a masked background) is left out, unless it lies near
    the others. Maps centred on zero, as of phases and fields, get limits symmetric about zero.
    Otherwise black is about the background, and white about the highest value of the object,
    which is separated from the background by Otsu's threshold.

    Parameters
    ----------
    values : array
        Of any shape and real type; values that are not finite are left out.
    is_signed_map : bool
        Whether the values may be a map centred on zero.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        ordered = _sort_finite(values)
        if not ordered.size:
            return ObjectLimits(*[(0.0, 1.0)] * 3)
        lowest, highest = float(ordered[0]), float(ordered[-1])
        if _count_different(ordered) <= _FEW_VALUES:
            return ObjectLimits(*[make_drawable_limits(lowest, highest)] * 3)
        kept, fills = _leave_out_fills(ordered)
        if is_signed_map and (limits := _find_symmetric_limits(kept)) is not None:
            return ObjectLimits(*[limits] * 3)
        return _find_magnitude_limits(kept, fills)


def find_uptake_limits(values: NDArray[Any]) -> Limits:
    """Return contrast limits for a sample of a PET: from zero to some times the body's mean.

    The mean over the body is about 1 in standardised uptake values, which are compared at up to
    7. Where the highest value is lower, as in a brain, it is white.
    """
    ordered = _sort_finite(values)
    if not ordered.size or not ordered[-1] > 0:
        return find_object_limits(values).whole
    ordered = ordered[np.searchsorted(ordered, 0, "right") :]
    body = _values_above(ordered, _find_tissue_threshold(ordered)[0])
    high, hot = _find_percentiles(body, _HIGH_PERCENTILE, _HOT_PERCENTILE)
    mean = float(body[body <= hot].mean())
    return _round_outwards(0.0, min(_UPTAKE_RATIO * mean, high))


def hides_object(values: NDArray[Any], limits: Limits, *, max_white_share: float) -> bool:
    """Return whether contrast limits plainly hide the object in a sample of an image's values.

    They do where more than ``max_white_share`` of the object is drawn white, or nearly all of it
    near black. The object is the brighter class of the values that are not fill.
    """
    ordered = _sort_finite(values)
    if _is_on_one_side(ordered, limits):
        return True
    if not ordered.size or ordered[0] == ordered[-1]:
        return False
    low, high = limits
    with np.errstate(over="ignore", invalid="ignore"):
        kept, _ = _leave_out_fills(ordered)
        bright = _values_above(kept, _find_otsu_threshold(kept)[0])
    is_white = np.mean(bright > high) > max_white_share
    is_dark = np.mean(bright < low + 0.1 * (high - low)) > _HIDDEN_DARK_SHARE
    return bool(is_white or is_dark)


def shows_nothing(values: NDArray[Any], limits: Limits) -> bool:
    """Return whether nearly all values of a sample are drawn black, or nearly all white."""
    return _is_on_one_side(_sort_finite(values), limits)


def _is_on_one_side(ordered: NDArray[np.float64], limits: Limits) -> bool:
    """Return whether nearly all sorted values are on one side of a window; no if all are equal."""
    if not ordered.size or ordered[0] == ordered[-1]:
        return False
    black = np.searchsorted(ordered, limits[0], "right")
    white = ordered.size - np.searchsorted(ordered, limits[1], "left")
    return bool(max(black, white) >= _HIDDEN_SHARE * ordered.size)


def _sort_finite(values: NDArray[Any]) -> NDArray[np.float64]:
    values = np.asarray(values).ravel()
    if values.dtype.kind == "f":
        values = values[np.isfinite(values)]
    return np.sort(values).astype(np.float64)


def _find_percentiles(ordered: NDArray[np.float64], *percentiles: float) -> list[float]:
    """Return percentiles of sorted values."""
    return [float(ordered[round(p / 100 * (ordered.size - 1))]) for p in percentiles]


def _values_above(ordered: NDArray[np.float64], threshold: float) -> NDArray[np.float64]:
    """Return the sorted values above a threshold; the highest ones, if none is above."""
    above = ordered[np.searchsorted(ordered, threshold, "right") :]
    return above if above.size else ordered[-1:]


def _count_different(ordered: NDArray[np.float64]) -> int:
    return int(np.count_nonzero(np.diff(ordered))) + 1


def _leave_out_fills(
    ordered: NDArray[np.float64],
) -> tuple[NDArray[np.float64], list[float]]:
    """Return sorted values without those that are very frequent, and the frequent ones."""
    fills: list[float] = []
    for _ in range(2):  # padding and a masked background, or air
        starts = np.concatenate(([0], np.flatnonzero(np.diff(ordered)) + 1, [ordered.size]))
        counts = np.diff(starts)
        longest = int(np.argmax(counts))
        rest = ordered.size - int(counts[longest])
        if counts[longest] < _FILL_SHARE * ordered.size or len(counts) <= _FEW_VALUES // 2:
            break
        if rest < _FEW_VALUES:
            break
        fills.append(float(ordered[starts[longest]]))
        ordered = np.delete(ordered, slice(starts[longest], starts[longest + 1]))
    return ordered, fills


def _find_symmetric_limits(ordered: NDArray[np.float64]) -> Limits | None:
    """Return limits symmetric about zero if the values are centred on it, else None."""
    low, middle, high = _find_percentiles(ordered, _LOW_PERCENTILE, 50, 100 - _LOW_PERCENTILE)
    largest = max(-low, high)
    if not (low < 0 < high and min(-low, high) > largest / 4 and abs(middle) < largest / 4):
        return None
    largest = _widen_to(largest, max(-ordered[0], ordered[-1]), 0.0)
    return _round_outwards(-largest, largest)


def _find_magnitude_limits(ordered: NDArray[np.float64], fills: list[float]) -> ObjectLimits:
    """Return the limits for values that grow from a background."""
    (low,) = _find_percentiles(ordered, _LOW_PERCENTILE)
    bright = _values_above(ordered, _find_otsu_threshold(ordered)[0])
    tissue = _find_tissue(ordered, bright, low, has_background=not fills)
    three_quarters, high = _find_percentiles(tissue, 75, _HIGH_PERCENTILE)
    if len(bright) > _MIN_OBJECT_SHARE * len(ordered):
        # Bright parts are shown rather than clipped.
        high = max(high, *_find_percentiles(bright, 100 * (1 - _MAX_WHITE_SHARE)))
    high = min(high, low + _MAX_BRIGHT_RATIO * (three_quarters - low))
    high = _widen_to(high, float(ordered[-1]), low)
    width = high - low
    for fill in fills:
        if low - width <= fill < low:
            low = fill
        elif high < fill <= high + width:
            high = fill
    whole = _round_outwards(low, high)
    _, middle = _round_outwards(whole[0], (whole[0] + whole[1]) / 2)
    _, highest = _round_outwards(middle, max(whole[1], float(ordered[-1])))
    return ObjectLimits(whole, (whole[0], middle), (middle, highest))


def _find_tissue(
    ordered: NDArray[np.float64],
    bright: NDArray[np.float64],
    low: float,
    *,
    has_background: bool,
) -> NDArray[np.float64]:
    """Return the sorted values of the object, without the background.

    Parameters
    ----------
    ordered : array
        All values.
    bright : array
        The brightest class of these, which may be no more than a few hot spots.
    low : float
        The value of the background.
    has_background : bool
        Whether there is a background among the values.
    """
    threshold, _ = _find_tissue_threshold(ordered)
    rest = ordered[: -len(bright)]
    share = len(bright) / len(ordered)
    if rest.size and share < _MAX_HOT_SHARE:
        threshold_of_rest, separability = _find_tissue_threshold(rest)
        if separability > _MIN_SEPARABILITY or not has_background:
            threshold = threshold_of_rest  # there is tissue below the hot spots
        elif share > _MIN_OBJECT_SHARE:
            (noise,), (usual,) = _find_percentiles(rest, 95), _find_percentiles(bright, 50)
            if usual - low > _MIN_OBJECT_CONTRAST * (noise - low):
                return bright
    return _values_above(ordered, threshold)


def _widen_to(high: float, highest: float, low: float) -> float:
    """Return the highest value where showing it costs little contrast, else the upper limit."""
    return highest if highest - low <= _SPARE_WIDTH * (high - low) else high


def _find_tissue_threshold(ordered: NDArray[np.float64]) -> tuple[float, float]:
    """Return the value between background and tissue, and how well it separates them.

    Otsu's threshold of the square roots: these even out the noise of the background and of the
    object, and a hot spot does not become a class of its own.
    """
    low, high = _find_percentiles(ordered, _LOW_PERCENTILE, _HOT_PERCENTILE)
    if not high > low:
        return low, 0.0
    roots = np.sqrt(np.clip((ordered - low) / (high - low), 0, 1))
    threshold, separability = _find_otsu_threshold(roots)
    return low + (high - low) * threshold**2, separability


def _find_otsu_threshold(ordered: NDArray[np.float64]) -> tuple[float, float]:
    """Return the threshold that separates sorted values best into two classes, and how well.

    The second number is the share of the variance that lies between the classes.

    N. Otsu, A threshold selection method from gray-level histograms, 1979.
    """
    edges = np.linspace(ordered[0], ordered[-1], 257)
    ends = np.concatenate((np.searchsorted(ordered, edges[:-1]), [ordered.size]))
    counts = np.diff(ends)
    centres = (edges[1:] + edges[:-1]) / 2
    weights = np.cumsum(counts)[:-1].astype(float)
    moments = np.cumsum(counts * centres)
    total = float(counts.sum())
    mean = moments[-1] / total
    with np.errstate(divide="ignore", invalid="ignore"):
        separation = (mean * weights - moments[:-1]) ** 2 / (weights * (total - weights))
    separation[~np.isfinite(separation)] = -1
    best = int(np.argmax(separation))
    variance = float((counts * (centres - mean) ** 2).sum() / total)
    share = separation[best] / variance if variance > 0 else 0.0
    return float(edges[1 + best]), float(share)


def _round_outwards(low: float, high: float) -> Limits:
    """Return limits with few digits, so that they can be read, no narrower than given."""
    low, high = make_drawable_limits(low, high)
    step = 10.0 ** (np.floor(np.log10(high - low)) - _DISPLAY_DIGITS + 1)
    for digits in itertools.count(0):
        rounded = np.floor(low / step) * step, np.ceil(high / step) * step
        if rounded[1] > rounded[0] or digits > 3:
            break
        step /= 10
    return make_drawable_limits(float(rounded[0]), float(rounded[1]))
