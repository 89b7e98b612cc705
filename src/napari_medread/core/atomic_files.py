"""Files that appear whole or not at all, and never leave a trace of a failure."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from napari_medread.errors import CannotWrite, UnreadableFile

_REASONS = {
    errno.ENOSPC: "there is no room left on the disk",
    errno.EDQUOT: "there is no room left in your quota",
    errno.EACCES: "you have no permission to write there",
    errno.EPERM: "you have no permission to write there",
    errno.EROFS: "the disk is read-only",
    errno.ENOENT: "its folder does not exist",
    errno.ENAMETOOLONG: "the name is too long",
    errno.EFBIG: "the disk does not take files this large",
}

_FD = Path("/proc/self/fd")
"""Where Linux shows the open files of a process."""


class WrittenFiles(NamedTuple):
    """What a writer has made.

    Attributes
    ----------
    paths : tuple of Path
        The files, the one to open first.
    notes : tuple of str
        What a person should know about them, such as a changed type.
    """

    paths: tuple[Path, ...]
    notes: tuple[str, ...] = ()


class DraftFile:
    """A file that has no name until it is whole.

    On Linux it really has none, so that not even a killed process leaves anything behind.
    Elsewhere it has a hidden one beside its place.

    Parameters
    ----------
    place : Path
        Where it is to go. It may go to any name in this folder.

    Attributes
    ----------
    file : binary file
        Open for writing.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        self._name: Path | None = None
        try:
            unnamed = os.open(place.parent, os.O_TMPFILE | os.O_RDWR, 0o666)
            _FD.stat()
        except (AttributeError, OSError):  # not Linux, or a file system that cannot
            handle, name = tempfile.mkstemp(".part", f".{place.name[:100]}.", place.parent)
            self._name = Path(name)
            with suppress(OSError):
                self._name.chmod(0o666 & ~_umask())
            unnamed = handle
        self.file: BinaryIO = os.fdopen(unnamed, "w+b")

    def publish(self, path: Path) -> None:
        """Give the finished file its name, in place of what had it."""
        if not self.file.closed:
            self.file.flush()
            # Else a crash of the machine might keep the name and lose the bytes.
            os.fsync(self.file.fileno())
        if self._name is None:
            beside = Path(tempfile.mktemp(".part", f".{path.name[:100]}.", path.parent))  # noqa: S306
            # Only given a folder to start from, Python asks the system to follow the link.
            folder = os.open(_FD, os.O_RDONLY)
            try:
                os.link(str(self.file.fileno()), beside, src_dir_fd=folder, follow_symlinks=True)
            finally:
                os.close(folder)
            self._name = beside
        self.file.close()
        if path.exists():
            shutil.copymode(path, self._name)
        self._name.replace(path)
        self._name = None

    def discard(self) -> None:
        """Drop the file unless it was published."""
        with suppress(OSError):  # a full disk may refuse the last bytes once more
            self.file.close()
        if self._name is not None:
            self._name.unlink(missing_ok=True)


@contextmanager
def open_drafts(path: Path) -> Iterator[list[DraftFile]]:
    """Discard drafts whatever happens, and put what the system refuses in a sentence.

    Parameters
    ----------
    path : Path
        The file that is being saved.

    Yields
    ------
    list of Draft
        Empty: put in it what is to be discarded at the end.

    Raises
    ------
    CannotWrite
        Where a file of this name cannot be replaced or made.
    """
    check_writable(path)
    made: list[DraftFile] = []
    try:
        yield made
    except UnreadableFile:  # of the lazy volume that is being written, not of this file
        raise
    except OSError as error:
        raise write_error_from_os_error(path, error) from error
    finally:
        for draft in made:
            draft.discard()


@contextmanager
def open_atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes its place once all of it is written, and not before.

    Raises
    ------
    CannotWrite
        Where it cannot be made. What was there before is still there.
    """
    with open_drafts(path) as made:
        draft = DraftFile(path)
        made.append(draft)
        yield draft.file
        draft.publish(path)


@contextmanager
def create_atomic_folder(path: Path) -> Iterator[Path]:
    """Make a folder that appears with all its files, or not at all.

    Parameters
    ----------
    path : Path
        Its place: nothing, or an empty folder.

    Yields
    ------
    Path
        The folder to put the files in.

    Raises
    ------
    CannotWrite
        Where there are files already, or it cannot be made.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise CannotWrite(f"{path.name}: there are files in it already. Choose a new folder.")
    try:
        beside = Path(tempfile.mkdtemp(".part", f".{path.name[:100]}.", path.parent))
    except OSError as error:
        raise write_error_from_os_error(path, error) from error
    try:
        yield beside
        beside.chmod(0o777 & ~_umask())
        if path.exists():
            path.rmdir()  # empty, which Windows does not replace
        beside.rename(path)
    except UnreadableFile:  # of the lazy volume that is being written, not of this folder
        raise
    except OSError as error:
        raise write_error_from_os_error(path, error) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def check_writable(path: Path) -> None:
    """Refuse a path that must not be replaced, before any work is done.

    Raises
    ------
    CannotWrite
        Where it is a folder, a file that is read-only, or in no folder.
    """
    if path.is_dir():
        raise CannotWrite(f"{path.name}: this is a folder. Choose the name of a file.")
    if not path.parent.is_dir():
        raise CannotWrite(f"{path.name}: its folder does not exist.")
    # Renaming would replace a read-only file, as it asks for rights on the folder only.
    if path.exists() and not (
        os.access(path, os.W_OK)
        and path.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)
    ):
        raise CannotWrite(f"{path.name}: the file is read-only. Choose another name.")


def write_error_from_os_error(path: Path, error: OSError) -> CannotWrite:
    """Return the sentence for what the system refused."""
    # Libraries raise their own in place of the system's.
    while error.errno is None and isinstance(error.__cause__, OSError):
        error = error.__cause__
    reason = _REASONS.get(error.errno or 0, error.strerror or "the system refuses")
    return CannotWrite(f"{path.name} was not written: {reason}. Nothing was changed.")


def _umask() -> int:
    """Return the permissions that new files of this process do not get."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
