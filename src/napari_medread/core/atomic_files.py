"""Files and folders that appear when they are complete; a failure leaves nothing behind."""

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
    errno.ENOSPC: "no space is left on the disk",
    errno.EDQUOT: "no space is left in your disk quota",
    errno.EACCES: "you have no permission to write there",
    errno.EPERM: "you have no permission to write there",
    errno.EROFS: "the disk is read-only",
    errno.ENOENT: "its folder does not exist",
    errno.ENAMETOOLONG: "the name is too long",
    errno.EFBIG: "the disk does not support files of this size",
}

OPEN_FILES_FOLDER = Path("/proc/self/fd")
"""Where Linux lists the open files of a process."""


class WrittenFiles(NamedTuple):
    """The files that a writer has written.

    Attributes
    ----------
    paths : tuple of Path
        The files. The first one is the one to open.
    notes : tuple of str
        Sentences for the user, about a changed type for instance.
    """

    paths: tuple[Path, ...]
    notes: tuple[str, ...] = ()


class DraftFile:
    """A file that gets its name when it is complete.

    On Linux it has no name until then, so that not even a killed process leaves anything behind.
    On other systems it has a temporary, hidden name in the same folder.

    Parameters
    ----------
    path : Path
        Where the file will be published. Any other name in the same folder is possible too.

    Attributes
    ----------
    file : binary file
        The file, open for writing.
    """

    def __init__(self, path: Path) -> None:
        self._temporary_path: Path | None = None
        try:
            unnamed = os.open(path.parent, os.O_TMPFILE | os.O_RDWR, 0o666)
            OPEN_FILES_FOLDER.stat()
        except (AttributeError, OSError):  # not Linux, or not supported by the file system
            handle, name = tempfile.mkstemp(".part", f".{path.name[:100]}.", path.parent)
            self._temporary_path = Path(name)
            with suppress(OSError):
                self._temporary_path.chmod(0o666 & ~_umask())
            unnamed = handle
        self.file: BinaryIO = os.fdopen(unnamed, "w+b")

    def publish(self, path: Path) -> None:
        """Give the complete file its name, replacing an existing file."""
        if not self.file.closed:
            self.file.flush()
            # Otherwise a crash of the computer could keep the name and lose the content.
            os.fsync(self.file.fileno())
        if self._temporary_path is None:
            temporary = Path(tempfile.mktemp(".part", f".{path.name[:100]}.", path.parent))  # noqa: S306
            # Python passes follow_symlinks on to the system only together with a folder.
            folder = os.open(OPEN_FILES_FOLDER, os.O_RDONLY)
            try:
                os.link(str(self.file.fileno()), temporary, src_dir_fd=folder, follow_symlinks=True)
            finally:
                os.close(folder)
            self._temporary_path = temporary
        self.file.close()
        if path.exists():
            shutil.copymode(path, self._temporary_path)
        self._temporary_path.replace(path)
        self._temporary_path = None

    def discard(self) -> None:
        """Delete the file unless it was published."""
        with suppress(OSError):  # writing the last bytes may fail again on a full disk
            self.file.close()
        if self._temporary_path is not None:
            self._temporary_path.unlink(missing_ok=True)


@contextmanager
def open_drafts(path: Path) -> Iterator[list[DraftFile]]:
    """Discard all unpublished drafts at the end, and turn system errors into ``CannotWrite``.

    Parameters
    ----------
    path : Path
        The file that is being saved, for error messages.

    Yields
    ------
    list of DraftFile
        An empty list: append the drafts that are to be discarded at the end.

    Raises
    ------
    CannotWrite
        If the file cannot be written or replaced.
    """
    check_writable(path)
    drafts: list[DraftFile] = []
    try:
        yield drafts
    except UnreadableFile:  # of the lazy volume that is being written, not of this file
        raise
    except OSError as error:
        raise write_error_from_os_error(path, error) from error
    finally:
        for draft in drafts:
            draft.discard()


@contextmanager
def open_atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing that appears, or replaces an existing one, at the end.

    Raises
    ------
    CannotWrite
        If it cannot be written. An existing file is kept.
    """
    with open_drafts(path) as drafts:
        draft = DraftFile(path)
        drafts.append(draft)
        yield draft.file
        draft.publish(path)


@contextmanager
def create_atomic_folder(path: Path) -> Iterator[Path]:
    """Create a folder that appears at the end with all its files, or not at all.

    Parameters
    ----------
    path : Path
        The folder. It must not exist, or be empty.

    Yields
    ------
    Path
        The temporary folder to write the files to.

    Raises
    ------
    CannotWrite
        If there are files in the folder already, or it cannot be created.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise CannotWrite(f"{path.name}: this folder already contains files. Choose a new folder.")
    try:
        temporary = Path(tempfile.mkdtemp(".part", f".{path.name[:100]}.", path.parent))
    except OSError as error:
        raise write_error_from_os_error(path, error) from error
    try:
        yield temporary
        temporary.chmod(0o777 & ~_umask())
        if path.exists():
            path.rmdir()  # it is empty; Windows does not replace folders
        temporary.rename(path)
    except UnreadableFile:  # of the lazy volume that is being written, not of this folder
        raise
    except OSError as error:
        raise write_error_from_os_error(path, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def check_writable(path: Path) -> None:
    """Check that a file can be written or replaced, before any work is done.

    Raises
    ------
    CannotWrite
        If the path is a folder or a read-only file, or its folder does not exist.
    """
    if path.is_dir():
        raise CannotWrite(f"{path.name}: this is a folder. Choose the name of a file.")
    if not path.parent.is_dir():
        raise CannotWrite(f"{path.name}: its folder does not exist.")
    # Renaming would replace a read-only file: it only needs write access to the folder.
    if path.exists() and not (
        os.access(path, os.W_OK)
        and path.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)
    ):
        raise CannotWrite(f"{path.name}: the file is read-only. Choose another name.")


def write_error_from_os_error(path: Path, error: OSError) -> CannotWrite:
    """Return the error to raise for an error of the operating system."""
    # Libraries raise their own errors from those of the system.
    while error.errno is None and isinstance(error.__cause__, OSError):
        error = error.__cause__
    reason = _REASONS.get(
        error.errno or 0, error.strerror or "the operating system reported an error"
    )
    return CannotWrite(f"{path.name} was not written: {reason}. Nothing was changed.")


def _umask() -> int:
    """Return the permission bits that new files of this process do not get."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
