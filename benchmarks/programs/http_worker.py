"""A worker over HTTP that does nothing with its jobs: `port key connections batch`; prints what it got through.

Each connection claims a batch and settles it, in turn. It talks plain sockets, so that the client costs little beside
the server that is measured.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import msgspec

WAIT_MS = 200
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class Line:
    """A connection that asks one request after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, key: str) -> None:
        self._reader = reader
        self._writer = writer
        self._key = key

    async def ask(self, path: str, body: object) -> dict[str, object]:
        """Post a document and return the answer. Raises RuntimeError for one that is a refusal."""
        data = _encode(body)
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self._key}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
        self._writer.write(head.encode() + data)
        told = await self._reader.readuntil(b"\r\n\r\n")
        length = int(told.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        text = await self._reader.readexactly(length)
        if b" 20" not in told[:15]:
            raise RuntimeError(text.decode(errors="replace"))
        answer: dict[str, object] = _decode(text)
        return answer


async def work(port: int, key: str, batch: int, done: list[tuple[float, int]]) -> None:
    """Claim and settle until nothing more comes."""
    line = Line(*await asyncio.open_connection("127.0.0.1", port), key)
    worker = await line.ask("/workers", {"queues": ["main"], "concurrency": batch})
    claim = {"worker_id": worker["worker_id"], "queues": ["main"], "max_jobs": batch, "wait_ms": WAIT_MS}
    while leases := (await line.ask("/leases", claim))["leases"]:
        ended = [
            {"job_id": lease["job_id"], "lease_token": lease["lease_token"], "outcome": "completed"}  # type: ignore[index]
            for lease in leases  # type: ignore[attr-defined]
        ]
        results = (await line.ask("/leases/settle", {"settlements": ended}))["results"]
        done.append((time.monotonic(), sum("status" in each for each in results)))  # type: ignore[attr-defined]


async def main(port: int, key: str, connections: int, batch: int) -> None:
    """Run all connections to their end."""
    began, done = time.monotonic(), [(time.monotonic(), 0)]
    await asyncio.gather(*(work(port, key, batch, done) for _ in range(connections)))
    jobs = sum(number for _, number in done)
    seconds = max(at for at, _ in done) - began
    sys.stdout.write(json.dumps({"jobs": jobs, "seconds": seconds}) + "\n")


asyncio.run(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
