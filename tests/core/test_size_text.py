"""Sizes and spacings are written as columns × rows × slices, and then the leading axes."""

import pytest

from napari_medread.core.size_text import format_size, format_spacing

COLUMNS, ROWS, SLICES = 512, 256, 30


@pytest.mark.parametrize(
    ("shape", "slice_axis", "text"),
    [
        ((ROWS, COLUMNS), 0, "512 × 256"),
        ((SLICES, ROWS, COLUMNS), 0, "512 × 256 × 30"),  # axial
        ((ROWS, SLICES, COLUMNS), 1, "512 × 256 × 30"),  # coronal
        ((ROWS, COLUMNS, SLICES), 2, "512 × 256 × 30"),  # sagittal
        ((8, 2, SLICES, ROWS, COLUMNS), 0, "512 × 256 × 30 × 2 × 8"),
    ],
)
def test_columns_come_first_in_every_plane(shape, slice_axis, text):
    assert format_size(shape, slice_axis) == text


def test_a_spacing_is_in_the_order_of_the_size():
    assert format_spacing((0.5, 0.75, 3.0), 2) == "0.75 × 0.5 × 3 mm"
    assert format_spacing((0.25, 0.5)) == "0.5 × 0.25 mm"
