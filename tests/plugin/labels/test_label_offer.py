"""Images that may be labels: the offer in the window, and what comes of it."""

import numpy as np
import pytest
import SimpleITK as sitk
from napari._qt.dialogs.qt_notification import NapariQtNotification
from napari.layers import Image, Labels
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QPushButton

import napari_medread
from helpers.idle import wait_until_idle
from napari_medread.core.label_detection import LABELS_SUGGESTED
from napari_medread.plugin.bridge.layer_to_volume import volume_from_layer
from napari_medread.plugin.labels.label_conversion import make_conversion_task
from napari_medread.plugin.labels.label_offer import CONVERT

DIRECTION = (0.8, 0.6, 0, -0.6, 0.8, 0, 0, 0, 1)


def write_regions(path, dtype):
    data = np.zeros((6, 20, 30), dtype)
    data[2:5, 4:12, 5:25] = 7
    image = sitk.GetImageFromArray(data)
    image.SetSpacing((0.5, 0.75, 3))
    image.SetOrigin((-20, 40, -100))
    image.SetDirection(DIRECTION)
    sitk.WriteImage(image, str(path))
    return data


@pytest.fixture
def offers(viewer):
    """Return the buttons of the offers in the window."""
    canvas = viewer.window._qt_viewer.canvas.native

    def find():
        return [
            button
            for dialog in canvas.findChildren(NapariQtNotification)
            if dialog.isVisible()
            for button in dialog.findChildren(QPushButton)
            if button.text() == CONVERT and button.isVisible()
        ]

    yield find
    for dialog in canvas.findChildren(NapariQtNotification):
        dialog.close()


@pytest.mark.parametrize("dtype", ["u1", "f4"])
def test_a_click_makes_labels_of_a_dropped_image(
    viewer, drop, offers, qtbot, messages, tmp_path, dtype
):
    data = write_regions(tmp_path / "ct_seg.nii.gz", dtype)
    drop([tmp_path / "ct_seg.nii.gz"])
    (image,) = viewer.layers
    assert isinstance(image, Image)
    before = volume_from_layer(image, viewer).volume
    assert sum("suggests labels" in message for message in messages()) == 1
    (button,) = offers()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: isinstance(viewer.layers[0], Labels))
    wait_until_idle()
    (labels,) = viewer.layers
    assert labels.name == "ct_seg"
    assert viewer.layers.selection.active is labels
    assert np.array_equal(labels.data, data)
    assert LABELS_SUGGESTED not in labels.metadata["notes"]
    after = volume_from_layer(labels, viewer).volume
    assert after.labels
    assert np.array_equal(after.patient_affine, before.patient_affine)
    assert (after.source, after.header) == (before.source, before.header)
    napari_medread.write(tmp_path / "again.mha", after)
    assert napari_medread.read_volume(tmp_path / "again.mha").labels


def test_an_offer_on_an_image_that_was_removed_says_so(
    viewer, drop, offers, qtbot, messages, tmp_path
):
    write_regions(tmp_path / "seg.nii", "u1")
    drop([tmp_path / "seg.nii"])
    viewer.layers.clear()
    (button,) = offers()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert messages()[-1].startswith("Nothing was converted: ")


def test_labels_saved_by_the_menu_open_as_labels(viewer, drop, save_selected, offers, tmp_path):
    labels = viewer.add_labels(np.eye(4, dtype=np.uint8)[np.newaxis].repeat(3, 0), name="labels")
    for name in ("saved.mhd", "saved2.mha"):
        viewer.layers.selection = {labels}
        save_selected(tmp_path / name)
        drop([tmp_path / name])
        found = viewer.layers[name.split(".")[0]]
        assert isinstance(found, Labels)
        assert np.array_equal(found.data, labels.data)
    assert not offers()


def test_values_that_are_no_label_numbers_stay_an_image(viewer, qtbot, messages):
    layer = viewer.add_image(np.full((3, 4), 0.5, np.float32), name="grey")
    task = make_conversion_task(viewer, layer)
    with qtbot.waitSignal(task.finished):
        task.start()
    assert [*viewer.layers] == [layer]
    assert messages() == ["grey: its values are not all whole numbers, as labels are."]
