"""The keys that a terminal sends, by name."""

from __future__ import annotations

import re

_KEY = re.compile(rb"\x1b[\[O][0-9;]*[A-Za-z~]|.", re.DOTALL)
_NAMES = {
    b"\x1b[A": "up", b"\x1bOA": "up", b"k": "up",
    b"\x1b[B": "down", b"\x1bOB": "down", b"j": "down",
    b"\x1b[C": "right", b"\x1bOC": "right",
    b"\x1b[D": "left", b"\x1bOD": "left",
    b"\t": "tab", b"\x1b[Z": "tab",
}  # fmt: skip


def keys_of(sent: bytes) -> list[str]:
    """Return the names of the keys in what a terminal sent: letters in lower case, `other` for all without a name."""
    found = []
    for raw in _KEY.findall(sent):
        name = _NAMES.get(raw, "other")
        if name == "other" and len(raw) == 1 and 0x20 < raw[0] < 0x7F:
            name = raw.decode("ascii").lower()
        found.append(name)
    return found
