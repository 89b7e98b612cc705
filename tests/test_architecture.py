"""The house rules that a machine can check."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import napari_medread

PACKAGE = Path(napari_medread.__file__).parent

# What each part may import of the others, besides itself.
ALLOWED = {
    "errors": set(),
    "core": {"errors"},
    "dicom": {"errors", "core"},
    "formats": {"errors", "core"},
    "processing": {"errors", "core"},
    "api": {"errors", "core", "dicom", "formats", "processing"},
    "catalogue": {"errors", "core", "dicom", "formats", "api"},
    "tag_reading": {"errors", "core", "dicom", "formats"},
    "plugin": {
        "errors",
        "core",
        "dicom",
        "formats",
        "processing",
        "api",
        "catalogue",
        "tag_reading",
    },
}
GUI = {"napari", "qtpy", "magicgui"}


def imports_of(path: Path) -> set[str]:
    """Return every module that a file imports, by its full name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def part_of(module: str) -> str | None:
    """Return the part of the package that a module is in."""
    names = module.split(".")
    return names[1] if names[0] == "napari_medread" and len(names) > 1 else None


FILES = [p for p in PACKAGE.rglob("*.py") if p.parent != PACKAGE or p.stem in ALLOWED]


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_parts_import_only_what_is_below_them(path):
    part = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    used = {part_of(module) for module in imports_of(path)} - {None, part}
    assert used & set(ALLOWED) <= ALLOWED[part]


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_only_the_plugin_imports_napari_and_qt(path):
    if "plugin" not in path.relative_to(PACKAGE).parts:
        assert not GUI & {module.split(".")[0] for module in imports_of(path)}


def test_reading_needs_neither_napari_nor_qt():
    code = (
        "import sys, napari_medread.api, napari_medread.dicom.read,"
        " napari_medread.formats.metaimage.metaimage_reader,"
        " napari_medread.formats.pictures.picture_reader,"
        " napari_medread.processing.grid_sampling;"
        "print(*{'napari', 'qtpy', 'magicgui'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("panel", ["browser.browser_panel", "tags.tags_panel"])
def test_panels_open_without_waiting_for_what_reads_files(panel):
    code = (
        f"import sys, napari_medread.plugin.{panel};"
        "print(*{'pydicom', 'SimpleITK', 'PIL.JpegImagePlugin'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
