"""What the supervisor and its children print: JSON lines as they are, or short coloured lines on a terminal.

One writer for all of them, so that lines never mix.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Final, TextIO, cast

from jobs.telemetry.log_line import rendered
from jobs.telemetry.logs import entry_of, timestamp_of
from jobs.telemetry.secret_mask import masked

_LINE_BYTES: Final = 1024 * 1024
# What Django puts before the reason why a command of ours ended.
_REFUSAL: Final = "CommandError: "
_TRACEBACK: Final = "Traceback (most recent call last):"

Entry = Mapping[str, object]


class Output:
    """Writes log entries to one stream, a line each."""

    def __init__(self, stream: TextIO, *, for_people: bool, colour: bool) -> None:
        self._stream = stream
        self._for_people = for_people
        self._colour = colour
        self._lock = threading.Lock()

    def entry(self, entry: Entry, line: str | None = None) -> None:
        """Write an entry; `line` is its JSON where it exists already."""
        if self._for_people:
            self._write(masked(rendered(entry, colour=self._colour)))
        else:
            self._write(masked(json.dumps(entry, default=str, separators=(",", ":"))) if line is None else line)

    def _write(self, text: str) -> None:
        with self._lock:
            try:
                self._stream.write(text + "\n")
                self._stream.flush()
            except (OSError, ValueError):
                # Whoever read our lines is gone (a closed terminal or pipe); that must not stop the jobs.
                return


class OutputHandler(logging.Handler):
    """Sends this process's own log records to the output."""

    def __init__(self, output: Output) -> None:
        super().__init__()
        self._output = output

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record."""
        self._output.entry(entry_of(record))


def relay(stream: IO[bytes], name: str, output: Output, on_entry: Callable[[Entry], None]) -> threading.Thread:
    """Start a thread that writes what a child says on `stream` until it ends, and shows each entry to `on_entry`."""

    def run() -> None:
        with stream:
            for entry, line in _entries(stream, name):
                output.entry(entry, line)
                on_entry(entry)

    thread = threading.Thread(target=run, name=f"output of {name}", daemon=True)
    thread.start()
    return thread


def _entries(stream: IO[bytes], name: str) -> Iterator[tuple[Entry, str | None]]:
    """Yield log records with their lines as they are, other lines each as an entry, and a traceback as one entry."""
    trace: list[str] = []
    while raw := stream.readline(_LINE_BYTES):
        line = raw.decode("utf-8", "replace").rstrip("\r\n")
        if entry := _parsed(line):
            yield entry, line
        elif trace or line == _TRACEBACK:
            trace.append(line)
            # Its frames are indented; the first line that is not names the exception.
            if line and line != _TRACEBACK and not line.startswith(" "):
                yield _trace_of(name, trace), None
                trace = []
        elif line:
            yield _plain(name, line), None
    if trace:
        yield _trace_of(name, trace), None


def _trace_of(name: str, lines: list[str]) -> Entry:
    return {**_plain(name, lines[-1]), "level": "ERROR", "exception": "\n".join(lines)}


def _parsed(line: str) -> Entry | None:
    if not line.startswith("{"):
        return None
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return cast("Entry", entry) if isinstance(entry, dict) and "event" in entry else None


def _plain(name: str, line: str) -> Entry:
    """Return the entry for a line that is not a log record: a command's refusal to start, a print of a handler."""
    return {
        "timestamp": timestamp_of(time.time()),
        "level": "ERROR" if line.startswith(_REFUSAL) else "INFO",
        "target": f"ironforge.{name}",
        "event": "output",
        "message": line,
    }
