"""Names of volumes that tell patients and studies apart, without saying who a patient is."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

_PROCESS_KEY = secrets.token_bytes(32)
"""Makes the keys of patients meaningless outside this process."""

_PATIENT_PREFIX = re.compile(r"P\d+: ")
_DATE_SUFFIX = re.compile(r", \d{4}-\d\d-\d\d")


@dataclass(frozen=True)
class SeriesReference:
    """Which series of which patient and study a volume is from, without the patient's data.

    Attributes
    ----------
    name : str
        Number and description of the series, as the volume is named where it stands alone.
    patient_key : str
        The same for all volumes of a patient; it says nothing outside this process. Empty where
        the file names no patient.
    study_date : str
        In ISO 8601 form; empty if unknown. It helps to identify a patient, so it is in no
        ``repr``.
    """

    name: str
    patient_key: str = ""
    study_date: str = field(default="", repr=False)


class PatientNumbers:
    """The numbers of patients, in the order in which they were first seen."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def add(self, reference: SeriesReference) -> None:
        """Give a patient a number who has none yet."""
        if reference.patient_key:
            self._numbers.setdefault(reference.patient_key, len(self._numbers) + 1)

    def find(self, reference: SeriesReference) -> int | None:
        """Return the number of a patient; None for one who has none."""
        return self._numbers.get(reference.patient_key)


def make_patient_key(patient_id: str, patient_name: str) -> str:
    """Return the key of a patient; empty if the file gives neither ID nor name.

    Two hospitals may have given the same ID to two patients, so both count. The components of a
    name are compared without the separators, which programs add and drop.
    """
    name = " ".join(re.split(r"[\^=\s]+", patient_name)).strip()
    if not (patient_id.strip() or name):
        return ""
    identity = f"{patient_id.strip()}\0{name}".casefold().encode()
    return hashlib.blake2b(identity, key=_PROCESS_KEY, digest_size=16).hexdigest()


def compose_names(references: Sequence[SeriesReference], numbers: PatientNumbers) -> list[str]:
    """Return the names of volumes that are shown together; some may still be equal.

    The number of the patient comes first where there are several, as in ``P2: 3 CT chest``, since
    lists cut the end of a name. The date of the study follows there, and where it tells two
    volumes of the same name apart.

    Parameters
    ----------
    references : sequence of SeriesReference
        Of all volumes that are shown, also of those that were opened before.
    numbers : PatientNumbers
        Patients who have no number get one.
    """
    for reference in references:
        numbers.add(reference)
    has_several_patients = len({each.patient_key for each in references} - {""}) > 1
    dates: dict[tuple[str, str], set[str]] = {}
    for each in references:
        dates.setdefault((each.patient_key, each.name), set()).add(each.study_date)
    names = []
    for each in references:
        number = numbers.find(each) if has_several_patients else None
        prefix = "" if number is None else f"P{number}: "
        is_dated = number is not None or len(dates[each.patient_key, each.name]) > 1
        suffix = f", {each.study_date}" if is_dated and each.study_date else ""
        names.append(f"{prefix}{each.name}{suffix}")
    return names


def replace_composed_name(name: str, reference: SeriesReference, composed: str) -> str:
    """Return a name that begins with a composed one, with that replaced by another.

    A name that a user gave stays. What follows a composed name stays too, as in the names of
    layers that were made from this one.
    """
    date = re.escape(f", {reference.study_date}") if reference.study_date else ""
    pattern = rf"(P\d+: )?{re.escape(reference.name)}({date})?(?!\w)"
    found = re.match(pattern, name)
    return name if found is None else composed + name[found.end() :]


def number_equal_names(names: Sequence[str]) -> list[str]:
    """Return names with a number in brackets after those that are equal, counted from 1."""
    counts = Counter(names)
    numbered: Counter[str] = Counter()
    unique = []
    for name in names:
        numbered[name] += 1
        unique.append(f"{name} [{numbered[name]}]" if counts[name] > 1 else name)
    return unique


def to_undated_name(name: str) -> str:
    """Return a name without the dates that ``compose_names`` added, for files that leave them out.

    The names of layers that were made from another one contain its name.
    """
    undated = _DATE_SUFFIX.sub("", name)
    prefix = _PATIENT_PREFIX.match(undated)
    return undated if prefix is None else undated.replace(": ", " ", 1)
