"""In random series every image is at its position in one volume, or a note says otherwise."""

import itertools

import numpy as np
import pytest

from helpers.builders import (
    ORIENTATIONS,
    find_slice_position,
    make_series,
    stored_slice,
    write_series,
)
from napari_medread.api import read

TRAITS = {
    "ImageType": [["ORIGINAL", "PRIMARY", "M"], ["ORIGINAL", "PRIMARY", "P"], ["DERIVED", "X"]],
    "TemporalPositionIdentifier": [1, 2, 3],
    "EchoTime": ["4", "8", "12"],
    "AcquisitionNumber": [1, 2, 3],
    "AcquisitionTime": ["235958", "000000", "000002"],
    "DiffusionBValue": [0.0, 500.0, 1000.0],
    "SequenceName": ["a", "b", "c"],
    "ConvolutionKernel": ["soft", "sharp", "bone"],
}
"""Attributes in which images may differ, with values."""

FILLED = 0
"""Value that fills planes without a slice."""


def random_series(random):
    """Return images at random positions, with random traits, some lost and some out of order.

    Slices follow in whole steps, with gaps.
    """
    plane = ORIENTATIONS[random.choice(list(ORIENTATIONS))]
    places = np.flatnonzero(random.random(12) < random.choice([0.6, 0.9, 1.0]))
    places = places if len(places) > 1 else np.arange(3)
    traits = random.choice(list(TRAITS), size=random.integers(0, 4), replace=False)
    varied = random.random() < 0.3  # one of the traits differs from slice to slice
    images = []
    for combination in itertools.product(range(random.integers(1, 4)), repeat=min(len(traits), 2)):
        for n, ds in enumerate(make_series(plane, slices=places, PixelPaddingValue=FILLED)):
            for k, trait in enumerate(traits):
                value = combination[k] if k < len(combination) else int(random.integers(3)) * varied
                setattr(ds, trait, TRAITS[trait][value])
            number = len(images)
            ds.PixelData = stored_slice(number).tobytes()
            ds.InstanceNumber = number + 1
            images.append((find_slice_position(places[n], plane), ds))
    lost = random.random(len(images)) < random.choice([0, 0, 0.05])
    return [pair for pair, gone in zip(images, lost, strict=True) if not gone]


def planes_of(volume):
    """Yield the first value and its LPS position of every plane of a volume."""
    geometry, data = volume.geometry, np.asarray(volume.data)
    axis = geometry.slice_axis
    grid = np.moveaxis(data, data.ndim - 3 + axis, -3)
    for index in np.ndindex(grid.shape[:-2]):
        place = [0, 0, 0]
        place[axis] = index[-1]
        yield int(grid[(*index, 0, 0)]), geometry.to_patient(place)


@pytest.fixture(scope="module", params=range(60))
def images(request):
    return random_series(np.random.default_rng(request.param))


@pytest.fixture(scope="module")
def expected(images):
    return {int(np.frombuffer(ds.PixelData, "<u2")[0]): where for where, ds in images}


@pytest.fixture(scope="module")
def volumes(tmp_path_factory, images):
    return read(write_series(tmp_path_factory.mktemp("in"), [ds for _, ds in images]))


@pytest.fixture(scope="module")
def found(volumes):
    """Value and position of every plane that is an image."""
    exact = [v for v in volumes if not any("interpolated" in note for note in v.notes)]
    return [pair for v in exact for pair in planes_of(v) if pair[0] != FILLED]


def test_every_image_that_is_shown_is_at_its_position(found, expected):
    off = [value for value, at in found if np.abs(at - expected[value]).max() > 1e-6]
    assert off == []


def test_no_image_is_shown_twice(found):
    values = [value for value, _ in found]
    assert len(values) == len(set(values))


def test_every_image_is_shown_unless_a_note_says_otherwise(volumes, found, expected):
    notes = " ".join(note for volume in volumes for note in volume.notes)
    told = "left out" in notes or "interpolated" in notes
    assert told == (len(found) < len(expected))


def test_every_volume_has_a_different_name(volumes):
    assert len({volume.name for volume in volumes}) == len(volumes)
