"""Puts jobs into a queue library, the same ones for each: `python feeder.py <module> fill|pace|naps …`.

Runs in the peer's own environment, so it uses nothing but the standard library. The module offers `send(jobs)`, plain
or async, for a list of (task, payload) pairs, and `opened()`, an async context, where it must connect first.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import nullcontext
from typing import Any

BATCH = 200
Jobs = list[tuple[str, dict[str, Any]]]
PAYLOAD: dict[str, Any] = json.loads(os.environ["BENCH_PAYLOAD"])


def noops_and_stamps(count: int, every: int) -> Iterator[Jobs]:
    """Yield no-op jobs in batches; each `every`-th one, the first and the last note when they ran."""
    for start in range(0, count + 1, BATCH):
        numbers = range(start, min(start + BATCH, count + 1))
        yield [
            ("stamp", PAYLOAD | {"sent_us": 0}) if every and number % every == 0 else ("noop", PAYLOAD)
            for number in numbers
        ]


def naps(count: int) -> Iterator[Jobs]:
    """Yield jobs that take 5 ms each and note their number."""
    for start in range(0, count, BATCH):
        yield [("nap", PAYLOAD | {"number": number}) for number in range(start, min(start + BATCH, count))]


def stamp() -> Jobs:
    """Return one job that knows when it was sent."""
    return [("stamp", PAYLOAD | {"sent_us": time.monotonic_ns() // 1000})]


async def feed(send: Callable[[Jobs], Awaitable[None] | None], batches: Iterator[Jobs]) -> int:
    """Send all as fast as the library does; return the number of jobs."""
    count = 0
    for jobs in batches:
        sent = send(jobs)
        if sent is not None:
            await sent
        count += len(jobs)
    return count


async def pace(send: Callable[[Jobs], Awaitable[None] | None], count: int, per_second: float) -> int:
    """Send one job at a time, evenly."""
    start = time.monotonic()
    for number in range(count):
        await asyncio.sleep(max(0.0, start + number / per_second - time.monotonic()))
        sent = send(stamp())
        if sent is not None:
            await sent
    return count


async def main(module_name: str, act: str, *numbers: str) -> None:
    """Do what the command line says and print how long it took."""
    module = importlib.import_module(module_name)
    opened = module.opened() if hasattr(module, "opened") else nullcontext()
    if inspect.isawaitable(opened):
        opened = await opened
    async with _as_async(opened):
        started, used = time.perf_counter(), time.process_time()
        if act == "pace":
            count = await pace(module.send, int(numbers[0]), float(numbers[1]))
        else:
            batches = naps(int(numbers[0])) if act == "naps" else noops_and_stamps(int(numbers[0]), int(numbers[1]))
            count = await feed(module.send, batches)
        seconds, cpu_s = time.perf_counter() - started, time.process_time() - used
    print(json.dumps({"jobs": count, "seconds": seconds, "cpu_s": cpu_s}), flush=True)


def _as_async(context: Any) -> Any:
    return context if hasattr(context, "__aenter__") else nullcontext()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
