"""One line that tells what a long run is doing, on the terminal or in a log."""

from __future__ import annotations

import sys
import time
from typing import TextIO


class Progress:
    """Writes over its last line on a terminal, a line each elsewhere."""

    def __init__(self, stream: TextIO = sys.stderr) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._started_at = time.monotonic()
        self._width = 0

    def say(self, text: str) -> None:
        """Show what goes on now, with the time since the start."""
        minutes, seconds = divmod(int(time.monotonic() - self._started_at), 60)
        line = f"  {minutes:3d}:{seconds:02d}  {text}"
        if self._is_terminal:
            self._stream.write("\r" + line[:118].ljust(self._width))
            self._width = min(len(line), 118)
        else:
            self._stream.write(line + "\n")
        self._stream.flush()

    def clear(self) -> None:
        """Remove the line, so that a table can follow."""
        if self._is_terminal and self._width:
            self._stream.write("\r" + " " * self._width + "\r")
            self._stream.flush()
            self._width = 0
