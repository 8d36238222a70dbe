"""A tiny launcher: asks the kernel for SIGTERM when the starter dies, then becomes the command by exec.

    python -I -S death_signal.py <pid of the starter> [NAME=VALUE …] -- <command> <argument> …

A supervisor killed with -9 cannot stop its children; this way they stop by themselves. Setting the death signal here,
in the child, needs no code between fork and exec. It imports nothing of ours, so it costs some ten milliseconds, and
exec leaves only the command's own name in `ps`. Other systems than Linux have no death signal: they just exec.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def command_line(starter_pid: int, variables: dict[str, str], argv: list[str]) -> list[str]:
    """Return the command that starts `argv`, with `variables` added to its environment, through this launcher."""
    assignments = [f"{name}={value}" for name, value in variables.items()]
    return [sys.executable, "-I", "-S", str(Path(__file__).resolve()), str(starter_pid), *assignments, "--", *argv]


def main(arguments: list[str]) -> None:
    """Ask for the death signal, check that the starter still lives, set the variables and exec."""
    split = arguments.index("--")
    starter_pid, assignments, argv = int(arguments[0]), arguments[1:split], arguments[split + 1 :]
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0) != 0:
            sys.stderr.write(f"death signal refused: {os.strerror(ctypes.get_errno())}\n")
    if os.getppid() != starter_pid:
        # The starter died before the kernel knew whom to tell.
        sys.exit(0)
    for assignment in assignments:
        name, _, value = assignment.partition("=")
        os.putenv(name, value)
    os.execv(argv[0], argv)  # noqa: S606 (our own command, no shell)


if __name__ == "__main__":
    main(sys.argv[1:])
