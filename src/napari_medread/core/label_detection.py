"""Images that may be labels: by their name and values, where the file does not mark them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from napari_medread.core.volume import Volume

LABELS_SUGGESTED = (
    "The name suggests labels or a mask, but the file does not mark its values as label numbers: "
    "it is shown as a grey image. If they are labels, right-click the layer in napari and choose "
    "Convert to Labels; in Python, set labels = True on the volume."
)
"""Note on an image that may be labels."""

_LABEL_WORD = re.compile(
    r"\w*(mask|label|labelmap|segmentation|segment|parcellation|aparc|wmparc)s?|\w{0,4}seg[ms]?|rois?",
    re.IGNORECASE,
)
"""A word that names labels: also ``aseg`` and ``aparc`` of FreeSurfer, and ``dseg`` of BIDS."""

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
"""A word of a file name: names also join words by capital letters, as ``labelsTr``."""

_TEXT_KEYS = ("descrip", "intent_name", "content", "Comment", "Name", "ObjectSubTypeName")
"""Header keys of NIfTI, NRRD and MetaImage in which programs describe an image."""

_SAMPLED_PLANES = 16
_SAMPLED_ROWS = 512
"""At most so many planes, and rows of each, are looked at."""

_MIN_EQUAL_NEIGHBOURS = 0.5
"""Smallest fraction of the voxels above zero whose right neighbour has the same value.

Labels fill regions: even the thin ones of a cortical parcellation reach 0.6. Noise keeps grey
images below 0.3.
"""


def suggests_labels(path: Path, header: Mapping[str, str]) -> bool:
    """Return whether the name of a file, of its folder, or its header says that it holds labels."""
    texts = [path.parent.name, path.name, *(header.get(key, "") for key in _TEXT_KEYS)]
    words = (word for text in texts for word in _WORD.findall(text))
    return any(_LABEL_WORD.fullmatch(word) for word in words)


def has_label_values(data: Any) -> bool:
    """Return whether values look like label numbers: whole, not negative, and equal in regions.

    Parameters
    ----------
    data : array
        With at least two axes. Only some planes are read.
    """
    if data.dtype.kind not in "iuf" or 0 in data.shape:
        return False
    *leading, rows, _ = data.shape
    per_axis = round(_SAMPLED_PLANES ** (1 / max(len(leading), 1)))
    indices = [np.unique(np.linspace(0, n - 1, per_axis).round().astype(int)) for n in leading]
    first = max(0, (rows - _SAMPLED_ROWS) // 2)
    labelled = equal = 0
    for index in itertools.product(*indices):
        plane = np.asarray(data[(*index, slice(first, first + _SAMPLED_ROWS))])
        if not np.isfinite(plane).all() or (plane < 0).any() or (plane != np.rint(plane)).any():
            return False
        left, right = plane[:, :-1], plane[:, 1:]
        labelled += int(np.count_nonzero(left))
        equal += int(np.count_nonzero((left == right) & (left != 0)))
    return equal >= _MIN_EQUAL_NEIGHBOURS * labelled


def note_possible_labels(volume: Volume) -> None:
    """Append a note to an image that may be labels; every other volume stays as it is."""
    if volume.labels or volume.rgb or not volume.source:
        return
    if suggests_labels(volume.source[0], volume.header) and has_label_values(volume.data):
        volume.notes = (*volume.notes, LABELS_SUGGESTED)
