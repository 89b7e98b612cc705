"""What napari calls: the only place that imports napari, qtpy or magicgui."""
