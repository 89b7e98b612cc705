"""NRRD, ``.nrrd`` and ``.nhdr``.

In: the path of a header, or a volume to write. Out: a volume, or one ``.nrrd`` file.
``nrrd_header`` checks the fields, ``nrrd_voxels`` reads the data, ``nrrd_reader`` and
``nrrd_writer`` convert from and to volumes.
"""
