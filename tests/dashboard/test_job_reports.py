"""What a running job says of itself, on its page: progress, log and checkpoint, as text and nothing else."""

from __future__ import annotations

import pytest

from jobs.access.scopes import Role
from jobs.domain.report import Report, ReportLine
from tests.dashboard.conftest import Team, text_of

HOSTILE = ('"><svg onload=alert(1)>', "{{7*7}}", "</script><script>x</script>", "\u202egnp.exe", "a\x1b[31mb")


def said(team: Team, **more: object) -> str:
    """Have a running job say something; return its id."""
    job_id = team.bench.submit()
    lease = team.bench.lease()
    report = Report(job_id=job_id, token=lease.token, **more)  # type: ignore[arg-type]
    assert team.bench.run(team.bench.consumer.report([report])) == [True]
    return job_id


def page_of(team: Team, job_id: str, role: Role = Role.VIEWER) -> str:
    return text_of(team.client(role).get(f"/console/jobs/{job_id}"))


def test_progress_log_and_checkpoint_are_shown(team: Team) -> None:
    lines = (ReportLine(0, "info", "begun"), ReportLine(0, "warning", "slow"))
    page = page_of(
        team, said(team, fraction=0.256, text="rows", lines=lines, checkpoint=b'{"row": 7, "token": "t0p-secret"}')
    )
    assert "26 %" in page
    assert 'width="26%"' in page
    for text in ("rows", "begun", "slow", "warning", "Checkpoint", "row"):
        assert text in page
    assert "t0p-secret" not in page, "what looks like a secret is masked here too"


def test_the_log_is_shown_whole_or_of_one_attempt(team: Team) -> None:
    job_id = team.bench.submit(max_retries=2)
    for text in ("of the first", "of the second"):
        team.bench.advance(300_000)
        lease = team.bench.lease()
        report = Report(job_id=job_id, token=lease.token, lines=(ReportLine(0, "info", text),))
        assert team.bench.run(team.bench.consumer.report([report])) == [True]
        team.bench.fail(lease)
    client = team.client(Role.VIEWER)
    address = f"/console/jobs/{job_id}"
    shown = {asked: text_of(client.get(address + asked)) for asked in ("", "?log=1", "?log=2", "?log=3", "?log=x")}
    found = {asked: ("of the first" in page, "of the second" in page) for asked, page in shown.items()}
    assert found == {
        "": (True, True), "?log=1": (True, False), "?log=2": (False, True), "?log=3": (False, False),
        "?log=x": (True, True),
    }  # fmt: skip


def test_the_list_shows_how_far_running_jobs_are(team: Team) -> None:
    job_id = said(team, fraction=0.997, text="rows")
    page = text_of(team.client(Role.VIEWER).get("/console/jobs"))
    assert 'width="99%"' in page, "not all is done"
    assert 'title="rows"' in page
    team.bench.cancel(job_id, running=True)
    team.bench.advance(1_000_000)
    team.bench.run(team.bench.maintainer.reap())
    assert "how-far" not in text_of(team.client(Role.VIEWER).get("/console/jobs")), "it runs no more"


def test_a_job_that_says_nothing_has_no_progress_and_an_empty_log(team: Team) -> None:
    job_id = said(team, number=1)
    page = page_of(team, job_id)
    assert 'id="progress-title"' not in page
    assert "No attempt wrote anything down" in page
    assert "Log</h2>" not in page_of(team, team.bench.submit())


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_said_stays_text(team: Team, text: str) -> None:
    page = page_of(team, said(team, fraction=0.5, text=text, lines=(ReportLine(0, "info", text),)))
    page += text_of(team.client(Role.VIEWER).get("/console/jobs"))
    for mark in ("<svg onload", ">49<", "<script>x", "\u202e", "\x1b"):
        assert mark not in page


def test_only_the_newest_lines_are_shown(team: Team) -> None:
    lines = tuple(ReportLine(0, "info", f"line-{number};") for number in range(150))
    job_id = team.bench.submit()
    lease = team.bench.lease()
    for _ in range(2):
        team.bench.run(team.bench.consumer.report([Report(job_id=job_id, token=lease.token, lines=lines)]))
    page = page_of(team, job_id)
    assert page.count("line-149;") == 2
    assert page.count("line-0;") == 1
    assert "the last 200 lines; 100 older ones by API" in page
