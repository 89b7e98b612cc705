"""File formats other than DICOM.

A path comes in, and a list of volumes goes out; or a volume comes in, and a file is written.
``registry`` has one record per format and imports the format's modules when a file needs them.
Each folder holds the readers, headers and writers of one format or a few small ones; ``shared``
holds what several formats use.
"""
