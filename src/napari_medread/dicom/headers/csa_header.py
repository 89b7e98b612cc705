"""Siemens' private CSA header, as far as mosaics need it.

The layout is not published; it has been known for long: a count of tags, then for each a
name, a count of values, and the values as padded texts.
"""

from __future__ import annotations

import struct

_LARGEST = 1000
"""More tags, or more values of one, than any real header has."""


def read_csa_values(data: bytes, wanted: frozenset[str]) -> dict[str, list[str]]:
    """Return the values of some tags of a CSA header; what is malformed is left out.

    Parameters
    ----------
    data : bytes
        Value of (0029,1010).
    wanted : frozenset of str
        Names, such as ``NumberOfImagesInMosaic``.
    """
    second = data[:4] == b"SV10"
    at = 8 if second else 0
    found: dict[str, list[str]] = {}
    try:
        (count,) = struct.unpack_from("<I", data, at)
        at += 8
        surplus = None
        for _ in range(min(count, _LARGEST)):
            name, items = struct.unpack_from("<64s12xi4x", data, at)
            at += 84
            # In the first version lengths are too large by the first tag's count of values.
            surplus = items if surplus is None else surplus
            text = name.split(b"\0")[0].decode("latin-1")
            for _ in range(min(items, _LARGEST)):
                first, length = struct.unpack_from("<ii8x", data, at)
                at += 16
                size = length if second else first - surplus
                if not 0 <= size <= len(data) - at:
                    break
                value = data[at : at + size].split(b"\0")[0].decode("latin-1").strip()
                at += (size + 3) // 4 * 4
                if text in wanted and value:
                    found.setdefault(text, []).append(value)
    except struct.error:
        return found
    return found
