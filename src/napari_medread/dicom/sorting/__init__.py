"""Sorting: the frames of a DICOM series become stacks, one for every volume.

In come the headers of files (``dicom.headers``) and the frames in them (``dicom.frames``). Out come
``Stack`` objects: sorted frames with their leading axes, the affine from voxel index to patient
space, and a note for every guess and repair. No pixels are read here.

Start at ``series_splitting``: it lists the steps in order, with the module of each.
"""
