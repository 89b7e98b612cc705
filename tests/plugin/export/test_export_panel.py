"""The widget that exports a layer, by real clicks in a real viewer."""

import gc
import time
import weakref

import dask.array as da
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication, QMessageBox

import napari_medread
from helpers.idle import wait_until_idle
from helpers.menus import opened
from helpers.metaimages import itk_affine
from napari_medread.plugin.export.export_plan import EXPORT_CHOICES
from napari_medread.plugin.samples import find_example

MHD, MHA, NII_GZ, NII, NRRD, DICOM = EXPORT_CHOICES


@pytest.fixture
def widget(viewer):
    """Return the widget, opened from the menu."""
    return opened(viewer, "File", "IO Utilities", "Export")


@pytest.fixture
def export(qtbot, widget, click):
    """Click Export and wait; return what the widget says then."""

    def done():
        click(widget.run)
        qtbot.waitUntil(lambda: widget._task is None, timeout=20000)
        return widget.message.value

    return done


def answer(button):
    """Answer the question that comes up next."""

    def press():
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        box.button(button).click()

    QTimer.singleShot(300, press)


def test_an_oblique_volume_is_exported_as_it_is(viewer, widget, export, qtbot, tmp_path):
    viewer.open_sample("napari-medread", "mr_sagittal")
    (volume,) = napari_medread.read(find_example("mr_sagittal"))
    qtbot.waitUntil(lambda: widget._measuring is None, timeout=5000)
    low, high = int(volume.data.min()), int(volume.data.max())
    assert widget.range.value == f"Values: {low} to {high:,} (int16)."
    x, y, z = volume.geometry.itk.spacing
    assert [box.value for box in widget.spacing] == pytest.approx([x, y, z], abs=5e-4)
    widget.file.value = tmp_path / "head.mhd"
    rows, columns, slices = volume.shape  # SI, AP and RL of sagittal slices
    assert widget.outcome.value.startswith(
        f"Will write head.mhd and head.raw: {columns} × {rows} × {slices} voxels of int16, "
    )
    assert "in patient coordinates" in widget.outcome.value
    said = export()
    assert said == f"Wrote {volume.name} to head.mhd and head.raw in {tmp_path}."
    image = sitk.ReadImage(str(tmp_path / "head.mhd"))
    assert np.array_equal(sitk.GetArrayFromImage(image), volume.data)
    # What the boxes round to three digits is written in full.
    np.testing.assert_allclose(itk_affine(image), volume.patient_affine, rtol=0, atol=1e-9)


def test_spacing_and_origin_can_be_changed_and_taken_back(viewer, widget, export, click, tmp_path):
    data = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    layer = viewer.add_image(data, scale=(2, 1, 1), translate=(5, 0, 0), units="mm", name="a/b")
    assert widget.file.value.name == "a_b.mhd"
    widget.file.value = tmp_path / "x.mhd"
    widget.format.value = NRRD
    assert widget.file.value == tmp_path / "x.nrrd"
    widget.compress.value = True
    widget.spacing[0].native.setValue(0.5)
    widget.origin[2].native.setValue(-7.25)
    assert "0.5 × 1 × 2 mm, in plain coordinates" in widget.outcome.value
    export()
    image = sitk.ReadImage(str(tmp_path / "x.nrrd"))
    assert image.GetSpacing() == (0.5, 1, 2)
    assert image.GetOrigin() == (0, 0, -7.25)
    assert np.array_equal(sitk.GetArrayFromImage(image), data)
    click(widget.reset)
    assert [box.value for box in widget.spacing] == [1, 1, 2]
    layer.scale = (4, 1, 1)
    assert [box.value for box in widget.spacing] == [1, 1, 4]
    assert tuple(layer.translate) == (5, 0, 0)


def test_replacing_a_file_is_asked(viewer, widget, export, click, tmp_path):
    viewer.add_image(np.ones((3, 4), np.uint8))
    path = tmp_path / "x.mha"
    path.write_bytes(b"precious")
    widget.format.value = MHA
    widget.file.value = path
    assert "This file exists: you will be asked before it is replaced." in widget.outcome.value
    answer(QMessageBox.StandardButton.No)
    click(widget.run)
    assert widget.message.value == "Nothing was written."
    assert path.read_bytes() == b"precious"
    answer(QMessageBox.StandardButton.Yes)
    assert export().startswith("Wrote Image to x.mha")
    assert (sitk.GetArrayFromImage(sitk.ReadImage(str(path))) == 1).all()


def test_dicom_names_the_patient_on_request_only(viewer, widget, export, tmp_path):
    viewer.open_sample("napari-medread", "ct_thorax")
    (volume,) = napari_medread.read(find_example("ct_thorax"))
    widget.format.value = DICOM
    widget.file.value = tmp_path / "nobody.dcm"
    assert f"nobody, a folder of {volume.shape[0]} images" in widget.outcome.value
    assert export().startswith(f"Wrote {volume.name} to nobody in {tmp_path}.")
    widget.file.value = tmp_path / "somebody.dcm"
    widget.keep_patient.value = True
    export()
    source = pydicom.dcmread(volume.source[0])
    found = {
        name: pydicom.dcmread(next((tmp_path / name).iterdir())) for name in ("nobody", "somebody")
    }
    assert found["somebody"].PatientID == source.PatientID
    assert found["somebody"].StudyInstanceUID == source.StudyInstanceUID
    assert not found["nobody"].PatientID
    assert found["nobody"].StudyInstanceUID != source.StudyInstanceUID
    for name in found:
        (again,) = napari_medread.read(tmp_path / name)
        assert np.array_equal(again.data, volume.data)
    widget.file.value = tmp_path / "nobody.dcm"
    assert "this folder already contains files" in export()


def test_what_cannot_be_written_is_said_before(viewer, widget):
    assert widget.outcome.value == "Open an image or labels layer first."
    assert not widget.run.enabled
    leaning = np.array([[1, 0, 0], [0.5, 1, 0], [0, 0, 1]])
    layer = viewer.add_image(np.zeros((3, 4)), affine=leaning, name="leaning", units="mm")
    assert widget.outcome.value.startswith("leaning: its axes are not at right angles")
    assert not widget.run.enabled
    layer.affine = np.eye(3)
    assert widget.run.enabled
    layer.name = "straight"
    viewer.layers.clear()
    assert widget.outcome.value == "Open an image or labels layer first."


def test_a_save_that_is_cancelled_leaves_nothing(viewer, widget, click, qtbot, tmp_path):
    def slowly(block_id):
        time.sleep(0.05)
        return np.zeros((1, 4, 4), np.int16)

    viewer.add_image(
        da.map_blocks(slowly, chunks=((1,) * 200, 4, 4), dtype=np.int16), contrast_limits=(0, 1)
    )
    widget.format.value = NII_GZ
    widget.file.value = tmp_path / "x.nii.gz"
    click(widget.run)
    qtbot.waitUntil(lambda: widget.progress.value > 2, timeout=5000)
    click(widget.cancel)
    qtbot.waitUntil(lambda: widget._task is None, timeout=5000)
    assert widget.message.value == "Cancelled."
    assert not list(tmp_path.iterdir())


def test_a_closed_widget_keeps_nothing_alive(make_napari_viewer, qtbot):
    viewer = make_napari_viewer()

    def opened_and_closed():
        layer = viewer.add_image(np.zeros((3, 4)))
        dock, panel = viewer.window.add_plugin_dock_widget("napari-medread", "Export")
        qtbot.waitUntil(lambda: panel._measuring is None, timeout=5000)
        dock.destroyOnClose()
        return weakref.ref(layer), weakref.ref(panel)

    gone = opened_and_closed()
    viewer.layers.clear()
    wait_until_idle()
    gc.collect()
    assert [each() for each in gone] == [None, None]


def test_a_lazy_series_of_another_plugin(viewer, widget, export, tmp_path):
    data = np.arange(2 * 3 * 4 * 5, dtype=np.int16).reshape(2, 3, 4, 5)
    viewer.add_image(da.from_array(data, chunks=(1, 1, 4, 5)), scale=(1, 3, 2, 0.5), name="plain")
    widget.format.value = NII_GZ
    widget.file.value = tmp_path / "x.nii.gz"
    assert "5 × 4 × 3 × 2 voxels" in widget.outcome.value
    assert (
        "The layer has no unit: its scale was assumed to be in millimetres." in widget.outcome.value
    )
    export()
    image = sitk.ReadImage(str(tmp_path / "x.nii.gz"))
    assert np.array_equal(sitk.GetArrayFromImage(image), data)
    assert image.GetSpacing()[:3] == pytest.approx((0.5, 2, 3))


def test_a_pyramid_is_exported_at_its_finest(viewer, widget, export, tmp_path):
    finest = np.arange(80, dtype=np.uint8).reshape(8, 10)
    viewer.add_image([finest, finest[::2, ::2]], scale=(0.5, 2), units="mm", name="film")
    widget.format.value = MHA
    widget.file.value = tmp_path / "x.mha"
    assert "Only the finest of its resolutions was used." in widget.outcome.value
    export()
    assert np.array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "x.mha"))), finest)
