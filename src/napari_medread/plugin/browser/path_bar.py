"""Controls to choose a folder or a DICOMDIR: typed, by dialog, dropped, or again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QFileDialog, QLineEdit, QVBoxLayout, QWidget

from napari_medread.plugin.gui.qt_controls import button, line_of


class PathBar(QWidget):
    """A line for a path, and buttons.

    Attributes
    ----------
    place : Path or None
        What is looked into.
    wanted : Signal(object)
        The path of what to look into now.
    """

    wanted = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.place: Path | None = None
        self.path = QLineEdit(placeholderText="Folder or DICOMDIR")
        self.path.setToolTip("What to look into. Type a path and press Enter, or drop a folder.")
        self.path.returnPressed.connect(self._on_typed)
        self.folder = button("Folder…", "Chooses a folder; all below it is looked into.")
        self.folder.clicked.connect(self._choose_folder)
        self.directory = button("DICOMDIR…", "Chooses the index of a CD or other medium.")
        self.directory.clicked.connect(self._choose_directory)
        self.rescan = button("Rescan", "Looks into the same folder again.")
        self.rescan.clicked.connect(self._on_rescan)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(line_of(self.path))
        layout.addLayout(line_of(self.folder, self.directory, self.rescan))
        self.offer(enabled=True)

    def offer(self, *, enabled: bool) -> None:
        """Let other places be chosen, or not."""
        for each in (self.path, self.folder, self.directory):
            each.setEnabled(enabled)
        self.rescan.setEnabled(enabled and self.place is not None)

    def set_place(self, place: Path) -> None:
        """Show what is looked into."""
        self.place = place
        self.path.setText(str(place))

    def _choose_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder", str(self._start_folder()))
        if chosen:
            self.wanted.emit(Path(chosen))

    def _choose_directory(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(
            self, "DICOMDIR", str(self._start_folder()), "DICOMDIR (DICOMDIR* dicomdir*);;All (*)"
        )
        if chosen:
            self.wanted.emit(Path(chosen))

    def _start_folder(self) -> Path:
        return Path.home() if self.place is None else self.place

    def _on_typed(self) -> None:
        if self.path.text().strip():
            self.wanted.emit(Path(self.path.text().strip()).expanduser())

    def _on_rescan(self) -> None:
        if self.place is not None:
            self.wanted.emit(self.place)


def get_dropped_path(event: Any) -> Path | None:
    """Return the one folder or file that is dropped, None where it is not one."""
    urls = event.mimeData().urls()
    return Path(urls[0].toLocalFile()) if len(urls) == 1 and urls[0].isLocalFile() else None
