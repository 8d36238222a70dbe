"""The page of queues says which are fair, the page of one what stands in it, how long it takes and who takes it."""

from __future__ import annotations

import re
import time

import msgspec

from jobs.access.history import HistoryPoint
from jobs.access.scopes import Role
from jobs.backends.redis.limits import RedisLimits
from jobs.backends.redis.sharing import RedisSharing
from jobs.domain.history import Moment, QueueMoment
from jobs.domain.job import JobSpec
from jobs.domain.limit import Limit, LimitBy
from jobs.domain.sharing import Share
from tests.backends.test_heartbeat import record
from tests.dashboard.conftest import MakeTeam, Team, text_of


def test_a_fair_queue_says_whose_turns_are_more(team: Team) -> None:
    for queue in ("plain", "even", "gold"):
        team.bench.submit(queue=queue)
    sharing = RedisSharing([team.bench.keys])
    weights = (("acme", 3), ("gold-*", 2), ("<b>", 4), ("more", 5))
    team.bench.run(sharing.put("even", Share()))
    team.bench.run(sharing.put("gold", Share(weights=weights)))
    page = text_of(team.client(Role.VIEWER).get("/console/queues"))
    assert page.count("keys take turns") == 2
    assert "keys take turns: acme 3, gold-* 2, &lt;b&gt; 4 …" in page
    assert "keys take turns<" in page


def test_one_queue_tells_what_stands_in_it_how_long_jobs_took_and_who_takes_them(team: Team) -> None:
    bench = team.bench
    bench.submit_all([JobSpec(kind="k", queue="mail") for _ in range(3)])
    bench.lease(queues=("mail",))
    bench.run(RedisLimits([bench.keys]).put(Limit(by=LimitBy.QUEUE, name="mail", concurrency=7)))
    bench.run(bench.consumer.heartbeat(record(queues=("mail", "other"), host="box-1")))
    page = said(team, Role.VIEWER)
    assert re.search(r"Ready 2 the oldest for .* Running 1 1 worker ", page)
    assert "1 of 7 at once" in page
    assert "box-1" in page
    assert "Purge" not in page
    assert "Wait – – – Run – – –" in page, "nothing was written down yet"
    moment = Moment(queues={"mail": QueueMoment(completed=4, waits={"0.5": 4}, runs={"30": 4})})
    for ago_s in (600, 4_200):
        at = int(time.time()) // 60 * 60 - ago_s
        text = msgspec.json.encode(moment).decode()
        HistoryPoint.objects.create(namespace=bench.namespace, step_s=60, at=at, moment=text)
        moment.queues["mail"].waits = {"0.25": 4}
    page = said(team, Role.OPERATOR)
    assert "Wait 375 ms 488 ms +101 % 498 ms Run 20 s 29 s 30 s" in page
    assert "Type mail to confirm" in page


def test_a_queue_that_is_none_is_not_found_and_one_without_workers_says_so(make_team: MakeTeam) -> None:
    ours, theirs = make_team(), make_team()
    theirs.bench.submit(queue="theirs")
    ours.bench.submit(queue="alone")
    client = ours.client(Role.ADMIN)
    assert [client.get(f"/console/queues/{name}").status_code for name in ("theirs", "none", "A b", "alone")] == [
        *(404, 404, 404, 200)
    ]
    assert "No live worker takes jobs of this queue" in text_of(client.get("/console/queues/alone"))


def said(team: Team, role: Role) -> str:
    """Return the words of the page of the queue `mail`."""
    page = text_of(team.client(role).get("/console/queues/mail"))
    return " ".join(re.sub(r"<[^>]+>", " ", page[page.index("<h1>") :]).split())
