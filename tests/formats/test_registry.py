"""Every format of the registry can be imported, and the manifest lists its suffixes."""

from importlib.resources import files
from pathlib import Path

import pytest
from npe2 import PluginManifest

from napari_medread.formats import registry

CONTRIBUTIONS = PluginManifest.from_file(str(files("napari_medread") / "napari.yaml")).contributions
READ_SUFFIXES = [suffix for each in registry.FORMATS for suffix in each.read_suffixes]


@pytest.mark.parametrize("file_format", registry.FORMATS, ids=lambda each: each.name)
def test_the_modules_of_a_format_can_be_imported(file_format):
    assert callable(file_format.import_reader())
    for suffix in file_format.write_suffixes:
        assert registry.import_writer(suffix) is file_format.import_writer()


@pytest.mark.parametrize("suffix", READ_SUFFIXES)
def test_a_suffix_that_is_read_is_found_and_in_the_manifest(suffix):
    path = Path(f"a.b{suffix.upper()}")
    file_format = registry.find_format(path)
    assert suffix in file_format.read_suffixes
    assert registry.strip_format_suffix(path) == "a.b"
    (reader,) = CONTRIBUTIONS.readers
    assert f"*{suffix}" in reader.filename_patterns


def test_the_manifest_lists_the_suffixes_that_are_written():
    listed = {suffix for writer in CONTRIBUTIONS.writers for suffix in writer.filename_extensions}
    assert listed == {*registry.WRITE_SUFFIXES, ".dcm"}


@pytest.mark.parametrize("name", ["a", ".nii", ".nii.gz", "a.gz", "a.nii.bz2", "a.txt"])
def test_other_names_belong_to_no_format(name):
    assert registry.find_format(Path(name)) is None
    assert registry.find_write_suffix(Path(name)) is None
