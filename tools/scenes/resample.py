"""The oblique example MR, straightened to the patient's axes."""

import napari

from gallery import settle


def arrange(viewer: napari.Viewer) -> None:
    (source,) = viewer.open_sample("napari-medread", "mr_sagittal")
    _, panel = viewer.window.add_plugin_dock_widget("napari-medread", "Resample")
    panel.to.value = "the patient's axes"
    panel.run.native.click()
    settle(lambda: panel._task is None, 20)
    source.visible = False
    viewer.dims.order = (2, 0, 1)
    viewer.reset_view()
