"""The offer to resample layers that lie differently, clicked in a real window."""

import numpy as np
import pytest
from napari._qt.dialogs.qt_notification import NapariQtNotification
from napari.layers import Labels
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QPushButton

from helpers.idle import wait_until_idle
from helpers.scans import Scan
from napari_medread.plugin.arrival.viewer_follower import follow_viewer

CENTER = np.array([6.0, -4.0, 9.0])
RADIUS_MM = 9.0
"""A ball in the patient, in LPS."""


def make_scan(degrees, spacing):
    """Return a scan around the patient's origin, turned about the left-right axis."""
    a = np.radians(degrees)
    down = np.array([0, np.cos(a), np.sin(a)])
    normal = np.cross([1, 0, 0], down)
    shape = tuple(round(64 / each) for each in spacing)
    position = np.array([-32.0, 0, 0]) - 32 * down - 32 * normal
    return Scan((1, 0, 0, *down), tuple(position), spacing, shape)


def make_ball(scan, name):
    """Return a layer with 1000 inside of the ball and 0 elsewhere."""
    first, steps = scan.place(0), np.cumprod([1, *scan.shape[:0:-1]])[::-1]
    axes = np.array([scan.place(step) - first for step in steps])  # from one voxel to the next
    places = first + np.moveaxis(np.indices(scan.shape), 0, -1) @ axes
    inside = np.linalg.norm(places - CENTER, axis=-1) < RADIUS_MM
    layer = scan.layer(np.where(inside, 1000, 0).astype(np.int16))
    layer.name = name
    return layer


def find_ball(layer):
    """Return where a layer draws the middle of the ball, in napari's world."""
    index = np.argwhere(np.asarray(layer.data) > 500)
    return np.mean([layer.data_to_world(each) for each in index], axis=0)


@pytest.fixture
def t1(viewer):
    follow_viewer(viewer)
    return viewer.add_layer(make_ball(make_scan(0, (2.0, 2.0, 2.0)), "T1"))


@pytest.fixture
def dti(viewer, t1):
    return viewer.add_layer(make_ball(make_scan(25, (4.0, 2.0, 2.0)), "DTI"))


@pytest.fixture
def offers(viewer):
    """Return what finds the offers in the window."""
    canvas = viewer.window._qt_viewer.canvas.native

    def found():
        wait_until_idle()
        dialogs = [d for d in canvas.findChildren(NapariQtNotification) if d.isVisible()]
        return [each for each in dialogs if "Resample " in str(button_texts(each))]

    yield found
    for each in canvas.findChildren(NapariQtNotification):
        each.close()


def button_texts(dialog):
    return [each.text() for each in dialog.row2_widget.findChildren(QPushButton)]


def click(qtbot, dialog, text):
    (button,) = (b for b in dialog.row2_widget.findChildren(QPushButton) if b.text() == text)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    wait_until_idle()


@pytest.mark.parametrize("text", ["Resample DTI", "Resample T1"])
def test_after_one_click_both_layers_draw_the_patient_at_one_place(
    qtbot, viewer, dti, offers, text
):
    t1 = viewer.layers["T1"]
    assert np.linalg.norm(find_ball(t1) - find_ball(dti)) > 4  # a false fusion
    (offer,) = offers()
    click(qtbot, offer, text)
    moving, fixed = (dti, t1) if text.endswith("DTI") else (t1, dti)
    (copy,) = (layer for layer in viewer.layers if layer not in (t1, dti))
    assert [moving.visible, fixed.visible, copy.visible] == [False, True, True]
    assert copy.data.shape == fixed.data.shape
    assert np.linalg.norm(find_ball(copy) - find_ball(fixed)) < 0.5  # mm, less than a voxel
    middle = np.rint(fixed.world_to_data(find_ball(fixed))).astype(int)
    assert copy.data[tuple(middle)] == fixed.data[tuple(middle)] == 1000
    assert viewer.layers.index(copy) == viewer.layers.index(moving) + 1
    assert len(offers()) == 0


def test_removing_the_copy_shows_the_original_again(qtbot, viewer, dti, offers):
    (offer,) = offers()
    click(qtbot, offer, "Resample DTI")
    (copy,) = (layer for layer in viewer.layers if layer.name not in ("T1", "DTI"))
    viewer.layers.remove(copy)
    wait_until_idle()
    assert dti.visible
    assert offers() == []  # told once


def test_a_pair_is_told_once_however_often_it_is_shown(viewer, dti, offers):
    (offer,) = offers()
    assert button_texts(offer) == ["Resample T1", "Resample DTI"]  # the smaller result first
    offer.close()
    for _ in range(3):
        for is_visible in (False, True):
            dti.visible = is_visible
            assert offers() == []


def test_a_hidden_layer_is_told_when_its_eye_is_clicked(viewer, t1, offers):
    layer = make_ball(make_scan(25, (4.0, 2.0, 2.0)), "DTI")
    layer.visible = False
    viewer.add_layer(layer)
    assert offers() == []
    layer.visible = True
    assert len(offers()) == 1


def test_labels_are_resampled_without_mixing(qtbot, viewer, t1, offers):
    image = make_ball(make_scan(25, (4.0, 2.0, 2.0)), "mask")
    labels = Labels(
        (image.data > 0) * 7, scale=image.scale, translate=image.translate, affine=image.affine,
        units=image.units, axis_labels=image.axis_labels, metadata=image.metadata, name="mask",
    )  # fmt: skip
    viewer.add_layer(labels)
    (offer,) = offers()
    click(qtbot, offer, "Resample mask")
    copy = viewer.layers[-1]
    assert isinstance(copy, Labels)
    assert np.unique(copy.data).tolist() == [0, 7]
