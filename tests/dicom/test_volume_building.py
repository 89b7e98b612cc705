"""Volumes of DICOM series: the windows that they open with."""

import numpy as np
import pytest

from helpers.builders import ORIENTATIONS, find_slice_position, make_image, save_dataset
from helpers.scanned_head import FLUID, GREY_MATTER, SKIN, WHITE_MATTER, add_noise, make_head
from napari_medread.api import read
from napari_medread.core.opening_window import HIDDEN_BY_FILE_WINDOW
from napari_medread.core.thumbnail_image import make_thumbnail

HEAD = add_noise(make_head())
NOISE = add_noise(np.zeros((2, 96, 96)))
"""Slices beyond the head, as 4D runs begin with."""

STACK = np.concatenate([NOISE, HEAD, NOISE]).astype(np.int16)


def window_of(n, plane):
    """Return a window as scanners write them: that of the slice alone."""
    del n
    high = int(np.percentile(plane, 99))
    return {"WindowCenter": str(high // 2), "WindowWidth": str(high)}


def write_stack(folder, stack=STACK, window=None, times=1, **attributes):
    """Write a stack, once or as many times as said; ``window(n, plane)`` makes the windows."""
    (row, column), number = ORIENTATIONS["axial"], 0
    for time in range(times):
        for n, plane in enumerate(stack):
            number += 1
            dataset = make_image(
                plane,
                **{
                    "Modality": "MR",
                    "ImagePositionPatient": find_slice_position(n, (row, column)),
                    "ImageOrientationPatient": [*map(float, (*row, *column))],
                    "PixelSpacing": [2, 2],
                    "InstanceNumber": number,
                    **({"TemporalPositionIdentifier": time + 1} if times > 1 else {}),
                    **(window(n, plane) if window else {}),
                    **attributes,
                },
            )
            save_dataset(dataset, folder / f"{number:04d}.dcm")
    return folder


def is_head_visible(volume):
    low, high = volume.contrast_limits
    return low < 100 and WHITE_MATTER < high < 2 * SKIN


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("times", [1, 2, 4])
def test_the_head_is_seen_where_every_slice_has_a_window_of_its_own(tmp_path, times, lazy):
    (volume,) = read(write_stack(tmp_path, window=window_of, times=times), lazy=lazy)
    assert is_head_visible(volume)
    # The list has the windows of a slice in the middle, and not of the noise at an end.
    ((_, width, _),) = volume.windows
    assert width > GREY_MATTER
    assert volume.proposed_windows
    assert volume.notes == ()


def test_a_series_opens_alike_in_memory_and_on_demand(tmp_path):
    folder = write_stack(tmp_path, window=window_of, times=2)
    assert read(folder, lazy=True)[0].contrast_limits == read(folder)[0].contrast_limits


def test_the_window_of_all_slices_is_used(tmp_path):
    window = {"WindowCenter": "600", "WindowWidth": "1001"}
    (volume,) = read(write_stack(tmp_path, window=lambda *_: window))
    assert volume.contrast_limits == (99.5, 1099.5)


def test_a_window_that_one_slice_lacks_is_used(tmp_path):
    window = {"WindowCenter": "600", "WindowWidth": "1001"}
    (volume,) = read(write_stack(tmp_path, window=lambda n, _: window if n else {}))
    assert volume.contrast_limits == (99.5, 1099.5)


def test_a_window_that_hides_the_head_is_kept_in_the_list(tmp_path):
    window = {"WindowCenter": "20", "WindowWidth": "40"}
    (volume,) = read(write_stack(tmp_path, window=lambda *_: window))
    assert is_head_visible(volume)
    assert volume.windows == ((20, 40, ""),)
    assert volume.notes == (HIDDEN_BY_FILE_WINDOW,)


@pytest.mark.parametrize(
    ("attributes", "limits"),
    [
        ({}, (-160, 239)),
        ({"ConvolutionKernel": "LUNG"}, (-1200, 199)),
        ({"ConvolutionKernel": "B70s", "BodyPartExamined": "SPINE"}, (-100, 899)),
        ({"BodyPartExamined": "HEAD"}, (0, 99)),
    ],
)
def test_a_ct_without_a_window_opens_for_what_it_was_reconstructed_for(
    tmp_path, attributes, limits
):
    hu = np.vectorize({0: -1000, FLUID: 10, GREY_MATTER: 40, WHITE_MATTER: 30, SKIN: 900}.get)
    stack = hu(make_head()).astype(np.int16)
    (volume,) = read(write_stack(tmp_path, stack, Modality="CT", **attributes))
    # Width and center to limits: PS3.3 C.11.2.1.2.1.
    assert volume.contrast_limits == limits


def test_a_pet_in_suv_opens_from_0_to_7(tmp_path):
    (volume,) = read(write_stack(tmp_path, Modality="PT", Units="GML", RescaleSlope="0.01"))
    assert volume.contrast_limits == (0, 7)


def test_the_thumbnail_shows_the_window_and_the_time_of_the_layer(tmp_path):
    stack = HEAD.astype(np.int16)
    folder = write_stack(tmp_path, stack, window_of, times=3)
    (volume,) = read(folder, lazy=True)
    low, high = volume.contrast_limits
    shown = np.asarray(volume.data[1, volume.shape[1] // 2])
    expected = np.rint(np.clip((shown - low) / (high - low), 0, 1) * 255)
    drawn = make_thumbnail(volume).pixels
    assert np.array_equal(np.sort(drawn.ravel()), np.sort(expected.ravel()))
