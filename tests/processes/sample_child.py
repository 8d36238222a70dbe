"""A process for the supervisor to watch: says that it started, and on SIGTERM does as its manner says.

    python -m tests.processes.sample_child <name> <folder> <manner>

Manners: `polite` stops at once, `stubborn` ignores SIGTERM, `draining` stops at the second SIGTERM, `failing` ends with
code 3 before it is ready and when the server stands, `hopeless` with code 2, which says that another try is no use,
`chatty` prints what is no log record as well.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import traceback
from pathlib import Path

from tests.waiting import until

name, folder, manner = sys.argv[1], Path(sys.argv[2]), sys.argv[3]


def note(text: str) -> None:
    """Append a line to the diary that all children share."""
    with (folder / "diary").open("a") as diary:
        diary.write(f"{name} {text}\n")


# Blocked, it waits until it is asked for: no SIGTERM is lost between a look and a pause.
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
(folder / f"{name} stands").touch()
if manner == "failing":
    # Else the server might be asked to stop before it knows how.
    until((folder / "server stands").exists)
    print("Traceback: no such thing \x1b[31m", flush=True)
    sys.exit(3)
if manner == "hopeless":
    print("CommandError: handlers.py:7: no such thing", flush=True)
    sys.exit(2)
if manner == "chatty":
    print("a plain line ifk_abc_def", flush=True)
    try:
        int("a known fault")
    except ValueError:
        traceback.print_exc()
entry = {
    "timestamp": "2026-01-01T00:00:00.000Z",
    "level": "INFO",
    "target": f"ironforge.{name}",
    "event": "child.ready",
}
print(json.dumps({**entry, "pid": os.getpid(), "variable": os.environ.get("SAMPLE", "")}), flush=True)

needed = {"stubborn": 1_000_000, "draining": 2}.get(manner, 1)
for _ in range(needed):
    signal.sigwait([signal.SIGTERM])
    with contextlib.suppress(BrokenPipeError):  # whoever read our lines may be dead
        print(json.dumps({**entry, "event": "child.asked"}), flush=True)
note(f"stopped after {needed}")
