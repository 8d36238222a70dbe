"""The plugin for tests of programs, in a test run of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import pytest
from jobs.integrations.modes import StoreMode, current_mode
from jobs.integrations.queue import enqueue


def test_fake(ironforge_fake):
    enqueue("demo.echo", 1)
    ironforge_fake.assert_enqueued("demo.echo", 1, count=1)
    assert ironforge_fake.perform_enqueued()[0].result == b"1"


def test_inline(ironforge_inline):
    job_id = enqueue("demo.echo", 2)
    assert ironforge_inline.find("default", job_id).result == b"2"


@pytest.mark.ironforge(mode="fake")
def test_marked():
    enqueue("demo.echo")
    assert len(current_mode().enqueued()) == 1


@pytest.mark.ironforge(mode="inline")
def test_marked_inline():
    with pytest.raises(Exception, match="attempt 4 failed"):
        enqueue("demo.fail", {"always": True})


def test_nothing_is_stored_by_a_test_that_says_nothing():
    enqueue("demo.echo")
    assert len(current_mode().enqueued()) == 1


@pytest.mark.ironforge(mode="store")
def test_the_store_is_there_for_who_asks():
    assert isinstance(current_mode(), StoreMode)


@pytest.mark.parametrize("number", [3, 4])
def test_worker(ironforge_worker, number):
    ironforge_worker.run_until_empty()
    job_id = enqueue("demo.echo", number, queue="mail")
    ironforge_worker.run_until_empty()
    assert current_mode().find(ironforge_worker.namespace, job_id).result == str(number).encode()


@pytest.mark.ironforge(mode="other")
def test_wrong_mode():
    pass
"""


def test_fixtures_and_marker_work_in_a_run_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "test_program.py").write_text(PROGRAM)
    plugins = ["-p", "jobs.integrations.pytest_plugin", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", "-q", "--strict-markers", "-c", "/dev/null", "--rootdir", str(tmp_path)]
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "ironforge_site.settings",
        "IRONFORGE_DATA_DIR": str(tmp_path / "data"),
        "IRONFORGE_DEMO": "on",
    }
    ended = subprocess.run(
        [*command, *plugins, str(tmp_path)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert "8 passed, 1 error" in ended.stdout, ended.stdout + ended.stderr
    assert "the modes are fake, inline, store" in ended.stdout
