"""Controls for a crop box in mm: for each axis a slider with two handles, and two numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QAbstractSpinBox, QDoubleSpinBox, QGridLayout, QLabel, QWidget
from superqt import QDoubleRangeSlider

from napari_medread.core.affines import Float

_ROWS = (("Sup – inf", "superior"), ("Ant – post", "anterior"), ("Right – left", "right"))
"""Labels of the rows, and the end of the patient from which each is counted."""

_LABEL_WIDTH_PX = 75

_DECIMALS_MM = 1
"""Number of decimals shown, in mm."""

_NUMBER_STYLE = "QDoubleSpinBox { min-width: 68px; max-width: 68px; padding: 1px 0px 1px 4px; }"
"""Leaves room for four digits and the unit; napari's style leaves room for buttons too."""


class CropBoxControls(QWidget):
    """The part that is kept along each axis, in mm from one end of the layer.

    Attributes
    ----------
    changed : Signal()
        The user has moved a handle or edited a number.
    finished : Signal()
        The user has released a handle, or edited a number: nothing follows for now.
    sliders : list of QDoubleRangeSlider
        One for each axis.
    numbers : list of tuple of QDoubleSpinBox
        Start and end, for each axis.
    """

    changed = Signal()
    finished = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._is_filling = False
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setColumnStretch(2, 1)
        self.sliders, self.numbers = [], []
        for axis, (name, side) in enumerate(_ROWS):
            tooltip = (
                f"The part to keep, in mm from the {side} end of the layer. Crops all selected\n"
                "volumes in 3D. No voxels are changed."
            )
            label, slider = QLabel(name), _make_slider()
            label.setMinimumWidth(_LABEL_WIDTH_PX)
            numbers = _make_number_box(), _make_number_box()
            for column, widget in enumerate((label, numbers[0], slider, numbers[1])):
                widget.setToolTip(tooltip)
                layout.addWidget(widget, axis, column)
            slider.sliderReleased.connect(self.finished)
            slider.valueChanged.connect(lambda _, axis=axis: self._on_slider(axis))
            for end, number in enumerate(numbers):
                number.valueChanged.connect(partial(self._on_number, axis, end))
            self.sliders.append(slider)
            self.numbers.append(numbers)

    def show_box(self, layer_box: Float, box: Float) -> None:
        """Show which part of a layer is kept.

        Parameters
        ----------
        layer_box, box : array
            Of the whole layer, and of the part that is kept: (3, 2) each, start and end along
            the axes of the world.
        """
        self._is_filling = True
        try:
            for axis, (layer_ends, ends) in enumerate(zip(layer_box, box, strict=True)):
                layer_start, layer_end = map(float, layer_ends)
                length = float(layer_end - layer_start)
                self.sliders[axis].setRange(0.0, length)
                for number in self.numbers[axis]:
                    number.setRange(0.0, length)
                start = max(float(ends[0]) - layer_start, 0.0)
                end = length if ends[1] == layer_end else min(float(ends[1]) - layer_start, length)
                self._show_range(axis, (start, end))
        finally:
            self._is_filling = False

    def is_held(self) -> bool:
        """Return whether the user holds a handle."""
        return any(slider.isSliderDown() for slider in self.sliders)

    def read_box(self, layer_box: Float) -> Float:
        """Return the box that is kept in the world, (3, 2); infinite where nothing is cropped."""
        box = np.full((3, 2), [-math.inf, math.inf])
        for axis, slider in enumerate(self.sliders):
            start, end = slider.value()
            if start > slider.minimum():
                box[axis, 0] = layer_box[axis, 0] + start
            if end < slider.maximum():
                box[axis, 1] = layer_box[axis, 0] + end
        return box

    def _show_range(self, axis: int, ends: Sequence[float]) -> None:
        self.sliders[axis].setValue(tuple(ends))
        for number, value in zip(self.numbers[axis], ends, strict=True):
            number.setValue(value)

    def _on_slider(self, axis: int) -> None:
        if not self._is_filling:
            self._edit(axis, self.sliders[axis].value())

    def _on_number(self, axis: int, end: int, value: float) -> None:
        if self._is_filling:
            return
        ends = list(self.sliders[axis].value())  # the end that was not edited is not rounded
        length = self.sliders[axis].maximum()
        ends[end] = length if value >= round(length, _DECIMALS_MM) else value
        self._edit(axis, sorted(ends))
        self.finished.emit()

    def _edit(self, axis: int, ends: Sequence[float]) -> None:
        self._is_filling = True
        try:
            self._show_range(axis, ends)
        finally:
            self._is_filling = False
        self.changed.emit()


def _make_slider() -> Any:
    return QDoubleRangeSlider(Qt.Orientation.Horizontal)  # type: ignore[no-untyped-call]


def _make_number_box() -> QDoubleSpinBox:
    number = QDoubleSpinBox()
    number.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)
    number.setSuffix(" mm")
    number.setDecimals(_DECIMALS_MM)
    number.setKeyboardTracking(False)
    number.setStyleSheet(_NUMBER_STYLE)
    return number
