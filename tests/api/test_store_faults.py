"""The line to the store breaks at each request of each verb, on either way: the verb is done once, or refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from jobs import wiring
from jobs.access.models import AuditEntry
from jobs.api.routes import ROUTES
from jobs.domain.job import JobSpec
from jobs.domain.naming import DEFAULT_NAMESPACE
from jobs.domain.status import Status
from tests.api.conftest import MakeTenant
from tests.api.lane import LANES, Answer, Lane
from tests.api.refusals import is_problem
from tests.api.remote_worker import is_served
from tests.api.tenant import Tenant
from tests.api.verbs import VERBS, WITHOUT_STORE, Verb, difference, effect_of
from tests.backends.cutter import Cutter, Where
from tests.backends.servers import Server
from tests.patience import let_calls_wait, let_services_wait

NEVER = 1_000_000
# Far more than any verb asks the store.
MOST_REQUESTS = 30


@pytest.fixture(scope="module")
def far_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a store that is reached over a line that can be cut."""
    with Server(tmp_path_factory.mktemp("far")) as server:
        yield server


@pytest.fixture
def cutter(far_store: Server, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cutter]:
    """Return the line over which all of this process asks the store; one that is slow is no cut one."""
    let_calls_wait(monkeypatch, keep_runner=True)
    let_services_wait(monkeypatch)
    with Cutter(far_store.port) as made:
        settings.IRONFORGE_REDIS_URL = made.url
        _forget_runners()
        yield made
        _forget_runners()


def _forget_runners() -> None:
    """Let the next who asks the store find it anew, at the address that holds then."""
    for runner in (wiring.runner, wiring._memory_runner):
        if runner.cache_info().currsize:
            runner().close()
        runner.cache_clear()


@pytest.fixture(params=list(LANES))
def lane(request: pytest.FixtureRequest, cutter: Cutter, _committing_database: None) -> Iterator[Lane]:
    """Return each way in; its connections go over the line."""
    made = Lane(request.param, LANES[request.param])
    yield made
    made.carry_out(_hang_up())
    made.close()


async def _hang_up() -> None:
    for name in ("submit", "look", "claim", "settle", "keep", "report"):
        wiring.shared_channel(name, DEFAULT_NAMESPACE).close()


class Case:
    """One verb, done again and again by a tenant of its own."""

    def __init__(self, tenant: Tenant, cutter: Cutter, verb: Verb) -> None:
        self.tenant, self.cutter, self.verb = tenant, cutter, verb
        self.runs = 0

    def run(self, number: int, where: Where, times: int) -> tuple[int, dict[str, int]]:
        """Ask with the line cut at its request `number`, and once more; return the cuts, and what changed."""
        self.runs += 1
        self._empty_main()
        request = self.verb.prepare(self.tenant, str(self.runs))
        before = effect_of(self.tenant)
        self.cutter.arm(number, where, times)
        answer = self.tenant.lane.ask(request)
        self.cutter.disarm()
        cuts = self.cutter.cuts
        self.tenant.bench.check()
        assert self.verb.is_done(answer) or is_refusal(self.verb, answer), (number, where, times, answer)
        again = self.tenant.lane.ask(request)
        assert self.verb.is_done(again), (number, where, times, answer, again)
        self.verb.finish()
        self.tenant.bench.check()
        return cuts, difference(before, effect_of(self.tenant))

    def _empty_main(self) -> None:
        bench = self.tenant.bench
        bench.run(bench.operator.purge("main", f"purge-{self.runs}", bench.now() + 1_000, 0, by="test"))


def is_refusal(verb: Verb, answer: Answer) -> bool:
    """Tell whether an answer says that it can be asked again, for the whole or for a part of the jobs."""
    if answer.status == 202:
        problems = [item["problem"] for item in answer.body["items"] if "problem" in item]
        return bool(problems) and all(problem["retryable"] and problem["status"] == 503 for problem in problems)
    is_told = answer.status == 503 and int(answer.headers["retry-after"]) >= 1 and answer.body["retryable"]
    return is_told and (verb.row[0].startswith("health") or is_problem(answer))


@pytest.mark.parametrize("name", VERBS)
def test_a_verb_is_done_once_wherever_the_line_breaks(make_tenant: MakeTenant, cutter: Cutter, name: str) -> None:
    case = Case(make_tenant(), cutter, VERBS[name])
    if not is_served(case.verb.row, case.tenant.lane):
        assert case.tenant.lane.ask(case.verb.prepare(case.tenant, "1")).status == 501
        return
    _, wanted = case.run(NEVER, Where.BEFORE, 0)
    assert cutter.requests > 0
    for where in Where:
        # The first cut is mended by a second try, which the second one cuts as well.
        for times in (1, 2):
            for number in range(1, MOST_REQUESTS):
                cuts, changed = case.run(number, where, times)
                assert changed == wanted, (number, where, times)
                if not cuts:
                    break
            else:
                raise AssertionError("the verb asks the store without end")


def test_every_route_is_cut_or_asks_no_store(make_tenant: MakeTenant, cutter: Cutter) -> None:
    routes = {(route.name, method) for route in ROUTES for method in route.actions or ("GET",)}
    assert {verb.row for verb in VERBS.values()} | set(WITHOUT_STORE) == routes
    assert {verb.row for verb in VERBS.values()} & set(WITHOUT_STORE) == set()
    tenant = make_tenant()
    for (_, method), target in WITHOUT_STORE.items():
        cutter.arm(1, Where.BEFORE, NEVER)
        answer = tenant.ask(method, target)
        cutter.disarm()
        assert (cutter.requests, answer.status < 500) == (0, True), target


def test_a_purge_that_loses_the_store_half_way_leaves_a_record_of_what_it_deleted(
    make_tenant: MakeTenant, cutter: Cutter
) -> None:
    tenant = make_tenant()
    bench = tenant.bench
    bench.submit(queue="warm-up")
    # The store knows the script from here on, so that each call is one request.
    assert tenant.ask("POST", "/queues/warm-up/purge", {"confirm": "warm-up"}).status == 200
    bench.submit_all([JobSpec(kind="k")] * 200)
    bench.submit_all([JobSpec(kind="k")] * 50)
    # The first request looks the queue up, each that follows deletes some.
    cutter.arm(3, Where.BEFORE, 2)
    answer = tenant.ask("POST", "/queues/main/purge", {"confirm": "main"})
    cutter.disarm()
    assert (answer.status, answer.code) == (503, "store_unavailable")
    assert bench.depth(Status.QUEUED) == 50
    (entry,) = AuditEntry.objects.filter(namespace=tenant.name, target_id="main")
    assert entry.after == {"purged": 200, "code": "store_unavailable"}
    assert tenant.ask("POST", "/queues/main/purge", {"confirm": "main"}).body["purged"] == 50
