"""Files and folders that appear when they are complete."""

import os
import signal
import subprocess
import sys

import pytest

from napari_medread.core.atomic_files import check_writable, create_atomic_folder, open_atomic_file
from napari_medread.errors import CannotWrite


class Broken(Exception):
    pass


def test_a_file_appears_when_it_is_complete(tmp_path):
    path = tmp_path / "x.bin"
    with open_atomic_file(path) as file:
        file.write(b"one")
        file.flush()
        assert not path.exists()
    assert path.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("named", [False, True])
def test_an_exception_leaves_the_old_file(tmp_path, monkeypatch, named):
    if named:  # as on systems where a file always has a name
        monkeypatch.delattr(os, "O_TMPFILE")
    path = tmp_path / "x.bin"
    path.write_bytes(b"old")

    def interrupted():
        with open_atomic_file(path) as file:
            file.write(b"half")
            raise Broken

    with pytest.raises(Broken):
        interrupted()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("named", [False, True])
def test_a_new_file_has_the_permissions_of_the_old_or_the_usual_ones(tmp_path, monkeypatch, named):
    if named:
        monkeypatch.delattr(os, "O_TMPFILE")
    usual, path = tmp_path / "usual", tmp_path / "x.bin"
    usual.write_bytes(b"")
    for _ in range(2):
        with open_atomic_file(path) as file:
            file.write(b"new")
        assert path.stat().st_mode == usual.stat().st_mode
        usual.chmod(0o640)
        path.chmod(0o640)


KILLED = """
import os, signal, sys
from pathlib import Path
from napari_medread.core.atomic_files import open_atomic_file
with open_atomic_file(Path(sys.argv[1])) as file:
    file.write(bytes(1 << 20))
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has files without a name")
def test_a_killed_process_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "x.bin"
    path.write_bytes(b"old")
    done = subprocess.run([sys.executable, "-c", KILLED, path], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


TOO_LARGE = """
import resource, sys
from pathlib import Path
from napari_medread.core.atomic_files import open_atomic_file
from napari_medread.errors import CannotWrite
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
try:
    with open_atomic_file(Path(sys.argv[1])) as file:
        for _ in range(64):
            file.write(bytes(1 << 16))
except CannotWrite as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_file_too_large_for_the_disk_is_one_sentence(tmp_path):
    path = tmp_path / "x.bin"
    path.write_bytes(b"old")
    done = subprocess.run(
        [sys.executable, "-c", TOO_LARGE, path], check=True, capture_output=True, text=True
    )
    assert done.stdout == (
        "x.bin was not written: the disk does not support files of this size. "
        "Nothing was changed.\n"
    )
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_one_sentence(tmp_path):
    path = tmp_path / "x.bin"

    def full():
        with open_atomic_file(path):
            try:
                raise OSError(28, os.strerror(28))
            except OSError as error:
                raise OSError("in a library's words") from error

    with pytest.raises(CannotWrite, match=r"^x\.bin was not written: no space is left on"):
        full()
    assert not list(tmp_path.iterdir())


def test_what_must_not_be_replaced_is_refused_at_once(tmp_path):
    (tmp_path / "folder.mha").mkdir()
    with pytest.raises(CannotWrite, match=r"^folder\.mha: this is a folder\."):
        check_writable(tmp_path / "folder.mha")
    with pytest.raises(CannotWrite, match=r"^x\.mha: its folder does not exist\."):
        check_writable(tmp_path / "nowhere" / "x.mha")
    locked = tmp_path / "locked.mha"
    locked.touch(mode=0o444)
    with pytest.raises(CannotWrite, match=r"^locked\.mha: the file is read-only\."):
        check_writable(locked)


def test_a_folder_appears_with_all_its_files(tmp_path):
    path = tmp_path / "series"
    path.mkdir()
    with create_atomic_folder(path) as beside:
        (beside / "1").write_bytes(b"one")
        assert not list(path.iterdir())
    assert [p.name for p in path.iterdir()] == ["1"]
    assert list(tmp_path.iterdir()) == [path]
    usual = tmp_path / "usual"
    usual.mkdir()
    assert path.stat().st_mode == usual.stat().st_mode


def test_a_folder_that_was_interrupted_does_not_appear(tmp_path):
    def interrupted():
        with create_atomic_folder(tmp_path / "series") as beside:
            (beside / "1").write_bytes(b"one")
            raise Broken

    with pytest.raises(Broken):
        interrupted()
    assert not list(tmp_path.iterdir())


def test_a_folder_with_files_is_refused(tmp_path):
    (tmp_path / "x").write_bytes(b"precious")
    with (
        pytest.raises(CannotWrite, match="this folder already contains files"),
        create_atomic_folder(tmp_path),
    ):
        pass
    assert [p.name for p in tmp_path.iterdir()] == ["x"]
