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

# The connection holds few orders, as it does when there are hundreds of children; the nursery stands still meanwhile.
_ORDERS = """
import asyncio, os, signal, socket, sys, django
sys.argv = ["manage.py", "runworker_ironforge"]
django.setup()
from workers.isolation.spawner import Spawner
from workers.registry import Registry
COUNT = 60
async def main():
    spawner = Spawner.start(COUNT, Registry())
    spawner._control.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    started, ended, all_ended = [], [], asyncio.Event()
    def died(row, death):
        ended.append((row, death.status))
        if len(ended) == COUNT:
            all_ended.set()
    spawner.attach(lambda row, pid: started.append(row), died, print, lambda: print("lost"))
    os.kill(spawner._pid, signal.SIGSTOP)
    lines = []
    for row in range(COUNT):
        ours, theirs = socket.socketpair()
        lines.append(ours)
        spawner.fork(row, theirs)
    for row in range(COUNT):
        spawner.signal(row, signal.SIGKILL)
    os.kill(spawner._pid, signal.SIGCONT)
    await asyncio.wait_for(all_ended.wait(), 60)
    assert sorted(started) == list(range(COUNT)), started
    assert sorted(ended) == [(row, -9) for row in range(COUNT)], ended
    spawner.close()
asyncio.run(main())
"""


def test_no_order_is_lost_when_more_are_given_than_the_connection_holds() -> None:
    ended = subprocess.run([sys.executable, "-c", _ORDERS], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_a_signal_after_its_end_is_told_nobody() -> None:
    ended = subprocess.run([sys.executable, "-c", _ENDS], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
