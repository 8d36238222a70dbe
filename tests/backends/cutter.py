"""A relay that cuts the line at the n-th request to the store: before the store has it, or after it has done it."""

from __future__ import annotations

import socket
import threading
from enum import StrEnum

import hiredis

from tests.backends.relay import Relay, cut, received, sent

# What a connection says of itself before it is of use to anybody.
_GREETINGS = (b"CLIENT", b"AUTH", b"SELECT", b"HELLO")


class Where(StrEnum):
    """On which way the line breaks."""

    BEFORE = "before the store"
    AFTER = "after the store"


class Cutter(Relay):
    """Counts what is written to the store in one go as one request, greetings left out."""

    def __init__(self, upstream_port: int) -> None:
        self.requests = 0
        self.cuts = 0
        self._first = 0
        self._times = 0
        self._where = Where.BEFORE
        self._turn = threading.Lock()
        super().__init__(upstream_port)

    def arm(self, number: int, where: Where, times: int) -> None:
        """Cut at request `number`, counted from 1 and from now, and at those that follow until `times` were cut."""
        with self._turn:
            self.requests = self.cuts = 0
            self._first, self._where, self._times = number, where, times

    def disarm(self) -> None:
        """Cut no more."""
        with self._turn:
            self._times = 0

    def _is_cut(self, request: bytes) -> bool:
        if any(b"\r\n%s\r\n" % word in request[:40].upper() for word in _GREETINGS):
            return False
        with self._turn:
            self.requests += 1
            is_cut = self.requests >= self._first and self.cuts < self._times
            self.cuts += is_cut
            return is_cut

    def _carry(self, client: socket.socket, store: socket.socket) -> None:
        """Carry whole requests, each with its answers: who is cut has none of them."""
        while request := _whole(client):
            is_cut = self._is_cut(request)
            if is_cut and self._where is Where.BEFORE:
                break
            sent(store, request)
            reply = _whole_reply(store, request)
            if is_cut or not reply:
                break
            sent(client, reply)
        cut(client)
        cut(store)


def _whole(client: socket.socket) -> bytes:
    """Return what a client writes in one go, up to the end of its last command."""
    data = received(client)
    while data and not _ends(data):
        more = received(client)
        data = data + more if more else b""
    return data


def _ends(data: bytes) -> bool:
    at = 0
    while at < len(data):
        after = _command_end(data, at)
        if after is None:
            return False
        at = after
    return True


def _command_end(data: bytes, at: int) -> int | None:
    """Return where the command that begins at `at` ends; None if that is not here yet."""
    line = data.find(b"\r\n", at)
    if line < 0:
        return None
    number, at = int(data[at + 1 : line]), line + 2
    for _ in range(number):
        line = data.find(b"\r\n", at)
        if line < 0:
            return None
        at = line + 2 + int(data[at + 1 : line]) + 2
        if at > len(data):
            return None
    return at


def _commands(data: bytes) -> int:
    count, at = 0, 0
    while at < len(data):
        at = _command_end(data, at) or len(data)
        count += 1
    return count


def _whole_reply(store: socket.socket, request: bytes) -> bytes:
    """Return all answers to a request."""
    reader = hiredis.Reader()
    wanted, reply = _commands(request), b""
    while wanted:
        chunk = received(store)
        if not chunk:
            return b""
        reply += chunk
        reader.feed(chunk)
        while wanted and reader.gets() is not False:
            wanted -= 1
    return reply
