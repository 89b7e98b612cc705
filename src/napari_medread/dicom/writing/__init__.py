"""Writing: a volume becomes a DICOM file, or a folder of DICOM slices.

In come a ``Volume`` and, if its source file still exists, the attributes of that file that may be
copied. Out come files with new UIDs and, by default, without any patient data. Start at
``dicom_writer.write``: it slices the volume (``slice_layout``), chooses how values are stored
(``quantisation``) and collects the attributes that all images share (``shared_attributes``).
"""
