"""The list of jobs: its state is in its address, and an address that makes no sense shows what was meant."""

from __future__ import annotations

import html
import json
import re

import pytest
from asgiref.sync import async_to_sync
from django.http import StreamingHttpResponse
from django.test import Client

from jobs.access.scopes import Role
from jobs.dashboard import job_search
from jobs.domain.instant import instant
from jobs.domain.job import JobSpec
from jobs.domain.priority import Priority
from jobs.domain.status import Status
from jobs.services import job_list
from tests.api.error_things import group_on
from tests.dashboard.conftest import Team, notes_of, text_of


def listed(team: Team, address: str = "") -> list[str]:
    """Return the ids of the jobs that a page lists, in order."""
    return re.findall(r'data-job="([^"]+)"', text_of(team.client(Role.VIEWER).get(f"/console/jobs{address}")))


def test_filters_and_states_narrow_the_list(team: Team) -> None:
    mail = team.bench.submit(kind="mail.send", queue="mail", priority=Priority.HIGH, metadata={"order": "1"})
    dead = team.bench.dead_letter(kind="mail.send")
    other = team.bench.submit()
    assert listed(team) == [other, dead, mail]
    assert listed(team, "?kind=mail.send") == [dead, mail]
    assert listed(team, "?queue=mail") == [mail]
    assert listed(team, "?priority=high") == [mail]
    assert listed(team, "?tag=order:1") == [mail]
    assert listed(team, "?status=dead_letter") == [dead]
    assert listed(team, "?status=queued&kind=mail.send&queue=mail") == [mail]
    assert listed(team, "?kind=mail") == []


def test_pages_hold_fifty_and_lead_on_and_back(team: Team) -> None:
    jobs = [team.bench.submit() for _ in range(61)][::-1]
    client = team.client(Role.VIEWER)
    first = text_of(client.get("/console/jobs?queue=main"))
    on = re.search(r'href="(/console/jobs\?[^"]+)" rel="next"', first)
    assert on
    assert "queue=main" in on[1]
    second = text_of(client.get(on[1].replace("&amp;", "&")))
    assert re.findall(r'data-job="([^"]+)"', first + second) == jobs
    back = re.search(r'href="(/console/jobs\?[^"]+)" rel="prev"', second)
    assert back
    assert re.findall(r'data-job="([^"]+)"', text_of(client.get(back[1].replace("&amp;", "&")))) == jobs[:50]


@pytest.mark.parametrize(
    "address",
    [
        "?cursor=x",
        "?cursor=" + "A" * 5000,
        "?status=&queue=&kind=",
        "?x=1",
        "?tag=",
    ],
)
def test_an_address_that_makes_no_sense_shows_the_list(team: Team, address: str) -> None:
    job_id = team.bench.submit()
    assert listed(team, address) == [job_id]


def test_a_filter_that_cannot_be_meant_is_named_beside_its_field(team: Team) -> None:
    team.bench.submit()
    bad = {
        "queue": "../x", "kind": "a b", "priority": "urgent", "tag": "x", "payload": "x", "error": "e" * 201,
        "created_after": "yesterday", "created_before": "2026-13-01T00:00", "status": "none",
    }  # fmt: skip
    answer = team.client(Role.VIEWER).get("/console/jobs", bad)
    page = text_of(answer)
    assert answer.status_code == 422
    assert "data-job" not in page
    assert page.count('aria-invalid="true" aria-describedby="filter-errors"') == len(bad) - 1
    for name in ("Queue:", "Kind:", "Priority:", "Tag:", "Payload:", "Error:", "Submitted:", "State:"):
        assert f"<span>{name}" in page
    masked = team.client(Role.VIEWER).get("/console/jobs", {"payload": "card.pin:1234"})
    assert (masked.status_code, "is masked here" in text_of(masked)) == (422, True)


def test_errors_payloads_and_times_narrow_the_list_and_what_is_done_to_all_of_it(team: Team) -> None:
    dead = team.bench.dead_letter(payload=b'{"order":{"id":42}}')
    other = team.bench.submit(payload=b'{"order":{"id":421}}')
    at = instant(team.bench.get(dead).created_at).removesuffix("Z")
    assert listed(team, "?payload=order.id:42") == [dead]
    assert listed(team, "?error=valueERROR") == [dead]
    assert listed(team, "?error_type=ValueError") == [dead]
    assert listed(team, f"?created_after={at}&payload=payload.order.id:421") == [other]
    assert listed(team, "?created_after=2200-01-01T00:00") == []
    client = team.client(Role.OPERATOR)
    form = {"action": "cancel", "payload": "order.id:421", "created_after": "2020-01-01T00:00", "back": "/console/jobs"}
    begun = client.post("/console/operations/preview", form)["Location"]
    assert "1" in re.findall(r"<td[^>]*>([^<]*)</td>", text_of(client.get(begun)))
    assert "order.id:421" in text_of(client.get(begun))
    client.post("/console/operations/preview", {"action": "cancel", "tag": "nonsense"})
    assert "string" in notes_of(client)


def test_an_error_group_is_chosen_by_its_title_and_stays_chosen_when_it_is_forgotten(team: Team) -> None:
    known = group_on(team.bench, "no", "<b>E</b>")
    client = team.client(Role.VIEWER)
    page = text_of(client.get("/console/jobs"))
    assert f'<option value="{known}">&lt;b&gt;E&lt;/b&gt; in demo.echo (1)</option>' in page
    page = text_of(client.get(f"/console/jobs?error_group={known}&status=failed"))
    assert f'<option value="{known}" selected>' in page
    assert f'href="/console/errors/{known}"' in page
    assert f"error_group={known}" in page.partition('aria-label="State"')[2].partition("</nav>")[0], "tabs keep it"
    assert '<option value="0123456789abcdef" selected>0123456789abcdef</option>' in text_of(
        client.get("/console/jobs?error_group=0123456789abcdef")
    )


def test_a_long_search_goes_on_by_itself_until_its_bound(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_list, "MAX_LOOKED_AT", 200)
    monkeypatch.setattr(job_search, "MOST_LOOKED_AT", 400)
    monkeypatch.setattr(job_search, "MOST_MS", 60_000)
    needle = team.bench.submit("needle")
    for _ in range(3):
        team.bench.submit_all([JobSpec(kind="hay")] * 200)
    client = team.client(Role.VIEWER)
    page = text_of(client.get("/console/jobs?kind=needle"))
    assert 'data-live="none"' in page
    on = re.search(r'hx-get="([^"]+)"', page)
    assert on
    piece = text_of(client.get(html.unescape(on[1]), headers={"HX-Request": "true"}))
    assert "Looked at 400 jobs" in piece
    assert "hx-get" not in piece
    further = re.search(r'href="([^"]+)" rel="next"', piece)
    assert further
    last = text_of(client.get(html.unescape(further[1])))
    assert re.search(r'hx-get="([^"]+)"', last) is not None
    rest = text_of(client.get(html.unescape(re.findall(r'hx-get="([^"]+)"', last)[0]), headers={"HX-Request": "true"}))
    assert re.findall(r'data-job="([^"]+)"', last + rest) == [needle]


def test_the_search_leads_to_the_job_or_lists_the_kind(team: Team) -> None:
    job_id = team.bench.submit()
    client = team.client(Role.VIEWER)
    goals = {text: client.get("/console/find", {"q": text})["Location"] for text in (job_id, f" {job_id} ", "a.b", "")}
    assert goals == {
        job_id: f"/console/jobs/{job_id}",
        f" {job_id} ": f"/console/jobs/{job_id}",
        "a.b": "/console/jobs?kind=a.b",
        "": "/console/jobs",
    }


def test_each_state_says_what_there_is_to_say(team: Team) -> None:
    bench = team.bench
    bench.dead_letter()
    bench.submit(scheduled_for=4_000_000_000_000)
    bench.submit()
    bench.settle(bench.lease())
    page = text_of(team.client(Role.VIEWER).get("/console/jobs"))
    for said in ("ValueError: no", "due <time", "ran "):
        assert said in page
    assert bench.run(bench.inspector.overview(2)).queues[0].total(Status.COMPLETED) == 1


def test_a_list_is_a_file_whose_secrets_are_masked(team: Team) -> None:
    team.bench.submit(kind="other")
    job_id = team.bench.submit(kind="mail.send", payload=b'{"password":"hunter2","to":"x"}')
    client = team.client(Role.VIEWER)
    address = "/console/jobs/export?kind=mail.send&format="
    answer = client.get(address + "ndjson&content=yes")
    assert answer["Content-Disposition"].endswith('-jobs.ndjson"')
    found, end = [json.loads(line) for line in async_to_sync(_whole)(answer).splitlines()]
    assert (found["id"], found["payload"]) == (job_id, {"password": "[masked]", "to": "x"})
    assert end == {"end": {"jobs": 1, "next": None}}
    assert "payload" not in async_to_sync(_whole)(client.get(address + "csv"))
    assert [entry.after["columns"][-1] for entry in team.entries() if entry.after][:2] == ["metadata", "result"]
    assert client.get(address + "xml").status_code == 422
    assert client.get(address + "csv&payload=x").status_code == 422


async def _whole(answer: StreamingHttpResponse) -> str:
    return b"".join([piece async for piece in answer.streaming_content]).decode()


def test_columns_are_in_the_address_and_remembered_for_the_person(team: Team) -> None:
    team.bench.submit(metadata={"team": "shop"})
    client = team.client(Role.VIEWER)
    form = {"column": ["id", "tags", "nonsense"], "back": "/console/jobs?kind=demo.echo&columns=state"}
    assert client.post("/console/jobs/columns", form)["Location"] == "/console/jobs?kind=demo.echo&columns=tags%2Cid"

    def shown(client: Client, query: str = "") -> list[str]:
        return re.findall(r'<th scope="col"[^>]*>([^<]+)<', text_of(client.get(f"/console/jobs{query}")))

    assert shown(client) == ["Tags", "Whole id"]
    assert "team:shop" in text_of(client.get("/console/jobs"))
    assert shown(client, "?columns=queue") == ["Queue"]
    assert "Attempts" in shown(team.client(Role.ADMIN))
    client.post("/console/jobs/columns", {"usual": "yes", "column": "id", "back": "//evil.example"})
    assert "Attempts" in shown(client)


def test_a_view_is_kept_opened_and_shared_by_who_may(team: Team) -> None:
    query = "status=queued&kind=a.b&columns=id"
    viewer, operator = team.client(Role.VIEWER), team.client(Role.OPERATOR)
    form = {"name": "<b>mine", "query": query, "back": "/console/jobs?kind=a.b"}
    assert viewer.post("/console/jobs/views", form)["Location"] == form["back"]
    page = text_of(viewer.get("/console/jobs"))
    assert f'href="/console/jobs?{html.escape("status=queued&kind=a.b&columns=id")}">&lt;b&gt;mine' in page
    assert 'name="shared"' not in page
    assert viewer.post("/console/jobs/views", {**form, "shared": "yes"}).status_code == 403
    assert "mine" not in text_of(operator.get("/console/jobs"))
    operator.post("/console/jobs/views", {**form, "name": "ours", "shared": "yes"})
    assert "ours" in text_of(viewer.get("/console/jobs"))
    viewer.post("/console/jobs/views/remove", {"name": "ours"})
    assert "no view" in notes_of(viewer)
    viewer.post("/console/jobs/views/remove", {"name": "<b>mine"})
    assert "mine" not in text_of(viewer.get("/console/jobs")).partition('id="toasts"')[0]
    assert [entry.action for entry in team.entries()] == ["view.remove", "view.keep", "view.keep"]
