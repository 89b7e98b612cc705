"""Take the pictures of the docs: every scene in ``tools/scenes``, in a real napari window.

usage: python tools/gallery.py [--theme dark] [--to docs/pictures] [SCENE ...]
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
from collections.abc import Callable
from pathlib import Path

import napari
from qtpy.QtWidgets import QApplication

ROOT = Path(__file__).resolve().parent.parent
SCENES = ROOT / "tools" / "scenes"
WINDOW = (1280, 800)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenes", nargs="*", help="names of files in tools/scenes")
    parser.add_argument("--theme", default="dark", choices=["dark", "light"])
    parser.add_argument("--to", type=Path, default=ROOT / "docs" / "pictures")
    options = parser.parse_args(arguments)
    names = options.scenes or sorted(p.stem for p in SCENES.glob("[!_]*.py"))
    options.to.mkdir(parents=True, exist_ok=True)
    for name in names:
        print(take_picture(name, options.theme, options.to / f"{name}.png"))
    return 0


def take_picture(name: str, theme: str, path: Path) -> Path:
    """Arrange a scene in a new viewer, and save a screenshot of its window."""
    viewer = napari.Viewer()
    viewer.theme = theme
    viewer.window.resize(*WINDOW)
    settle()
    load_scene(name)(viewer)
    settle()
    viewer.screenshot(str(path), canvas_only=False, flash=False)
    viewer.close()
    settle()
    return path


def load_scene(name: str) -> Callable[[napari.Viewer], None]:
    """Return the function ``arrange`` of a scene."""
    spec = importlib.util.spec_from_file_location(f"scene_{name}", SCENES / f"{name}.py")
    if spec is None or spec.loader is None:
        raise SystemExit(f"There is no scene {name}.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    arrange: Callable[[napari.Viewer], None] = module.arrange
    return arrange


def settle(condition: Callable[[], bool] = lambda: False, seconds: float = 1.0) -> None:
    """Process events until a condition holds, or for some seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and not condition():
        QApplication.processEvents()
        time.sleep(0.01)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
