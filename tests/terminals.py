"""A command in a real terminal: a pseudo-terminal around it, and an emulator that knows what a person would see."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import pyte

from tests.processes.running import ROOT
from tests.waiting import WAIT_S, until

ALTERNATE_SCREEN, NORMAL_SCREEN = b"\x1b[?1049h", b"\x1b[?1049l"
HIDE_CURSOR, SHOW_CURSOR = b"\x1b[?25l", b"\x1b[?25h"


class Terminal:
    """Runs a command with all three streams on a terminal of its own; what is left of it is killed at the end."""

    def __init__(self, argv: list[str], variables: dict[str, str], columns: int = 80, lines: int = 24) -> None:
        self.raw = b""
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self._lock = threading.Lock()
        self._ours, self._theirs = pty.openpty()
        self._set_size(columns, lines)
        self.modes_before = termios.tcgetattr(self._theirs)
        # `setsid -c` makes the terminal the controlling one, so that keys become signals.
        environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        self.process = subprocess.Popen(
            # Who runs the tests in the background may ignore the interrupt, which programs inherit.
            ["env", "--default-signal=INT", "setsid", "-c", *argv],
            cwd=ROOT,
            env=environment | {"TERM": "xterm-256color"} | variables,
            stdin=self._theirs,
            stdout=self._theirs,
            stderr=self._theirs,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                told = os.read(self._ours, 65_536)
            except OSError:
                return
            with self._lock:
                self.raw += told
                self._stream.feed(told)

    def rows(self) -> list[str]:
        """Return the lines of the screen."""
        with self._lock:
            return [line.rstrip() for line in self._screen.display]

    def shows(self, *texts: str) -> None:
        """Wait until the screen holds all texts."""
        try:
            until(lambda: all(text in "\n".join(self.rows()) for text in texts))
        except AssertionError:
            raise AssertionError(f"not all of {texts} in:\n" + "\n".join(self.rows())) from None

    def told_behind(self) -> str:
        """Return what was written behind the alternate screen.

        A terminal puts the cursor back where it stood before, wherever a signal ended the drawing; the emulator knows
        no second screen and would let the words begin in the middle of a line.
        """
        return self.raw.rpartition(NORMAL_SCREEN)[2].decode()

    def hides(self, text: str) -> None:
        """Wait until the screen does not hold the text."""
        until(lambda: text not in "\n".join(self.rows()))

    def row(self, start: str) -> str:
        """Return the first line that begins so; "" while it is not there, as in the middle of a change."""
        return next((line for line in self.rows() if line.startswith(start)), "")

    def selects(self, start: str) -> None:
        """Wait until the line that begins so is what is selected."""
        until(lambda: self.reversed_rows() == [self.row(start)])

    def reversed_rows(self) -> list[str]:
        """Return the lines that begin in reverse: what is selected."""
        with self._lock:
            lines = range(self._screen.lines)
            return [self._screen.display[line].rstrip() for line in lines if self._screen.buffer[line][0].reverse]

    def colours(self) -> set[str]:
        """Return the colours on the screen."""
        with self._lock:
            return {cell.fg for line in self._screen.buffer.values() for cell in line.values()} - {"default"}

    def press(self, keys: bytes) -> None:
        """Send keys."""
        os.write(self._ours, keys)

    def resize(self, columns: int, lines: int) -> None:
        """Change the size, as a window does."""
        with self._lock:
            self._screen.resize(lines, columns)
            self._screen.reset()
        self._set_size(columns, lines)

    def _set_size(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def modes(self) -> object:
        """Return the modes of the terminal as they are now."""
        return termios.tcgetattr(self._theirs)

    def is_stopped(self) -> bool:
        """Tell whether the command is stopped, as after Ctrl-Z."""
        state = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state == "T"

    def ended(self) -> int:
        """Wait for the end and return the exit code; the terminal must be as it was."""
        try:
            code = self.process.wait(WAIT_S)
        except subprocess.TimeoutExpired:
            raise AssertionError("it goes on:\n" + "\n".join(self.rows())) from None
        until(lambda: self.raw.count(ALTERNATE_SCREEN) == self.raw.count(NORMAL_SCREEN))
        until(lambda: self.raw.count(HIDE_CURSOR) <= self.raw.count(SHOW_CURSOR))
        assert self.modes() == self.modes_before
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(WAIT_S)
        os.close(self._theirs)
        self._reader.join(10)
        os.close(self._ours)
