"""Pixels: a stack of frames becomes one array of modality values.

In come stacks (``dicom.sorting``), whose frames know the file and offset of their pixels. Out comes
a numpy array, or a dask array that reads each slice on demand, of the smallest type that holds the
values. Start at ``stack_assembly.read_stack``. Frames are decoded in ``frame_decoding`` and
rescaled in ``modality_values``; missing slices are filled in ``filled_planes``.
"""
