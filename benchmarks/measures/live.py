"""What open browsers cost the server and the store while jobs flow."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks import toolchain
from benchmarks.competitor import OURS
from benchmarks.measure import Column, Measure
from benchmarks.process import Started, running, wait_until
from benchmarks.run import Run, Turn
from benchmarks.stack import Stack

_OPEN_S: Final = 120.0
_SETTLE_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class _Reading:
    """Shares of a core (%), and what was pushed a second."""

    server: float
    store: float
    pages: float
    fetched: float
    kilobytes: float


def measure(stack: Stack, turn: Turn) -> None:
    """Record the shares with no browser and with many, and what lies between."""
    browsers, rate = turn.plan.live_browsers, turn.plan.live_rate
    with stack.web() as (server, port), stack.workers("one"):
        read = []
        for number in (0, browsers):
            turn.say(f"{number} browsers, {rate} jobs/s")
            found = _read(stack, turn, server, port, number)
            read.append(found)
            case = f"{number} browsers" if number else "no browser"
            turn.record(
                case,
                server_percent=found.server,
                store_percent=found.store,
                pages=found.pages,
                fetched=found.fetched,
                kilobytes=found.kilobytes,
            )
        none, many = read
        turn.record("difference", server_percent=many.server - none.server, store_percent=many.store - none.store)


def _read(stack: Stack, turn: Turn, server: Started, port: int, browsers: int) -> _Reading:
    people = stack.people
    environ = stack.environ | {
        "BENCH_COOKIES": json.dumps(people.cookies if people else ()),
        "BENCH_AUTHORIZATION": stack.headers["Authorization"],
    }
    program = [sys.executable, str(toolchain.PROGRAMS / "ironforge_browsers.py")]
    log = stack.folder / f"browsers-{browsers}.log"
    argv = [*program, str(port), str(browsers), str(turn.plan.live_rate)]
    with running(argv, environ, log, toolchain.PROGRAMS) as started:
        wait_until(lambda: _seen(log).get("open", 0) >= browsers and bool(_seen(log)), _OPEN_S, [started], "open")
        time.sleep(_SETTLE_S)
        before, cpu_s, store_us, began = _seen(log), server.cpu_s(), stack.store.cpu_us(), time.monotonic()
        time.sleep(turn.plan.live_s)
        seconds = time.monotonic() - began
        cpu_s, store_us, after = server.cpu_s() - cpu_s, stack.store.cpu_us() - store_us, _seen(log)
    more = {name: (after.get(name, 0) - before.get(name, 0)) / seconds for name in ("pages", "fetched", "bytes")}
    return _Reading(
        server=cpu_s / seconds * 100,
        store=store_us / seconds / 10_000,
        pages=more["pages"],
        fetched=more["fetched"],
        kilobytes=more["bytes"] / 1000,
    )


def _seen(log: Path) -> dict[str, int]:
    """Return the newest line that the browsers told, {} before there is one."""
    for line in reversed(log.read_text().splitlines() if log.exists() else []):
        if line.startswith("{") and line.endswith("}"):
            found: dict[str, int] = json.loads(line) or {"open": 0}
            return found
    return {}


def take(run: Run) -> None:
    """Measure IronForge, with none and with many within one turn."""
    run.rounds(MEASURE.name, OURS[:1], measure)


MEASURE = Measure(
    name="live",
    title="Open browsers",
    text="Jobs are submitted in bulks of 100 over HTTP and run by one worker, 5 000 a second in all, at first with no "
    "browser open, then with 200 of ten people: overview, queues, jobs, workers and dead letters of one namespace. "
    "Server: processor time of the server process, submissions included, as a share of one core. The browsers are "
    "websocket clients of one program that does what the console's script does.",
    take=take,
    columns=(
        Column("server_percent", "server, % of a core", 1),
        Column("store_percent", "store, % of a core", 1),
        Column("pages", "pages pushed/s", 1),
        Column("fetched", "pages fetched/s", 1),
        Column("kilobytes", "kB/s", 0),
    ),
)
