"""Fixtures for tests of code that enqueues: `pytest_plugins = ["jobs.integrations.pytest_plugin"]`.

A test that says nothing is in the mode `fake`: no test writes into a developer's store unless it says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from jobs.conf import conf
from jobs.integrations.modes import StoreMode, entered
from jobs.integrations.testing import FakeMode, InlineMode, fake, inline
from jobs.integrations.trial_worker import TrialWorker, own_store, trial_worker

_STORE = "store"
_MODES: dict[str, Callable[[], AbstractContextManager[object]]] = {
    "fake": fake,
    "inline": inline,
    _STORE: lambda: entered(StoreMode()),
}


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers", "ironforge(mode): `fake` records enqueued jobs, `inline` runs them at once, `store` stores them"
    )


@pytest.fixture(autouse=True)
def _ironforge_mode(request: pytest.FixtureRequest) -> Iterator[None]:
    """Enter the mode that the marker names, else that of IRONFORGE_ENQUEUE, but never the store by default."""
    marker = request.node.get_closest_marker("ironforge")
    if marker is not None:
        mode = marker.kwargs.get("mode", marker.args[0] if marker.args else "fake")
    else:
        mode = _mode_of_setting()
    if mode not in _MODES:
        raise pytest.UsageError(f"ironforge(mode={mode!r}): the modes are {', '.join(_MODES)}")
    with _MODES[mode]():
        yield


def _mode_of_setting() -> str:
    try:
        mode = conf().enqueue
    except ImproperlyConfigured:  # a test that needs no Django
        return "fake"
    return "fake" if mode == _STORE else mode


@pytest.fixture
def ironforge_fake() -> Iterator[FakeMode]:
    """Record what is enqueued."""
    with fake() as mode:
        yield mode


@pytest.fixture
def ironforge_inline() -> Iterator[InlineMode]:
    """Run what is enqueued at once; what ends a job badly is raised there."""
    with inline() as mode:
        yield mode


@pytest.fixture(scope="session")
def ironforge_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Run a store of the tests' own, in a directory."""
    with own_store(tmp_path_factory.mktemp("ironforge")) as data_dir:
        yield data_dir


@pytest.fixture
def ironforge_worker(ironforge_store: Path) -> Iterator[TrialWorker]:
    """Let enqueued jobs go to that store, in a namespace of the test's own, for a worker that runs when told."""
    with trial_worker(ironforge_store) as worker:
        yield worker
