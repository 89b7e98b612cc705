"""The base class of the panels that choose a layer and run one background task on it."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any

from magicgui.widgets import ComboBox, ProgressBar, PushButton
from napari.layers import Image, Labels, Layer

from napari_medread.plugin.gui.background_task import BackgroundTask
from napari_medread.plugin.gui.controls import make_wrapping_label
from napari_medread.plugin.gui.panel_base import Panel


class LayerPanel(Panel):
    """Chooses a layer, says what would come of it, and runs a task on it in the background.

    Parameters
    ----------
    napari_viewer : Viewer
        The viewer whose layers are offered. Neither it nor its layers are kept alive.
    layer : str
        Tooltip of the choice of a layer.
    run : PushButton
        The button that starts the task.
    cancel : str
        Tooltip of the button that cancels it.

    Attributes
    ----------
    layer : ComboBox
        The chosen layer.
    outcome : Label
        What would come of the layer, or why nothing can.
    run, cancel : PushButton
    progress : ProgressBar
    """

    _followed_events: tuple[str, ...] = (
        *("data", "name", "scale", "translate", "rotate", "shear", "affine"),
        *("units", "axis_labels"),
    )
    """Events of a layer after which the outcome may be another."""

    def __init__(self, napari_viewer: Any, *, layer: str, run: PushButton, cancel: str) -> None:
        super().__init__(napari_viewer)
        self._followed_refs: list[weakref.ref[Layer]] = []
        self._task: BackgroundTask | None = None
        self._is_updating = False
        self.layer: Any = ComboBox(choices=self._layer_choices, tooltip=layer)
        self.outcome = make_wrapping_label()
        self.run = run
        self.progress = ProgressBar(value=0, max=1, tooltip="How much is done.")
        self.cancel = PushButton(text="Cancel", tooltip=cancel)
        self.run.changed.connect(self._on_run)
        self.cancel.changed.connect(self._cancel)

    def _lay_out(self, widgets: Sequence[Any]) -> None:
        """Put the panel's own controls above those that all these panels share."""
        super()._lay_out([*widgets, *self._common_controls()])
        self.layer.changed.connect(self._update_controls)
        viewer = self._viewer_ref()
        if viewer is not None and viewer.layers.selection.active in self.layer.choices:
            self.layer.value = viewer.layers.selection.active
        self._show_running(running=False)
        self._update_controls()

    def _common_controls(self) -> list[Any]:
        """Return the controls below the panel's own and above the message."""
        return [self.outcome, self.run, self.progress, self.cancel]

    def reset_choices(self, *args: Any) -> None:
        """Offer the layers that exist now; napari calls it whenever layers change."""
        if self.is_closed:
            return
        chosen, self._is_updating = self.layer.value, True
        try:
            super().reset_choices(*args)
            if chosen in self.layer.choices:  # of a renamed layer, the text has changed
                self.layer.value = chosen
        finally:
            self._is_updating = False
        self._update_controls()

    def _update_controls(self, *_: Any) -> None:
        """Show what the chosen layer comes with."""
        raise NotImplementedError

    def _on_run(self) -> None:
        """Start the task."""
        raise NotImplementedError

    def _layers_in_use(self) -> list[Layer]:
        """Return the layers that are chosen."""
        return [] if self.layer.value is None else [self.layer.value]

    def _layer_choices(self, *_: Any) -> list[Layer]:
        """Return the layers to offer."""
        viewer = self._viewer_ref()
        if viewer is None:
            return []
        return [layer for layer in viewer.layers if isinstance(layer, Image | Labels)]

    def _follow_layers(self) -> None:
        """Follow the layers in use, so that what is shown stays true when one is changed."""
        self._unfollow_layers()
        layers = self._layers_in_use()
        for layer in layers:
            for name in self._events_to_follow(layer):
                getattr(layer.events, name).connect(self._on_layer_changed)
        self._followed_refs = [weakref.ref(layer) for layer in layers]

    def _unfollow_layers(self) -> None:
        for layer in (layer_ref() for layer_ref in self._followed_refs):
            if layer is not None:
                for name in self._events_to_follow(layer):
                    getattr(layer.events, name).disconnect(self._on_layer_changed)
        self._followed_refs = []

    def _events_to_follow(self, layer: Layer) -> list[str]:
        """Return the names of the followed events that a layer has."""
        return [name for name in self._followed_events if name in layer.events.emitters]

    def _on_layer_changed(self, event: Any = None) -> None:
        del event
        if not self.is_closed:
            self._update_controls()

    def _start_task(self, task: BackgroundTask, describe_result: Callable[[Any], str]) -> None:
        """Start the panel's task, which goes on when the panel is closed.

        Parameters
        ----------
        task : BackgroundTask
        describe_result : callable
            Returns a sentence for the message from the task's result. It must not refer to the
            panel.
        """

        def show_result(panel: LayerPanel, result: Any) -> None:
            panel._show_message(describe_result(result))

        self._task = task
        self._show_running(running=True)
        self.tasks.start(
            task,
            on_progress=self._show_progress,
            on_result=self.while_open(show_result),
            on_refused=self._show_message,
            on_finished=self._on_task_ended,
            outlives_panel=True,
        )

    def _on_task_ended(self) -> None:
        self._task = None
        self._show_running(running=False)
        self._on_task_finished()

    def _on_task_finished(self) -> None:
        """Update what the task may have changed."""

    def _on_close(self) -> None:
        self._unfollow_layers()

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self.cancel.enabled = False
            self.message.value = "Cancelled."

    def _show_progress(self, done: int, total: int) -> None:
        self.progress.max, self.progress.value = total, done

    def _show_running(self, *, running: bool) -> None:
        """Show the progress bar and the button that cancels, or the button that starts."""
        self.progress.value = 0
        self.progress.visible = self.cancel.visible = self.cancel.enabled = running
        self.run.visible = not running
