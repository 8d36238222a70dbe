"""The history page: figures beside the stretch before, charts of all, of a queue, of a kind."""

from __future__ import annotations

import html
import json
import re
import time
from typing import Any

import msgspec

from jobs.access.history import HistoryPoint
from jobs.access.scopes import Role
from jobs.domain.history import KindMoment, Moment, QueueMoment
from tests.dashboard.conftest import Team, text_of

HOURS_AGO = 3_600


def note(team: Team, seconds_ago: int, completed: int) -> None:
    """Write down a minute."""
    kinds = {"mail.send": KindMoment(completed, runs={"0.1": completed}, waits={"1": completed})}
    mail = QueueMoment(
        9, completed, 4, completed=completed, failed=3, retried=2, waits={"1": completed}, runs={"0.1": 9}
    )
    moment = Moment(9, completed, waits={"1": 1}, kinds=kinds, queues={"mail": mail})
    at = int(time.time()) // 60 * 60 - seconds_ago
    text = msgspec.json.encode(moment).decode()
    HistoryPoint.objects.create(namespace=team.bench.namespace, step_s=60, at=at, moment=text)


def page_of(team: Team, query: str = "") -> str:
    return text_of(team.client(Role.VIEWER).get(f"/console/history{query}"))


def columns(page: str, chart: str) -> Any:
    found = re.search(rf'id="{chart}" data-series="([^"]+)"', page)
    assert found, chart
    return json.loads(html.unescape(found[1]))


def test_the_day_is_shown_beside_the_day_before(team: Team) -> None:
    note(team, 2 * HOURS_AGO, 30)
    note(team, 26 * HOURS_AGO, 20)
    page = page_of(team)
    assert "+50 %</span> vs 24h before" in page
    assert [sum(column) for column in columns(page, "throughput")[1:]] == [30, 0, 0]
    assert [round(number, 6) for number in columns(page, "runs")[1] if number is not None] == [0.075]
    assert len(columns(page, "waits")[0]) == 288
    assert max(columns(page, "backlog")[1]) == 4
    assert 'value="mail.send"' in page
    parts = re.sub(r"<[^>]+>|\s+", " ", page[page.index('id="by-queue-title"') :])
    assert [found.split()[:3] for found in re.findall(r"mail[.\w]* +\d+ +\d+ ", parts)] == [
        ["mail", "33", "3"],
        ["mail.send", "30", "0"],
    ]


def test_a_queue_and_a_kind_are_shown_alone(team: Team) -> None:
    note(team, 600, 30)
    queue = page_of(team, "?queue=mail&range=1h")
    assert sum(columns(queue, "flow")[1]) == 9
    assert [sum(column) for column in columns(queue, "throughput")[1:]] == [30, 2, 1]
    for chart, p95_s in (("waits", 0.975), ("runs", 0.0975)):
        assert [round(number, 6) for number in columns(queue, chart)[2] if number is not None] == [p95_s]
    assert 'id="by-queue-title"' not in queue
    kind = page_of(team, "?kind=mail.send&range=6h")
    assert sum(columns(kind, "throughput")[1]) == 30
    assert len([number for number in columns(kind, "waits")[1] if number is not None]) == 1
    assert 'id="backlog"' not in kind
    assert sum(columns(page_of(team, "?kind=other&range=6h"), "throughput")[1]) == 0


def test_what_is_no_name_and_no_range_is_as_if_not_given(team: Team) -> None:
    note(team, 600, 30)
    page = page_of(team, "?queue=%3Cscript%3E&kind=%00&range=1000y")
    assert sum(columns(page, "throughput")[1]) == 30
    assert "nothing to compare" in page
