"""Frames without a patient position: films, stacks by number, and single images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_medread.core.volume import Axis
from napari_medread.dicom.frames.frame import Frame
from napari_medread.dicom.headers import attributes
from napari_medread.dicom.sorting.even_spacing import spacing_tolerance
from napari_medread.dicom.sorting.image_plane import guess_slice_spacing
from napari_medread.dicom.sorting.leading_axis_values import EVEN_STEP_TOLERANCE
from napari_medread.dicom.sorting.repeated_positions import explain_repeated_positions
from napari_medread.dicom.sorting.stack import Stack

UNSTACKED_MODALITIES = ("CR", "DX", "MG", "RF", "XA", "IO", "PX", "RG", "US", "IVUS", "ES", "XC",
                        "GM")  # fmt: skip
"""Modalities whose images are views and not slices: each is a separate volume."""

POSITIONED_MODALITIES = ("CT", "MR", "PT")
"""Modalities whose images have a patient position, unless something is wrong with them."""


def stack_unpositioned_frames(frames: list[Frame]) -> list[Stack]:
    """Return the stacks of similar frames that do not all have a patient position.

    The frames of one object make a film. Other images are stacked by SliceLocation or
    InstanceNumber, unless their modality makes views.
    """
    if frames[0].header.number_of_frames > 1 or len({f.header.path for f in frames}) < len(frames):
        return [_stack_film(sorted(frames, key=lambda f: f.acquisition_order))]
    modality = attributes.get_text(frames[0].dataset, "Modality")
    if len(frames) == 1 or modality in UNSTACKED_MODALITIES:
        return [Stack([[frame]], notes=_explain_lack_of_position(frame)) for frame in frames]
    return [_stack_by_location_or_number(frames)]


def _explain_lack_of_position(frame: Frame) -> list[str]:
    """Return notes on what is wrong with an image that should have a position and has none."""
    if "MOSAIC" in frame.image_type:
        return ["The private data that describe the tiles of the mosaic are missing: shown whole."]
    if any(
        keyword in frame.dataset and attributes.get_text(frame.dataset, keyword)
        for keyword in ("ImagePositionPatient", "ImageOrientationPatient")
    ):
        return ["The header's patient position cannot be used: shown without one."]
    if attributes.get_text(frame.dataset, "Modality") in POSITIONED_MODALITIES:
        return ["The file gives no patient position."]
    return []


def _stack_film(frames: list[Frame]) -> Stack:
    """Stack the frames of one object along the axes that it numbers, or along time."""
    if frames[0].axis_indices:
        explained = explain_repeated_positions([frames])
        if explained is not None:
            return Stack(
                [[frame] for frame in explained.frames.ravel()],
                explained.axes,
                explained.frames.shape[:-1],
                notes=explained.notes,
            )
    return Stack(
        [[frame] for frame in frames],
        (_make_cine_axis(frames),),
        (len(frames),),
        notes=_explain_lack_of_position(frames[0]),
    )


def _make_cine_axis(frames: Sequence[Frame]) -> Axis:
    """Return the axis of a cine run from FrameTime or FrameTimeVector, both in ms.

    FrameTimeVector holds the time since the frame before (PS3.3 C.7.6.5).
    """
    dataset = frames[0].header.dataset
    steps = attributes.get_numbers(dataset, "FrameTimeVector")
    if steps and len(steps) == len(frames):
        times = np.cumsum((0.0, *steps[1:])) / 1000
        step = float(times[-1] / (len(times) - 1))
        if step > 0 and np.abs(np.diff(times) - step).max() <= EVEN_STEP_TOLERANCE * step:
            return Axis("time", "s", step, tuple(times.tolist()))
        return Axis("time", values=tuple(times.tolist()), value_unit="s")
    step = attributes.get_number(dataset, "FrameTime") or 0.0
    if step > 0:
        return Axis("time", "s", step / 1000)
    return Axis("frame")


def _stack_by_location_or_number(frames: list[Frame]) -> Stack:
    """Stack single images by SliceLocation, or by InstanceNumber."""
    locations = [attributes.get_number(f.dataset, "SliceLocation") for f in frames]
    known = [location for location in locations if location is not None]
    if len(known) == len(frames) == len(set(known)):
        # From high to low, as axial slices are sorted: superior first.
        order = np.argsort(known)[::-1]
        frames, step = [frames[n] for n in order], None
        steps = np.abs(np.diff(sorted(known)))
        notes = ["The files give no patient position: stacked by SliceLocation."]
        if np.ptp(steps) <= 2 * spacing_tolerance(float(np.median(steps))):
            step = float(np.median(steps))
        else:
            notes.append("SliceLocation is unevenly spaced: the slice spacing is unknown.")
    else:
        frames = sorted(frames, key=lambda f: f.acquisition_order)
        notes = ["The files give no patient position: stacked by InstanceNumber."]
        step, doubt = guess_slice_spacing(frames[0])
        notes += doubt
    axis = Axis("slice", "mm", step) if step else Axis("slice")
    return Stack([[frame] for frame in frames], (axis,), (len(frames),), notes=notes)
