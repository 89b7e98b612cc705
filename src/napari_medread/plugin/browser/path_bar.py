"""Controls that choose a folder or a DICOMDIR: typed, by dialog, dropped, or the same again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from magicgui.widgets import Container, LineEdit, PushButton
from psygnal import Signal
from qtpy.QtWidgets import QFileDialog

from napari_medread.plugin.gui.controls import make_row


class PathBar(Container[Any]):
    """A line for a path, and buttons.

    Attributes
    ----------
    current : Path or None
        The path that is shown.
    chosen : Signal(object)
        The user has chosen a path.
    """

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__(labels=False)
        self.margins = (0, 0, 0, 0)
        self.current: Path | None = None
        self.line = LineEdit(
            tooltip="The folder to show. Type a path and press Enter, or drop a folder."
        )
        self.line.native.setPlaceholderText("Folder or DICOMDIR")
        self.line.native.returnPressed.connect(self._on_typed)
        self.folder = PushButton(
            text="Folder…", tooltip="Chooses a folder. Subfolders are searched too."
        )
        self.directory = PushButton(
            text="DICOMDIR…", tooltip="Chooses the DICOMDIR of a CD or another medium."
        )
        self.rescan = PushButton(text="Rescan", tooltip="Searches the same folder again.")
        self.folder.changed.connect(self._choose_folder)
        self.directory.changed.connect(self._choose_directory)
        self.rescan.changed.connect(self._on_rescan)
        self.extend([self.line, make_row(self.folder, self.directory, self.rescan)])
        self.set_enabled(enabled=True)

    def set_enabled(self, *, enabled: bool) -> None:
        """Let the user choose another path, or not."""
        for control in (self.line, self.folder, self.directory):
            control.enabled = enabled
        self.rescan.enabled = enabled and self.current is not None

    def show_path(self, path: Path) -> None:
        """Show a path as the current one."""
        self.current = path
        self.line.value = str(path)

    def _choose_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self.native, "Folder", self._get_start_folder())
        if chosen:
            self.chosen.emit(Path(chosen))

    def _choose_directory(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(
            self.native,
            "DICOMDIR",
            self._get_start_folder(),
            "DICOMDIR (DICOMDIR* dicomdir*);;All (*)",
        )
        if chosen:
            self.chosen.emit(Path(chosen))

    def _get_start_folder(self) -> str:
        return str(Path.home() if self.current is None else self.current)

    def _on_typed(self) -> None:
        text = self.line.value.strip()
        if text:
            self.chosen.emit(Path(text).expanduser())

    def _on_rescan(self) -> None:
        if self.current is not None:
            self.chosen.emit(self.current)


def get_dropped_path(event: Any) -> Path | None:
    """Return the folder or file of a drop event, None where it is not exactly one."""
    urls = event.mimeData().urls()
    return Path(urls[0].toLocalFile()) if len(urls) == 1 and urls[0].isLocalFile() else None
