"""Controls for a box in millimetres: a slider with two handles for each axis, and numbers."""

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

SIDES = (("Sup – inf", "superior"), ("Ant – post", "anterior"), ("Right – left", "right"))
"""Names of the rows, and the end from which each is counted."""

_LABEL_WIDTH = 75
"""In pixels."""

_DECIMALS = 1
"""Of a millimetre, that are shown."""

_NARROW = "QDoubleSpinBox { min-width: 68px; max-width: 68px; padding: 1px 0px 1px 4px; }"
"""Room for four digits and the unit; napari's style leaves room for buttons too."""


class CropBox(QWidget):
    """What is kept along each axis, counted in mm from an end of the layer.

    Attributes
    ----------
    changed : Signal()
        When a person has moved a handle or typed a number.
    sliders : list of QDoubleRangeSlider
        One for each axis.
    numbers : list of tuple of QDoubleSpinBox
        From and to, for each axis.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._is_filling = False
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setColumnStretch(2, 1)
        self.sliders, self.numbers = [], []
        for n, (name, side) in enumerate(SIDES):
            tooltip = (
                f"What to keep, in mm from the {side} end of the layer. It cuts all selected\n"
                "volumes in 3D, and changes no voxels."
            )
            label, slider = QLabel(name), _slider()
            label.setMinimumWidth(_LABEL_WIDTH)
            numbers = _number(), _number()
            for place, widget in enumerate((label, numbers[0], slider, numbers[1])):
                widget.setToolTip(tooltip)
                layout.addWidget(widget, n, place)
            slider.valueChanged.connect(lambda _, n=n: self._on_slider(n))
            for end, number in enumerate(numbers):
                number.valueChanged.connect(partial(self._on_number, n, end))
            self.sliders.append(slider)
            self.numbers.append(numbers)

    def show_box(self, whole: Float, box: Float) -> None:
        """Show what of a layer is kept: both in the world, (3, 2)."""
        self._is_filling = True
        try:
            for n, (ends, kept) in enumerate(zip(whole, box, strict=True)):
                start, end = map(float, ends)
                length = float(end - start)
                self.sliders[n].setRange(0.0, length)
                for number in self.numbers[n]:
                    number.setRange(0.0, length)
                last = length if kept[1] == end else min(float(kept[1]) - start, length)
                self._show(n, (max(float(kept[0]) - start, 0.0), last))
        finally:
            self._is_filling = False

    def box(self, whole: Float) -> Float:
        """Return what is kept in the world, (3, 2); without an end where nothing is cut."""
        found = np.full((3, 2), [-math.inf, math.inf])
        for n, slider in enumerate(self.sliders):
            start, end = slider.value()
            if start > slider.minimum():
                found[n, 0] = whole[n, 0] + start
            if end < slider.maximum():
                found[n, 1] = whole[n, 0] + end
        return found

    def _show(self, n: int, kept: Sequence[float]) -> None:
        self.sliders[n].setValue(tuple(kept))
        for number, value in zip(self.numbers[n], kept, strict=True):
            number.setValue(value)

    def _on_slider(self, n: int) -> None:
        if not self._is_filling:
            self._edit(n, self.sliders[n].value())

    def _on_number(self, n: int, end: int, value: float) -> None:
        if self._is_filling:
            return
        kept = list(self.sliders[n].value())  # what was not typed is not rounded
        length = self.sliders[n].maximum()
        kept[end] = length if value >= round(length, _DECIMALS) else value
        self._edit(n, sorted(kept))

    def _edit(self, n: int, kept: Sequence[float]) -> None:
        self._is_filling = True
        try:
            self._show(n, kept)
        finally:
            self._is_filling = False
        self.changed.emit()


def _slider() -> Any:
    return QDoubleRangeSlider(Qt.Orientation.Horizontal)  # type: ignore[no-untyped-call]


def _number() -> QDoubleSpinBox:
    number = QDoubleSpinBox()
    number.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)
    number.setSuffix(" mm")
    number.setDecimals(_DECIMALS)
    number.setKeyboardTracking(False)
    number.setStyleSheet(_NARROW)
    return number
