"""Small formats that are only read: FreeSurfer's MGH, GIPL and legacy VTK.

In: the path of a file. Out: a volume.
Each format is one module, named after it.
"""
