"""The memory allocator that the server runs with.

Redis and Valkey are meant to be built with jemalloc on Linux, and the wheel's server is not: scripts that make many
small values then cost it some 15 % more processor time. Where the system has a jemalloc, such a server gets that one
(ADR 0062).
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from jobs.backends.redis.embedded.binary import StoreBinary

LIBRARY = "libjemalloc.so.2"
_FOLDERS = ("/usr/local/lib", "/usr/lib", "/usr/lib64", "/lib64")
# What the operator preloads into all programs comes behind it. The shell becomes the server, under the same number.
_PRELOADING = ("/bin/sh", "-c", 'lib=$1; shift; LD_PRELOAD="$lib${LD_PRELOAD:+:$LD_PRELOAD}" exec "$@"', "sh")


@cache
def preloaded(binary: StoreBinary) -> Path | None:
    """Return the library to run a server with; None where it has its own allocator, or there is none to run it with."""
    if binary.allocator != "libc":
        return None
    return next((library for library in _installed() if _runs_with(library, binary.path)), None)


def command_with(library: Path | None, command: list[str]) -> list[str]:
    """Return the command that runs another one with a library; the same one for None."""
    return [*_PRELOADING, str(library), *command] if library else command


def _runs_with(library: Path, program: str) -> bool:
    # One that lacks a library of its own ends the program, and one of another architecture is passed over with a word.
    command = command_with(library, [program, "--version"])
    try:
        tried = subprocess.run(  # noqa: S603 - the store's own program
            command, capture_output=True, timeout=10, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return tried.returncode == 0 and not tried.stderr


def _installed() -> Iterator[Path]:
    for folder in _FOLDERS:
        for path in (Path(folder) / LIBRARY, *sorted(Path(folder).glob(f"*-linux-gnu/{LIBRARY}"))):
            # The loader splits its list at colons and spaces.
            if path.is_file() and not set(str(path)) & set(": "):
                yield path
