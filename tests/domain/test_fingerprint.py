"""Which failures are alike."""

from __future__ import annotations

import pytest

from jobs.domain.error_group import MAX_JOBS_NAMED, MAX_TOLD, ErrorTally
from jobs.domain.fingerprint import frames_of, plain_message, site_of, where_of
from jobs.domain.job import JobError
from jobs.domain.status import Status

PYTHON = """Traceback (most recent call last):
  File "/usr/lib/python3.11/asyncio/runners.py", line 190, in run
    return runner.run(main)
  File "/srv/app-{release}/shop/orders.py", line {line}, in charge
    gateway.pay(order)
  File "/srv/venv/lib/python3.11/site-packages/gateway/client.py", line 7, in pay
    raise Declined("order {number}")
gateway.Declined: order {number}
"""
NODE = """Error: no such user
    at findUser (/srv/app/users.js:{line}:11)
    at Object.run (/srv/app/worker.js:9:3)
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)"""
RUBY = "orders.rb:{line}:in `charge'\n/gems/sidekiq/processor.rb:1:in `run'"


@pytest.mark.parametrize("text", [PYTHON, NODE, RUBY])
def test_failures_of_one_place_are_alike_whatever_the_line_and_the_message(text: str) -> None:
    one, other = (
        site_of(JobError("E", f"order {number}", text.format(line=number, number=number, release=number)))
        for number in (12, 977)
    )
    assert one == other
    elsewhere = text.format(line=12, number=12, release=1).replace("charge", "refund").replace("findUser", "findShop")
    assert one != site_of(JobError("E", "order 12", elsewhere))


def test_the_place_is_the_innermost_one_of_the_application() -> None:
    assert where_of(PYTHON.format(line=1, number=1, release=1)) == "shop/orders.py in charge"
    assert frames_of(NODE.format(line=1)) == ["app/users.js in findUser", "app/worker.js in Object.run"]
    assert where_of(RUBY.format(line=1)) == "orders.rb in `charge'"
    assert where_of("no frames here") == ""


def test_without_frames_a_message_counts_but_for_what_differs_each_time() -> None:
    first = plain_message(
        "order 12 of 'ann' <ann@example.com> at 0xdeadbeef1: 019a9c4e-7c1f-7d3a-9b1e-5f0c2a7d4e00 gone\nmore"
    )
    second = plain_message(
        "order 977 of 'bob b.' <bob@example.org> at 0x1111111: 019a9c4e-0000-7d3a-9b1e-5f0c2a7d4e01 gone"
    )
    assert first == second == "order # of # <#> at #: # gone"
    assert plain_message("no such user") != plain_message("no such order")


def test_a_tally_counts_by_version_and_keeps_its_bounds() -> None:
    tally = ErrorTally()
    for number in range(MAX_JOBS_NAMED + 5):
        tally.note("k", f"j{number}", JobError("E", f"order {number}"), Status.FAILED, "1" if number % 2 else "2")
    untold = tally.take()
    tally.note("k", "last", JobError("E", "order 99"), Status.DEAD_LETTER, "2")
    tally.put_back(untold)
    (blame,) = tally.take()
    assert (blame.versions, blame.status, blame.message) == ({"2": 14, "1": 12}, Status.DEAD_LETTER, "order 99")
    assert len(blame.job_ids) == MAX_JOBS_NAMED
    assert blame.job_ids[-1] == "last"
    for number in range(MAX_TOLD + 5):
        tally.note(f"k{number}", "j", JobError("E"), Status.FAILED, "")
    assert len(tally.take()) == MAX_TOLD
    assert len(tally) == 0
