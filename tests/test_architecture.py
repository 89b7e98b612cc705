"""The rules of the house that a machine can check: docs/architecture.md says why they hold."""

import ast
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import napari_medread

PACKAGE = Path(napari_medread.__file__).parent
NAME = "napari_medread"

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
        *("errors", "core", "dicom", "formats", "processing"),
        *("api", "catalogue", "tag_reading"),
    },
}
"""What each part of the package may import of the others, besides itself."""

GUI = {"napari", "qtpy", "magicgui", "superqt", "vispy", "pint", "app_model"}
"""What only the plugin may import."""

ENTRY_POINTS = {"read", "write"}
"""Names that every format's reader and writer has."""

NOT_ON_PYPI_BY_THIS_NAME = {"PIL": "pillow", "gdcm": "python-gdcm"}

MODULES = {
    ".".join([NAME, *path.relative_to(PACKAGE).with_suffix("").parts]): ast.parse(
        path.read_text(encoding="utf-8")
    )
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.name != "__init__.py"
}
"""Every module of the package by its full name, as a syntax tree."""


def imports_of(tree: ast.Module) -> set[str]:
    """Return every module that a module imports, anywhere in it, by its full name."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def part_of(module: str) -> str | None:
    """Return the part of the package that a module is in."""
    names = module.split(".")
    return names[1] if names[0] == NAME and len(names) > 1 else None


def folder_of(module: str) -> str:
    return module.rpartition(".")[0]


def test_parts_import_only_what_is_below_them():
    wrong = {
        module: extra
        for module, tree in MODULES.items()
        if (part := part_of(module)) in ALLOWED
        if (extra := {part_of(each) for each in imports_of(tree)} & set(ALLOWED)
            - ALLOWED[part] - {part})
    }  # fmt: skip
    assert wrong == {}


def test_only_the_plugin_imports_napari_and_qt():
    wrong = {
        module: used
        for module, tree in MODULES.items()
        if part_of(module) != "plugin"
        if (used := GUI & {each.split(".")[0] for each in imports_of(tree)})
    }
    assert wrong == {}


def test_folders_do_not_import_each_other_in_a_circle():
    """The modules at the top of the package count one by one, as they are no room."""
    room = {module: folder_of(module) for module in MODULES}
    room |= {module: module for module in MODULES if folder_of(module) == NAME}
    edges = defaultdict(set)
    for module, tree in MODULES.items():
        edges[room[module]] |= {room[each] for each in imports_of(tree) if each in room}
    reached = {start: set(edges[start]) - {start} for start in edges}
    while True:
        wider = {
            start: through | {end for each in through for end in reached.get(each, ())}
            for start, through in reached.items()
        }
        if wider == reached:
            break
        reached = wider
    assert sorted(start for start, through in reached.items() if start in through) == []


def test_a_module_name_stands_once():
    places = defaultdict(list)
    for module in MODULES:
        places[module.rpartition(".")[2]].append(module)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_a_public_class_or_function_name_stands_once():
    places = defaultdict(list)
    for module, tree in MODULES.items():
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(module)
    twice = {
        name: found for name, found in places.items() if len(found) > 1 and name not in ENTRY_POINTS
    }
    assert twice == {}


def test_each_folder_says_what_it_is_for():
    for path in PACKAGE.rglob("__init__.py"):
        if path.parent != PACKAGE:
            said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            assert 3 <= len(said.strip().splitlines()) <= 12, path


def test_matrices_are_inverted_in_one_place():
    users = {module for module in MODULES if re.search(r"linalg\.(inv|solve)\(", _source(module))}
    assert {part_of(module) for module in users} <= {"core"}
    assert len(users) == 1


def test_every_library_that_is_imported_is_declared():
    project = tomllib.loads((PACKAGE.parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
    declared = {
        re.split(r"[^\w.-]", each)[0].lower().replace("_", "-") for each in project["dependencies"]
    }
    known = packages_distributions()
    used = set()
    for tree in MODULES.values():
        for each in {module.split(".")[0] for module in imports_of(tree)}:
            if each != NAME and each not in sys.stdlib_module_names:
                names = known.get(each, [NOT_ON_PYPI_BY_THIS_NAME.get(each, each)])
                used.add(names[0].lower().replace("_", "-"))
    # One may have nibabel's images without having nibabel.
    assert used - declared - {"nibabel"} == set()


def _source(module: str) -> str:
    return (PACKAGE.parent / (module.replace(".", "/") + ".py")).read_text("utf-8")


def loaded_after(code: str, *names: str) -> set[str]:
    """Return which of some modules a fresh interpreter has imported after running code."""
    code += f"\nimport sys; print(*{set(names)} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_reading_needs_neither_napari_nor_qt():
    modules = [each for each in MODULES if part_of(each) != "plugin"]
    assert loaded_after("import " + ", ".join(modules), "napari", "qtpy", "magicgui") == set()


@pytest.mark.parametrize("panel", ["browser.browser_panel", "tags.tags_panel"])
def test_panels_open_without_waiting_for_what_reads_files(panel):
    code = f"import napari_medread.plugin.{panel}"
    assert loaded_after(code, "pydicom", "SimpleITK", "PIL.JpegImagePlugin") == set()
