"""Picks out of a Python traceback the frames that are the application's own, which a reader wants first."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FRAME = re.compile(
    r'^  File "(?P<file>[^"\n]+)", line (?P<line>\d+), in (?P<name>[^\n]+)\n(?:    (?P<code>[^\n]*))?', re.M
)
_LIBRARY = re.compile(r"site-packages|dist-packages|/lib/python\d|<frozen |\\lib\\", re.I)
_MOST = 6


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame: where, in what, and the line of code if the traceback has it."""

    file: str
    line: int
    name: str
    code: str


def application_frames(traceback: str) -> list[Frame]:
    """Return the application's frames, the innermost first; [] for a text that is no Python traceback."""
    found = [
        Frame(match["file"], int(match["line"]), match["name"], (match["code"] or "").strip())
        for match in _FRAME.finditer(traceback)
        if not _LIBRARY.search(match["file"])
    ]
    found.reverse()
    return found[:_MOST]
