"""The end of the process that forks the children of a worker."""

from __future__ import annotations

import subprocess
import sys

from tests.processes.running import ROOT

_ENDS = """
import os, signal, socket
from workers.isolation.nursery import Nursery
worker, control = socket.socketpair()
worker.close()
Nursery(control, os.getppid(), lambda line, row: None).run()
os.kill(os.getpid(), signal.SIGUSR1)
"""


def test_a_signal_after_its_end_is_told_nobody() -> None:
    ended = subprocess.run([sys.executable, "-c", _ENDS], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
