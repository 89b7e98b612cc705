"""Axial, coronal and sagittal side by side, with one linked crosshair.

In: a viewer with a window, whose own canvas shows one plane or 3D.
Out: side canvases for the planes it does not show. Each has a viewer model of its own with
mirrored layers, as napari slices a layer for one viewer only. Lazy volumes are loaded into memory
first.
"""
