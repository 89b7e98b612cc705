"""Siemens' private CSA header, as far as mosaics need it.

Siemens has not published the layout, but it is well known: a number of tags, and for each tag a
name, a number of values, and the values as padded texts.
"""

from __future__ import annotations

import struct

_MAX_COUNT = 1000
"""Largest number of tags, and of values of a tag, that is read; real headers have fewer."""


def read_csa_values(data: bytes, wanted: frozenset[str]) -> dict[str, list[str]]:
    """Return the values of the wanted tags of a CSA header; malformed ones are left out.

    Parameters
    ----------
    data : bytes
        The value of (0029,1010).
    wanted : frozenset of str
        Tag names, such as ``NumberOfImagesInMosaic``.

    Returns
    -------
    dict of str to list of str
        The values that are not empty, by tag name.
    """
    is_version_2 = data[:4] == b"SV10"
    at = 8 if is_version_2 else 0
    values: dict[str, list[str]] = {}
    try:
        (count,) = struct.unpack_from("<I", data, at)
        at += 8
        surplus = None
        for _ in range(min(count, _MAX_COUNT)):
            name_bytes, value_count = struct.unpack_from("<64s12xi4x", data, at)
            at += 84
            # In version 1 lengths are too large by the number of values of the first tag.
            surplus = value_count if surplus is None else surplus
            name = name_bytes.split(b"\0")[0].decode("latin-1")
            for _ in range(min(value_count, _MAX_COUNT)):
                length_1, length_2 = struct.unpack_from("<ii8x", data, at)
                at += 16
                size = length_2 if is_version_2 else length_1 - surplus
                if not 0 <= size <= len(data) - at:
                    break
                value = data[at : at + size].split(b"\0")[0].decode("latin-1").strip()
                at += (size + 3) // 4 * 4
                if name in wanted and value:
                    values.setdefault(name, []).append(value)
    except struct.error:
        return values
    return values
