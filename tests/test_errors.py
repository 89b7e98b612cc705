"""The exceptions: what they are, and what their text is."""

import pickle

import numpy as np
import pytest
from dask import array as da
from dask import delayed

from napari_medread import errors
from napari_medread.api import write
from napari_medread.core.geometry import Geometry
from napari_medread.core.volume import Volume
from napari_medread.errors import Cancelled, MedReadError, UnreadableFile

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_none_is_a_value_error_and_each_says_its_one_sentence(kind):
    error = kind("scan.mha: this is wrong.")
    assert not isinstance(error, ValueError)
    assert str(error) == "scan.mha: this is wrong."
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301  (our own bytes)
    assert (type(copy), str(copy), copy.args) == (kind, str(error), error.args)


def test_cancelling_is_no_error_of_the_package():
    assert not issubclass(Cancelled, MedReadError)
    assert all(issubclass(kind, MedReadError) for kind in KINDS if kind is not Cancelled)


def test_a_file_that_cannot_be_read_is_an_os_error_without_a_number():
    with pytest.raises(OSError, match=r"^scan\.mha: cut short\.$") as caught:
        raise UnreadableFile("scan.mha: cut short.")
    assert (caught.value.errno, caught.value.strerror, caught.value.filename) == (None, None, None)


@pytest.mark.parametrize("name", ["a.mha", "a.mhd", "a.nii.gz", "a.nrrd", "a.dcm"])
def test_a_lazy_volume_whose_file_is_gone_says_so_when_it_is_written(tmp_path, name):
    @delayed
    def lost():
        raise UnreadableFile("IM0001: cannot be opened (No such file or directory).")

    data = da.from_delayed(lost(), (3, 4, 5), np.int16)
    with pytest.raises(UnreadableFile, match=r"^IM0001: cannot be opened"):
        write(tmp_path / name, Volume(data, "scan", Geometry((3, 4, 5), np.eye(4))))
    assert not list(tmp_path.iterdir())
