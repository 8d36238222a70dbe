"""The whole terminal as one screen, and the terminal as it was before."""

from __future__ import annotations

import os
import signal
import sys
import termios
import tty
from types import TracebackType
from typing import Self

from rich.console import Console, RenderableType


def is_terminal() -> bool:
    """Tell whether standard input and output are a terminal that can be drawn on."""
    return sys.stdin.isatty() and sys.stdout.isatty() and not Console(file=sys.stdout).is_dumb_terminal


class Screen:
    """Takes the terminal over on entry: keys come at once and unseen; everything is put back on exit."""

    def __init__(self) -> None:
        # Highlighting would colour parts of names; what is shown are texts, never markup.
        self._console = Console(file=sys.stdout, highlight=False, markup=False, emoji=False)
        self.keys = sys.stdin.fileno()  # readable when a key was pressed
        self._before = termios.tcgetattr(self.keys)
        self._is_taken = False

    @property
    def size(self) -> tuple[int, int]:
        """Return columns and lines as they are now."""
        return self._console.size.width, self._console.size.height

    def draw(self, frame: RenderableType) -> None:
        """Write a frame over the last one."""
        self._console.update_screen(frame)

    def read(self) -> bytes:
        """Return what the keyboard sent, b"" once the terminal is gone."""
        try:
            return os.read(self.keys, 1024)
        except OSError:
            return b""

    def stand_aside(self) -> None:
        """Give the terminal back and stop, as Ctrl-Z asks; take it again when the shell goes on with this process."""
        self._give_back()
        os.kill(os.getpid(), signal.SIGSTOP)
        self._take()

    def __enter__(self) -> Self:
        self._take()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._give_back()

    def _take(self) -> None:
        self._is_taken = True
        tty.setcbreak(self.keys)
        self._console.set_alt_screen(True)
        self._console.show_cursor(False)

    def _give_back(self) -> None:
        if not self._is_taken:
            return
        self._is_taken = False
        try:
            self._console.show_cursor(True)
            self._console.set_alt_screen(False)
            termios.tcsetattr(self.keys, termios.TCSADRAIN, self._before)
        except (OSError, termios.error):
            return  # the terminal was closed: there is nothing to put back
