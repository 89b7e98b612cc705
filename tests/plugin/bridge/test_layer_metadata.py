"""The record of a layer, through what napari and others do to its metadata."""

import copy
import pickle

import numpy as np
import pytest
from napari.components import LayerList
from napari.layers import Image, Layer
from napari.layers._layer_actions import _duplicate_layer, _project, _split_stack

from helpers.scans import OBLIQUE
from napari_medread.core.geometry import Geometry
from napari_medread.core.slice_sources import SliceSources
from napari_medread.core.volume import Volume
from napari_medread.plugin.bridge.layer_metadata import (
    RECORD_KEY,
    LayerRecord,
    StraightDrawing,
    get_record,
    with_record,
)
from napari_medread.plugin.bridge.volume_to_layer import to_layer

PUBLIC_KEYS = {
    "patient_affine", "source", "notes", "modality", "value_unit", "windows", "axes",
    "axis_units", "header",
}  # fmt: skip


def layer():
    """Return a layer with every field of the record but ``straight``."""
    geometry = Geometry((3, 4, 5), np.diag([2.0, 3, 5, 1])[[2, 1, 0, 3]], 1)
    numbers = np.arange(4)[None, :]
    frames = SliceSources(numbers[0] * 0, numbers[0], np.arange(4.0), geometry)
    volume = Volume(
        np.zeros((3, 4, 5), np.int16),
        "scan",
        geometry,
        contrast_limits=(0, 1),
        slice_sources=frames,
    )
    return Layer.create(*to_layer(volume))


def same(record, expected):
    """Check that two records hold the same."""
    np.testing.assert_array_equal(record.drawn_affine, expected.drawn_affine)
    assert record.slice_axis == expected.slice_axis
    assert record.opened_contrast_limits == expected.opened_contrast_limits
    assert record.opened_colormap == expected.opened_colormap
    np.testing.assert_array_equal(
        record.slice_sources.frame_indices, expected.slice_sources.frame_indices
    )


def test_metadata_holds_the_documented_keys_and_the_record_alone():
    assert set(layer().metadata) == PUBLIC_KEYS | {RECORD_KEY}
    record = get_record(layer())
    assert record.slice_axis == 1
    assert record.opened_contrast_limits == (0.0, 1.0)
    assert record.opened_colormap == "gray"
    assert record.straight is None


@pytest.mark.parametrize(
    "passed_on",
    [
        lambda metadata: pickle.loads(pickle.dumps(metadata)),  # noqa: S301
        copy.deepcopy,
        dict,
        lambda metadata: Image(np.zeros((3, 4, 5)), metadata=metadata).metadata,
    ],
    ids=["pickle", "deepcopy", "dict", "another layer"],
)
def test_it_survives_copies_of_the_metadata(passed_on):
    metadata = with_record(layer().metadata, straight=StraightDrawing(*[np.eye(4)] * 3))
    found = get_record(passed_on(metadata))
    same(found, get_record(metadata))
    np.testing.assert_array_equal(found.straight.affine, np.eye(4))


@pytest.mark.parametrize("action", [_duplicate_layer, _project, _split_stack])
def test_it_survives_what_napari_makes_of_a_layer(action):
    source = layer()
    expected, layers = get_record(source), LayerList([source])
    layers.selection.active = source
    action(layers)
    made = layers[-1]
    assert made is not source
    same(get_record(made), expected)
    same(get_record(Layer.create(*made.as_layer_data_tuple())), expected)


@pytest.mark.parametrize("value", [None, 5, "record", {"slice_axis": 1}, [np.eye(4)]])
def test_a_foreign_value_under_the_key_is_no_record(value):
    metadata = {RECORD_KEY: value, "notes": ["a note"]}
    assert get_record(metadata).is_empty
    changed = with_record(metadata, slice_axis=2)
    assert get_record(changed).slice_axis == 2
    assert changed["notes"] == ["a note"]
    assert with_record(metadata) == {"notes": ["a note"]}


@pytest.mark.parametrize(
    "change",
    [
        {"drawn_affine": np.eye(4)[:3]},
        {"drawn_affine": "matrix"},
        {"slice_axis": 3},
        {"slice_sources": [1, 2]},
        {"straight": np.eye(4)},
        {"opened_contrast_limits": (1,)},
    ],
    ids=str,
)
def test_what_fits_no_field_is_refused(change):
    with pytest.raises(ValueError, match=r"."):
        LayerRecord(**change)


def test_changing_it_leaves_the_metadata_of_other_layers_alone():
    source = OBLIQUE.layer()
    before = get_record(source)
    changed = with_record(source.metadata, slice_axis=None, drawn_affine=np.eye(4))
    assert get_record(source) is before
    assert before.slice_axis == 0
    assert get_record(changed).slice_axis is None
    with pytest.raises(ValueError, match="read-only"):
        before.drawn_affine[0, 0] = 7


def test_a_record_of_which_nothing_is_left_is_left_out():
    metadata = with_record({}, slice_axis=1)
    assert set(metadata) == {RECORD_KEY}
    assert with_record(metadata, slice_axis=None) == {}
