"""Connections that stay at hand between single calls: taking one from redis-py's pool and handing it a command costs
more than all the rest of a submission.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

import hiredis
import redis
from redis import exceptions as faults

# What more is needed at a moment comes from the pool and goes back there.
MAX_IDLE = 8
# Said by a server that is no master, or serves nobody. That it is loading is a ConnectionError to redis-py.
_ELSEWHERE = (faults.ReadOnlyError, faults.MasterDownError, faults.ClusterDownError)


class Lines:
    """Sends one command at a time over connections borrowed from a client's pool; safe to share between threads."""

    def __init__(self, client: redis.Redis) -> None:
        self._pool: Any = client.connection_pool
        self._idle: list[Any] = []
        self._pid = os.getpid()

    def ask(self, *command: Any) -> Any:
        """Return the reply. Raises redis-py's errors.

        Where the server may have closed a connection while nobody used it, it may have closed them all: after a
        ConnectionError the next command goes over one that is new or was tried.
        """
        return self.receive(self.send(*command))

    def send(self, *command: Any) -> Any:
        """Send a command and return the connection that it went over, which is for `receive`. Raises as `ask`."""
        if self._pid != os.getpid():
            # A fork copies connections that stay the parent's.
            self._idle, self._pid = [], os.getpid()
        packed = (hiredis.pack_command(command),)
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._pool.get_connection()
        try:
            connection.send_packed_command(packed)
        except BaseException as error:
            self._lost(connection, error)
            raise
        return connection

    def receive(self, connection: Any) -> Any:
        """Return the reply to what was sent over the connection. Raises as `ask`."""
        try:
            reply = connection.read_response()
        except _ELSEWHERE:
            # Another server has become the master, or will: only a connection that is made anew asks which.
            self._drop(connection)
            self.reset()
            raise
        except faults.ResponseError:
            self._keep(connection)
            raise
        except BaseException as error:
            self._lost(connection, error)
            raise
        self._keep(connection)
        return reply

    def reset(self) -> None:
        """Drop the connections that nobody uses now."""
        with suppress(IndexError):
            while True:
                self._drop(self._idle.pop())

    def _keep(self, connection: Any) -> None:
        if len(self._idle) < MAX_IDLE:
            self._idle.append(connection)
        else:
            self._pool.release(connection)

    def _lost(self, connection: Any, error: BaseException) -> None:
        self._drop(connection)
        if isinstance(error, faults.ConnectionError):
            self.reset()

    def _drop(self, connection: Any) -> None:
        connection.disconnect()
        self._pool.release(connection)
