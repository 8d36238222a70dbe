"""A Django project that is not IronForge's own enqueues a job and tasks, and its own worker runs them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes.running import ROOT, Running
from tests.stores import Bench

FILES = {
    "manage.py": """
import os, sys
from django.core.management import execute_from_command_line
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bakery.settings")
execute_from_command_line(sys.argv)
""",
    "bakery/__init__.py": "",
    "bakery/settings.py": """
from ironforge_site.shown_settings import *

SECRET_KEY = "of a test"
INSTALLED_APPS = ["workers", "bakery"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
USE_TZ = True
CELERY_TIMEZONE = "Europe/Berlin"
TASKS = {
    "default": {
        "BACKEND": "jobs.integrations.tasks.IronForgeBackend",
        "OPTIONS": {"namespace": NAMESPACE},
    }
}
""",
    "bakery/celery.py": """
import os
from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bakery.settings")
app = Celery("bakery")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
""",
    "bakery/handlers.py": """
from workers import handler

@handler("bread.bake")
def bake(context, payload):
    return f"{payload} baked"
""",
    "bakery/tasks.py": """
from celery import shared_task
from django.db import connection
from django_tasks import task

@task
async def sell(name):
    return f"{name} sold"

@shared_task(bind=True)
def clean(self, name):
    with connection.cursor() as cursor:
        cursor.execute("SELECT 'cleaned'")
        return f"{name} {cursor.fetchone()[0]} by {self.app.main}, {self.app.conf.timezone}"
""",
}
PROGRAM = """
from django.db import transaction
from bakery.tasks import sell
from jobs.integrations.queue import enqueue
from jobs.integrations.results import wait_for

with transaction.atomic():
    job_id = enqueue("bread.bake", "rye", namespace=NAMESPACE)
    result = sell.enqueue("rye")
    task_id = enqueue("bakery.tasks.clean", {"args": ["oven"]}, namespace=NAMESPACE)
print(*(wait_for(it, namespace=NAMESPACE) for it in (job_id, result.id, task_id)), sep="; ")
"""


@pytest.mark.journey
def test_a_project_of_its_own_runs_its_jobs(bench: Bench, tmp_path: Path, site_data_dir: Path) -> None:
    named = f"NAMESPACE = {bench.namespace!r}\n"
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(named + text if name.endswith("settings.py") else text)
    variables = {"PYTHONPATH": f"{tmp_path}:{ROOT}", "IRONFORGE_DATA_DIR": str(site_data_dir)}
    variables |= {"DJANGO_SETTINGS_MODULE": "bakery.settings", "IRONFORGE_CELERY_APP": "bakery"}
    manage = [sys.executable, str(tmp_path / "manage.py")]
    worker = [*manage, "runworker_ironforge", "--queues", "main,default", "--namespace", bench.namespace]
    with Running(worker, variables) as running:
        ended = subprocess.run(
            [*manage, "shell", "--no-imports", "-c", named + PROGRAM],
            env=os.environ | variables,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        running.send(signal.SIGTERM)
        assert running.wait(60) == 0, running.lines
    assert "rye baked; rye sold; oven cleaned by bakery, Europe/Berlin" in ended.stdout, (
        ended.stdout + ended.stderr + "\n".join(running.lines)
    )
