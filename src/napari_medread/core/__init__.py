"""Volumes, their geometry, and the computations on them that need neither files nor napari.

In and out are numpy arrays and small classes: ``volume.Volume`` is what readers return and
writers take, and ``geometry.Geometry`` is where its voxels lie in the patient. The other modules
hold affine matrices, windows and contrast limits, rendering presets, measurements and statistics,
the elements of headers, and what all writers share (``atomic_files``, ``voxel_blocks``). The rest
of the package imports this folder; it imports only ``errors``.
"""
