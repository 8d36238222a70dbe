"""One connection that an event loop works itself, without a thread: the quickest way from a loop to the store and back.

Connecting, with its look-ups, credentials and encryption, is redis-py's business and happens in a thread.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar, cast

import hiredis
from redis import exceptions as faults

from jobs.backends.call import Call
from jobs.backends.redis.connection import CALL_TIMEOUT_S, translated_faults
from jobs.backends.redis.replicas import require_replicas, wait_commands
from jobs.backends.redis.runner import call_parts
from jobs.backends.redis.scripts import Script

T = TypeVar("T")
Command = tuple[Any, ...]

# Connections made at a time in a process. Each may have to ask several nodes of a Cluster where its keys are.
MAX_DIALLING = 32
_READ_BYTES = 64 * 1024
_NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
# Another node has the keys: the next connection asks anew where they are.
_MOVED = ("MOVED", "ASK")
# So does a server that cannot serve, or that is no master any more.
_ELSEWHERE = (*_MOVED, "READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "NOAUTH", "WRONGPASS")


class _Exchange:
    """What was asked in one write and has not been answered yet; an answer is due from the moment `since` on."""

    __slots__ = ("answered", "replies", "since", "unsent", "wanted")

    def __init__(self, commands: Sequence[Command], answered: asyncio.Future[list[Any]], since: float) -> None:
        self.unsent = memoryview(b"".join([hiredis.pack_command(command) for command in commands]))
        self.wanted = len(commands)
        self.replies: list[Any] = []
        self.answered = answered
        self.since = since


class Channel:
    """Carries out calls for one event loop; `connect` blocks and returns redis-py's connection.

    What somebody relies on is answered when so many `replicas` have it. Several exchanges may be under way: the store
    carries them out in the order in which they were begun. Who stops waiting leaves the others alone. Any failure
    closes the connection, and the next call makes a new one.
    """

    def __init__(self, connect: Callable[[], Any], *, has_test_clock: bool = False, replicas: int = 0) -> None:
        self._connect = connect
        self._replicas = replicas
        self._has_test_clock = has_test_clock
        self._connection: Any = None
        self._socket: Any = None
        self._reader = hiredis.Reader()
        self._buffer = bytearray(_READ_BYTES)
        self._unsent: deque[_Exchange] = deque()
        self._exchanges: deque[_Exchange] = deque()
        self._opening: asyncio.Task[None] | None = None
        self._is_writing = False
        self._heard_at = 0.0
        self._taken_at = 0.0
        self._loop: asyncio.AbstractEventLoop = cast("asyncio.AbstractEventLoop", None)

    async def run(self, call: Call[T]) -> T:
        """Return the call's answer. Raises BackendUnavailable."""
        return (await self.run_many((call,)))[0]

    async def run_many(self, calls: Sequence[Call[T]]) -> list[T]:
        """Carry out the calls in one round trip; answers in order. Raises BackendUnavailable."""
        if not calls:
            return []
        parts = [call_parts(call, has_test_clock=self._has_test_clock) for call in calls]
        commands: list[Command] = [("EVALSHA", script.sha, *rest) for script, rest in parts]
        waits = wait_commands(calls, self._replicas)
        confirmed: list[Any] = []
        with translated_faults():
            replies = await self._exchange_twice([*commands, *waits])
            if waits:
                replies, confirmed = replies[:-2], replies[-2:]
            for number, reply in enumerate(replies):
                replies[number] = await self._with_text(reply, *parts[number])
                if waits and replies[number] is not reply:
                    confirmed = await self._exchange(waits, CALL_TIMEOUT_S)
            self._judge([*replies, *confirmed])
        if waits:
            require_replicas(confirmed[-1], self._replicas)
        return [call.decode(reply) for call, reply in zip(calls, replies, strict=True)]

    async def run_after_pop(self, keys: Sequence[str], timeout_s: float, call: Call[T]) -> tuple[bool, T]:
        """Wait for the first of these lists that has an entry, take that, and carry out the call in the same breath.

        Return whether there was an entry within `timeout_s`, and the call's answer. The store keeps what follows a wait
        until that is over, so the call costs no way there and back. It is sent once: nobody knows when it was heard.
        """
        script, rest = call_parts(call, has_test_clock=self._has_test_clock)
        commands = [("BLPOP", *keys, timeout_s), ("EVALSHA", script.sha, *rest)]
        with translated_faults():
            popped, reply = await self._exchange(commands, timeout_s + CALL_TIMEOUT_S)
            reply = await self._with_text(reply, script, rest)
            self._judge((popped, reply))
        return popped is not None, call.decode(reply)

    async def pop(self, keys: Sequence[str], timeout_s: float) -> str | None:
        """Take an entry of the first of these lists that has one and return the list's name; None after `timeout_s`."""
        with translated_faults():
            (popped,) = await self._exchange([("BLPOP", *keys, timeout_s)], timeout_s + CALL_TIMEOUT_S)
            self._judge((popped,))
        return None if popped is None else bytes(popped[0]).decode()

    def close(self) -> None:
        """Drop the connection; who waits for an answer learns that it will not come."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._socket = None
        self._unsent.clear()
        self._is_writing = False
        connection.disconnect()
        self._fail(faults.ConnectionError("closed"))

    async def _with_text(self, reply: Any, script: Script, rest: list[Any]) -> Any:
        """Return the reply; to a store that does not know the script it is told first."""
        if isinstance(reply, hiredis.ReplyError) and str(reply).startswith("NOSCRIPT"):
            (reply,) = await self._exchange([("EVAL", script.text, *rest)], CALL_TIMEOUT_S)
        return reply

    async def _exchange_twice(self, commands: Sequence[Command]) -> list[Any]:
        """Every script answers a repeated call as the first, so after a lost connection it is sent once more."""
        try:
            return await self._exchange(commands, CALL_TIMEOUT_S)
        except faults.TimeoutError:
            raise
        except (faults.ConnectionError, OSError):
            return await self._exchange(commands, CALL_TIMEOUT_S)

    async def _exchange(self, commands: Sequence[Command], timeout_s: float) -> list[Any]:
        """Send the commands in one write and return the replies, errors among them."""
        while self._connection is None:
            await self._open()
        loop = self._loop
        exchange = _Exchange(commands, loop.create_future(), loop.time())
        silence = loop.call_later(timeout_s, self._silent, exchange, timeout_s)
        try:
            is_idle = not self._unsent
            self._unsent.append(exchange)
            self._exchanges.append(exchange)
            if is_idle:
                self._send()
            return await exchange.answered
        except faults.TimeoutError:
            # What comes now would be too late for everybody.
            self.close()
            raise
        finally:
            silence.cancel()

    async def _open(self) -> None:
        """Connect, once for all who want to."""
        if self._opening is None:
            self._opening = asyncio.create_task(self._open_now())
            self._opening.add_done_callback(_seen)
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                await asyncio.shield(self._opening)
        except TimeoutError:
            # It goes on for those who come later.
            raise faults.TimeoutError("connecting takes too long") from None

    async def _open_now(self) -> None:
        loop = self._loop = asyncio.get_running_loop()
        try:
            connection = await loop.run_in_executor(_dialling(), self._connect)
            self._connection = connection
            self._socket = connection._sock  # redis-py connects, this class talks
            self._socket.setblocking(False)
            self._reader = hiredis.Reader()
            loop.add_reader(self._socket, self._readable)
        finally:
            self._opening = None

    def _send(self) -> None:
        """Send what the socket takes now; the loop calls again for the rest."""
        try:
            while self._unsent:
                head = self._unsent[0]
                sent = self._socket.send(head.unsent)
                self._taken_at = head.since = self._loop.time()
                if sent < len(head.unsent):
                    head.unsent = head.unsent[sent:]
                else:
                    self._unsent.popleft()
        except _NOT_NOW:
            pass
        except OSError as error:
            self._broken(error)
            return
        if self._unsent and not self._is_writing:
            self._is_writing = True
            self._loop.add_writer(self._socket, self._send)
        elif self._is_writing and not self._unsent:
            self._is_writing = False
            self._loop.remove_writer(self._socket)

    def _readable(self) -> None:
        try:
            self._read()
        except _NOT_NOW:
            pass
        except (OSError, hiredis.ProtocolError) as error:
            self._broken(error)
            return
        self._heard_at = self._loop.time()
        while self._exchanges and (reply := self._reader.gets()) is not False:
            exchange = self._exchanges[0]
            exchange.replies.append(reply)
            if len(exchange.replies) == exchange.wanted:
                self._exchanges.popleft()
                if not exchange.answered.done():
                    exchange.answered.set_result(exchange.replies)

    def _read(self) -> None:
        """Feed the reader all that is there: what an encrypted socket has taken in already wakes no loop."""
        size = _READ_BYTES
        while size == _READ_BYTES or isinstance(self._socket, ssl.SSLSocket):
            size = self._socket.recv_into(self._buffer)
            if size == 0:
                raise ConnectionResetError("the store closed the connection")
            self._reader.feed(self._buffer, 0, size)  # type: ignore[arg-type] # any buffer will do

    def _silent(self, exchange: _Exchange, timeout_s: float) -> None:
        """Give up when nothing came for so long; a loop that was busy meanwhile, or a long answer, is no silence.

        What was sent says nothing of the store: it may lie in a buffer. Only where the buffers are full, as in the
        middle of a large write, somebody at the other end takes in what they take.
        """
        if exchange.answered.done():
            return
        last_sign = max(exchange.since, self._heard_at, self._taken_at if self._unsent else 0.0)
        rest_s = last_sign + timeout_s - self._loop.time()
        if rest_s > 0:
            self._loop.call_later(rest_s, self._silent, exchange, timeout_s)
        else:
            exchange.answered.set_exception(faults.TimeoutError("the store is silent"))

    def _broken(self, error: Exception) -> None:
        self._fail(faults.ConnectionError(str(error)))
        self.close()

    def _fail(self, error: Exception) -> None:
        exchanges, self._exchanges = self._exchanges, deque()
        for exchange in exchanges:
            if not exchange.answered.done():
                exchange.answered.set_exception(error)

    def _judge(self, replies: Sequence[Any]) -> None:
        """Raise what a reply says that is an error. One that another server would not give closes the connection."""
        for reply in replies:
            if isinstance(reply, hiredis.ReplyError):
                text = str(reply)
                if text.startswith(_ELSEWHERE):
                    self.close()
                raise faults.ConnectionError(text) if text.startswith(_MOVED) else faults.ResponseError(text)


@cache
def _dialling() -> ThreadPoolExecutor:
    """Return the threads that connect: their own, so that a server that hangs holds up no other work."""
    return ThreadPoolExecutor(MAX_DIALLING, thread_name_prefix="ironforge-connect")


def _seen(task: asyncio.Task[None]) -> None:
    """Mark a failure as seen: whoever waits gets it, and sometimes nobody does any more."""
    if not task.cancelled():
        task.exception()
