"""The exceptions of this package, whose messages are sentences a user can act on.

Everything the package refuses is a ``MedReadError``; its message is one sentence: the name of the
file or layer, what is wrong, and what to do. ``Cancelled`` is not an error and stands apart.

None of them is a ``ValueError``: napari swallows those when a plugin raises them.
"""


class MedReadError(Exception):
    """Base of all errors this package raises on purpose."""


class UnreadableFile(MedReadError, OSError):
    """A file or folder that cannot be read.

    It is also an ``OSError``, so that code which skips files it cannot open skips these too. Its
    ``errno`` is None: the reason is in the message.
    """


class NotAVolume(MedReadError):
    """Voxel positions that do not form a regular grid."""


class CannotWrite(MedReadError):
    """A volume that cannot be written as asked, or a path that cannot be written to."""


class CannotResample(MedReadError):
    """A volume that cannot be resampled as asked."""


class CannotConvert(MedReadError):
    """A volume that another library cannot hold, or an image that a volume cannot."""


class CannotMeasure(MedReadError):
    """A layer that cannot be measured as asked."""


class CannotRender(MedReadError):
    """A volume that cannot be rendered in 3D."""


class Cancelled(Exception):
    """The user cancelled the work, by raising this from a ``progress`` iterator.

    Nothing is left unfinished: no volume is returned, and no file written by halves. It is not a
    ``MedReadError``, so ``except MedReadError`` handles what went wrong and lets cancelling pass.
    """
