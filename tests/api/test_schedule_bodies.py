"""Bodies of schedules that nobody would write: made or refused with a place, never an error of ours."""

from __future__ import annotations

from contextlib import suppress
from itertools import islice

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jobs.domain.errors import InvalidInput
from jobs.domain.schedule import Timing
from jobs.domain.schedule_body import OWN_FIELDS, TIMING_FIELDS, read_draft, read_timing
from jobs.services import schedules
from tests.api.tenant import Tenant
from tests.api.test_schedules import EVERY, make

NOW_MS = 1_764_000_000_000
FIELDS = sorted(OWN_FIELDS | {"kind", "payload", "queue", "webhook", "reason", "count", "unique", "x\0"})
CRONS = ["", " ", "\t", "@", "@daily", "@reboot", "* * * * *", "0 0 30 2 *", "* * * * *\n", "*/0 * * * *", "L L L L L",
         "0 0 L 2 *", "0 0 29 2 MON#5", "60 * * * *", "-1 * * * *", "0 0 1-0 * *", "٣ * * * *"]  # fmt: skip
ODD = [None, True, False, 0, -1, 1, 1_000, 2**31, 2**63, 10**400, 0.5, 1e300, "", " ", "UTC", "utc", "Europe/Paris",
       "/etc", "Europe", "posixrules", "\0", "a" * 300, "all", "skip", "2026-12-01T00:00:00Z", "2026-13-01T00:00:00Z",
       "9999-12-31T23:59:59Z", [], {}, ["a"], {"a": 1}]  # fmt: skip
values = st.sampled_from(ODD + CRONS) | st.text(max_size=12) | st.text(alphabet="0123456789*/,-#LW MON", max_size=16)
bodies = st.dictionaries(st.sampled_from(FIELDS), values, max_size=6)
nearly = st.builds(
    lambda timing, rest: {"name": "a", "kind": "k", **rest, **timing},
    st.tuples(st.sampled_from(sorted(TIMING_FIELDS)), values).map(lambda it: dict([it])),
    bodies,
)


def judge(body: dict[str, object]) -> None:
    """Fail unless the body is refused with its problems, or the timing that it names is one that fires."""
    known = TIMING_FIELDS | {"timezone"}
    timings: list[Timing] = []
    with suppress(InvalidInput):
        timings.append(read_draft(body, now_ms=NOW_MS).timing)
    with suppress(InvalidInput):
        timings.append(read_timing({name: it for name, it in body.items() if name in known}, known, now_ms=NOW_MS))
    for timing in timings:
        coming = list(islice(timing.instants_after(NOW_MS), 3))
        assert coming == sorted(set(coming))
        assert coming[0] > NOW_MS


@settings(max_examples=300, deadline=None)
@given(nearly | bodies)
@example({"name": "a", "kind": "k", "cron": ""})
def test_no_body_of_a_schedule_surprises_its_reader(body: dict[str, object]) -> None:
    judge(body)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_many_more_bodies_of_schedules_surprise_no_reader() -> None:
    settings(max_examples=20_000, deadline=None)(given(nearly | bodies)(judge))()


SENT: tuple[tuple[str, list[object]], ...] = (
    ("cron", ["", " ", "@", "0 0 30 2 *", "* * * * *\n", "\0", 7, [], "a" * 300]),
    ("every_ms", ["", 0, -1, 2**62, 0.5, True, {}]),
    ("at", ["", "2026-13-01T00:00:00Z", "9999-12-31T23:59:59Z", 0]),
    ("timezone", ["", "Europe", "/etc", "\0", 7]),
)


@pytest.mark.parametrize(("field", "sent"), SENT, ids=[field for field, _ in SENT])
def test_each_way_to_send_a_timing_refuses_what_is_none(tenant: Tenant, field: str, sent: list[object]) -> None:
    assert tenant.ask("POST", "/schedules", {"name": "pulse", "every_ms": 60_000, "kind": "k"}).status == 201
    beside = {"cron": "@daily"} if field == "timezone" else {}
    for value in sent:
        for method, path, rest in (
            ("POST", "/schedules", {"name": "other", "kind": "k"}),
            ("PUT", "/schedules/pulse", {"kind": "k"}),
            ("PATCH", "/schedules/pulse", {}),
            ("POST", "/schedules/preview", {}),
        ):
            answer = tenant.ask(method, path, {**rest, **beside, field: value})
            assert answer.status == 422, (method, path, field, value, answer)
            assert {it["pointer"] for it in answer.body["errors"]} <= {f"/{field}", ""}, answer


def test_a_namespace_has_room_for_so_many_schedules_and_so_much_in_them(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tenant, payload="x" * 100)
    for bound, most, code in (
        ("MAX_JOBS_LENGTH", 250, "schedules_too_large"),
        ("MAX_SCHEDULES", 1, "too_many_schedules"),
    ):
        monkeypatch.setattr(schedules, bound, most)
        refused = tenant.ask("POST", "/schedules", {**EVERY, "name": "more", "payload": "x" * 100})
        assert (refused.status, refused.code) == (422, code)
    assert tenant.ask("PATCH", "/schedules/pulse", {"payload": "y" * 180}).status == 200
    assert tenant.ask("PATCH", "/schedules/pulse", {"payload": "y" * 250}).code == "schedules_too_large"
    assert tenant.ask("GET", "/schedules/pulse").body["job"]["payload"] == "y" * 180
