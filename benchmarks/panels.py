"""Measure how long each step in a panel blocks Qt's thread.

Each panel is opened on a CT of 300 slices of 512 x 512, and used. What counts is the longest
single call into napari-medread, without the time that napari slices and draws in it. The peer is
napari: how long it takes to display another slice.

usage: tools/with-display.sh --xvfb .venv/bin/python benchmarks/panels.py [PANEL ...]
"""

from __future__ import annotations

import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import napari
import numpy as np
from napari.layers import Layer
from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

import folders
from napari_medread import read
from napari_medread.core.geometry import Geometry
from napari_medread.core.grayscale_conversion import REC_709
from napari_medread.core.volume import Volume
from napari_medread.plugin.bridge.layer_metadata import with_record
from napari_medread.plugin.bridge.layer_to_volume import volume_from_layer
from napari_medread.plugin.bridge.volume_to_layer import to_layer
from napari_medread.plugin.export.export_plan import EXPORT_CHOICES
from watch import settle, watch_thread

SHAPE = (300, 512, 512)

Step = tuple[str, Callable[[], Any]]
"""The name of a step, and the function that does it."""


def planes(viewer: napari.Viewer) -> Iterator[Step]:
    panel = _open(viewer, "Planes and slices")
    for plane, button in panel.planes.items():
        yield plane, button.native.click
    yield "next slice", lambda: viewer.dims.set_current_step(0, 100)
    yield "move cursor", lambda: setattr(viewer.cursor, "position", viewer.dims.point)
    yield "axial again", panel.planes["axial"].native.click
    planes = panel.tools.orthogonal_views
    yield "three planes", lambda: (panel.three_planes.native.click(), settle(2))
    yield "move the crosshair", lambda: setattr(viewer.dims, "point", (-50.0, 90.0, 90.0))
    yield "wheel over another", lambda: planes.canvases[0].model.dims.set_current_step(1, 100)
    yield "3D next to them", lambda: (setattr(viewer.dims, "ndisplay", 3), settle(2))
    yield "close them", panel.three_planes.native.click


def window(viewer: napari.Viewer) -> Iterator[Step]:
    panel = _open(viewer, "Window and level")
    yield "choose a window", lambda: panel.windows.native.setCurrentRow(1)
    yield "type a width", lambda: _type(panel.numbers.boxes["width"], "1234")
    yield "type an upper value", lambda: _type(panel.numbers.boxes["upper"], "900")
    yield "invert", panel.inverted.native.click
    yield "drag on the image", lambda: _drag_window(viewer)
    yield "undo", panel.undo.native.click
    yield "99 %", panel.percentiles.native.click
    yield "full range", lambda: _run_task(panel, panel.run)
    yield "next slice", lambda: viewer.dims.set_current_step(0, 100)


def rendering(viewer: napari.Viewer) -> Iterator[Step]:
    panel = _open(viewer, "Volume rendering")
    for n, name in enumerate(("bone", "vessels")):
        yield name, panel.presets.buttons[n].click
    yield "from the left", panel.views.buttons[2].click
    for share in (0.2, 0.4):
        yield f"crop by {share}", lambda share=share: _crop(panel.crop.sliders[2], share)
    yield "reset the crop", panel.reset.native.click
    yield "undo", panel.undo.native.click
    yield "slices", lambda: setattr(viewer.dims, "ndisplay", 2)
    viewer.layers[0].metadata["modality"] = "MR"
    viewer.layers[0].metadata["value_unit"] = ""
    viewer.layers[0].events.data()
    yield "surface of an MR", panel.presets.buttons[2].click


def tags(viewer: napari.Viewer) -> Iterator[Step]:
    path, ct = folders.make_folder(), volume_from_layer(viewer.layers[0], viewer).volume
    files = _open_file(viewer, folders.write_slices(path / "ct", ct))
    header = _open_file(viewer, folders.write_many_frames(path / "enhanced.dcm"))
    # Without the record, the header of all frames is shown, not of one.
    header.metadata = with_record(header.metadata, slice_sources=None)
    viewer.layers.selection.active = files
    return _tags(viewer, files, header)


def _tags(viewer: napari.Viewer, files: Layer, header: Layer) -> Iterator[Step]:
    panel = _open(viewer, "Tags")
    yield "next slice", lambda: viewer.dims.set_current_step(0, 100)
    yield "20 slices", lambda: _scroll(viewer, range(100, 120))
    yield "type a tag", lambda: QTest.keyClicks(panel.search.native, "0020,0032")
    yield "choose it", lambda: panel.tree.setCurrentIndex(panel.tree.model().index(0, 0))
    yield "copy it", panel.copy_row.native.click
    yield (
        "list it over slices",
        lambda: (
            panel.over_slices.native.click(),
            _until(lambda: not panel.values_view.is_reading),
        ),
    )
    yield "copy the list", panel.values_view.copy.native.click
    yield "close the list", panel.values_view.cancel.native.click
    yield "clear the search", panel.search.native.clear

    def choose() -> None:
        viewer.layers.selection.active = header
        settle(1)
        _until(lambda: not panel.follower.is_busy)

    yield f"header of {folders.FRAME_COUNT} frames", choose
    tree = panel.tree
    last = tree.model().rowCount() - 1
    yield "open its frames", lambda: tree.expand(tree.model().index(last, 0))
    yield "go to the last", lambda: tree.scrollToBottom()
    for text in ("Per", "1.2.3.77", "nowhere"):
        yield f"type {text}", lambda text=text: QTest.keyClicks(panel.search.native, text)
        yield "clear it", panel.search.native.clear
    yield (
        "open all by *",
        lambda: (
            tree.setCurrentIndex(tree.model().index(last, 0)),
            QTest.keyClick(tree, "*"),
        ),
    )
    yield "back to the CT", lambda: setattr(viewer.layers.selection, "active", files)


def browser(viewer: napari.Viewer) -> Iterator[Step]:
    path = folders.make_folder()
    folders.write_slices(path / "ct", volume_from_layer(viewer.layers[0], viewer).volume)
    folders.write_archive(path / "archive")
    viewer.layers.clear()
    return _browser(viewer, path)


def _browser(viewer: napari.Viewer, folder: Path) -> Iterator[Step]:
    panel = _open(viewer, "Series browser")

    def browse() -> None:
        panel.path_bar.line.native.setText(str(folder))
        QTest.keyClick(panel.path_bar.line.native, Qt.Key.Key_Return)
        _until(lambda: not panel.is_busy)

    yield f"browse {folders.SERIES_COUNT} series", browse
    yield "thumbnails", lambda: settle(3)
    yield "the other thumbnails", lambda: _until(lambda: panel.is_settled)
    yield "scroll", lambda: panel.tree.scrollToBottom()
    yield "filter", lambda: QTest.keyClicks(panel.filter.native, "archive 77")
    yield "clear the filter", panel.filter.native.clear
    yield "hide names", panel.names.click
    yield "show names", panel.names.click
    yield (
        "select everything",
        lambda: QTest.keyClick(panel.tree, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier),
    )
    yield (
        "choose the CT",
        lambda: (QTest.keyClicks(panel.filter.native, "512"), panel.tree.selectAll()),
    )
    yield "load it", lambda: (panel.load.native.click(), _until(lambda: not panel.is_busy))


def grayscale(viewer: napari.Viewer) -> Iterator[Step]:
    color = np.random.default_rng(1).integers(0, 255, (*SHAPE, 3), dtype=np.uint8)
    viewer.add_image(color, rgb=True, name="stained")
    settle()
    panel = _open(viewer, "Grayscale")
    yield "choose a luma", lambda: setattr(panel.luma, "value", REC_709)
    yield "start", panel.run.native.click
    yield "until it is there", lambda: _until_done(panel)
    yield "side by side", panel.side_by_side.native.click
    yield "as before", panel.side_by_side.native.click
    yield "rename a layer", lambda: setattr(viewer.layers[-1], "name", "renamed")


def measure(viewer: napari.Viewer) -> Iterator[Step]:
    image = viewer.layers[0]
    at = {"scale": image.scale, "translate": image.translate, "affine": image.affine}
    shapes = viewer.add_shapes(ndim=3, units=image.units, name="marks", **at)
    numbers = np.zeros(SHAPE, np.uint16)
    numbers[50:250, 100:400, 100:400] = np.arange(200 * 300).reshape(200, 300, 1) // 30
    labels = viewer.add_labels(numbers, units=image.units, name="regions", **at)
    settle()
    panel = _open(viewer, "Measure")
    box = np.array([(0, 100, 100), (0, 100, 300), (0, 300, 300), (0, 300, 100)])
    ring = np.linspace(0, 2 * np.pi, 2000, endpoint=False)
    outline = np.stack([0 * ring, 250 + 90 * np.sin(ring), 250 + 90 * np.cos(ring)], axis=1)
    yield "choose shapes", lambda: setattr(panel.drawn, "value", shapes)
    yield "a rectangle", lambda: shapes.add(box, shape_type="rectangle")
    yield (
        "100 more",
        lambda: shapes.add([np.add(box, (n, 0, 0)) for n in range(100)], shape_type="ellipse"),
    )
    yield "20 outlines of 2000 points", lambda: shapes.add([outline] * 20, shape_type="polygon")
    yield "until they are measured", lambda: _until_done(panel)
    yield "values inside shapes", panel.run.native.click
    yield "until they are there", lambda: _until_done(panel)
    yield "copy", panel.copy.native.click
    yield "choose labels", lambda: setattr(panel.drawn, "value", labels)
    yield "values inside 2000 labels", panel.run.native.click
    yield "until they are there", lambda: _until_done(panel)
    yield "scroll", lambda: panel.view.blocks[0].scrollToBottom()
    yield "copy", panel.copy.native.click


def export(viewer: napari.Viewer) -> Iterator[Step]:
    panel = _open(viewer, "Export")
    with tempfile.TemporaryDirectory() as folder:
        yield "until the range is known", lambda: _until(lambda: panel._measuring is None)
        yield "name a file", lambda: setattr(panel.file, "value", Path(folder, "ct.mhd"))
        for choice in EXPORT_CHOICES:
            yield choice.label, partial(setattr, panel.format, "value", choice)
        yield "a spacing", lambda: panel.spacing[0].native.setValue(0.9)
        yield "an origin", lambda: panel.origin[0].native.setValue(12)
        yield "as in the layer", panel.reset.native.click
        yield "as MetaImage", partial(setattr, panel.format, "value", EXPORT_CHOICES[0])
        yield "start", panel.run.native.click
        yield "until it is written", lambda: _until_done(panel)
        yield "move the layer", lambda: setattr(viewer.layers[0], "translate", (1, 2, 3))


def resample(viewer: napari.Viewer) -> Iterator[Step]:
    panel = _open(viewer, "Resample")
    for to in panel.to.choices:
        yield to, partial(setattr, panel.to, "value", to)
    yield "isotropic voxels", partial(setattr, panel.to, "value", panel.to.choices[0])
    yield "a spacing", lambda: panel.spacing[0].native.setValue(1.4)
    yield "nearest", partial(setattr, panel.interpolation, "value", "nearest")
    yield "start", panel.run.native.click
    yield "until it is there", lambda: _until_done(panel)
    yield "choose it", lambda: setattr(panel.layer, "value", viewer.layers[-1])


PANELS = (planes, window, rendering, tags, browser, grayscale, measure, export, resample)


def main(names: list[str]) -> int:
    panels = [panel for panel in PANELS if not names or panel.__name__ in names]
    for panel in panels:
        viewer = napari.Viewer()
        add_ct(viewer)
        settle()
        slice_time = _measure_slice_time(viewer)
        print(f"{panel.__name__}: napari displays another slice in {slice_time * 1e3:.0f} ms")
        steps = iter(panel(viewer))
        with watch_thread() as opening:
            first = next(steps)
            settle()
        _print_step("open", opening, slice_time)
        for name, do in itertools.chain([first], steps):
            with watch_thread() as stretches:
                do()
                settle()
            _print_step(name, stretches, slice_time)
        viewer.close()
        settle()
    return 0


def add_ct(viewer: napari.Viewer) -> Layer:
    """Add a CT of random values to a viewer."""
    data = np.random.default_rng(0).integers(-1000, 1500, SHAPE, dtype=np.int16)
    affine = np.diag([0.7, 0.7, 1.0, 1.0])[[2, 1, 0, 3]]
    volume = Volume(data, "CT", Geometry(SHAPE, affine), modality="CT", value_unit="HU")
    (layer,) = viewer._add_layer_from_data(*to_layer(volume))
    return layer


def _open(viewer: napari.Viewer, name: str) -> Any:
    return viewer.window.add_plugin_dock_widget("napari-medread", name)[1]


def _type(box: Any, text: str) -> None:
    """Type a number and press Return."""
    line = box.native.lineEdit()
    line.selectAll()
    QTest.keyClicks(line, text)
    QTest.keyClick(line, Qt.Key.Key_Return)


def _drag_window(viewer: napari.Viewer) -> None:
    """Drag over the canvas with the right button, in many small moves."""
    canvas = viewer.window._qt_viewer.canvas.native
    button, none = Qt.MouseButton.RightButton, Qt.MouseButton.NoButton
    start = QPointF(canvas.rect().center())

    def send(kind: QEvent.Type, distance: int, pressed: Any, held: Any) -> None:
        at = start + QPointF(distance, -distance)
        event = QMouseEvent(
            kind, at, canvas.mapToGlobal(at), pressed, held, Qt.KeyboardModifier.NoModifier
        )
        QApplication.sendEvent(canvas, event)
        QApplication.processEvents()

    send(QEvent.Type.MouseButtonPress, 0, button, button)
    for distance in range(2, 80, 2):
        send(QEvent.Type.MouseMove, distance, none, button)
    send(QEvent.Type.MouseButtonRelease, 80, button, none)


def _crop(slider: Any, share: float) -> None:
    """Move the far handle of a crop slider."""
    slider.setValue((0.0, slider.maximum() * (1 - share)))


def _run_task(panel: Any, button: Any) -> None:
    """Click a button, and wait until its task is done."""
    button.native.click()
    _until_done(panel)


def _open_file(viewer: napari.Viewer, path: Path) -> Layer:
    (volume,) = read(path)
    (layer,) = viewer._add_layer_from_data(*to_layer(volume))
    return layer


def _scroll(viewer: napari.Viewer, steps: Iterable[int]) -> None:
    for step in steps:
        viewer.dims.set_current_step(0, step)
        settle(0.03)


def _until_done(panel: Any) -> None:
    _until(lambda: panel._task is None)


def _until(condition: Callable[[], bool]) -> None:
    """Process events until a condition holds."""
    while not condition():
        settle(0.05)


def _measure_slice_time(viewer: napari.Viewer) -> float:
    """Return the seconds that napari takes to slice and draw another slice."""
    canvas = viewer.window._qt_viewer.canvas.native

    def shown(step: int) -> float:
        start = time.perf_counter()
        viewer.dims.set_current_step(0, step)
        canvas.repaint()
        return time.perf_counter() - start

    return statistics.median(shown(step) for step in range(100, 109))


def _print_step(name: str, stretches: list[Any], slice_time: float) -> None:
    if not stretches:
        print(f"  {name:<32} no call recorded")
        return
    longest = stretches[0]
    print(
        f"  {name:<32} {longest.own * 1e3:4.0f} ms, {longest.own / slice_time:4.1f} slices "
        f"({longest.seconds * 1e3:4.0f} ms with napari's) in {longest.name}"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
