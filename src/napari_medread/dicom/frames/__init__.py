"""Headers to frames: one two-dimensional image each, with the attributes that apply to it.

What comes in is the header of a file. What goes out are its frames: of a plain, enhanced, nuclear
medicine or dose file, or of a mosaic that is divided into its slices. Each frame knows its image
position and orientation, its pixel spacing and its index in the file; pixels are not read.
"""
