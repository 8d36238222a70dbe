"""A worker's way to the process that forks its children."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from django.db import connections

from jobs.telemetry.logs import get_logger, log_event
from workers.death import Death
from workers.isolation.board import Board
from workers.isolation.child import ChildProcess
from workers.isolation.nursery import Nursery
from workers.isolation.order_queue import OrderQueue
from workers.isolation.orders import NEWS, News
from workers.registry import Registry

# How long the forking process may take to end once its connection is closed; it has nothing to wait for.
_LEAVES_S = 1.0

# Called with the row; with the row and the death; with the row and the errno.
OnStarted = Callable[[int, int], None]
OnEnded = Callable[[int, Death], None]
OnRefused = Callable[[int, int], None]


class Spawner:
    """Made by `start` while the process has one thread; then for the event loop's own callers."""

    def __init__(self, control: socket.socket, pid: int, board: Board) -> None:
        self.board = board
        self._control = control
        self._pid = pid
        self._loop: asyncio.AbstractEventLoop | None = None
        self._orders: OrderQueue  # from `attach` on
        self._held = b""

    @classmethod
    def start(cls, rows: int, registry: Registry) -> Spawner:
        """Fork the process that forks. Raises OSError when there is no room for one."""
        # What stands in a buffer would be written by each child again, and connections are never shared.
        sys.stdout.flush()
        sys.stderr.flush()
        connections.close_all()
        gc.collect()
        gc.freeze()
        board = Board(rows)
        ours, theirs = socket.socketpair()
        parent = os.getpid()
        pid = os.fork()
        if not pid:
            ours.close()
            _become_nursery(theirs, parent, board, registry)
        theirs.close()
        return cls(ours, pid, board)

    def attach(
        self, on_started: OnStarted, on_ended: OnEnded, on_refused: OnRefused, on_lost: Callable[[], None]
    ) -> None:
        """Hear of children on the running event loop; `on_lost` is called when nobody is left to fork any."""
        self._loop = asyncio.get_running_loop()
        self._control.setblocking(False)
        self._orders = OrderQueue(self._control, on_refused)
        hear = partial(self._hear, on_started, on_ended, on_refused, on_lost)
        self._loop.add_reader(self._control.fileno(), hear)

    def fork(self, row: int, line: socket.socket) -> None:
        """Ask for a child that gets this end of its line, which is closed here then. The answer always comes."""
        self._orders.fork(row, line)

    def signal(self, row: int, number: int) -> None:
        """Send a signal to a child if it lives; SIGKILL also to what it started."""
        self._orders.signal(row, number)

    def close(self) -> None:
        """End all children at once, and wait for the process that forks them."""
        if self._loop is not None:
            self._orders.close()
            self._loop.remove_reader(self._control.fileno())
        self._control.close()
        give_up_at = time.monotonic() + _LEAVES_S
        with suppress(ChildProcessError):
            while not os.waitpid(self._pid, os.WNOHANG)[0]:
                if time.monotonic() > give_up_at:
                    os.kill(self._pid, signal.SIGKILL)
                    give_up_at += _LEAVES_S
                time.sleep(0.002)

    def _hear(
        self, on_started: OnStarted, on_ended: OnEnded, on_refused: OnRefused, on_lost: Callable[[], None]
    ) -> None:
        try:
            data = self._control.recv(NEWS.size * 64)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self._control.fileno())
            self._orders.close()
            on_lost()
            return
        self._held += data
        while len(self._held) >= NEWS.size:
            record, self._held = self._held[: NEWS.size], self._held[NEWS.size :]
            verb, row, pid, status, most_kib = NEWS.unpack(record)
            if verb == News.STARTED:
                on_started(row, pid)
            elif verb == News.ENDED:
                on_ended(row, Death(pid, status, most_kib))
            else:
                on_refused(row, status)


def _become_nursery(control: socket.socket, parent: int, board: Board, registry: Registry) -> None:
    status = 1
    try:
        Nursery(control, parent, lambda line, row: ChildProcess(line, board, row, registry).run()).run()
        status = 0
    except BaseException as error:  # noqa: BLE001 (it must not return into the worker's code)
        log_event(get_logger("worker"), "nursery.crashed", level=logging.CRITICAL, exception=error)
    finally:
        logging.shutdown()
        os._exit(status)
