"""The process that forks the children of a worker: it has one thread, no event loop and no connection of its own.

A fork of the worker itself would copy one of its threads and the locks of all. This one is forked before there are any,
after the imports, so that children begin with everything loaded and share its pages.
"""

from __future__ import annotations

import errno
import logging
import os
import select
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress

from jobs.telemetry.logs import get_logger, log_event
from workers.isolation.descent import heirs_of, kill_heirs, kill_with_descendants
from workers.isolation.orders import NEWS, ORDER, News, Order
from workers.isolation.parent_death import name_process, signal_at_parents_death

# Runs jobs that come over a connection until that closes; gets it and the row of the child.
ChildMain = Callable[[socket.socket, int], None]
# With it the kernel says that the worker is gone; nobody else has a reason to send it.
_ORPHANED = signal.SIGUSR1


class Nursery:
    """Forks, signals and buries children as the worker asks, and ends with the worker."""

    def __init__(self, control: socket.socket, parent: int, main: ChildMain) -> None:
        self._control = control
        self._parent = parent
        self._main = main
        self._pids: dict[int, int] = {}
        # Of children that were asked to end: what had left their group by then ends with them, by whatever they end.
        self._heirs: dict[int, dict[int, str]] = {}
        self._wakeup, self._wakeup_in = socket.socketpair()

    def run(self) -> None:
        """Serve until the worker closes the connection or dies; no child outlives that."""
        name_process("if-nursery")
        self._wakeup_in.setblocking(False)
        signal.set_wakeup_fd(self._wakeup_in.fileno())
        # A terminal or an init system signals the whole group: when this process ends is the worker's to say.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP):
            signal.signal(number, signal.SIG_IGN)
        for number in (signal.SIGCHLD, _ORPHANED):
            signal.signal(number, lambda *_: None)
        signal_at_parents_death(_ORPHANED)
        try:
            while os.getppid() == self._parent and self._serve():
                pass
        except (BrokenPipeError, ConnectionResetError):
            pass  # the worker is gone
        finally:
            for row in self._pids:
                self._signal(row, signal.SIGKILL)
            with suppress(ChildProcessError):
                while True:
                    os.wait()
            # The sockets are closed before the process is gone, and the kernel may still have news until then.
            signal.set_wakeup_fd(-1)

    def _serve(self) -> bool:
        ready, _, _ = select.select([self._control, self._wakeup], [], [])
        if self._wakeup in ready:
            self._wakeup.recv(4096)
            self._bury()
        return self._control not in ready or self._obey()

    def _obey(self) -> bool:
        record, fds, _, _ = socket.recv_fds(self._control, ORDER.size, 1)
        if not record:
            return False
        verb, row, number = ORDER.unpack(record)
        if verb == Order.FORK:
            self._fork(row, socket.socket(fileno=fds[0]))
        else:
            self._signal(row, number)
        return True

    def _fork(self, row: int, line: socket.socket) -> None:
        me = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            line.close()
            self._tell(News.REFUSED, row, status=error.errno or errno.EAGAIN)
            return
        if not pid:
            self._become_child(row, line, me)
        line.close()
        self._pids[row] = pid
        self._tell(News.STARTED, row, pid)

    def _become_child(self, row: int, line: socket.socket, nursery: int) -> None:
        status = 1
        try:
            # A group of its own, without a terminal: Ctrl-C does not reach it, and what a handler starts ends with it.
            os.setsid()
            signal_at_parents_death(signal.SIGKILL)
            if os.getppid() == nursery:
                name_process("if-child")
                self._control.close()
                signal.set_wakeup_fd(-1)
                self._wakeup.close()
                self._wakeup_in.close()
                for number in (signal.SIGCHLD, _ORPHANED, signal.SIGHUP, signal.SIGTSTP):
                    signal.signal(number, signal.SIG_DFL)
                nothing = os.open(os.devnull, os.O_RDONLY)
                os.dup2(nothing, 0)
                os.close(nothing)
                self._main(line, row)
            status = 0
        except BaseException as error:  # noqa: BLE001 (a child must not return into the code of its parent)
            log_event(get_logger("worker"), "child.crashed", level=logging.ERROR, exception=error)
        finally:
            with suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
                logging.shutdown()
            os._exit(status)

    def _signal(self, row: int, number: int) -> None:
        pid = self._pids.get(row)
        if pid is None:
            return  # it ended meanwhile, which is on its way to the worker
        if number == signal.SIGKILL:
            kill_with_descendants(pid)
            _kill_group(pid)
        else:
            self._heirs[row] = self._heirs.get(row, {}) | heirs_of(pid)
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)

    def _bury(self) -> None:
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            _kill_group(pid)
            row = next(row for row, known in self._pids.items() if known == pid)
            del self._pids[row]
            kill_heirs(self._heirs.pop(row, {}))
            self._tell(News.ENDED, row, pid, os.waitstatus_to_exitcode(status), usage.ru_maxrss)

    def _tell(self, news: News, row: int, pid: int = 0, status: int = 0, most_kib: int = 0) -> None:
        self._control.sendall(NEWS.pack(news, row, pid, status, most_kib))


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
