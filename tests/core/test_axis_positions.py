"""Positions on axes are counted from 1, and say the value with its unit."""

import pytest

from napari_medread.core.axis_positions import format_axis_position, format_axis_value
from napari_medread.core.volume import Axis

DIRECTIONS = (0.0,), (928.0, 0.6, 0.8, 0.0), (928.0, 0.0, 0.0, 1.0), (0.0,)
"""b-values in the order of acquisition, some with the direction of the gradient."""


def test_positions_are_counted_from_one():
    assert format_axis_position("Slice", 25, 60) == "Slice 25 of 60"


@pytest.mark.parametrize(
    ("axis", "index", "text"),
    [
        (Axis("time", "s", 3.2, (0.0, 3.2, 6.4)), 2, "6.4 s"),
        (Axis("time", "s", 3.2), 2, "6.4 s"),
        (Axis("time", values=(0.0, 1.0, 7.25), value_unit="s"), 2, "7.25 s"),
        (Axis("time", "s", 2.4973, (0.0, 2.4973, 4.9946)), 1, "2.5 s"),
        (Axis("time", "s", 1 / 30), 45, "1.500 s"),
        (Axis("b-value", values=DIRECTIONS, value_unit="s/mm²"), 1, "b = 928 s/mm²"),
        (Axis("b-value", values=DIRECTIONS, value_unit="s/mm²"), 3, "b = 0 s/mm²"),
        (Axis("echo time", "ms", 4.6, (4.6, 9.2)), 0, "TE 4.6 ms"),
        (Axis("trigger time", "s", 0.04, (0.01, 0.05, 0.09)), 1, "50 ms"),
    ],
)
def test_a_value_is_written_with_its_unit(axis, index, text):
    assert format_axis_value(axis, index) == text


@pytest.mark.parametrize(
    "axis",
    [
        Axis("frame"),
        Axis("instance", values=(0, 1, 2)),
        Axis("slice", "mm", 4.0),
        Axis("time", "s", 1.0, (0.0, 2.0, 1.0)),
        Axis("echo time", "ms", 1.0, (4.6, 4.6, 9.2)),
        Axis("time", "s", 1.0, (0.0, None, 2.0)),
        Axis("time", "s", 1.0, (0.0, float("nan"), 2.0)),
        Axis("b-value", values=("low", "mid", "high"), value_unit="s/mm²"),
    ],
)
def test_what_only_counts_or_does_not_increase_has_no_value(axis):
    assert format_axis_value(axis, 1) == ""
