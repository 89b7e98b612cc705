"""The offer to convert images that were just opened to labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from napari import current_viewer
from napari.layers import Image
from napari.utils.notifications import show_info

from napari_medread.core.label_detection import LABELS_SUGGESTED
from napari_medread.plugin.gui.background_task import show_progress_bar
from napari_medread.plugin.gui.notifications import join_names, show_notes, show_offer
from napari_medread.plugin.gui.preferences import get_preference
from napari_medread.plugin.labels.label_conversion import make_conversion_task

CONVERT = "Convert to labels"
"""Text of the button."""

_OFFER = (
    "{names}: the name suggests labels or a mask, but the file does not mark its values as label "
    "numbers: it is shown as a grey image. To convert it later, right-click the layer and choose "
    "Convert to Labels."
)


def show_notes_and_offers(opened: Sequence[tuple[str, Sequence[str], Sequence[Path]]]) -> None:
    """Show the notes on layers opened together, and offer to convert what may be labels.

    Parameters
    ----------
    opened : sequence of (str, sequence of str, sequence of Path)
        Name, notes and source of each layer.
    """
    show_notes(
        (name, [note for note in notes if note != LABELS_SUGGESTED]) for name, notes, _ in opened
    )
    suggested = [(name, source) for name, notes, source in opened if LABELS_SUGGESTED in notes]
    if not suggested or not get_preference("opening", "show_notes"):
        return
    sources = {_make_key(source) for _, source in suggested}
    sentence = _OFFER.format(names=join_names([name for name, _ in suggested]))
    show_offer(sentence, {CONVERT: partial(_convert_layers, sources)})


def _convert_layers(sources: set[tuple[str, ...]]) -> None:
    """Convert the layers of these sources that still are images, in the window in front."""
    viewer = current_viewer()
    images = [
        layer
        for layer in ([] if viewer is None else viewer.layers)
        if isinstance(layer, Image)
        and LABELS_SUGGESTED in layer.metadata.get("notes", ())
        and _make_key(layer.metadata.get("source", ())) in sources
    ]
    if not images:
        show_info("Nothing was converted: the image was removed or converted already.")
    for layer in images:
        task = make_conversion_task(viewer, layer)
        show_progress_bar(task, f"Converting {layer.name} to labels")
        task.start()


def _make_key(source: Iterable[Path | str]) -> tuple[str, ...]:
    return tuple(map(str, source))
