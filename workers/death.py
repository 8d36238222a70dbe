"""How a process ended, as its parent learnt it."""

from __future__ import annotations

import signal
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Death:
    """A process that ended without being asked to. `status` as `subprocess` has it, memory in KiB at its most."""

    pid: int
    status: int
    most_kib: int

    @property
    def how(self) -> str:
        """Return the end of a worker in words, as the attempts of its jobs keep it."""
        return f"The worker process ended: {self.ending}."

    @property
    def ending(self) -> str:
        """Return the signal or the exit status, and the memory."""
        end = f"exit status {self.status}"
        if self.status < 0:
            try:
                end = f"killed by {signal.Signals(-self.status).name}"
            except ValueError:
                end = f"killed by signal {-self.status}"
        return f"{end}; it used {self.most_kib / 1024:.0f} MiB of memory at most"
