"""MetaImage, ``.mhd`` and ``.mha``.

In: the path of a header, or a volume to write. Out: a volume, or a header with its data file.
``metaimage_header`` checks the keys, ``metaimage_voxels`` reads the data, ``metaimage_reader``
takes the geometry from SimpleITK, ``metaimage_writer`` writes.
"""
