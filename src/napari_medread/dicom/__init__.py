"""DICOM files to volumes, and volumes to DICOM files.

Reading goes through the folders in this order: ``headers`` (paths to headers), ``frames`` (headers
to frames), ``sorting`` (frames to stacks) and ``pixels`` (stacks to arrays); ``volume_building``
makes a volume of each stack. ``read`` calls them all, ``listing`` lists what they find
without reading pixels, and ``writing`` makes files of volumes.
"""
