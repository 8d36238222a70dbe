"""A job is delivered by a real worker, and again when that worker is killed while its receiver thinks."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from jobs.backends.redis.backend import RedisBackend
from jobs.backends.redis.connection import connect
from jobs.backends.redis.embedded.address import locate
from jobs.backends.redis.runner import SyncRunner
from jobs.domain.endpoint import Endpoint, Secret
from jobs.domain.signature import new_secret
from tests.journeys.installation import installation
from tests.receiver import json_answer, receiver
from tests.stores import PATIENCE_S
from tests.waiting import WAIT_S, until

pytestmark = pytest.mark.journey


def test_a_delivery_whose_worker_is_killed_is_made_again(data_dir: Path) -> None:
    silence = threading.Event()
    answer = json_answer("200 OK", b'{"printed":true}')
    with (
        receiver(lambda *_: _stay_silent(silence), answer) as there,
        installation(data_dir, IRONFORGE_LEASE_MS="1000", IRONFORGE_PUSH_ALLOW="127.0.0.0/8") as running,
    ):
        _bind(data_dir, there.url)
        job_id = running.api.submit("print", {"page": 1})
        until(lambda: len(there.requests) == 1)
        running.kill("worker")
        job = running.api.completed(job_id)
        silence.set()
    assert job["result"] == {"printed": True}
    assert [attempt["outcome"] for attempt in job["attempts"]] == ["lost_lease", "completed"]
    assert [received.body for received in there.requests] == [b'{"page":1}'] * 2
    assert len({received.headers["webhook-id"] for received in there.requests}) == 1
    assert len({received.headers["ironforge-lease-token"] for received in there.requests}) == 2


def _bind(data_dir: Path, url: str) -> None:
    client = connect(locate(data_dir).url, "journey", PATIENCE_S)
    endpoint = Endpoint(kind="print", url=url, secrets=(Secret(new_secret()),))
    assert SyncRunner(client).run(RedisBackend().endpoints("default").bind(endpoint, None)) == "bound"
    client.close()


def _stay_silent(silence: threading.Event) -> None:
    silence.wait(WAIT_S)
