"""Pictures: JPEG, PNG, BMP, GIF and TIFF, and imageio's standard pictures.

In: the path of a picture. Out: a volume without a patient position.
``picture_reader`` chooses the decoder: ``tiff_pictures``, or ``pillow_pictures`` for all others.
"""
