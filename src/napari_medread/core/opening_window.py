"""The window that a volume opens with: the file's, or one proposed for its values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_medread.core.contrast_limits import limits_from_window
from napari_medread.core.middle_slices import sample_middle_slices
from napari_medread.core.object_limits import (
    Limits,
    find_object_limits,
    find_uptake_limits,
    hides_object,
    shows_nothing,
)
from napari_medread.core.volume import Window
from napari_medread.core.window_presets import CT_WINDOWS, SUV_WINDOWS, window_from_limits

HIDDEN_BY_FILE_WINDOW = (
    "The file's window hides most of the image: it opens with a proposed window. Window and level "
    "has the file's."
)
"""Note where a window that the file states for all slices is not used."""

HU_ASSUMED = (
    "The values look like Hounsfield units, but the file gives no unit: it opens in the CT window "
    "for soft tissue."
)
"""Note on a volume that opens as a CT because of its values alone."""

PROPOSED = "{} (proposed)"
"""Name of a window that the plugin proposes."""

DEFAULT_CT_WINDOW = "Soft tissue"

_DEFAULT_SUV_WINDOW = "SUV 0 to 7"

_DELIBERATE_MODALITIES = ("CT",)
"""Their windows are chosen for an anatomy: whatever they saturate is meant to be."""

_MAX_WHITE_SHARES = {"MR": 0.35, "PT": 0.8, "NM": 0.8, "OT": 0.8, "RTDOSE": 0.8, "": 0.8}
"""The share of the object that a window in the file may draw white, by modality.

Scanners and programs estimate the windows of these. In a PET, lesions and the bladder saturate; in
a file without a modality, someone may have set the window. Windows of all other modalities, such
as X-rays, are used as long as they show anything.
"""

_PADDING_HU, _AIR_HU, _LUNG_HU, _FAT_HU, _BONE_HU = -1500.0, -1100.0, -650.0, -300.0, 300.0
"""Padding is below the first value, nothing is up to the second, air and lungs are up to the third,
little is up to the fourth, and fat and soft tissue up to the fifth."""

_LOWEST_HU, _HIGHEST_HU = -4100.0, 33_000.0
_MIN_AIR_SHARE, _MIN_BODY_SHARE, _MAX_BODY_MEDIAN_HU = 0.03, 0.6, 150.0
_MAX_IMPOSSIBLE_SHARE = 0.005
"""Values look like Hounsfield units if this share is air or lung, and of the rest above it, this
share is soft tissue, with a median this near to water, and almost none is where nothing can be."""


class OpeningWindow(NamedTuple):
    """How a volume opens.

    Attributes
    ----------
    limits : tuple of float
        Its contrast limits.
    proposed : tuple of Window
        Windows proposed for its values. Where the file's are not used, it opens with the first.
    notes : tuple of str
        A guess that was made.
    """

    limits: Limits
    proposed: tuple[Window, ...] = ()
    notes: tuple[str, ...] = ()


def choose_opening_window(
    sample: Callable[[], NDArray[Any]],
    *,
    is_integer: bool,
    modality: str = "",
    unit: str = "",
    file_limits: Limits | None = None,
    is_stated_once: bool = True,
    is_deliberate: bool = False,
    ct_window: str = DEFAULT_CT_WINDOW,
) -> OpeningWindow:
    """Choose the window that a volume opens with.

    A window that the file states once for all slices is used, unless it plainly hides the
    object. A CT's is always used, and one that a user has set. Where the windows differ from
    slice to slice, or there is none, a window is proposed for the modality and the values.

    Parameters
    ----------
    sample : callable
        Returns values from around the middle of the volume, without padding.
    is_integer : bool
        Whether the values are integers, for which windows are LINEAR (PS3.3 C.11.2.1.2.1).
    modality, unit : str
        As in ``Volume``.
    file_limits : tuple of float or None
        The contrast limits of the file's first window, if it has one.
    is_stated_once : bool
        Whether the file has the same window for all slices.
    is_deliberate : bool
        Whether a user has set the file's window.
    ct_window : str
        The name of the window to propose for values in HU, one of ``CT_WINDOWS``.
    """
    is_deliberate = is_deliberate or modality in _DELIBERATE_MODALITIES
    if file_limits is not None and is_stated_once and is_deliberate:
        return OpeningWindow(file_limits)
    values = sample()
    proposed, notes = _propose_windows(
        values, is_integer=is_integer, modality=modality, unit=unit, ct_window=ct_window
    )
    if file_limits is not None and is_stated_once:
        if not _is_unusable(values, file_limits, modality):
            return OpeningWindow(file_limits, proposed)
        notes = (HIDDEN_BY_FILE_WINDOW, *notes)
    center, width, _ = proposed[0]
    function = _choose_function(is_integer=is_integer)
    return OpeningWindow(limits_from_window(center, width, function), proposed, notes)


def choose_array_window(
    data: Any,
    slice_axis: int = 0,
    *,
    modality: str = "",
    unit: str = "",
    file_limits: Limits | None = None,
) -> OpeningWindow:
    """Choose the window that an array of grey values opens with.

    Parameters
    ----------
    data : array
        With at least two axes. Of a lazy array, only a few slices are read.
    slice_axis : int
        Which of the last three axes the slices are stacked along.
    modality, unit, file_limits
        As in ``choose_opening_window``.
    """
    return choose_opening_window(
        lambda: sample_middle_slices(data, slice_axis),
        is_integer=np.dtype(data.dtype).kind in "biu",
        modality=modality,
        unit=unit,
        file_limits=file_limits,
    )


def _propose_windows(
    values: NDArray[Any],
    *,
    is_integer: bool,
    modality: str = "",
    unit: str = "",
    ct_window: str = DEFAULT_CT_WINDOW,
) -> tuple[tuple[Window, ...], tuple[str, ...]]:
    """Return windows for a sample of values, the best one first, and notes on guesses.

    Parameters are those of ``choose_opening_window``.
    """
    function = _choose_function(is_integer=is_integer)
    if unit == "HU":
        preset = _find_preset(CT_WINDOWS, ct_window)
        if not shows_nothing(values, limits_from_window(*preset[:2], function)):
            return (preset,), ()
    elif modality == "PT":
        preset = _find_preset(SUV_WINDOWS, _DEFAULT_SUV_WINDOW)
        limits = limits_from_window(*preset[:2], function)
        if unit == "g/ml" and not hides_object(values, limits, max_white_share=1.0):
            return (preset,), ()
        return (_name_window("Uptake", find_uptake_limits(values), function),), ()
    elif modality in ("", "CT", "OT") and not unit and _looks_like_hounsfield(values):
        preset = _find_preset(CT_WINDOWS, DEFAULT_CT_WINDOW)
        return (preset, *_propose_for_object(values, function)), (HU_ASSUMED,)
    return _propose_for_object(values, function), ()


def _propose_for_object(values: NDArray[Any], function: str) -> tuple[Window, ...]:
    """Return the windows that the values alone suggest, without those that are the same."""
    found = find_object_limits(values)
    named = {
        "Whole object": found.whole,
        "Dark structures": found.dark,
        "Bright structures": found.bright,
    }
    return tuple(
        _name_window(name, limits, function)
        for n, (name, limits) in enumerate(named.items())
        if limits not in list(named.values())[:n]
    )


def _is_unusable(values: NDArray[Any], limits: Limits, modality: str) -> bool:
    """Return whether a window that the file states hides the object in a sample of the values."""
    if modality not in _MAX_WHITE_SHARES:
        return shows_nothing(values, limits)
    return hides_object(values, limits, max_white_share=_MAX_WHITE_SHARES[modality])


def _looks_like_hounsfield(values: NDArray[Any]) -> bool:
    """Return whether values are spread as those of a CT in Hounsfield units."""
    values = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    if not values.size or values.min() < _LOWEST_HU or values.max() > _HIGHEST_HU:
        return False
    count = values.size
    padding, air, lung, fat, bone, metal = (
        int(np.count_nonzero(values <= limit))
        for limit in (_PADDING_HU, _AIR_HU, _LUNG_HU, _FAT_HU, _BONE_HU, -_LUNG_HU)
    )
    body = values[values > _FAT_HU]
    if lung - air < _MIN_AIR_SHARE * count or not body.size:
        return False
    is_body_soft = bone - fat >= _MIN_BODY_SHARE * body.size
    has_nothing_below_air = air - padding <= _MAX_IMPOSSIBLE_SHARE * count
    # A map of both signs has as many high values as low ones, and most between.
    is_one_sided = count - metal < (lung - air) / 2 and fat - lung <= lung - air
    is_like_water = abs(float(np.median(body))) <= _MAX_BODY_MEDIAN_HU
    return is_body_soft and has_nothing_below_air and is_one_sided and is_like_water


def _choose_function(*, is_integer: bool) -> str:
    return "LINEAR" if is_integer else "LINEAR_EXACT"


def _find_preset(windows: tuple[Window, ...], name: str) -> Window:
    """Return a preset as a proposed window."""
    center, width, name = next(window for window in windows if window[2] == name)
    return center, width, PROPOSED.format(name)


def _name_window(name: str, limits: Limits, function: str) -> Window:
    return (*window_from_limits(limits, function), PROPOSED.format(name))
