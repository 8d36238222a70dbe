"""The page of a job that waits says which limit holds its kind back."""

from __future__ import annotations

from jobs.backends.redis.limits import RedisLimits
from jobs.domain.limit import Limit, Rate
from tests.dashboard.conftest import Team
from tests.dashboard.test_job_page import page_of


def test_a_job_that_is_held_back_says_so_and_one_that_runs_shows_the_limit(team: Team) -> None:
    limit = Limit(name="mail", concurrency=1, rate=Rate(5, 60_000), set_by="session:ada")
    team.bench.run(RedisLimits([team.bench.keys]).put(limit))
    running, held = team.bench.submit("mail"), team.bench.submit("mail")
    other = team.bench.submit("other")
    assert "held back" not in page_of(team, held)
    team.bench.claim(2)
    page = page_of(team, held)
    assert "Jobs of this kind are held back by a limit." in page
    assert "1 of 1 run. 5 may start in 1 min. 1 job waits" in page
    assert "Set by ada" in page
    page = page_of(team, running)
    assert "held back" not in page
    assert "1 of 1 running; 5 starts in 1 min" in page
    assert "<dt>Limit</dt>" not in page_of(team, other)
