"""CT windows by kernel and body part."""

import pytest
from pydicom.dataset import Dataset

from napari_medread.core.window_presets import CT_WINDOWS
from napari_medread.dicom.convolution_kernels import choose_ct_window


@pytest.mark.parametrize(
    ("kernel", "body_part", "window"),
    [
        # Siemens
        ("B30f", "", "Soft tissue"), ("Br40d", "ABDOMEN", "Soft tissue"),
        (["Br40f", "3"], "CHEST", "Soft tissue"), ("I31f", "LIVER", "Soft tissue"),
        ("Qr36", "", "Soft tissue"), ("Bv36", "NECK", "Soft tissue"),
        ("B70f", "CHEST", "Lung"), ("B50f", "THORAX", "Lung"), ("Bl57d", "", "Lung"),
        (["Br64", "2"], "CHEST", "Lung"), ("I70f", "CHEST", "Lung"),
        ("B60s", "SPINE", "Bone"), ("B70s", "", "Bone"), ("Br64d", "EXTREMITY", "Bone"),
        ("Hr68h", "HEAD", "Bone"), ("H70h", "", "Bone"), ("U90u", "EAR", "Bone"),
        ("H31s", "", "Brain"), ("Hr38s", "HEAD", "Brain"), ("J40s", "HEAD", "Brain"),
        ("B50f", "ABDOMEN", "Soft tissue"),
        # GE
        ("STANDARD", "CHEST", "Soft tissue"), ("SOFT", "HEAD", "Brain"), ("LUNG", "", "Lung"),
        ("BONE", "SPINE", "Bone"), ("BONEPLUS", "HEAD", "Bone"), ("BONEPLUS", "CHEST", "Lung"),
        ("EDGE", "WRIST", "Bone"),
        # Philips
        ("B", "", "Soft tissue"), ("C", "CHEST", "Soft tissue"), ("L", "CHEST", "Lung"),
        ("YC", "", "Lung"), ("D", "PELVIS", "Bone"), ("UB", "", "Brain"),
        # Canon
        ("FC08", "", "Soft tissue"), ("FC13", "ABDOMEN", "Soft tissue"), ("FC51", "", "Lung"),
        ("FC30", "SPINE", "Bone"), ("FC81", "HEAD", "Bone"), ("FC21", "", "Brain"),
        # Nothing known
        ("", "", "Soft tissue"), ("", "HEAD", "Brain"), ("", "HEADNECK", "Soft tissue"),
        ("made up", "KNEE", "Soft tissue"),
    ],
)  # fmt: skip
def test_the_window_suits_what_the_series_was_reconstructed_for(kernel, body_part, window):
    dataset = Dataset()
    dataset.ConvolutionKernel = kernel
    dataset.BodyPartExamined = body_part
    assert choose_ct_window(dataset) == window
    assert window in {name for _, _, name in CT_WINDOWS}


def test_headers_without_either_are_for_soft_tissue():
    assert choose_ct_window(Dataset()) == "Soft tissue"
