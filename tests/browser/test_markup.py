"""Whatever a program, a handler or a person wrote is shown as text, never as markup."""

from __future__ import annotations

import json

from playwright.sync_api import expect

from jobs.domain.job import JobError
from jobs.domain.naming import DELIVERY_QUEUE
from jobs.domain.outcome import OutcomeKind
from jobs.domain.queue import WorkerRecord
from tests.api.error_things import group_on
from tests.browser.conftest import OpenWindow, Place, Site

EVIL = """"><img src=x onerror=alert(1)></script><svg/onload=alert(2)>{{7*7}}{% now 'Y' %}javascript:alert(3)"""


def test_no_text_becomes_markup_on_any_page(site: Site, place: Place, open_window: OpenWindow) -> None:
    bench = place.bench
    payload = json.dumps({EVIL: EVIL, "list": [EVIL]}).encode()
    job_id = bench.submit(payload=payload, max_retries=0, metadata={EVIL[:60]: EVIL}, webhook="https://8.8.8.8/")
    error = JobError(EVIL, EVIL, f'Traceback\n  File "{EVIL[2:40]}", line 1, in {EVIL}\n    {EVIL}\n')
    bench.settle(bench.lease(worker=EVIL), OutcomeKind.FAILED, error=error)
    bench.settle(bench.lease(queues=(DELIVERY_QUEUE,)), OutcomeKind.FAILED, error=error)
    bench.run(bench.operator.pause("main", by=EVIL, reason=EVIL))
    worker = WorkerRecord(
        id=EVIL, host=EVIL, pid=1, version=EVIL, queues=(EVIL,), kinds=(EVIL,), concurrency=1, busy=0, started_at=1,
        status=EVIL,
    )  # fmt: skip
    group_on(bench, EVIL, EVIL)
    window = open_window(site, place.admin)
    window.expect_fault("422")
    page = window.go("/console/dead-letters")
    page.get_by_role("link", name=EVIL).click()
    expect(page.locator(f"#job-{job_id}")).to_contain_text(EVIL)
    paths = [
        "/console/",
        "/console/jobs",
        "/console/dead-letters",
        "/console/queues",
        "/console/workers",
        "/console/webhooks",
    ]
    for path in [*paths, f"/console/jobs/{job_id}", f"/console/jobs?kind={EVIL}&tag={EVIL}&queue={EVIL}"]:
        # One that is not heard for half a minute is shown no more.
        bench.run(bench.consumer.heartbeat(worker))
        window.go(path)
        expect(page.locator("#page")).to_contain_text(EVIL[:40] if "kind=" not in path else "Nothing here")
        assert page.locator("#page img, #page svg[onload], #page script, #page [onerror]").count() == 0
        assert page.get_by_text("49javascript").count() == 0
    page.goto(f"/console/jobs/{job_id}")
    page.get_by_text("Whole traceback").click()
    expect(page.locator("pre")).to_contain_text(EVIL)
    page.goto("/console/queues")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#queue-main")).not_to_contain_text("Paused")
