"""What a worker and its child say to each other: msgpack, each message behind its length in four bytes."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import msgspec

from jobs.domain.lease import Lease
from jobs.domain.outcome import Settlement
from jobs.domain.trace import TraceContext

HEAD = struct.Struct("!I")
_encoder = msgspec.msgpack.Encoder()


class Start(msgspec.Struct, frozen=True, tag="start"):
    """Worker to child: run this. `number` tells this attempt from others of the child; `started` is monotonic s.

    `trace` is where in a trace the handler is.
    """

    number: int
    lease: Lease
    time_limit_ms: int
    started: float
    trace: TraceContext | None = None


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """Child to worker: the handler ended, and this is to be told, unless the attempt was stopped.

    `is_stopped`: it ended because it was asked to. `dropped` says why its return value could not be kept.
    """

    number: int
    settlement: Settlement
    is_stopped: bool
    dropped: str
    resident_bytes: int


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    """Child to worker: how far the attempt is."""

    number: int
    fraction: float
    text: str


class LogLine(msgspec.Struct, frozen=True, tag="line"):
    """Child to worker: a line for the job's log."""

    number: int
    level: str
    text: str


class Checkpoint(msgspec.Struct, frozen=True, tag="checkpoint"):
    """Child to worker: where the next attempt can go on, as JSON text."""

    number: int
    data: bytes


Told = Ended | Progress | LogLine | Checkpoint

decode_start = msgspec.msgpack.Decoder(Start).decode
decode_told = msgspec.msgpack.Decoder(Told).decode


def packed(message: Start | Told) -> bytes:
    """Return a message as it is sent."""
    body = _encoder.encode(message)
    return HEAD.pack(len(body)) + body


class Unpacker:
    """Finds the messages in what arrives, however it was cut."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Return the messages that are complete with this."""
        self._held += data
        while len(self._held) >= HEAD.size:
            end = HEAD.size + HEAD.unpack_from(self._held)[0]
            if len(self._held) < end:
                return
            body = bytes(self._held[HEAD.size : end])
            del self._held[:end]
            yield body
