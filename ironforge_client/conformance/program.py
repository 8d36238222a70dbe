"""The worker program under test, as a process."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from ironforge_client import environment


class Program:
    """One process in a session of its own; what it writes is kept for the report of a failure."""

    def __init__(self, argv: Sequence[str], variables: Mapping[str, str]) -> None:
        with tempfile.NamedTemporaryFile(prefix="conformance-", suffix=".log", delete=False) as output:
            self._output = Path(output.name)
            # The caller's own command line, which is what this is for.
            self._process = subprocess.Popen(  # noqa: S603
                list(argv),
                env=environment.with_variables(variables),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def exit_code(self) -> int | None:
        """Return the exit code, None while it runs."""
        return self._process.poll()

    def terminate(self) -> None:
        """Ask it to stop."""
        self._process.send_signal(signal.SIGTERM)

    def end(self) -> str:
        """Kill what is left of it and return the last it wrote."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)
        text = self._output.read_text(errors="replace")[-2_000:]
        self._output.unlink()
        return text
