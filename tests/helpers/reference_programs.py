"""Other programs as references: dcm2niix for images, dciodvfy for whole DICOM objects."""

import shutil
import subprocess
import sysconfig
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

RAS = np.diag([-1.0, -1, 1, 1])

DCIODVFY = shutil.which("dciodvfy")

needs_dciodvfy = pytest.mark.skipif(
    DCIODVFY is None, reason="dciodvfy (dicom3tools) is not on this system: tools/setup.sh --xvfb"
)
"""tools/setup.sh installs it where Debian packages can be installed; other platforms lack it."""


def convert_with_dcm2niix(folder, out):
    """Convert a folder with dcm2niix into ``out``; return the one image."""
    out.mkdir()
    command = shutil.which("dcm2niix", path=sysconfig.get_path("scripts"))
    assert command, "dcm2niix is missing: pip install -e '.[dev]'"
    subprocess.run(
        [command, "-b", "n", "-z", "n", "-o", out, folder], check=True, capture_output=True
    )
    (path,) = Path(out).glob("*.nii")
    return nib.load(path)


def assert_equal_in_patient_space(volume, judge, times=1):
    """Compare random voxels of a volume with those of dcm2niix at the same positions."""
    expected = np.asanyarray(judge.dataobj)
    random = np.random.default_rng(2)
    index = np.column_stack([random.integers(0, n, 300) for n in volume.shape[-3:]])
    points = volume.geometry.to_patient(index)
    to_voxel = np.linalg.inv(RAS @ judge.affine)
    found = points @ to_voxel[:3, :3].T + to_voxel[:3, 3]
    np.testing.assert_allclose(found, np.rint(found), atol=1e-3)
    at = tuple(np.rint(found).astype(int).T)
    data = np.asarray(volume.data).reshape(times, *volume.shape[-3:])
    for t in range(times):
        values = expected[at] if times == 1 else expected[(*at, t)]
        np.testing.assert_allclose(data[(t, *index.T)], values, rtol=1e-6)


def find_dciodvfy_errors(path):
    """Return the errors that dciodvfy reports for a file, or for all files of a folder."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    assert files
    found = set()
    for file in files:
        done = subprocess.run([DCIODVFY, "-new", file], capture_output=True, text=True, check=False)
        assert done.stderr, "dciodvfy names the kind of every object"
        found |= {line for line in done.stderr.splitlines() if "Error" in line}
    return found
