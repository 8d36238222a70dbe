"""The reference workers pass the conformance kit, and the kit finds what a bad worker does wrong."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ironforge_client import Job
from ironforge_client.client import Client
from ironforge_client.conformance import leases, stage, suite
from ironforge_client.conformance.stage import Stage
from ironforge_client.conformance.suite import chosen, play_all
from ironforge_client.connection import Place
from tests.journeys.installation import Installation
from tests.processes.running import ROOT
from tests.waiting import until

pytestmark = pytest.mark.journey

WORKERS = ROOT / "examples" / "workers"
# What takes a moment only; the rest is the long form.
SHORT = (
    *(case.name for case in chosen([]) if case.is_gentle),
    "cancel",
    "late settlement",
    "lost answer to a claim",
    "reconnect",
    "SIGTERM with a long job",
    "SIGTERM while the server is away",
    "SIGTERM before the server answers",
)


def command(language: str, folder: Path) -> list[str]:
    """Return the command line of a reference worker; skip where its language is not there."""
    needed = {"python": [], "node": ["node"], "bash": ["bash", "curl", "jq"], "go": ["go"]}[language]
    for program in needed:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    if language == "go":
        built = folder / "worker"
        subprocess.run(["go", "build", "-o", str(built), "./worker.go"], cwd=WORKERS / "go", check=True, timeout=100)
        return [str(built)]
    return {
        "python": [sys.executable, str(WORKERS / "python" / "worker.py")],
        "node": ["node", str(WORKERS / "node" / "worker.mjs")],
        "bash": ["bash", str(WORKERS / "bash" / "worker.sh")],
    }[language]


def judge(url: str, argv: list[str], names: tuple[str, ...]) -> None:
    """Fail with the reasons of all cases that were not passed. A shell starts a process for all that it does."""
    at_once = 3 if argv[0] == "bash" else 8
    cases = [case for case in chosen([]) if case.name in names]
    assert len(cases) == len(names)
    verdicts = play_all(Place(url), argv, cases, at_once, lambda verdict: None)
    failed = [f"{verdict.case.name}: {verdict.reason}\n{verdict.output}" for verdict in verdicts if verdict.reason]
    assert not failed, "\n".join(failed)


# By so much this machine may be slower than one on which a user tries a worker.
SLOWER = 3
LEASE_MS = 6_000


class Patient(Stage):
    """A stage that gives a program more time, and leases that outlast a machine's standing still."""

    def final(self, job_id: str, within_s: float = 10.0) -> Job:
        return super().final(job_id, SLOWER * within_s)

    def until(self, condition: Callable[[], bool], what: str, within_s: float = 10.0) -> None:
        super().until(condition, what, SLOWER * within_s)


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "Stage", Patient)
    for module in (stage, leases):
        monkeypatch.setattr(module, "LEASE_MS", LEASE_MS)


@pytest.fixture(autouse=True)
def _sdk_in_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


# A shell is slow on a busy machine, and Go has to be compiled first.
SLOW = [pytest.param(language, marks=pytest.mark.long) for language in ("bash", "go")]


@pytest.mark.parametrize("language", ["python", "node", *SLOW])
def test_a_reference_worker_passes_the_usual_cases(language: str, url: str, tmp_path: Path) -> None:
    judge(url, command(language, tmp_path), SHORT)


@pytest.mark.long
@pytest.mark.parametrize("language", ["python", "node", "bash", "go"])
def test_a_reference_worker_passes_the_other_cases(language: str, url: str, tmp_path: Path) -> None:
    others = tuple(case.name for case in chosen([]) if case.name not in SHORT)
    judge(url, command(language, tmp_path), others)


BAD_WORKER = """
import json, os, time, urllib.request
def post(path, body):
    request = urllib.request.Request(os.environ["IRONFORGE_URL"] + path, json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)
queues = os.environ["IRONFORGE_QUEUES"].split(",")
me = post("/workers", {"queues": queues})["worker_id"]
while True:
    for lease in post("/leases", {"worker_id": me, "queues": queues, "wait_ms": 5000})["leases"]:
        key = {"job_id": lease["job_id"], "lease_token": lease["lease_token"]}
        post("/leases/settle", {"settlements": [{**key, "outcome": "completed", "result": "always"}]})
"""


def test_the_kit_tells_what_a_bad_worker_does_wrong(running: Installation, tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text(BAD_WORKER)
    kit = [sys.executable, "-m", "ironforge_client.conformance", "--url", f"http://127.0.0.1:{running.api.port}"]
    only = ["--only", "discard", "--only", "dead letter"]
    ran = subprocess.run(
        [*kit, *only, "--", sys.executable, str(bad)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert ran.returncode == 1, ran.stdout + ran.stderr
    marks = {line[6:38].strip(): line[:4] for line in ran.stdout.splitlines() if line[:4] in ("pass", "FAIL")}
    assert marks == dict.fromkeys(("discard", "dead letter"), "FAIL")
    assert "status and attempts is ('completed', 1), not ('dead_letter', 1)" in ran.stdout


def test_the_kit_leaves_no_open_jobs_and_no_dead_letters(running: Installation) -> None:
    place = Place(f"http://127.0.0.1:{running.api.port}")
    argv = [sys.executable, str(WORKERS / "python" / "worker.py")]
    verdicts = play_all(place, argv, chosen(["discard", "SIGTERM with a long job"]), 2, lambda verdict: None)
    assert [verdict.reason for verdict in verdicts] == ["", ""]
    with Client(place.base_url) as client:
        left = lambda: [job for job in client.list() if job.queue.startswith("conformance-")]  # noqa: E731
        until(lambda: {job.status for job in left()} <= {"completed", "cancelled"})


def test_the_kit_names_a_server_that_does_not_answer() -> None:
    kit = [sys.executable, "-m", "ironforge_client.conformance"]
    ran = subprocess.run(
        [*kit, "--url", "http://127.0.0.1:9", "--", "true"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 2
    assert "127.0.0.1:9 cannot be used" in ran.stderr
    missing = subprocess.run([*kit, "--", "./no-such-program"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert missing.returncode == 2
    assert missing.stderr == "./no-such-program cannot be run: there is no such program\n"
    listed = subprocess.run([*kit, "--list"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert len(listed.stdout.splitlines()) == len(chosen([]))
