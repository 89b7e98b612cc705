"""The npe2 writers: what happens when layers are saved."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from napari import Viewer, current_viewer
from napari.utils.notifications import show_info, show_warning

from napari_medread import api
from napari_medread.core.atomic_files import WrittenFiles
from napari_medread.errors import Cancelled, CannotWrite, MedReadError
from napari_medread.plugin.bridge.layer_to_volume import volume_from_layer_data
from napari_medread.plugin.bridge.volume_to_layer import LayerData
from napari_medread.plugin.export.export_plan import find_export_remarks, to_file_name
from napari_medread.plugin.gui.reader_progress import show_cancelable_progress


def write_metaimage(path: str, layers: Sequence[LayerData]) -> list[str]:
    """Save layers as MetaImage."""
    return save(path, layers, ".mhd")


def write_nifti(path: str, layers: Sequence[LayerData]) -> list[str]:
    """Save layers as NIfTI."""
    return save(path, layers, ".nii.gz")


def write_nrrd(path: str, layers: Sequence[LayerData]) -> list[str]:
    """Save layers as NRRD."""
    return save(path, layers, ".nrrd")


def write_dicom(path: str, layers: Sequence[LayerData]) -> list[str]:
    """Save layers as DICOM: an image as a file, a volume as a folder of slices."""
    return save(path, layers, ".dcm")


def save(path: str, layers: Sequence[LayerData], suffix: str) -> list[str]:
    """Save layers, and tell the person what was written.

    Parameters
    ----------
    path : str
        The name chosen. Its suffix says the format; without a known one, ``suffix`` is added.
        Several layers become several files, each of this name with the layer's behind it.
    layers : sequence of tuple
        Image and labels layers, as napari gives them.
    suffix : str
        That of the format chosen in napari's dialog.

    Returns
    -------
    list of str
        The files written.

    Raises
    ------
    CannotWrite
        Where a layer cannot be written. The files of the layers before it, if any, are there.
    Cancelled
        When the person cancels.
    """
    place, named = _add_suffix(Path(path), suffix)
    others = _find_other_layers(layers)
    shown = [volume_from_layer_data(layer, [*layers[:n], *layers[n + 1 :], *others])
             for n, layer in enumerate(layers)]  # fmt: skip
    targets = (
        [place] if len(shown) == 1 else _make_target_paths(place, [s.volume.name for s in shown])
    )
    if named or len(shown) > 1:
        for target in targets:  # names that the person has not been asked about
            if target.exists():
                raise CannotWrite(
                    f"{target.name}: there is a file of this name already. Choose another name, "
                    "or this one in full, to replace it."
                )
    written: list[WrittenFiles] = []
    try:
        for target, each in zip(targets, shown, strict=True):
            written.append(api.write(target, each.volume, progress=show_cancelable_progress))
    except (MedReadError, Cancelled) as error:
        raise _add_written_files(error, written) from error
    remarks = [
        find_export_remarks(each, target) for each, target in zip(shown, targets, strict=True)
    ]
    _notify_written([each.volume.name for each in shown], remarks, written)
    return [str(p) for each in written for p in each.paths]


def _add_suffix(path: Path, suffix: str) -> tuple[Path, bool]:
    """Return the path to write, and whether it is another than was given."""
    if api.find_format_suffix(path) is not None:
        return path, False
    return path.with_name(path.name + suffix), True


def _find_other_layers(layers: Sequence[LayerData]) -> list[LayerData]:
    """Return the viewer's other layers: napari gives a writer only those to be saved."""
    saved = {id(data) for data, _, _ in layers}
    # A script may save from another viewer than the one that is in front.
    for viewer in (current_viewer(), *getattr(Viewer, "_instances", ())):
        held = [] if viewer is None else list(viewer.layers)
        if saved <= {id(layer.data) for layer in held}:
            return [each.as_layer_data_tuple() for each in held if id(each.data) not in saved]
    return []


def _make_target_paths(place: Path, names: Sequence[str]) -> list[Path]:
    """Return a path for each of several layers: the chosen name, then the layer's."""
    suffix = api.find_format_suffix(place) or ""
    stem = place.name[: len(place.name) - len(suffix)]
    found: list[Path] = []
    for name in names:
        clean = to_file_name(name)
        candidate, n = place.with_name(f"{stem}-{clean}{suffix}"), 2
        while candidate in found:
            candidate, n = place.with_name(f"{stem}-{clean}-{n}{suffix}"), n + 1
        found.append(candidate)
    return found


def _add_written_files(
    error: MedReadError | Cancelled, written: Sequence[WrittenFiles]
) -> MedReadError | Cancelled:
    """Return an error that also names the files which are whole already."""
    names = [path.name for each in written for path in each.paths]
    there = f" Written before: {', '.join(names)}." if names else ""
    if isinstance(error, Cancelled):
        return Cancelled(f"Saving was cancelled: nothing was changed.{there}")
    return type(error)(f"{error}{there}")


def _notify_written(
    names: Sequence[str], remarks: Sequence[Sequence[str]], written: Sequence[WrittenFiles]
) -> None:
    """Say what was written, and what about it is worth knowing."""
    lines, notes = [], []
    for name, known, made in zip(names, remarks, written, strict=True):
        files = " and ".join(path.name for path in made.paths)
        lines.append(f"{name} was written to {files}.")
        notes += [f"{name}: {note}" for note in (*known, *made.notes)]
    show_info("\n".join(lines))
    if notes:
        show_warning("\n".join(notes))
