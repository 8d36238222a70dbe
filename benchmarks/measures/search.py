"""Search: how soon the console shows a first page of what is looked for, and how soon it has reached its bound."""

from __future__ import annotations

import html
import re
import time
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

from benchmarks.competitor import OURS
from benchmarks.measure import Column, Measure
from benchmarks.process import Unfit
from benchmarks.reader import Reader, signed_in
from benchmarks.run import Run, Turn
from benchmarks.sample import median
from benchmarks.stack import Stack

_ROUNDS: Final = 3
_FILL_S: Final = 600.0
# Each so many-th job is of another kind, with another payload.
_RARE: Final = 5_000
_ON = re.compile(r'id="search-row" hx-get="([^"]+)"')
_ROW = re.compile(r"<tr\b[^>]*\bdata-job")
_JOB = re.compile(r'href="/console/jobs/([0-9a-f-]{36})')


def _turn(stack: Stack, turn: Turn) -> None:
    jobs, began = turn.plan.console_jobs, time.time()
    with stack.web() as (_, port):
        turn.say(f"filling up to {jobs} jobs")
        stack.feed("fill", jobs - 1, _RARE, limit_s=_FILL_S)
        newest, middle = _text(time.time() - 1), _text((began + time.time()) / 2)
        reader = signed_in(stack, port)
        found = _JOB.search(reader.get("/console/jobs?kind=email.send").text)
        if found is None:
            raise Unfit("the page of jobs shows none")
        filters: dict[str, dict[str, str]] = {
            "kind of all": {"kind": "email.send"},
            f"kind of 1 in {_RARE}": {"kind": "bench.stamp"},
            f"payload of 1 in {_RARE}": {"payload": "sent_us:0"},
            "time of the newest": {"created_after": newest},
            "time in the middle": {"created_before": middle},
            "kind of none": {"kind": "none"},
            "tag of none": {"tag": "order:none"},
            "error of none": {"error": "no such words"},
            "payload of none": {"payload": "sent_us:1"},
        }
        cases = {case: f"/console/jobs?{urlencode(wanted)}" for case, wanted in filters.items()}
        for case, address in {"id": f"/console/jobs/{found[1]}", **cases}.items():
            turn.say(f"{case}, {jobs} jobs")
            read = [_search(reader, address) for _ in range(_ROUNDS)]
            turn.record(case, **{name: median([one[name] for one in read]) for name in read[0]})


def _text(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _search(reader: Reader, address: str) -> dict[str, float]:
    """Look as the browser does: the page, then piece by piece until it is full or the bound is reached."""
    started = time.perf_counter()
    answer = reader.get(address)
    first_ms, pieces, shown = answer.ms, 1, len(_ROW.findall(answer.text))
    while (on := _ON.search(answer.text)) is not None:
        answer = reader.get(html.unescape(on[1]), is_fragment=True)
        pieces, shown = pieces + 1, shown + len(_ROW.findall(answer.text))
    looked_at = re.search(r"Looked at ([\d\s,. ]+) jobs", answer.text)
    return {
        "first_ms": first_ms,
        "whole_ms": (time.perf_counter() - started) * 1000,
        "pieces": pieces,
        "shown": shown,
        "looked_at": float(re.sub(r"\D", "", looked_at[1])) if looked_at else 0,
    }


def take(run: Run) -> None:
    """Measure IronForge: all searches on one store."""
    run.rounds(MEASURE.name, OURS[:1], _turn, rounds=1)


MEASURE = Measure(
    name="search",
    title="Search in the console",
    text="A million jobs (in the short form 100 000). The jobs page with a filter, over HTTP by a signed-in "
    "administrator: the first page, which shows what was found so far and how far the search is, and the whole, for "
    "which the browser asks piece by piece until 50 rows are there or the bound of 50 000 jobs or 2.5 s is reached. "
    f"Medians of {_ROUNDS}. Where nothing is looked at in the last column the page was full or the list at its end.",
    take=take,
    columns=(
        Column("first_ms", "first page ms"),
        Column("whole_ms", "whole ms"),
        Column("pieces", "pieces"),
        Column("shown", "rows"),
        Column("looked_at", "looked at"),
    ),
)
