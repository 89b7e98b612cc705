"""The writers of the manifest: called when layers are saved."""

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
    """Save layers, and notify the user of what was written.

    Parameters
    ----------
    path : str
        The chosen path. Its suffix gives the format; if it has no known one, ``suffix`` is added.
        Several layers are written to several files, with the layer's name added to this one.
    layers : sequence of tuple
        Image and labels layers, as napari passes them.
    suffix : str
        Suffix of the format chosen in napari's dialog.

    Returns
    -------
    list of str
        The files that were written.

    Raises
    ------
    CannotWrite
        If a layer cannot be written. The files of the layers before it have been written.
    Cancelled
        If the user cancels.
    """
    target, is_renamed = _add_suffix(Path(path), suffix)
    others = _find_other_layers(layers)
    sources = [volume_from_layer_data(layer, [*layers[:n], *layers[n + 1 :], *others])
             for n, layer in enumerate(layers)]  # fmt: skip
    targets = (
        [target]
        if len(sources) == 1
        else _make_target_paths(target, [source.volume.name for source in sources])
    )
    if is_renamed or len(sources) > 1:
        for target in targets:  # napari has not asked whether to replace these files
            if target.exists():
                raise CannotWrite(
                    f"{target.name}: a file of this name already exists. Choose another name, or "
                    "enter this name in full to replace the file."
                )
    written: list[WrittenFiles] = []
    try:
        for target, source in zip(targets, sources, strict=True):
            written.append(api.write(target, source.volume, progress=show_cancelable_progress))
    except (MedReadError, Cancelled) as error:
        raise _add_written_files(error, written) from error
    remarks = [
        find_export_remarks(source, target) for source, target in zip(sources, targets, strict=True)
    ]
    _notify_written([source.volume.name for source in sources], remarks, written)
    return [str(path) for files in written for path in files.paths]


def _add_suffix(path: Path, suffix: str) -> tuple[Path, bool]:
    """Return the path to write, and whether a suffix was added to it."""
    if api.find_format_suffix(path) is not None:
        return path, False
    return path.with_name(path.name + suffix), True


def _find_other_layers(layers: Sequence[LayerData]) -> list[LayerData]:
    """Return the other layers of the viewer, as napari passes a writer only those to save."""
    saved_ids = {id(data) for data, _, _ in layers}
    # A script may save from a viewer that is not the current one.
    for viewer in (current_viewer(), *getattr(Viewer, "_instances", ())):
        viewer_layers = [] if viewer is None else list(viewer.layers)
        if saved_ids <= {id(layer.data) for layer in viewer_layers}:
            return [
                layer.as_layer_data_tuple()
                for layer in viewer_layers
                if id(layer.data) not in saved_ids
            ]
    return []


def _make_target_paths(path: Path, names: Sequence[str]) -> list[Path]:
    """Return one path per layer: the chosen name, then the name of the layer."""
    suffix = api.find_format_suffix(path) or ""
    stem = path.name[: len(path.name) - len(suffix)]
    targets: list[Path] = []
    for name in names:
        layer_name = to_file_name(name)
        candidate, n = path.with_name(f"{stem}-{layer_name}{suffix}"), 2
        while candidate in targets:
            candidate, n = path.with_name(f"{stem}-{layer_name}-{n}{suffix}"), n + 1
        targets.append(candidate)
    return targets


def _add_written_files(
    error: MedReadError | Cancelled, written: Sequence[WrittenFiles]
) -> MedReadError | Cancelled:
    """Return an error that also names the files that have already been written."""
    names = [path.name for files in written for path in files.paths]
    already_written = f" Already written: {', '.join(names)}." if names else ""
    if isinstance(error, Cancelled):
        return Cancelled(f"Saving was cancelled. No existing file was changed.{already_written}")
    return type(error)(f"{error}{already_written}")


def _notify_written(
    names: Sequence[str], remarks: Sequence[Sequence[str]], written: Sequence[WrittenFiles]
) -> None:
    """Notify the user of the files that were written, and of notes about them."""
    lines, notes = [], []
    for name, layer_remarks, files in zip(names, remarks, written, strict=True):
        file_names = " and ".join(path.name for path in files.paths)
        lines.append(f"Wrote {name} to {file_names}.")
        notes += [f"{name}: {note}" for note in (*layer_remarks, *files.notes)]
    show_info("\n".join(lines))
    if notes:
        show_warning("\n".join(notes))
