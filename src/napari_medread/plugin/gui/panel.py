"""A panel that does one kind of work on a layer: what all of them share."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any

from magicgui.widgets import ComboBox, Container, ProgressBar, PushButton
from napari.layers import Image, Labels, Layer

from napari_medread.plugin.gui.background_work import Work
from napari_medread.plugin.gui.controls import leave_to_qt, sentence, weakly
from napari_medread.plugin.gui.viewer_references import unwrapped


class Panel(Container[Any]):
    """Chooses a layer, says what would become of it, and does it beside the window.

    Parameters
    ----------
    napari_viewer : Viewer
        Whose layers to offer. It is not kept alive, and neither are they.
    """

    _followed: tuple[str, ...] = (
        *("data", "name", "scale", "translate", "rotate", "shear", "affine"),
        *("units", "axis_labels"),
    )
    """Events of a layer after which something else comes out."""

    def __init__(self, napari_viewer: Any, *, layer: str, run: PushButton, cancel: str) -> None:
        self._viewer_of = weakref.ref(unwrapped(napari_viewer))
        self._watched: list[weakref.ref[Layer]] = []
        self._work: Work | None = None
        self._is_filling = False
        self._is_gone: list[bool] = []
        self.layer: Any = ComboBox(choices=self._layers, tooltip=layer)
        self.outcome, self.message = sentence(), sentence()
        self.run = run
        self.progress = ProgressBar(value=0, max=1, tooltip="How much is done.")
        self.cancel = PushButton(text="Cancel", tooltip=cancel)
        self.run.changed.connect(self._start)
        self.cancel.changed.connect(self._cancel)

    def _lay_out(self, widgets: Sequence[Any]) -> None:
        """Put the panel's own controls above those that all panels end with."""
        super().__init__(widgets=[*widgets, *self._shared()], labels=False)
        self.layer.changed.connect(self._prefill)
        leave_to_qt(self, self._is_gone)
        self.native_parent_changed.connect(self._on_parent)
        viewer = self._viewer_of()
        if viewer is not None and viewer.layers.selection.active in self.layer.choices:
            self.layer.value = viewer.layers.selection.active
        self._show_running(running=False)
        self._prefill()

    def _shared(self) -> list[Any]:
        """Return what stands below a panel's own controls."""
        return [self.outcome, self.run, self.progress, self.cancel, self.message]

    def reset_choices(self, *args: Any) -> None:
        """Offer the layers that there are now; napari calls it whenever they change."""
        if self._is_gone:
            return
        chosen, self._is_filling = self.layer.value, True
        try:
            super().reset_choices(*args)
            if chosen in self.layer.choices:  # of a renamed layer, the text has changed
                self.layer.value = chosen
        finally:
            self._is_filling = False
        self._prefill()

    def _prefill(self, *_: Any) -> None:
        """Show what comes with the chosen layer."""
        raise NotImplementedError

    def _start(self) -> None:
        """Begin what was asked for."""
        raise NotImplementedError

    def _used(self) -> list[Layer]:
        """Return the layers that are chosen."""
        return [] if self.layer.value is None else [self.layer.value]

    def _layers(self, *_: Any) -> list[Layer]:
        viewer = self._viewer_of()
        if viewer is None:
            return []
        return [each for each in viewer.layers if isinstance(each, Image | Labels)]

    def _watch(self) -> None:
        """Follow the layers in use, so that what is shown is true after one was moved."""
        self._unwatch()
        used = self._used()
        for layer in used:
            for name in self._events(layer):
                getattr(layer.events, name).connect(self._on_moved)
        self._watched = [weakref.ref(each) for each in used]

    def _unwatch(self) -> None:
        """Follow no layer any longer."""
        for layer in (each() for each in self._watched):
            if layer is not None:
                for name in self._events(layer):
                    getattr(layer.events, name).disconnect(self._on_moved)
        self._watched = []

    def _events(self, layer: Layer) -> list[str]:
        """Return the events to follow that a layer has."""
        return [name for name in self._followed if name in layer.events.emitters]

    def _on_moved(self, event: Any = None) -> None:
        del event
        if not self._is_gone:
            self._prefill()

    def _begin(self, work: Work, said_of: Callable[[Any], str]) -> None:
        """Start work; ``said_of`` puts its result in a sentence."""
        work.progressed.connect(self._weakly(_show_progress))
        work.returned.connect(self._weakly(lambda panel, result: _say(panel, said_of(result))))
        work.refused.connect(self._weakly(_say))
        work.finished.connect(self._weakly(_finish))
        self._work = work
        self._show_running(running=True)
        work.start()

    def _on_parent(self, parent: Any) -> None:
        if parent is None and not self._is_gone:
            self._leave()
            self._is_gone.append(True)

    def _leave(self) -> None:
        """Let go of the viewer, when napari has taken the panel out of its dock."""
        self._unwatch()

    def _weakly(self, function: Callable[..., None]) -> Callable[..., None]:
        """Return what calls a function with this panel and more, unless it was closed by then."""
        return weakly(self, self._is_gone, function)

    def _after_work(self) -> None:
        """Show what is otherwise than before, once work has ended."""

    def _cancel(self) -> None:
        if self._work is not None:
            self._work.cancel()
            self.cancel.enabled = False
            self.message.value = "Cancelled."

    def _show_running(self, *, running: bool) -> None:
        self.progress.value = 0
        self.progress.visible = self.cancel.visible = self.cancel.enabled = running
        self.run.visible = not running


def _show_progress(panel: Panel, done: int, total: int) -> None:
    panel.progress.max, panel.progress.value = total, done


def _say(panel: Panel, sentence: str) -> None:
    panel.message.value = sentence


def _finish(panel: Panel) -> None:
    panel._work = None
    panel._show_running(running=False)
    panel._after_work()
