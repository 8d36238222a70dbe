"""One connection that an event loop works itself, without a thread: the quickest way from a loop to the store and back.

Connecting, with its look-ups, credentials and encryption, is redis-py's business and happens in a thread.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import hiredis
from redis import exceptions as faults

from jobs.backends.base import Call
from jobs.backends.redis.connection import CALL_TIMEOUT_S, translated_faults
from jobs.backends.redis.runner import call_parts

T = TypeVar("T")
Command = tuple[Any, ...]

_READ_BYTES = 64 * 1024
_NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
# Another node has the keys: the next connection asks anew where they are.
_MOVED = ("MOVED", "ASK")


class Channel:
    """Carries out calls for one event loop, one exchange at a time; `connect` blocks and returns redis-py's connection.

    Any failure closes the connection, and the next call makes a new one.
    """

    def __init__(self, connect: Callable[[], Any]) -> None:
        self._connect = connect
        self._connection: Any = None
        self._socket: Any = None
        self._reader = hiredis.Reader()
        self._buffer = bytearray(_READ_BYTES)
        self._unsent = b""
        self._replies: list[Any] = []
        self._wanted = 0
        self._answered: asyncio.Future[list[Any]] | None = None
        self._is_heard = False

    async def run_many(self, calls: Sequence[Call[T]]) -> list[T]:
        """Carry out the calls in one round trip; answers in order. Raises BackendUnavailable."""
        parts = [call_parts(call, has_test_clock=False) for call in calls]
        commands = [("EVALSHA", script.sha, *rest) for script, rest in parts]
        with translated_faults():
            replies = await self._exchange_twice(commands)
            for number, reply in enumerate(replies):
                if isinstance(reply, hiredis.ReplyError) and str(reply).startswith("NOSCRIPT"):
                    script, rest = parts[number]
                    (replies[number],) = await self._exchange([("EVAL", script.text, *rest)], CALL_TIMEOUT_S)
            self._judge(replies)
        return [call.decode(reply) for call, reply in zip(calls, replies, strict=True)]

    async def pop_first(self, keys: Sequence[str], timeout_s: float) -> bool:
        """Take the first entry of the first of these lists that has one; False after `timeout_s` without any."""
        with translated_faults():
            replies = await self._exchange([("BLPOP", *keys, timeout_s)], timeout_s + CALL_TIMEOUT_S)
            self._judge(replies)
        return replies[0] is not None

    def close(self) -> None:
        """Drop the connection; who waits for an answer learns that it will not come."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._socket)
        loop.remove_writer(self._socket)
        self._socket = None
        self._unsent = b""
        connection.disconnect()
        self._fail(faults.ConnectionError("closed"))

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
        loop = asyncio.get_running_loop()
        if self._connection is None:
            await self._open()
        self._replies, self._wanted = [], len(commands)
        self._is_heard = False
        answered: asyncio.Future[list[Any]] = loop.create_future()
        self._answered = answered
        silence = loop.call_later(timeout_s, self._silent, answered, timeout_s)
        try:
            self._unsent = b"".join([hiredis.pack_command(command) for command in commands])
            self._send()
            return await answered
        except BaseException:
            # What comes now would be taken for the answer to the next question.
            self.close()
            raise
        finally:
            silence.cancel()
            self._answered = None

    async def _open(self) -> None:
        connection = await asyncio.get_running_loop().run_in_executor(None, self._connect)
        self._connection = connection
        self._socket = connection._sock  # redis-py connects, this class talks
        self._socket.setblocking(False)
        self._reader = hiredis.Reader()
        asyncio.get_running_loop().add_reader(self._socket, self._readable)

    def _send(self) -> None:
        """Send what the socket takes now; the loop calls again for the rest."""
        loop = asyncio.get_running_loop()
        try:
            self._unsent = self._unsent[self._socket.send(self._unsent) :]
        except _NOT_NOW:
            pass
        except OSError as error:
            self._broken(error)
            return
        if self._unsent:
            loop.add_writer(self._socket, self._send)
        else:
            loop.remove_writer(self._socket)

    def _readable(self) -> None:
        try:
            self._read()
        except _NOT_NOW:
            pass
        except (OSError, hiredis.ProtocolError) as error:
            self._broken(error)
            return
        self._is_heard = True
        while (reply := self._reader.gets()) is not False:
            self._replies.append(reply)
        if self._answered is not None and len(self._replies) >= self._wanted and not self._answered.done():
            self._answered.set_result(self._replies)

    def _read(self) -> None:
        """Feed the reader all that is there: what an encrypted socket has taken in already wakes no loop."""
        size = _READ_BYTES
        while size == _READ_BYTES or isinstance(self._socket, ssl.SSLSocket):
            size = self._socket.recv_into(self._buffer)
            if size == 0:
                raise ConnectionResetError("the store closed the connection")
            self._reader.feed(self._buffer, 0, size)  # type: ignore[arg-type] # any buffer will do

    def _silent(self, answered: asyncio.Future[list[Any]], timeout_s: float) -> None:
        """Give up when nothing came for so long; a loop that was busy meanwhile, or a long answer, is no silence."""
        if answered.done():
            return
        if self._is_heard:
            self._is_heard = False
            asyncio.get_running_loop().call_later(timeout_s, self._silent, answered, timeout_s)
        else:
            answered.set_exception(faults.TimeoutError("the store is silent"))

    def _broken(self, error: Exception) -> None:
        self._fail(faults.ConnectionError(str(error)))
        self.close()

    def _fail(self, error: Exception) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(error)

    def _judge(self, replies: Sequence[Any]) -> None:
        """Raise what a reply says that is an error."""
        for reply in replies:
            if isinstance(reply, hiredis.ReplyError):
                self.close()
                text = str(reply)
                raise faults.ConnectionError(text) if text.startswith(_MOVED) else faults.ResponseError(text)
