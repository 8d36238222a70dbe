"""The page of limits: what they let through and hold back, and the acts that open and close a circuit."""

from __future__ import annotations

import re

from jobs.access.scopes import Role
from jobs.backends.redis.limits import RedisLimits
from jobs.domain.circuit import Circuit, RetryBudget
from jobs.domain.job import JobSpec
from jobs.domain.limit import Limit, LimitBy, Rate
from tests.dashboard.conftest import Team, notes_of, text_of
from tests.dashboard.test_job_page import page_of

OPEN, CLOSE = "/console/limits/mail/open", "/console/limits/mail/close"


def limit(team: Team, *terms: Limit) -> None:
    for one in terms:
        team.bench.run(RedisLimits([team.bench.keys]).put(one))


def test_limits_say_what_they_let_through_and_what_they_hold_back(team: Team) -> None:
    rate = Rate(5, 60_000, burst=2)
    of_keys = Limit(by=LimitBy.KEY, name="shop", concurrency=2, path="payload.shop_id")
    budget = Limit(name="crm.update", retry_budget=RetryBudget())
    limit(team, Limit(name="demo.echo", concurrency=1, rate=rate, set_by="session:ada"), of_keys, budget)
    for _ in range(3):
        team.bench.submit()
    (lease,) = team.bench.claim(3).leases
    page = text_of(team.client(Role.VIEWER).get("/console/limits"))
    words = " ".join(re.sub("<[^>]+>", " ", page).split())
    assert "1 at once 5 starts in 1 min, 2 together" in words
    assert "1 of 1 run 1 start left" in words
    assert "0 of 10 retries used in 1 min" in words
    assert "retries for 20 % of first attempts and 10 a minute" in page
    assert "payload.shop_id" in page
    assert page.index("demo.echo") < page.index("crm.update") < page.index("each key<")
    assert '<td data-label="Held back" class="r">2</td>' in page
    held = text_of(team.client(Role.VIEWER).get("/console/limits?of=kind:demo.echo"))
    assert f'href="/console/jobs/{lease.job.id}"' in held
    for nothing in ("kind:crm.update", "kind:none", "queue:", "key:shop", "x"):
        page = text_of(team.client(Role.VIEWER).get(f"/console/limits?of={nothing}"))
        assert ("Places of" in page) == (nothing == "kind:crm.update")


def test_an_operator_opens_a_circuit_with_a_reason_sees_it_everywhere_and_closes_it(team: Team) -> None:
    limit(team, Limit(name="mail", circuit=Circuit(), set_by="code"))
    viewer, operator = team.client(Role.VIEWER), team.client(Role.OPERATOR)
    assert "Open the circuit" not in text_of(viewer.get("/console/limits"))
    assert "Open the circuit of mail?" in text_of(operator.get("/console/limits"))
    assert "circuit of the kind" not in text_of(operator.get("/console/"))
    assert viewer.post(OPEN).status_code == 403
    operator.post("/console/limits/crm.update/open")
    assert "has no circuit" in notes_of(operator)
    assert operator.post(OPEN, {"reason": "<relay> moves\x00"}).status_code == 303
    held = team.bench.submit("mail")
    team.bench.claim()
    person = team.people[Role.OPERATOR].username
    assert f"by {person}: &lt;relay&gt; moves" in text_of(viewer.get("/console/limits"))
    assert "the circuit of the kind is open; 1 job waits" in text_of(viewer.get("/console/"))
    page = page_of(team, held)
    assert "Jobs of this kind wait: its circuit is open." in page
    assert "held back by a limit" not in page
    assert "<dt>Limit</dt>" not in page
    assert viewer.post(CLOSE).status_code == 403
    assert operator.post(CLOSE).status_code == 303
    assert len(team.bench.claim().leases) == 1
    assert "circuit of the kind" not in text_of(viewer.get("/console/"))
    assert [(entry.action, entry.target_id, entry.reason) for entry in team.entries()] == [
        ("circuit.turn", "mail", ""),
        ("circuit.turn", "mail", "<relay> moves"),
    ]


def test_an_operator_sets_changes_and_ends_a_limit_and_its_circuit_stays(team: Team) -> None:
    limit(team, Limit(name="mail", circuit=Circuit(), set_by="code"))
    viewer, operator = team.client(Role.VIEWER), team.client(Role.OPERATOR)
    assert "New limit" not in text_of(viewer.get("/console/limits"))
    assert "Change the limit" not in text_of(viewer.get("/console/limits?of=kind:mail"))
    form = {"by": "kind", "name": "mail", "concurrency": "3", "starts": "60", "period_ms": "1500", "burst": ""}
    assert viewer.post("/console/limits/set", form).status_code == 403
    assert operator.post("/console/limits/set", form | {"reason": "the relay is slow"}).status_code == 303
    (use,) = team.bench.run(RedisLimits([team.bench.keys]).all())
    assert (use.limit.concurrency, use.limit.rate, use.limit.circuit) == (3, Rate(60, 1500), Circuit())
    page = text_of(operator.get("/console/limits?of=kind:mail"))
    assert 'name="period_ms" type="number" min="1" max="86400000" value="1500"' in page
    for wrong in ({"concurrency": "many"}, {"concurrency": "0"}, {"starts": "9999999"}, {"name": "No name"}):
        operator.post("/console/limits/set", form | wrong)
        assert "is limited as it says now" not in notes_of(operator)
    assert operator.post("/console/limits/set", {"by": "queue", "name": "media", "concurrency": "2"}).status_code == 303
    for path in ("queues/media", "mail"):
        assert viewer.post(f"/console/limits/{path}/end").status_code == 403
        assert operator.post(f"/console/limits/{path}/end").status_code == 303
    assert "Nothing is limited" in text_of(operator.get("/console/limits"))
    acts = [(entry.action, entry.target_kind) for entry in team.entries() if entry.action.startswith("limit.")]
    assert sorted(acts) == sorted(
        [("limit.set", "limit"), ("limit.set", "queue-limit"), ("limit.drop", "queue-limit"), ("limit.drop", "limit")]
    )


def test_a_queue_says_what_limits_it(team: Team) -> None:
    limits = RedisLimits([team.bench.keys])
    assert team.bench.run(limits.put(Limit(name="main", by=LimitBy.QUEUE, concurrency=2, set_by="x"))) == "set"
    team.bench.submit_all([JobSpec(kind="demo.echo")] * 5)
    team.bench.claim(5)
    page = " ".join(text_of(team.client(Role.VIEWER).get("/console/queues")).split())
    assert "2 of 2 at once, 3 held" in page
