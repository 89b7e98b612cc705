"""What can go wrong, in sentences a person can act on.

None of these is a ``ValueError``: napari swallows those when a plugin raises them.
"""


class MedReadError(Exception):
    """Anything this package refuses to do, with one clear first line."""


class UnreadableFile(MedReadError):
    """A file that cannot be read: which file, what is wrong, what to do."""


class NotAVolume(MedReadError):
    """Pixels whose geometry makes no regular grid."""


class CannotWrite(MedReadError):
    """A volume that cannot be written as asked."""


class CannotResample(MedReadError):
    """A volume that cannot be resampled as asked."""


class CannotMeasure(MedReadError):
    """A layer that cannot be measured as asked."""


class CannotRender(MedReadError):
    """A volume that cannot be shown in 3D."""


class Cancelled(MedReadError):
    """The person stopped the work; nothing was loaded."""
