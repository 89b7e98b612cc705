"""NIfTI-1 and NIfTI-2, ``.nii`` and ``.nii.gz``.

In: the path of a file, or a volume to write. Out: a volume, or a NIfTI-1 file.
``nifti_header`` checks the fields, ``nifti_orientation`` chooses between qform and sform,
``nifti_reader`` and ``nifti_writer`` convert from and to volumes.
"""
