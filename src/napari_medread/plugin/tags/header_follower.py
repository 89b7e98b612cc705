"""What keeps a panel up to date with the header of the slice now shown."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QWidget

from napari_medread.core.tag_elements import Tags
from napari_medread.errors import MedReadError
from napari_medread.plugin.gui.background_work import Work
from napari_medread.plugin.gui.controls import weakly
from napari_medread.plugin.gui.timers import timer
from napari_medread.plugin.tags.slice_headers import NoHeader, Place, Source, forget

NO_LAYER = "Select one image layer to see its header."

_PAUSE = 60
"""Milliseconds from a change to looking what is shown: scrolling does not wait for headers."""

_PATIENCE = 300
"""Milliseconds of reading until it is said."""

_CHANGES = ("point", "order", "ndisplay")
"""Events of a viewer's dims after which another slice may be shown."""


class Follower(QObject):
    """Reads the header of the slice that the active layer shows, as often as that changes.

    Parameters
    ----------
    viewer : Viewer
        It is not kept alive, and neither are its layers.
    panel : QWidget
        What shows the header: while it is hidden, nothing is read.

    Attributes
    ----------
    tags : Tags
        The header.
    moved : Signal(str)
        The header is that of another slice too: which, and of what file.
    read : Signal(str)
        There is another header: of which slice, and what file.
    failed : Signal(str)
        There is no header, and why; or not yet.
    layer_changed : Signal()
        Another layer is the active one.
    """

    moved = Signal(str)
    read = Signal(str)
    failed = Signal(str)
    layer_changed = Signal()

    def __init__(self, viewer: Any, panel: Any) -> None:
        super().__init__(panel)
        self.tags = Tags()
        self._viewer_of = weakref.ref(viewer)
        self._watched: weakref.ref[Any] | None = None
        self._place: Place | None = None
        self._reading: Work | None = None
        self._is_behind = False
        self._is_gone: list[bool] = []
        self._timer = timer(_PAUSE, self._look, self)
        self._slow = timer(_PATIENCE, self._say_it_takes_long, self)
        for name in _CHANGES:
            getattr(viewer.dims.events, name).connect(self.look_soon)
        viewer.layers.selection.events.active.connect(self.look_soon)
        is_gone = self._is_gone
        self.destroyed.connect(lambda *_: _end(is_gone))

    @property
    def layer(self) -> Any:
        """The active layer."""
        viewer = self._viewer_of()
        return None if viewer is None else viewer.layers.selection.active

    @property
    def is_busy(self) -> bool:
        """Whether there may be something else to see soon."""
        return self._timer.isActive() or self._reading is not None

    def look_soon(self, event: Any = None) -> None:
        """Look soon what is shown now, if anyone sees it."""
        del event
        if self._is_seen() and not self._timer.isActive():
            self._timer.start()

    def _is_seen(self) -> bool:
        panel = None if self._is_gone else self.parent()
        return isinstance(panel, QWidget) and panel.isVisible()

    def _watch(self, layer: Any) -> None:
        """Follow changes of the active layer itself."""
        before = None if self._watched is None else self._watched()
        if before is layer:
            return
        if before is not None:
            before.events.set_data.disconnect(self.look_soon)
            before.events.name.disconnect(self.look_soon)
        self._watched = None if layer is None else weakref.ref(layer)
        if layer is not None:
            layer.events.set_data.connect(self.look_soon)
            layer.events.name.connect(self.look_soon)
        self.layer_changed.emit()

    def _look(self) -> None:
        """Read the header of what is shown, unless it is shown already."""
        if not self._is_seen():
            return
        if self._reading is not None:
            self._is_behind = True
            return
        layer, viewer = self.layer, self._viewer_of()
        self._watch(layer)
        try:
            if layer is None or viewer is None:
                raise NoHeader(NO_LAYER)
            source = Source(layer)
            # napari aligns the axes of layers at the last one.
            first = viewer.dims.ndim - layer.ndim
            shown = [axis - first for axis in viewer.dims.displayed]
            place = source.place(layer.world_to_data(viewer.dims.point), shown)
        except MedReadError as error:
            self._fail(str(error))
            return
        except OSError as error:
            self._fail(f"The header cannot be looked for: {error.strerror}.")
            return
        name = str(layer.name)
        if self._place is not None and self._place[:2] == place[:2]:
            self._place = place
            self.moved.emit(f"{name}\n{place.said}")
            return
        kept = source.kept
        work = Work(lambda _: place.read(kept))
        work.returned.connect(self._weakly(lambda this, tags: this._take(place, tags, name)))
        work.refused.connect(self._weakly(lambda this, said: this._fail(said)))
        work.finished.connect(self._weakly(lambda this: this._on_read()))
        self._reading = work
        self._slow.start()
        work.start()

    def _weakly(self, function: Callable[..., None]) -> Callable[..., None]:
        """Return what calls a function with this, unless the panel was closed by then."""
        return weakly(self, self._is_gone, function)

    def _say_it_takes_long(self) -> None:
        if self._reading is not None:
            self._place, self.tags = None, Tags()
            self.failed.emit("Reading a large header…")

    def _on_read(self) -> None:
        self._reading = None
        if self._is_behind:  # another slice is shown by now
            self._is_behind = False
            self.look_soon()

    def _take(self, place: Place, tags: Tags, name: str) -> None:
        self._slow.stop()
        self._place, self.tags = place, tags
        self.read.emit(f"{name}\n{place.said}")

    def _fail(self, sentence: str) -> None:
        self._slow.stop()
        self._place, self.tags = None, Tags()
        forget()
        self.failed.emit(sentence)


def _end(is_gone: list[bool]) -> None:
    is_gone.append(True)
    forget()
