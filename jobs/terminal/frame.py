"""A frame of the view: what fits into the terminal as it is now, the rest named by its number."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Console, Group, RenderableType
from rich.text import Text

from jobs.telemetry.log_line import escaped
from jobs.terminal import figures, tables
from jobs.terminal.reading import Reading
from jobs.terminal.tables import Rows
from jobs.terminal.view import Panel, View

LEAST_COLUMNS, LEAST_LINES = 40, 8
# Below so many lines the counters give their room to the tables.
LINES_FOR_COUNTERS = 18
LINES_FOR_GAPS = 30
_COUNTERS_HEIGHT = 5
KEYS = "q quit  tab ↑↓ select  p pause/resume queue  t quiet, z resume worker  ? help"
HELP = """\
 q, Ctrl-C    quit
 tab, ← →     the other table: queues, workers
 ↑ ↓, k j     select a row
 p            pause the selected queue, or resume it
 t            quiet the selected worker: it ends what it runs and takes nothing new
 z            resume the selected worker
 y, n         answer the question; what is done lands in the audit log
 Ctrl-Z       stop this view; `fg` brings it back

 PER SECOND   over the last 5 s; at first the mean of the last full minute
 C/H/M/L      the ready jobs by priority: critical, high, medium, low
 SCHEDULED    delayed jobs, and failed ones that wait for their retry
 OLDEST       how long the job that has waited longest is ready
 HEARD        the age of the worker's last heartbeat

 Any key goes back."""


def frame_of(view: View, width: int, height: int) -> RenderableType:
    """Return what to show on a screen of that many columns and lines."""
    if width < LEAST_COLUMNS or height < LEAST_LINES:
        return Text(f"Too small: {LEAST_COLUMNS}×{LEAST_LINES} at least. q quits."[: max(1, width)], no_wrap=True)
    if view.is_helping:
        return Text(HELP, no_wrap=True, overflow="ellipsis")
    top: list[RenderableType] = [_title(view.namespace, view.reading)]
    if view.trouble:
        top.append(_line(f"The store is away, trying on: {escaped(view.trouble)}", "bold red"))
    body = _body(view, view.reading, width, height - len(top) - 1) if view.reading else []
    used = len(top) + sum(lines for lines, _ in body)
    gap = [Text("\n" * (height - used - 2))] if height - used >= 2 else []
    return Group(*top, *(part for _, part in body), *gap, _footer(view))


def plain_text(reading: Reading, width: int) -> str:
    """Return everything as lines without escape codes or spaces at their ends."""
    console = Console(width=width, color_system=None, force_terminal=False, highlight=False, markup=False, emoji=False)
    every = len(reading.queues), len(reading.workers), len(reading.letters.groups)
    parts = [
        _title(reading.namespace, reading),
        tables.counters(reading, width),
        tables.queue_table(reading, Rows(0, every[0]), width),
        tables.worker_table(reading, Rows(0, every[1]), width),
        tables.letter_table(reading, Rows(0, every[2])),
    ]
    with console.capture() as captured:
        for part in parts:
            console.print(part)
            console.print()
    return "\n".join(line.rstrip() for line in captured.get().rstrip().splitlines())


def shares(lines: int, wanted: Sequence[int]) -> list[int]:
    """Divide lines among tables: nobody gets more than wanted, and what one leaves goes to the others."""
    given = [0] * len(wanted)
    left = max(0, lines)
    while left and any(has < wants for has, wants in zip(given, wanted, strict=True)):
        for number, wants in enumerate(wanted):
            if left and given[number] < wants:
                given[number] += 1
                left -= 1
    return given


def _body(view: View, reading: Reading, width: int, lines: int) -> list[tuple[int, RenderableType]]:
    """Return the parts between title and footer, each with the lines that it takes."""
    parts: list[tuple[int, RenderableType]] = []
    gap = 1 if lines >= LINES_FOR_GAPS else 0
    if lines >= LINES_FOR_COUNTERS:
        parts.append((_COUNTERS_HEIGHT + gap, _spaced(tables.counters(reading, width), gap)))
        lines -= _COUNTERS_HEIGHT + gap
    wanted = len(reading.queues), len(reading.workers), len(reading.letters.groups)
    queues, workers, letters = shares(lines - 3 - 2 * gap, wanted)
    queue_rows, worker_rows = _rows(view, Panel.QUEUES, queues), _rows(view, Panel.WORKERS, workers)
    parts.append((queues + 1 + gap, _spaced(tables.queue_table(reading, queue_rows, width), gap)))
    parts.append((workers + 1 + gap, _spaced(tables.worker_table(reading, worker_rows, width), gap)))
    parts.append((letters + 1, tables.letter_table(reading, Rows(0, letters))))
    return parts


def _spaced(table: RenderableType, gap: int) -> RenderableType:
    return Group(table, Text("")) if gap else table


def _rows(view: View, panel: Panel, count: int) -> Rows:
    """Return the rows around the selected one, which is marked where the panel has the keys."""
    place = view.place(panel)
    start = max(0, min(place - count // 2, len(view.names(panel)) - count))
    return Rows(start, count, place if panel is view.panel else -1)


def _title(namespace: str, reading: Reading | None) -> Text:
    name = f"IronForge · {namespace}"
    if reading is None:
        return _line(name, tables.HEADING)
    store, database = reading.health.store, reading.health.database
    memory = figures.size(store.used_bytes) + (f" of {figures.size(store.max_bytes)}" if store.max_bytes else "")
    at = datetime.fromtimestamp(reading.server_time / 1000, UTC)
    parts = [name, f"{store.version} {store.latency_ms:.1f} ms {memory}" if store.ok else "the store is away"]
    if not store.aof_ok:
        parts.append("its disk refuses writes")
    if not database.ok:
        parts.append("the database is away")
    return _line(" · ".join([*parts, f"{at:%H:%M:%S} UTC"]), tables.HEADING)


def _footer(view: View) -> Text:
    if view.wish is not None:
        return _line(f"{escaped(view.wish.question)} y/n", "bold yellow")
    return _line(escaped(view.notice), "bold") if view.notice else _line(KEYS, tables.QUIET)


def _line(text: str, style: str) -> Text:
    return Text(text, style, no_wrap=True, overflow="ellipsis", end="\n")
