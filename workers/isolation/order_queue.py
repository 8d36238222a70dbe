"""Orders on their way to the process that forks: each arrives, in turn, also when many are given at once."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from workers.isolation.orders import ORDER, Order

# After which the kernel is asked again that had no memory for an order.
_AGAIN_S = 0.05


class _Unsent(NamedTuple):
    """An order, with the child's end of its line if it is for a new one."""

    record: bytes
    row: int
    line: socket.socket | None


class OrderQueue:
    """Sends without waiting, on the running loop; what the socket has no room for stays here until it has."""

    def __init__(self, control: socket.socket, on_refused: Callable[[int, int], None]) -> None:
        """`on_refused` gets the row and the errno of a child that cannot even be asked for."""
        self._control = control
        self._on_refused = on_refused
        self._loop = asyncio.get_running_loop()
        self._unsent: deque[_Unsent] = deque()
        self._again: asyncio.TimerHandle | None = None
        self._is_closed = False

    def fork(self, row: int, line: socket.socket) -> None:
        """Ask for a child that gets this end of its line, which is closed here then."""
        self._put(_Unsent(ORDER.pack(Order.FORK, row, 0), row, line))

    def signal(self, row: int, number: int) -> None:
        """Have a signal sent to a child."""
        self._put(_Unsent(ORDER.pack(Order.SIGNAL, row, number), row, None))

    def close(self) -> None:
        """Forget what was not sent: nobody is left to hear it."""
        self._is_closed = True
        self._loop.remove_writer(self._control.fileno())
        if self._again is not None:
            self._again.cancel()
        while self._unsent:
            self._drop_first()

    def _put(self, order: _Unsent) -> None:
        self._unsent.append(order)
        if self._is_closed:
            self._drop_first()
        elif len(self._unsent) == 1:
            self._send()

    def _send(self) -> None:
        while self._unsent:
            first = self._unsent[0]
            try:
                if first.line is None:
                    self._control.send(first.record)
                else:
                    socket.send_fds(self._control, [first.record], [first.line.fileno()])
            except BlockingIOError:
                self._loop.add_writer(self._control.fileno(), self._send)
                return
            except (BrokenPipeError, ConnectionResetError):
                self._loop.remove_writer(self._control.fileno())
                return  # whoever reads from it is told, and closes this
            except OSError as error:
                # No memory, or too many descriptors on their way.
                if first.line is None:
                    self._loop.remove_writer(self._control.fileno())
                    self._again = self._loop.call_later(_AGAIN_S, self._send)
                    return
                self._loop.call_soon(self._on_refused, first.row, error.errno or 0)
            self._drop_first()
        self._loop.remove_writer(self._control.fileno())

    def _drop_first(self) -> None:
        line = self._unsent.popleft().line
        if line is not None:
            line.close()
