"""Which modules a worker looks into for the task that a payload names: whoever may submit jobs chooses that name."""

from __future__ import annotations

import json
import secrets
import sys
from pathlib import Path
from types import ModuleType

import pytest
from pytest_django import Settings

from jobs.domain.status import Status
from jobs.integrations.task_call import task_at
from tests.stores import Bench
from tests.waiting import until


@pytest.mark.usefixtures("task_worker")
@pytest.mark.parametrize("path", ["this.c", "tests.integrations.guest.unwanted.task"])
def test_the_name_in_a_payload_imports_nothing_but_what_an_installed_app_has(
    space: Bench, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = path.rpartition(".")[0]
    monkeypatch.delitem(sys.modules, module, raising=False)
    payload = json.dumps({"task": path}).encode()
    job_id = space.submit("django.task", payload=payload, queue="default", max_retries=0)
    until(lambda: space.get(job_id).status is Status.DEAD_LETTER)
    assert module not in sys.modules
    error = space.get(job_id).error
    assert error is not None
    assert error.message == f"{module} is neither loaded nor part of an installed app."


def test_a_task_of_an_installed_app_is_found_where_nothing_has_loaded_it(
    tasks: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    package = tmp_path / f"app_{secrets.token_hex(4)}"
    package.mkdir()
    (package / "__init__.py").touch()
    source = "from django_tasks import task\n@task\ndef work(): pass\ndef __getattr__(name): raise RuntimeError(name)\n"
    (package / "later.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    path = f"{package.name}.later.work"
    with pytest.raises(ImportError, match="neither loaded"):
        task_at(path)
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, package.name]
    assert task_at(path).module_path == path
    with pytest.raises(ImportError, match="has no other"):
        task_at(f"{package.name}.later.other")
