"""Computing new volumes from volumes, without napari.

In: a ``core.volume.Volume`` and the grid that is wanted: a spacing, the patient's axes, or the grid
of another volume. Out: a new volume in memory, whose notes say what was done. ``target_grids``
finds the grid, ``grid_sampling`` samples one frame with SimpleITK, and ``volume_resampling`` does
so for all frames and channels of a volume.
"""
