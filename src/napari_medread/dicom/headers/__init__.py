"""Paths to headers: which files are DICOM, and what their headers say.

What comes in are paths: files, folders or a DICOMDIR. What goes out are headers with the
attributes that reading needs and the location of the pixels, or all elements of one header for
display. Malformed values are treated as absent; a file that cannot be read is an
``UnreadableFile`` whose message starts with the file's name. Pixels are not read here.
"""
