"""`manage.py runworker_ironforge` as people and supervisors use it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from jobs import wiring
from jobs.backends.redis.checks import SCHEMA_KEY
from jobs.backends.redis.schema import SCHEMA, migrate
from jobs.domain.status import Status
from tests.backends.servers import Server
from tests.ports import closed_port
from tests.stores import Bench
from tests.waiting import until
from tests.workers.test_worker import ended
from workers.management.commands import runworker_ironforge

LOOKING = """
import sys
from workers import handler

@handler("look")
async def look(context, payload):
    return sorted(sys.modules)
"""
OF_THE_SERVER = (
    "channels", "django.contrib.admin", "django.contrib.sessions", "django_prometheus", "drf_spectacular",
    "jobs.access", "jobs.api", "jobs.dashboard", "jobs.gateway", "jobs.live", "jobs.loops", "jobs.processes",
    "jobs.services", "jobs.telemetry.otel", "opentelemetry", "requests", "rest_framework", "uvicorn", "uvloop",
    "workers.isolation",
)  # fmt: skip
# Time for a call that is under way to give up, and for a process to end on a busy machine that stands still meanwhile;
# far less than any grace.
LEAVES_S = 20.0
ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", "runworker_ironforge", *arguments]
    environment = os.environ | variables
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=100, check=False)


def package(folder: Path, name: str, handlers: str | None) -> str:
    """Write a package, and return what PYTHONPATH must be to find it."""
    (folder / name).mkdir()
    (folder / name / "__init__.py").touch()
    if handlers is not None:
        (folder / name / "handlers.py").write_text(handlers)
    return str(folder)


@contextmanager
def started(bench: Bench, log: Path, *arguments: str, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker with the demo's handlers on the test's own namespace."""
    command = [sys.executable, "manage.py", "runworker_ironforge", "--namespace", bench.namespace, *arguments]
    environment = os.environ | {"IRONFORGE_DEMO": "1", "IRONFORGE_LOG_LEVEL": "debug"} | variables
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
        try:
            yield process
        except BaseException:
            sys.stderr.write(log.read_text(encoding="utf-8"))
            raise
        finally:
            process.kill()
            process.wait(10)


def events(log: Path) -> list[dict[str, object]]:
    # The last line may be half written.
    whole = log.read_text(encoding="utf-8").split("\n")[:-1]
    return [json.loads(line) for line in whole if line.endswith("}")]


def told(log: Path, event: str) -> int:
    return [entry["event"] for entry in events(log)].count(event)


def test_a_worker_loads_nothing_of_the_server(bench: Bench, tmp_path: Path) -> None:
    path = package(tmp_path, "looking", LOOKING)
    with started(bench, tmp_path / "log", IRONFORGE_HANDLERS="looking", PYTHONPATH=path):
        result = ended(bench, bench.submit("look"), Status.COMPLETED).result
    assert result is not None
    loaded = set(json.loads(result))
    assert "workers.process" in loaded
    assert not {name for name in loaded if name.startswith(OF_THE_SERVER)}


BROKEN = {
    "syntax": ("x = 1\ndef broken(:\n", "handlers.py:2: SyntaxError"),
    "import": ("\nimport no_such_module\n", "handlers.py:2: ModuleNotFoundError: No module named 'no_such_module'"),
    "inside a library": ("import json\n\njson.loads('{')\n", "handlers.py:3: JSONDecodeError"),
    "a parameter too few": (
        "from workers import handler\n@handler('a')\ndef one(payload): ...\n",
        "broken/handlers.py:2): a handler takes two arguments, (context, payload), by position",
    ),
    "a kind twice": (
        "from workers import handler\n@handler('a')\ndef one(c, p): ...\n@handler('a')\ndef two(c, p): ...\n",
        "two handlers for kind 'a': broken.handlers.one",
    ),
}


@pytest.mark.parametrize(("text", "told_of"), BROKEN.values(), ids=BROKEN)
def test_broken_handlers_are_one_line_with_place_and_reason(tmp_path: Path, text: str, told_of: str) -> None:
    answer = run(PYTHONPATH=package(tmp_path, "broken", text), IRONFORGE_HANDLERS="broken")
    assert answer.returncode == 2
    [line] = (answer.stdout + answer.stderr).splitlines()
    assert told_of in line


def test_a_package_without_handlers_is_told_at_the_start(bench: Bench, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with started(bench, log, IRONFORGE_HANDLERS="bare", PYTHONPATH=package(tmp_path, "bare", None)):
        until(lambda: told(log, "worker.started") == 1)
    [missing] = [entry for entry in events(log) if entry["event"] == "handlers.missing"]
    assert (missing["level"], missing["package"]) == ("WARNING", "bare")
    [loaded] = [entry for entry in events(log) if entry["event"] == "handlers.loaded"]
    assert loaded["files"] == "workers/handlers/demo.py, workers/handlers/email.py"


@pytest.mark.parametrize(("queues", "warned"), [("main", 1), ("ironforge.webhooks", 0)])
def test_a_worker_that_can_run_nothing_says_so_unless_it_is_for_deliveries(
    bench: Bench, tmp_path: Path, queues: str, warned: int
) -> None:
    log = tmp_path / "log"
    with started(bench, log, "--queues", queues, IRONFORGE_DEMO="off"):
        until(lambda: told(log, "worker.started") == 1)
    warnings = [entry for entry in events(log) if entry["event"] == "handlers.none"]
    assert len(warnings) == warned
    assert all(entry["level"] == "WARNING" and "IRONFORGE_HANDLERS" in str(entry["hint"]) for entry in warnings)


@pytest.mark.parametrize(("has_tasks", "hint"), [(True, "IRONFORGE_TASKS=on"), (False, "into bare/handlers.py")])
def test_the_check_of_packages_says_how_to_have_them_read(tmp_path: Path, has_tasks: bool, hint: str) -> None:
    variables = {"PYTHONPATH": package(tmp_path, "bare", None), "IRONFORGE_HANDLERS": "bare"}
    if has_tasks:
        (tmp_path / "bare" / "tasks.py").touch()
    command = [sys.executable, "manage.py", "check"]
    checked = subprocess.run(command, cwd=ROOT, env=os.environ | variables, capture_output=True, text=True, check=True)
    assert hint in checked.stderr


def test_help_shows_examples() -> None:
    shown = run("--help").stdout
    assert "examples:" in shown
    assert "--processes 4" in shown


@pytest.mark.parametrize(("option", "value"), [("--queues", "Not OK"), ("--namespace", "x_y"), ("--concurrency", "0")])
def test_a_bad_option_is_one_clear_line(option: str, value: str) -> None:
    answer = run(option, value)
    assert answer.returncode == 2
    assert option in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.fixture
def old_store(tmp_path: Path) -> Iterator[Server]:
    """Return a store whose jobs are of the layout before."""
    with Server(tmp_path / "old") as server:
        with server.client() as client:
            client.set(SCHEMA_KEY, SCHEMA - 1)
        yield server


def test_a_worker_waits_for_the_server_that_brings_older_jobs_up_to_date(old_store: Server, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with Bench(url=old_store.url) as bench, started(bench, log, IRONFORGE_REDIS_URL=old_store.url):
        until(lambda: told(log, "store.awaits_migration") == 1)
        assert told(log, "worker.started") == 0
        with old_store.client() as client:
            migrate(client, lambda *_: None)
        until(lambda: told(log, "worker.started") == 1)


@pytest.mark.parametrize(
    ("layout", "text", "is_for_good"),
    [(SCHEMA - 1, "A server of this version brings layout 2 up to date", False), (SCHEMA + 1, "newer IronForge", True)],
)
def test_a_worker_on_another_layout_ends_with_what_to_do_and_only_a_newer_one_keeps_it_from_starting_again(
    old_store: Server, monkeypatch: pytest.MonkeyPatch, layout: int, text: str, is_for_good: bool
) -> None:
    monkeypatch.setattr(wiring, "store_url", lambda: old_store.url)
    monkeypatch.setattr(runworker_ironforge, "MIGRATION_WAIT_S", 0.0)
    with old_store.client() as client:
        client.set(SCHEMA_KEY, layout)
    with pytest.raises(CommandError, match=text) as end:
        call_command("runworker_ironforge")
    assert (end.value.returncode == runworker_ironforge.CANNOT_WORK) == is_for_good


@pytest.mark.parametrize("processes", ["1", "2"])
def test_sigterm_drains_and_exits_with_success(bench: Bench, tmp_path: Path, processes: str) -> None:
    log = tmp_path / "worker.log"
    with started(bench, log, "--processes", processes, "--grace", "10") as process:
        until(lambda: told(log, "worker.started") == int(processes))
        job_id = bench.submit("demo.sleep", payload=b'{"ms":700}')
        # Not when the store says `running`: a claim whose answer comes after the signal is given back.
        until(lambda: told(log, "job.started") == 1)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)  # as when a whole group is signalled and the parent passes its own on
        assert process.wait(60) == 0
    assert bench.get(job_id).status is Status.COMPLETED
    assert told(log, "worker.stopped") == int(processes)


def test_a_dead_child_is_replaced(bench: Bench, tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    with started(bench, log, "--processes", "2", "--grace", "1") as process:
        until(lambda: told(log, "worker.started") == 2)
        victim = next(entry["pid"] for entry in events(log) if entry["event"] == "worker.started")
        os.kill(int(str(victim)), signal.SIGKILL)
        until(lambda: told(log, "worker.started") == 3)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


def test_the_demo_sends_mail_to_a_file(bench: Bench, tmp_path: Path, site_data_dir: Path) -> None:
    with started(bench, tmp_path / "worker.log") as process:
        job_id = bench.submit("email.send", payload=b'{"to":"user@example.com","template":"welcome"}')
        ended(bench, job_id, Status.COMPLETED)
        refused = ended(bench, bench.submit("email.send", payload=b"{}"), Status.DEAD_LETTER)
        assert refused.error is not None
        assert "needs an address" in refused.error.message
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    texts = [path.read_text(encoding="utf-8") for path in (site_data_dir / "mail").iterdir()]
    assert any(f"X-IronForge-Job: {job_id}" in text for text in texts)


@pytest.mark.parametrize("is_silent", [False, True], ids=["refuses", "is silent"])
def test_a_worker_with_nothing_to_settle_leaves_at_once_while_the_store_is_away(
    bench: Bench, tmp_path: Path, is_silent: bool
) -> None:
    log = tmp_path / "worker.log"
    with closed_port() as port, socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1] if is_silent else port}"
        with started(bench, log, "--grace", "60", IRONFORGE_REDIS_URL=url) as process:
            until(lambda: told(log, "store.away") == 1)
            process.send_signal(signal.SIGTERM)
            assert process.wait(LEAVES_S) == 0
    assert [entry.get("unsettled") for entry in events(log) if entry["event"] == "worker.stopped"] == [None]


def test_a_worker_whose_store_was_killed_leaves_at_once(bench: Bench, tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    with (
        Server(tmp_path / "store") as store,
        started(bench, log, "--grace", "60", IRONFORGE_REDIS_URL=store.url) as process,
    ):
        until(lambda: told(log, "worker.started") == 1)
        store.process.kill()
        until(lambda: told(log, "store.away") == 1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(LEAVES_S) == 0
