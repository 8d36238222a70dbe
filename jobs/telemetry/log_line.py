"""A log record as a short line for people: time, level, target, event and the fields that matter."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

RESET: Final = "\x1b[0m"
DIM: Final = "\x1b[2m"
BOLD: Final = "\x1b[1m"
RED: Final = "\x1b[31m"
GREEN: Final = "\x1b[32m"
YELLOW: Final = "\x1b[33m"
CYAN: Final = "\x1b[36m"

_LEVEL_COLOURS: Final = {"DEBUG": DIM, "INFO": GREEN, "WARNING": YELLOW, "ERROR": RED, "CRITICAL": RED}
_HEAD: Final = frozenset({"timestamp", "level", "target", "event", "message", "exception", "duration_ms"})
# C0 and C1 controls, bidirectional overrides, line and paragraph separators: all that could forge or hide a line.
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]")


def rendered(entry: Mapping[str, object], *, colour: bool) -> str:
    """Return the line for a record; only `exception` may add further lines, each indented."""
    level = str(entry.get("level", "INFO"))
    target = str(entry.get("target", "")).removeprefix("ironforge.")
    event = str(entry.get("event", ""))
    words = [
        _paint(_local_time(entry.get("timestamp")), DIM, colour),
        _paint(f"{escaped(level):<7}", _LEVEL_COLOURS.get(level, ""), colour),
        _paint(f"{escaped(target):<10}", CYAN, colour),
    ]
    if event != "log":
        words.append(_paint(escaped(event), BOLD, colour))
    if "message" in entry:
        words.append(escaped(str(entry["message"])))
    fields = (item for item in entry.items() if item[0] not in _HEAD)
    words += [_paint(f"{escaped(name)}=", DIM, colour) + _value(value) for name, value in fields]
    if "duration_ms" in entry:
        words.append(_paint(f"{_value(entry['duration_ms'])} ms", DIM, colour))
    lines = [" ".join(words)]
    if "exception" in entry:
        lines += [f"    {escaped(line)}" for line in str(entry["exception"]).splitlines()]
    return "\n".join(lines)


def worded(event: str, fields: Mapping[str, object]) -> str:
    """Return an event with its fields as `job.failed kind=email.send attempt=2`, in one line."""
    return " ".join([event, *(f"{escaped(name)}={_value(value)}" for name, value in fields.items())])


def escaped(text: str) -> str:
    """Return `text` with every character that a terminal would act upon written as an escape."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def _local_time(timestamp: object) -> str:
    try:
        return datetime.fromisoformat(str(timestamp)).astimezone().strftime("%H:%M:%S")
    except ValueError:
        return "--:--:--"


def _value(value: object) -> str:
    text = escaped(str(value))
    return f'"{text}"' if " " in text or not text else text


def _paint(text: str, style: str, colour: bool) -> str:
    return f"{style}{text}{RESET}" if colour and style else text
