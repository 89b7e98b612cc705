"""The widget that shows the patient's planes, and tells what is seen of them."""

from __future__ import annotations

from typing import Any

from magicgui.widgets import CheckBox, Label, PushButton

from napari_medread.plugin.bridge.patient_space import is_left_straight, is_oblique
from napari_medread.plugin.gui.controls import make_labelled_row, make_row, make_wrapping_label
from napari_medread.plugin.gui.panel import Panel
from napari_medread.plugin.gui.preferences import get_preference
from napari_medread.plugin.gui.viewer_references import unwrap_viewer
from napari_medread.plugin.planes.overlay.layer_geometries import Pointed
from napari_medread.plugin.planes.plane_commands import ACQUIRED, KEYS, acquired_plane, show_plane
from napari_medread.plugin.planes.viewing_tools import Viewing

_TOOLTIPS = {
    "axial": "Seen from the feet: front up, the patient's left on the right.",
    "coronal": "Seen from the front: head up, the patient's left on the right.",
    "sagittal": "Seen from the patient's left: head up, front on the left.",
    ACQUIRED: "The plane in which the selected layer was acquired.",
}

_LABEL_WIDTH, _TOLD_WIDTH = 60, 195
"""In pixels: room for three coordinates, so that nothing moves while the cursor does."""

_OBLIQUE = (
    "{name} lies obliquely in the patient. In 2D it is drawn straight, along its own axes; "
    "letters and positions tell where it really is."
)
_OTHERS = "The letters are those of {shown}; {other} lies otherwise in the patient."
_MISSING = (
    "{name} is not among the other planes: it was not read. Tick Three planes again to read it."
)
_IN_PATIENT = "In 3D it stands where it is, with what was drawn over it."
_STAYS = "{name} is not turned: it has no position, and was not drawn over one image in 2D."


class PlanesAndSlices(Panel):
    """Axial, coronal, sagittal and as acquired; letters, slices and positions of what is seen.

    What it does lasts until it is closed.

    Parameters
    ----------
    napari_viewer : Viewer
        Whose slices to look through. It is not kept alive, and neither are its layers.
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(napari_viewer)
        self.viewing = viewing = Viewing(unwrap_viewer(napari_viewer))
        self.planes = {plane: _plane_button(plane) for plane in KEYS}
        for plane, button in self.planes.items():
            button.changed.connect(lambda _=None, plane=plane: self._show(plane))
        self.slice, self.place, self.value, self.layer = (make_wrapping_label() for _ in range(4))
        self.slice.tooltip = "Counted as the slider goes: from the head, the front or the right."
        self.place.tooltip = (
            "Of the cursor, in mm from the origin of the patient's coordinates:\n"
            "L or R, A or P, S or I. Oblique layers are told where they really are."
        )
        self.value.tooltip = "Of the voxel under the cursor, in the layer's unit."
        self.layer.tooltip = "The topmost visible image under the cursor."
        self.letters = CheckBox(
            text="Letters at the edges",
            value=bool(get_preference("browsing", "letters")),
            tooltip="Where the edges of the picture lie in the patient: S, I, A, P, L, R.\n"
            "Two letters where a layer is oblique by more than 20°. Of the selected layer if it\n"
            "is visible, else of the topmost. None in 3D, and none where the position is not\n"
            "known.",
        )
        self.shown_slice = CheckBox(
            text="Slice number on the picture",
            value=True,
            tooltip="Writes which slice is shown into the lower left corner.",
        )
        self.wheel = CheckBox(
            text="Mouse wheel moves through slices",
            value=bool(get_preference("browsing", "wheel")),
            tooltip="Wheel: one slice of the selected layer. Shift: ten. Alt: to the end.\n"
            "Ctrl: zoom, as the wheel does in 3D.\nOther steps: Preferences > Medical images.",
        )
        self.patient_space = CheckBox(
            text="Patient space in 3D",
            value=False,
            tooltip="Draws oblique layers in 3D exactly where they lie in the patient, so that\n"
            "layers of different orientation fit. 2D is always drawn straight, as napari cannot\n"
            "cut oblique slices. Layers without a position of their own, such as new labels,\n"
            "go with the images over which they were drawn.",
        )
        self.three_planes = CheckBox(
            text="Three planes at once",
            value=False,
            tooltip="Shows the other two planes beside the one that is shown, and all three\n"
            "beside 3D. A click moves the crosshair; with Shift held down it follows the mouse.",
        )
        planes = [
            make_row(self.planes["axial"], self.planes["coronal"]),
            make_row(self.planes["sagittal"], self.planes[ACQUIRED]),
        ]
        told = {
            "Slice": self.slice,
            "Position": self.place,
            "Value": self.value,
            "Layer": self.layer,
        }
        ticks = [
            *(self.three_planes, self.letters, self.shown_slice, self.wheel, self.patient_space)
        ]
        rows = [_told(name, widget) for name, widget in told.items()]
        self._lay_out([*planes, *rows, *ticks])
        for tick in ticks:
            tick.changed.connect(self._switch)
        viewing.changed.connect(self._tell)
        viewing.pointed.connect(self._point)
        self.native.destroyed.connect(lambda *_: viewing.close())
        self._switch()
        viewing.update()

    def _show(self, plane: str) -> None:
        viewer = self._viewer_ref()
        if viewer is not None:
            show_plane(viewer, plane)

    def _switch(self, *_: Any) -> None:
        """Do as the ticks say."""
        self.viewing.shows_letters = self.letters.value
        self.viewing.shows_slice = self.shown_slice.value
        self.viewing.wheel.switch(on=self.wheel.value)
        self.viewing.patient_space.switch(on=self.patient_space.value)
        self.viewing.three_planes.switch(on=self.three_planes.value)
        self.viewing.update()

    def _tell(self) -> None:
        """Show what is seen now, and what can be done."""
        viewer = self._viewer_ref()
        if viewer is None:
            return
        self.slice.value = self.viewing.said() or "–"
        for plane, button in self.planes.items():
            button.enabled = viewer.dims.ndim >= 3
            if plane == ACQUIRED and button.enabled:
                button.enabled = acquired_plane(viewer.layers.selection.active) is not None
        said = []
        if missing := self.viewing.three_planes.missing():
            said.append(_MISSING.format(name=missing[0].name))
        places = self.viewing.places
        if (shown := places.shown()) is not None and (others := places.others()):
            said.append(_OTHERS.format(shown=shown.name, other=others[0].name))
        oblique = [layer.name for layer in viewer.layers if layer.visible and is_oblique(layer)]
        if oblique:
            said.append(_OBLIQUE.format(name=oblique[0]))
            if self.patient_space.value:
                said.append(_IN_PATIENT)
                in_3d = viewer.layers if viewer.dims.ndisplay == 3 else []
                said += [_STAYS.format(name=each.name) for each in in_3d if is_left_straight(each)][
                    :1
                ]
        self.message.value = "\n".join(said)

    def _point(self) -> None:
        """Show what is under the cursor."""
        found = self.viewing.under_cursor() or Pointed("", "", "")
        self.value.value, self.layer.value = found.value or "–", found.layer or "–"
        self.place.value = found.place or "–"


def _plane_button(plane: str) -> PushButton:
    return PushButton(text=plane.capitalize(), tooltip=f"{_TOOLTIPS[plane]}\nKey: {KEYS[plane]}.")


def _told(name: str, widget: Any) -> Any:
    """Return a row that tells something."""
    label = Label(value=name)
    found = make_labelled_row(label, widget)
    label.min_width, widget.min_width = _LABEL_WIDTH, _TOLD_WIDTH
    return found
