"""The audit log's page: filtered by who, what, target and time, each entry whole under its number, and as a file."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest

from jobs.access.scopes import Role
from tests.dashboard.conftest import MakeTeam, Team, text_of

EVIL = "<script>alert(1)</script>"


def test_the_audit_page_is_filtered_and_paged(team: Team) -> None:
    client = team.client(Role.ADMIN)
    for number in range(52):
        client.post(f"/console/queues/q{number:02}/pause")
    page = text_of(client.get("/console/audit?action=queue.pause"))
    assert ">q51<" in page
    assert ">q01<" not in page
    (address,) = set(re.findall(r'href="(/console/audit\?action=queue.pause&amp;cursor=b\d+)"', page))
    older = text_of(client.get(address.replace("&amp;", "&")))
    assert ">q01<" in older
    assert "Newer" in older
    assert "Nothing fits" in text_of(client.get("/console/audit?actor=nobody"))
    assert EVIL not in text_of(client.get(f"/console/audit?actor={EVIL}"))


def test_an_entry_shows_its_reason_and_what_changed_and_stands_in_the_list_from_its_number_on(
    team: Team, make_team: MakeTeam
) -> None:
    letter = team.bench.dead_letter()
    client = team.client(Role.ADMIN)
    client.post(f"/console/jobs/{letter}/retry")
    client.post("/console/queues/main/pause", {"reason": EVIL})
    client.post("/console/queues/main/resume")
    paused = next(entry for entry in team.entries() if entry.action == "queue.pause")
    page = text_of(client.get(f"/console/audit?entry={paused.position}"))
    rows = page.partition("<tbody>")[2]
    assert "queue.resume" not in rows, "the page begins with the entry"
    assert "&lt;script&gt;alert(1)" in rows
    assert EVIL not in page
    assert re.search(r'<span class="muted">status</span>.*<del>dead_letter</del>.*<ins>queued</ins>', rows)
    assert letter in rows
    assert paused.request_id in page
    assert 'rel="prev"' in page
    theirs = make_team()
    other = theirs.client(Role.ADMIN)
    other.post("/console/queues/main/pause", {"reason": "x"})
    assert "no such entry" in text_of(other.get(f"/console/audit?entry={paused.position + 40}"))
    assert "no such entry" in text_of(other.get("/console/audit?entry=x"))


def test_people_are_asked_for_by_name_and_times_narrow_the_log(team: Team) -> None:
    client = team.client(Role.ADMIN)
    client.post("/console/queues/main/pause")
    name = team.entries()[0].actor.removeprefix("session:")
    for query, is_found in (
        (f"actor={name}", True),
        (f"actor=key:{name}", False),
        ("after=2020-01-01T00:00", True),
        ("before=2020-01-01T00:00:00Z", False),
        ("action=queue.pause&target_kind=queue&target_id=main", True),
    ):
        page = text_of(client.get(f"/console/audit?{query}"))
        assert ("<tbody>" in page) is is_found, query
    answer = client.get("/console/audit?after=yesterday")
    assert answer.status_code == 422
    assert "Time: a date and a time" in text_of(answer)
    assert client.get("/console/audit/export?after=yesterday").status_code == 422


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_the_log_is_exported_as_filtered_and_the_export_is_in_it(team: Team, form: str) -> None:
    client = team.client(Role.ADMIN)
    for name in ("a", "b"):
        client.post(f"/console/queues/{name}/pause", {"reason": "=1+1"})
    client.post("/console/queues/a/resume")
    answer = client.get(f"/console/audit/export?format={form}&action=queue.pause")
    assert answer["Content-Disposition"].endswith(f'-audit.{form}"')
    if form == "csv":
        rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
        assert rows[0]["reason"] == "'=1+1"
        assert json.loads(rows[0]["after"])["paused"] is True
    else:
        *rows, end = map(json.loads, answer.content.splitlines())
        assert end == {"end": {"entries": 2, "more": False}}
        assert rows[0]["after"]["paused"] is True
    assert [row["target_id"] for row in rows] == ["b", "a"]
    entry = team.entries()[0]
    assert (entry.action, entry.after) == ("audit.export", {"filter": {"action": "queue.pause"}, "entries": 2})
    assert client.get("/console/audit/export?format=xlsx").status_code == 422
    assert team.client(Role.OPERATOR).get("/console/audit/export").status_code == 403
