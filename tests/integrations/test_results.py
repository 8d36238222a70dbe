"""Waiting for a job that Python code enqueued."""

from __future__ import annotations

import asyncio

import pytest

from jobs.domain.errors import NotFound
from jobs.domain.identity import IdentityMaker
from jobs.domain.status import Status
from jobs.integrations.queue import aenqueue, enqueue
from jobs.integrations.results import JobFailed, ajob_status, await_result, job_status, wait_for
from tests.integrations.conftest import worker_on
from tests.stores import Bench
from tests.workers.conftest import registry  # noqa: F401 (a fixture)
from workers.registry import Registry


def test_a_program_waits_for_what_a_handler_returns(space: Bench, registry: Registry) -> None:  # noqa: F811
    async def scenario() -> object:
        job_id = await aenqueue("echo", [1])
        value = await await_result(job_id)
        assert await ajob_status(job_id) is Status.COMPLETED
        return value

    with worker_on(space, registry):
        assert wait_for(enqueue("echo", {"a": 1})) == {"a": 1}
        assert wait_for(enqueue("echo")) is None
        assert asyncio.run(scenario()) == [1]
        with pytest.raises(JobFailed, match="no use") as failed:
            wait_for(enqueue("discard"))
        assert failed.value.job.reason == "discard"


def test_a_program_waits_no_longer_than_it_wants(space: Bench) -> None:
    job_id = enqueue("echo")
    assert job_status(job_id) is Status.QUEUED
    with pytest.raises(TimeoutError, match="queued"):
        wait_for(job_id, 0.05)
    space.cancel(job_id)
    with pytest.raises(JobFailed, match="cancelled"):
        wait_for(job_id)
    unknown = IdentityMaker().make()
    assert job_status(unknown) is None
    with pytest.raises(NotFound):
        wait_for(unknown)
