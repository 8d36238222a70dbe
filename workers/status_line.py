"""One line at the foot of a terminal that says how a worker is doing. Loaded only where there is one to look at it."""

from __future__ import annotations

import io
import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self, TextIO, cast

from workers.options import WorkerOptions
from workers.progress import Progress

INTERVAL_S = 0.5
# Rates over so long are steady enough to be read, and follow soon.
RATE_OVER_S = 5.0
_CLEAR = "\r\x1b[K"
# Where the terminal does not tell its width.
_COLUMNS = 80


class StatusLine:
    """Draws the line on standard error while it is entered; whatever else is written to the terminal goes above it."""

    def __init__(self, options: WorkerOptions, progress: Callable[[], Progress]) -> None:
        """`progress` is asked twice a second, in a thread of its own."""
        self._options = options
        self._progress = progress
        self._terminal: TextIO = sys.stderr
        self._lock = threading.RLock()
        self._is_over = threading.Event()
        self._text = ""
        self._is_drawn = False
        self._is_at_start = True  # of a line: a program's own text may have stopped in the middle of one
        self._began = time.monotonic()
        self._earlier: deque[tuple[float, int]] = deque()
        self._moved: list[Callable[[], object]] = []
        self._thread = threading.Thread(target=self._run, name="ironforge-status", daemon=True)

    def write(self, stream: TextIO, text: str) -> int:
        """Write to a stream of the same terminal, above the line."""
        with self._lock:
            if text:
                self._is_at_start = text.endswith("\n")
            self._put(stream, text)
            return len(text)

    def __enter__(self) -> Self:
        for name in ("stdout", "stderr"):
            stream: TextIO = getattr(sys, name)
            if stream.isatty():
                above = cast(TextIO, _Above(self, stream))
                setattr(sys, name, above)
                self._moved.append(lambda name=name, stream=stream: setattr(sys, name, stream))  # type: ignore[misc]
                self._move_logs(stream, above)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._is_over.set()
        self._thread.join(1)
        with self._lock, suppress(OSError):
            self._text = ""
            self._put(self._terminal)
        for put_back in self._moved:
            put_back()

    def _move_logs(self, stream: TextIO, above: TextIO) -> None:
        for handler in logging.getLogger().handlers:
            if isinstance(handler, logging.StreamHandler) and handler.stream is stream:
                handler.setStream(above)
                self._moved.append(lambda handler=handler: handler.setStream(stream))  # type: ignore[misc]

    def _run(self) -> None:
        # The terminal may go away before the worker does, which then works on without the line.
        with suppress(OSError):
            while not self._is_over.wait(INTERVAL_S):
                progress = self._progress()
                text = told(progress, self._options, self._rate(progress), time.monotonic() - self._began)
                with self._lock:
                    if not self._is_over.is_set():
                        self._text = text
                        self._put(self._terminal)

    def _rate(self, progress: Progress) -> float:
        """Return the attempts that ended per second, lately."""
        now, ended = time.monotonic(), progress.completed + progress.failed
        while self._earlier and now - self._earlier[0][0] > RATE_OVER_S:
            self._earlier.popleft()
        self._earlier.append((now, ended))
        at, before = self._earlier[0]
        return (ended - before) / (now - at) if now > at else 0.0

    def _put(self, stream: TextIO, text: str = "") -> None:
        """Take the line away, write the text, and draw the line anew: in one piece, for logs can be fast."""
        before = _CLEAR if self._is_drawn else ""
        self._is_drawn = bool(self._text) and self._is_at_start
        # One column stays free: in the last one some terminals would begin a new line.
        line = self._text[: max(0, self._columns() - 1)] if self._is_drawn else ""
        stream.write(f"{before}{text}{line}")
        stream.flush()

    def _columns(self) -> int:
        try:
            return os.get_terminal_size(self._terminal.fileno()).columns or _COLUMNS
        except OSError:
            return _COLUMNS


def told(progress: Progress, options: WorkerOptions, per_s: float, age_s: float) -> str:
    """Return the line: `● running 12/50 · 1 234 done · 3 failed · 56/s · queues main,mail · up 3 min`."""
    parts = [
        f"{'○' if progress.is_away else '●'} {progress.status} {progress.running}/{options.concurrency}",
        *(["the store is away"] if progress.is_away else []),
        f"{_number(progress.completed)} done",
        f"{_number(progress.failed)} failed",
        f"{_number(per_s) if per_s >= 10 or not per_s else f'{per_s:.1f}'}/s",
        f"queues {','.join(options.queues)}",
        f"up {_age(age_s)}",
    ]
    return " · ".join(parts)


def _number(value: float) -> str:
    return f"{value:,.0f}".replace(",", " ")


def _age(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


class _Above(io.TextIOBase):
    """A stream of the terminal whose text goes above the line."""

    def __init__(self, line: StatusLine, stream: TextIO) -> None:
        self._line = line
        self._stream = stream

    def write(self, text: str) -> int:
        return self._line.write(self._stream, text)

    def flush(self) -> None:
        self._stream.flush()

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()

    def writable(self) -> bool:
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding

    @property
    def buffer(self) -> object:
        return self._stream.buffer

    def close(self) -> None:
        """Leave the stream open: it belongs to the process."""
