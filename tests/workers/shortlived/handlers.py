"""Has each process that the nursery forks die before it can look at a job."""

from __future__ import annotations

import os
import signal
from pathlib import Path


def die_young() -> None:
    """Die, if the process that forked was the nursery, whose name a child has at first."""
    if Path("/proc/self/comm").read_text().strip() == "if-nursery":
        os.kill(os.getpid(), signal.SIGKILL)


os.register_at_fork(after_in_child=die_young)
