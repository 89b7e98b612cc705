"""Volumes, their geometry, and the computations on them that need neither files nor napari.

In and out are numpy arrays and small frozen classes: ``volume.Volume`` is what readers return and
writers take, ``geometry.Geometry`` where its voxels lie in the patient. Beside them are affine
matrices, windows and contrast limits, rendering presets, measurements and statistics, the elements
of headers, and what all writers share (``atomic_files``, ``voxel_blocks``). Everything else in the
package imports this folder; it only imports ``errors``.
"""
