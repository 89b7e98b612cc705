"""The panel "Planes and slices": planes, readouts of slice and cursor, and what is switched on."""

from __future__ import annotations

from typing import Any

from magicgui.widgets import CheckBox, Label, PushButton

from napari_medread.core.axis_positions import capitalise_label
from napari_medread.plugin.bridge.leading_positions import LeadingPosition
from napari_medread.plugin.bridge.oblique_drawings import is_left_straight, is_oblique
from napari_medread.plugin.gui.controls import make_labelled_row, make_row, make_wrapping_label
from napari_medread.plugin.gui.panel_base import Panel
from napari_medread.plugin.gui.preferences import get_preference
from napari_medread.plugin.gui.viewer_references import unwrap_viewer
from napari_medread.plugin.planes.navigation.plane_switching import (
    AS_ACQUIRED,
    PLANE_KEYS,
    find_acquired_plane,
    show_plane,
)
from napari_medread.plugin.planes.overlay.cursor_readout import CursorReadout
from napari_medread.plugin.planes.overlay.orientation_letters import find_layers_with_other_letters
from napari_medread.plugin.planes.viewing_tools import ViewingTools

_PLANE_TOOLTIPS = {
    "axial": "Viewed from the feet: front up, the patient's left on the right.",
    "coronal": "Viewed from the front: head up, the patient's left on the right.",
    "sagittal": "Viewed from the patient's left: head up, front on the left.",
    AS_ACQUIRED: "The plane in which the selected layer was acquired, or the image under it.",
}

_LABEL_WIDTH_PX, _READOUT_WIDTH_PX = 60, 195
"""Leaves room for three coordinates, so that nothing moves while the cursor does."""

_NOTHING = "–"
"""Shown where there is nothing to read out."""

_OBLIQUE = (
    "{name} is oblique. In 2D it is drawn straight, along its own axes; the letters and positions "
    "shown are the true ones."
)
_OTHER_LETTERS = "The letters apply to {described}, but not to {other}: its orientation differs."
_NOT_LOADED = (
    "{name} was not loaded, so the other planes do not show it. To load it, untick and tick Three "
    "planes at once."
)
_IN_PATIENT_SPACE = "In 3D it is drawn where it lies, together with what was drawn over it."
_LEFT_STRAIGHT = (
    "{name} is drawn as in 2D: it has no position of its own, and was not drawn over a single "
    "image in 2D."
)


class PlanesAndSlices(Panel):
    """Shows the patient's planes, reads out slice and cursor, and switches the viewing tools.

    The viewing tools work until the panel is closed.

    Parameters
    ----------
    napari_viewer : Viewer
        Neither the viewer nor its layers are kept alive.
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(napari_viewer)
        self.tools = tools = ViewingTools(unwrap_viewer(napari_viewer))
        self.planes = {plane: _make_plane_button(plane) for plane in PLANE_KEYS}
        for plane, button in self.planes.items():
            button.changed.connect(lambda _=None, plane=plane: self._show_plane(plane))
        self.slice, self.position, self.value, self.layer = (
            make_wrapping_label() for _ in range(4)
        )
        self.leading, self.leading_labels = make_wrapping_label(), Label(value="")
        self.leading.tooltip = (
            "Where the sliders of the other axes stand: number and value, of the layer\n"
            "whose slice is displayed."
        )
        self.leading_row = _make_readout_row(self.leading_labels, self.leading)
        self.slice.tooltip = (
            "Number and position of the displayed slice. Counted from 1 in the direction of\n"
            "the slider: from the head, the front or the right."
        )
        self.position.tooltip = (
            "Patient coordinates of the cursor in mm: L or R, A or P, S or I.\n"
            "For oblique layers too, these are the true positions."
        )
        self.value.tooltip = "Value of the voxel under the cursor, in the layer's unit."
        self.layer.tooltip = "The topmost visible image under the cursor."
        self.letters = CheckBox(
            text="Orientation letters at the edges",
            value=bool(get_preference("browsing", "letters")),
            tooltip="Shows at the edges of the image which side of the patient is there: S, I, A,\n"
            "P, L, R; two letters where a layer is oblique by more than 20°. They are those of\n"
            "the selected layer if it is visible, else of the topmost. None in 3D, and none\n"
            "where the position in the patient is not known.",
        )
        self.slice_number = CheckBox(
            text="Slice number on the image",
            value=True,
            tooltip="Shows number and position of the slice in the lower left corner, and the\n"
            "values of other axes such as time. What has no room there is left out.",
        )
        self.wheel = CheckBox(
            text="Mouse wheel scrolls through slices",
            value=bool(get_preference("browsing", "wheel")),
            tooltip="Wheel: one slice of the selected layer. With Shift: ten. With Alt: to the\n"
            "end. With Ctrl: zoom at the cursor.\n"
            "Change the steps in Preferences > Medical images.",
        )
        self.patient_space = CheckBox(
            text="Patient space in 3D",
            value=False,
            tooltip="Draws oblique layers in 3D exactly where they lie in the patient, so that\n"
            "layers of different orientation fit together. In 2D they are always drawn straight,\n"
            "as napari cannot show oblique slices. Layers without a position of their own, such\n"
            "as new labels, move with the images over which they were drawn.",
        )
        self.three_planes = CheckBox(
            text="Three planes at once",
            value=False,
            tooltip="Shows the other two planes beside the displayed one, or all three beside 3D.\n"
            "Click to move the crosshair; hold Shift to let it follow the mouse.",
        )
        plane_rows = [
            make_row(self.planes["axial"], self.planes["coronal"]),
            make_row(self.planes["sagittal"], self.planes[AS_ACQUIRED]),
        ]
        readout_rows = [
            _make_readout_row(Label(value="Slice"), self.slice),
            self.leading_row,
            _make_readout_row(Label(value="Position"), self.position),
            _make_readout_row(Label(value="Value"), self.value),
            _make_readout_row(Label(value="Layer"), self.layer),
        ]
        check_boxes = [
            *(self.three_planes, self.letters, self.slice_number, self.wheel, self.patient_space)
        ]
        self._lay_out([*plane_rows, *readout_rows, *check_boxes])
        for check_box in check_boxes:
            check_box.changed.connect(self._switch_tools)
        tools.changed.connect(self._update_slice)
        tools.cursor_moved.connect(self._update_cursor)
        self.native.destroyed.connect(lambda *_: tools.close())
        self._switch_tools()
        tools.update()

    def _show_plane(self, plane: str) -> None:
        viewer = self._viewer_ref()
        if viewer is not None:
            show_plane(viewer, plane)

    def _switch_tools(self, *_: Any) -> None:
        """Switch the viewing tools on and off as the check boxes say."""
        self.tools.shows_letters = self.letters.value
        self.tools.shows_slice = self.slice_number.value
        self.tools.wheel.switch(on=self.wheel.value)
        self.tools.patient_space.switch(on=self.patient_space.value)
        self.tools.orthogonal_views.switch(on=self.three_planes.value)
        self.tools.update()

    def _update_slice(self) -> None:
        """Show the displayed slice, enable the planes, and say what the user may not expect."""
        viewer = self._viewer_ref()
        if viewer is None:
            return
        displayed = self.tools.read_slice()
        self.slice.value = ", ".join(filter(None, displayed or ())) or _NOTHING
        leading = self.tools.read_leading_positions()
        self.leading_labels.value = "\n".join(capitalise_label(each.label) for each in leading)
        self.leading.value = "\n".join(_format_leading(each) for each in leading)
        self.leading_row.visible = bool(leading)
        for plane, button in self.planes.items():
            button.enabled = viewer.dims.ndim >= 3
            if plane == AS_ACQUIRED and button.enabled:
                button.enabled = find_acquired_plane(viewer) is not None
        self.message.value = "\n".join(self._describe_layers(viewer))

    def _describe_layers(self, viewer: Any) -> list[str]:
        """Return sentences on layers that are not shown, or not shown as the user may expect."""
        sentences = []
        if missing := self.tools.orthogonal_views.find_missing():
            sentences.append(_NOT_LOADED.format(name=missing[0].name))
        described = self.tools.geometries.find_described_layer()
        others = find_layers_with_other_letters(self.tools.geometries)
        if described is not None and others:
            sentences.append(_OTHER_LETTERS.format(described=described.name, other=others[0].name))
        oblique = [layer.name for layer in viewer.layers if layer.visible and is_oblique(layer)]
        if oblique:
            sentences.append(_OBLIQUE.format(name=oblique[0]))
            if self.patient_space.value:
                sentences.append(_IN_PATIENT_SPACE)
                layers_in_3d = viewer.layers if viewer.dims.ndisplay == 3 else []
                straight = [layer.name for layer in layers_in_3d if is_left_straight(layer)]
                if straight:
                    sentences.append(_LEFT_STRAIGHT.format(name=straight[0]))
        return sentences

    def _update_cursor(self) -> None:
        """Show position and value under the cursor."""
        readout = self.tools.read_cursor() or CursorReadout("", "", "")
        self.position.value = readout.position or _NOTHING
        self.value.value = readout.value or _NOTHING
        self.layer.value = readout.layer_name or _NOTHING


def _make_plane_button(plane: str) -> PushButton:
    tooltip = f"{_PLANE_TOOLTIPS[plane]}\nKey: {PLANE_KEYS[plane]}."
    return PushButton(text=plane.capitalize(), tooltip=tooltip)


def _format_leading(position: LeadingPosition) -> str:
    number = f"{position.number} of {position.total}"
    return f"{number}, {position.value}" if position.value else number


def _make_readout_row(label: Any, readout: Any) -> Any:
    row = make_labelled_row(label, readout)
    label.min_width, readout.min_width = _LABEL_WIDTH_PX, _READOUT_WIDTH_PX
    return row
