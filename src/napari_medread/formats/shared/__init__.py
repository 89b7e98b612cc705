"""What several formats use.

``stored_voxels`` reads and writes voxels, compressed or not; ``simpleitk_images`` reads images
through SimpleITK; ``volume_assembly`` makes a volume of what a reader has found; ``file_grid``
puts a volume into the axis order of files.
"""
