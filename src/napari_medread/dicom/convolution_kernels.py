"""The window to propose for a CT, by what it was reconstructed for: its kernel and body part.

ConvolutionKernel (0018,1210) has names of the manufacturers' own; those here are for series that
are read for lung or bone, or of the brain. All others are read for soft tissue.
"""

from __future__ import annotations

import re

from pydicom.dataset import Dataset

from napari_medread.core.opening_window import DEFAULT_CT_WINDOW
from napari_medread.dicom.headers import attributes

_CHEST = re.compile(r"CHEST|THORAX|LUNG|HRCT")
_HEAD = re.compile(r"^(HEAD|BRAIN|SKULL|CRANIUM|NEURO)$")

_LUNG_KERNEL = re.compile(
    r"LUNG"  # GE, United Imaging
    r"|^BL\d"  # Siemens: Bl57
    r"|^FC5\d"  # Canon, Toshiba: FC51
    r"|^(L|Y[A-D])$"  # Philips
)

_BONE_KERNEL = re.compile(
    r"BONE|EDGE"  # GE: BONE, BONEPLUS, EDGE
    r"|^FC(3|8)\d"  # Canon, Toshiba: FC30, FC81 for the inner ear
    r"|^D$"  # Philips
    r"|^U[HR]?\d"  # Siemens: U90u, for bone
    r"|B_SHARP"  # United Imaging
)

_SIEMENS_KERNEL = re.compile(r"^(?:B[RV]?|H[RCVW]?|I|J|QR)(\d\d)")
"""Kernels whose number grows with the sharpness: B30f, Br64, Hr68."""

_SHARP_NUMBER, _SHARP_NUMBER_IN_CHEST = 60, 50
"""Siemens kernels from this number on are for bone; from the second on for the lung, in a chest."""

_BRAIN_KERNEL = re.compile(
    r"^H[RCVW]?\d\d|^J\d\d"  # Siemens: H30s, Hr38, J40s
    r"|^FC(2|6)\d"  # Canon, Toshiba: FC21
    r"|^U[A-C]$"  # Philips
)


def choose_ct_window(dataset: Dataset) -> str:
    """Return the name of the CT window that suits a reconstruction, one of ``CT_WINDOWS``.

    Parameters
    ----------
    dataset : Dataset
        The attributes of a frame.
    """
    # Newer Siemens scanners add the strength of the iterative reconstruction as a second value.
    kernel = next(iter(attributes.get_texts(dataset, "ConvolutionKernel")), "").upper()
    body_part = attributes.get_text(dataset, "BodyPartExamined").upper()
    in_chest = bool(_CHEST.search(body_part))
    siemens = _SIEMENS_KERNEL.match(kernel)
    number = int(siemens[1]) if siemens else 0
    if _LUNG_KERNEL.search(kernel):
        return "Lung"
    if in_chest and (number >= _SHARP_NUMBER_IN_CHEST or _BONE_KERNEL.search(kernel)):
        return "Lung"
    if number >= _SHARP_NUMBER or _BONE_KERNEL.search(kernel):
        return "Bone"
    if _HEAD.match(body_part) or (not body_part and _BRAIN_KERNEL.match(kernel)):
        return "Brain"
    return DEFAULT_CT_WINDOW
