"""The files that are found below a folder."""

import pytest

from helpers.builders import make_image, save_dataset, stored_slice
from napari_medread.dicom.headers.file_discovery import walk_files


@pytest.mark.parametrize("name", [".hidden", "DICOMDIR", "dicomdir", "DIRFILE"])
def test_hidden_files_and_dicomdirs_are_ignored(tmp_path, name):
    save_dataset(make_image(stored_slice(0)), tmp_path / name)
    save_dataset(make_image(stored_slice(0)), tmp_path / ".git" / "IM1")
    kept = save_dataset(make_image(stored_slice(0)), tmp_path / "IM1")
    assert list(walk_files(tmp_path)) == [kept]


def test_subfolders_are_walked_and_links_in_a_circle_end(tmp_path):
    deep = save_dataset(make_image(stored_slice(0)), tmp_path / "a" / "b" / "c" / "IM1")
    (tmp_path / "a" / "b" / "back").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    assert list(walk_files(tmp_path)) == [deep]
