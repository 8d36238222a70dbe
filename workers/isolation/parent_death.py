"""Has the kernel tell a process that its parent died, however that died, and names it for `top` and `ps -o comm`."""

from __future__ import annotations

import ctypes
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15


def signal_at_parents_death(number: int) -> None:
    """Ask for a signal at the parent's death; where the kernel is not Linux, the closed connection must do."""
    _prctl(_PR_SET_PDEATHSIG, number)


def name_process(name: str) -> None:
    """Name this process, in at most 15 letters."""
    _prctl(_PR_SET_NAME, ctypes.c_char_p(name.encode()))


def _prctl(option: int, value: object) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
