"""The server process: started in a session of its own, or found running, and watched until it ends."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from pathlib import Path
from typing import Protocol

# Lua compares text as the locale does: byte by byte in this one, at twice the pace of any other.
_IN_NO_LANGUAGE = ("/bin/sh", "-c", 'LC_ALL=C exec "$@"', "sh")


class ServerProcess(Protocol):
    """A running server, whoever started it."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None:
        """Return None while it runs; then its exit status, negative for a signal, 0 if it cannot be known."""

    def send(self, number: signal.Signals) -> None:
        """Send it a signal; nothing happens if it has ended."""


class OwnProcess:
    """A server that this process started.

    A plain child: it outlives a killed supervisor, and the next one adopts it. Its own session keeps a Ctrl-C in the
    terminal away from it, so that workers can settle their last jobs before the store stops.
    """

    def __init__(self, command: list[str], folder: Path, log: Path, kept_fd: int) -> None:
        with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as output:
            self._child = subprocess.Popen(  # noqa: S603 - the binary was checked, and no secret is an argument
                [*_IN_NO_LANGUAGE, *command],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                pass_fds=(kept_fd,),
                umask=0o077,
            )

    @property
    def pid(self) -> int:
        return self._child.pid

    def poll(self) -> int | None:
        return self._child.poll()

    def send(self, number: signal.Signals) -> None:
        self._child.send_signal(number)


class AdoptedProcess:
    """A server that an earlier supervisor left behind."""

    def __init__(self, pid: int) -> None:
        """Watch the process. Raises ProcessLookupError if there is none of that number."""
        self.pid = pid
        # A pidfd cannot be fooled by a new process that gets the old number; where there is none the number must do.
        self._fd = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None
        os.kill(pid, 0)

    def poll(self) -> int | None:
        if self._fd is not None:
            poller = select.poll()
            poller.register(self._fd, select.POLLIN)
            return 0 if poller.poll(0) else None
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return 0
        return None

    def send(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def __del__(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
