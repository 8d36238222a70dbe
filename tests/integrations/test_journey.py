"""A program enqueues a task and a workflow in transactions, worker processes run them, and it reads the results."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.journeys.installation import MANAGE, installation
from tests.processes.running import ROOT

PROGRAM = """
import json
from django.contrib.auth import get_user_model
from django.db import transaction
from django_tasks import default_task_backend
from jobs.integrations.workflows import Workflow, enqueue_workflow, workflow_status
from tests.integrations.guest.tasks import greet
from tests.waiting import until

people = get_user_model().objects
with transaction.atomic():
    lost = greet.enqueue(people.create(username="nobody").pk)
    transaction.set_rollback(True)
with transaction.atomic():
    ann = people.create(username="ann")
    result = greet.enqueue(ann.pk)
    assert result.enqueued_at is None

flow = Workflow("fan")
flow.chain(flow.step("split", "guest.split", [1, 2, 3]), flow.step("sum", "guest.sum", 12))
with transaction.atomic():
    fan = enqueue_workflow(flow)
    assert workflow_status(fan) is None

def is_finished():
    result.refresh()
    return result.is_finished

until(is_finished)
found = default_task_backend.get_result(result.id)
try:
    default_task_backend.get_result(lost.id)
except Exception as error:
    missing = type(error).__name__
until(lambda: workflow_status(fan) != "running")
print(json.dumps([found.return_value, found.attempts, str(found.status), missing, workflow_status(fan)]))
"""
VARIABLES = {
    "IRONFORGE_HANDLERS": "tests.integrations.guest",
    "DJANGO_SETTINGS_MODULE": "tests.integrations.guest.settings",
}


@pytest.mark.journey
def test_a_task_of_a_transaction_is_run_by_a_worker_process(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    options = ("--queues", "default,main")
    with installation(data_dir, **VARIABLES) as running, running.worker(*options, **VARIABLES):
        environment = os.environ | VARIABLES | {"IRONFORGE_DATA_DIR": str(data_dir), "DATABASE_URL": ""}
        ended = subprocess.run(
            [*MANAGE, "shell", "--no-imports", "-c", PROGRAM],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        told = json.loads(ended.stdout.splitlines()[-1])
        assert told == ["Hello ann", 1, "SUCCESSFUL", "TaskResultDoesNotExist", "completed"]


@pytest.mark.parametrize(("switch", "kinds"), [("off", []), ("on", ["django.task", "django.task.async"])])
def test_a_worker_loads_the_framework_only_where_it_is_wanted(switch: str, kinds: list[str]) -> None:
    program = (
        "import json, sys, django; sys.argv = ['manage.py', 'runworker_ironforge']; django.setup();"
        "from workers.discovery import discover; kinds = discover().kinds();"
        "optional = ('django_tasks', 'celery', 'kombu', 'jobs.integrations');"
        "loaded = any(name.startswith(optional) for name in sys.modules);"
        "print(json.dumps([kinds, loaded]))"
    )
    environment = os.environ | {"IRONFORGE_TASKS": switch}
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert json.loads(ended.stdout) == [kinds, bool(kinds)]
