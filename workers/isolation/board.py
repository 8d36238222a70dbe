"""A page of memory that a worker shares with its children: what a running handler may look at without asking.

Of each word one side writes and the other reads; so there is no lock, and a look costs no system call.
"""

from __future__ import annotations

import mmap
import time

from workers.context import StopMark

# Of each row: the number of the attempt that shall stop, until when its lease can be trusted (monotonic s), and the
# number of the attempt whose handler was last called.
_WORD_BYTES = 8
_STOP, _TRUST, _BEGUN, _ROW_WORDS = 0, 1, 2, 3


class Board:
    """Rows of children; must be made before they are forked."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        memory = memoryview(mmap.mmap(-1, rows * _ROW_WORDS * _WORD_BYTES))
        self._numbers = memory.cast("Q")
        self._times = memory.cast("d")

    def begin(self, row: int, trusted_until: float) -> None:
        """Make a row ready for another attempt."""
        self._numbers[row * _ROW_WORDS + _STOP] = 0
        self._numbers[row * _ROW_WORDS + _BEGUN] = 0
        self.trust(row, trusted_until)

    def trust(self, row: int, until: float) -> None:
        """Write down until when the lease of the attempt in this row is ours (monotonic s)."""
        self._times[row * _ROW_WORDS + _TRUST] = until

    def stop(self, row: int, number: int) -> None:
        """Ask an attempt to stop."""
        self._numbers[row * _ROW_WORDS + _STOP] = number

    def note_begun(self, row: int, number: int) -> None:
        """Write down that the handler of an attempt is called; the child does."""
        self._numbers[row * _ROW_WORDS + _BEGUN] = number

    def has_begun(self, row: int, number: int) -> bool:
        """Tell whether the handler of an attempt was called."""
        return bool(self._numbers[row * _ROW_WORDS + _BEGUN] == number)

    def is_stopped(self, row: int, number: int) -> bool:
        """Tell whether this attempt was asked to stop."""
        return bool(self._numbers[row * _ROW_WORDS + _STOP] == number)

    def is_trusted(self, row: int) -> bool:
        """Tell whether the lease in this row is still ours; also right while the worker stands still."""
        return bool(time.monotonic() <= self._times[row * _ROW_WORDS + _TRUST])


class BoardMark(StopMark):
    """The stop mark of an attempt in a child."""

    __slots__ = ("_board", "_number", "_row")

    def __init__(self, board: Board, row: int, number: int) -> None:
        super().__init__(0.0)
        self._board = board
        self._row = row
        self._number = number

    def is_stopped(self) -> bool:
        """Tell whether the handler should end."""
        return self._board.is_stopped(self._row, self._number) or not self._board.is_trusted(self._row)
