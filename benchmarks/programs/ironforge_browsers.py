"""Browsers that look at the console, and a program that submits: `ironforge_browsers.py <port> <browsers> <jobs/s>`.

Each browser has a websocket and does what the console's own script does: it says what it looks at, takes what comes,
and fetches its page where it is told to, at most once a second. Prints a line of JSON each second: what came so far.
"""

from __future__ import annotations

import asyncio
import gzip
import http.client
import itertools
import json
import os
import sys
import time
from collections import Counter
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect

COOKIES: Final = json.loads(os.environ["BENCH_COOKIES"])
BATCH: Final = 100
# What people have open: page, whose changes concern it, seconds after which it is shown anew.
PAGES: Final = (
    ("/console/", "all", 10),
    ("/console/queues", "all", 10),
    ("/console/", "all", 10),
    ("/console/jobs?status=running", "all", 0),
    ("/console/workers", "clock", 5),
    ("/console/dead-letters", "all", 0),
)


class Browsers:
    """All of them, and what they saw."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.seen: Counter[str] = Counter()

    async def look(self, number: int) -> None:
        """Open one page and leave it open."""
        cookie, (at, live, every) = COOKIES[number % len(COOKIES)], PAGES[number % len(PAGES)]
        headers = {"Cookie": cookie}
        address, origin = f"ws://127.0.0.1:{self._port}/console/ws", f"http://127.0.0.1:{self._port}"
        async with connect(address, origin=origin, additional_headers=headers, max_size=None) as socket:  # type: ignore[arg-type]
            await socket.send(json.dumps({"type": "look", "at": at, "live": live, "of": "", "every": every}))
            self.seen["open"] += 1
            await self._watch(socket, at, cookie)

    async def _watch(self, socket: ClientConnection, at: str, cookie: str) -> None:
        fetched, is_own = 0.0, False
        async for message in socket:
            if isinstance(message, bytes):
                self.seen["pages"] += 1
                self.seen["bytes"] += len(message)
                # One in fifty is read as a browser would read it: the rest would measure this program.
                if self.seen["pages"] % 50 == 0 and json.loads(gzip.decompress(message))["at"] != at:
                    raise SystemExit("another page was pushed")
                continue
            told = json.loads(message)["type"]
            is_own = is_own or told == "own"
            # What was told before the server knew what the page is comes with the page.
            if told == "own" or (told == "events" and is_own and time.monotonic() - fetched > 1):
                fetched = time.monotonic()
                self.seen["fetched"] += await asyncio.to_thread(self._fetch, at, cookie)

    def _fetch(self, at: str, cookie: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        connection.request("GET", at, headers={"Cookie": cookie, "HX-Request": "true"})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return int(answer.status == http.client.OK)


def submit(port: int, rate: int) -> None:
    """Submit in bulk at an even rate, for ever."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    job = {"kind": "email.send", "payload": json.loads(os.environ["BENCH_PAYLOAD"])}
    body = json.dumps([job] * BATCH)
    headers = {"Content-Type": "application/json", "Authorization": os.environ["BENCH_AUTHORIZATION"]}
    began = time.monotonic()
    for number in itertools.count(1):
        connection.request("POST", "/jobs/bulk", body, headers)
        answer = connection.getresponse()
        if json.loads(answer.read()).get("accepted") != BATCH:
            raise SystemExit("jobs were refused")
        time.sleep(max(0.0, began + number * BATCH / rate - time.monotonic()))


async def main(port: int, browsers: int, rate: int) -> None:
    """Open them all, submit, and tell each second what was seen."""
    shown = Browsers(port)
    looks: list[asyncio.Task[Any]] = [asyncio.create_task(shown.look(number)) for number in range(browsers)]
    load = asyncio.create_task(asyncio.to_thread(submit, port, rate))
    while True:
        done, _ = await asyncio.wait([*looks, load], timeout=1, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
            raise SystemExit("a browser was turned away")
        print(json.dumps(shown.seen), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:4])))
