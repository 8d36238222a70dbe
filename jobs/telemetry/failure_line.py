"""An exception as one line for who wrote the code: the place in their file, and what is wrong there."""

from __future__ import annotations

import sysconfig
import traceback

_NOT_THEIRS = tuple({sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")} | {"<frozen"})


def failure_line(error: BaseException) -> str:
    """Return `file:line: Type: message`, the last place that is in no library; for bad syntax the place of that."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}: {type(error).__name__}: {error.msg}"
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if not frame.filename.startswith(_NOT_THEIRS)] or list(frames)
    place = f"{theirs[-1].filename}:{theirs[-1].lineno}: " if theirs else ""
    return f"{place}{type(error).__name__}: {' '.join(str(error).split())}".rstrip(": ")
