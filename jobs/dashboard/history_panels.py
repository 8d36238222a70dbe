"""The charts of the history page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from jobs.dashboard.charts import (
    BACKLOG,
    ENDS,
    FLOW,
    OLDEST,
    PERCENTILES,
    THROUGHPUT,
    Chart,
    Column,
    Drawn,
    Line,
    Mark,
    lines_for_reader,
)
from jobs.domain.history import Buckets, QueueMoment, quantile
from jobs.domain.history_range import Span
from jobs.services.history import History

_PARTS = (0.5, 0.95, 0.99)
_PEAK = gettext_noop("the most of each point")


@dataclass(frozen=True, slots=True)
class Panel:
    """A chart with its title, and a sentence for those who do not see it."""

    id: str
    title: str
    note: str
    drawn: Drawn
    told: str


def panels_of(found: History, queue: str, marks: tuple[Mark, ...], *, is_whole: bool) -> list[Panel]:
    """Return the charts of one queue, if one is named, of the whole namespace, or else of a kind, with their marks."""
    return _marked(_of_queue(found, queue) if queue else _of_attempts(found, is_whole=is_whole), marks)


def queue_panels(found: History, marks: tuple[Mark, ...]) -> list[Panel]:
    """Return the charts that the page of one queue has."""
    return _marked([*times_of(found), ends_of(found)], marks)


def throughput_of(found: History) -> Panel:
    """Return the chart of how attempts ended."""
    moments = found.moments
    ends: list[Column] = [[each.completed for each in moments], [each.retried for each in moments]]
    ends.append([each.dead for each in moments])
    return _panel(found.span, ("throughput", _("Throughput"), _per(found.span)), THROUGHPUT, ends, kind="bars")


def times_of(found: History) -> list[Panel]:
    """Return the charts of waits and runs."""
    waits = _percentiles([moment.waits for moment in found.moments])
    runs = _percentiles([moment.runs() for moment in found.moments])
    about_waits = ("waits", _("Wait"), _("of ready jobs for a worker"))
    about_runs = ("runs", _("Run time"), _("of attempts"))
    return [
        _panel(found.span, about_waits, PERCENTILES, waits, unit="s"),
        _panel(found.span, about_runs, PERCENTILES, runs, unit="s"),
    ]


def ends_of(found: History) -> Panel:
    """Return the chart of how attempts of one queue ended."""
    moments = found.moments
    ends: list[Column] = [[each.completed for each in moments], [each.retried for each in moments]]
    ends.append([each.failed - each.retried for each in moments])
    return _panel(found.span, ("throughput", _("Throughput"), _per(found.span)), ENDS, ends, kind="bars")


def _marked(panels: Sequence[Panel], marks: tuple[Mark, ...]) -> list[Panel]:
    return [replace(panel, drawn=msgspec.structs.replace(panel.drawn, lines=marks)) for panel in panels]


def _of_queue(found: History, name: str) -> list[Panel]:
    mine = [moment.queues.get(name, QueueMoment()) for moment in found.moments]
    flow: list[Column] = [[each.coming for each in mine], [each.gone for each in mine]]
    backlog: list[Column] = [[each.ready for each in mine], [each.running for each in mine]]
    oldest: list[Column] = [[each.oldest_s for each in mine]]
    return [
        ends_of(found),
        *times_of(found),
        _panel(found.span, ("flow", _("Flow"), _per(found.span)), FLOW, flow),
        _panel(found.span, ("backlog", _("Backlog"), _(_PEAK)), BACKLOG, backlog),
        _panel(
            found.span, ("oldest", _("Oldest that waits"), _("the longest of each point")), OLDEST, oldest, unit="s"
        ),
    ]


def _of_attempts(found: History, *, is_whole: bool) -> list[Panel]:
    panels = [throughput_of(found), *times_of(found)]
    if is_whole:
        ready: Column = [sum(queue.ready for queue in each.queues.values()) for each in found.moments]
        running: Column = [sum(queue.running for queue in each.queues.values()) for each in found.moments]
        panels.append(_panel(found.span, ("backlog", _("Backlog"), _(_PEAK)), BACKLOG, [ready, running]))
    return panels


def _panel(
    span: Span,
    title: tuple[str, str, str],
    lines: tuple[Line, ...],
    columns: Sequence[Column],
    *,
    kind: str = "lines",
    unit: str = "n",
) -> Panel:
    name, words, note = title
    at = [span.start + number * span.step_s for number in range(span.points)]
    named = lines_for_reader(lines)
    chart = Chart(kind, unit, span.step_s, named, _("Nothing in this time"))
    told = "; ".join(_told(line.label, column, unit) for line, column in zip(named, columns, strict=True))
    return Panel(name, words, note, Drawn(chart, (at, *columns)), f"{words}, {note}: {told}.")


def _percentiles(buckets: Sequence[Buckets]) -> list[Column]:
    return [[quantile(each, part) for each in buckets] for part in _PARTS]


def _told(label: str, column: Column, unit: str) -> str:
    highest = max((number for number in column if number is not None), default=None)
    if highest is None:
        return _("%s none") % label
    return _("%(line)s up to %(number)s") % {"line": label, "number": f"{highest:.4g}{' s' if unit == 's' else ''}"}


def _per(span: Span) -> str:
    hours, minutes = span.step_s // 3_600, span.step_s // 60
    if hours:
        return ngettext("per hour", "per %(n)s hours", hours) % {"n": hours}
    return ngettext("per minute", "per %(n)s minutes", minutes) % {"n": minutes}
