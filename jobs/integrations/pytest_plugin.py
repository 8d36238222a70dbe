"""Fixtures for tests of code that enqueues: `pytest_plugins = ["jobs.integrations.pytest_plugin"]`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from jobs.integrations.testing import FakeMode, InlineMode, fake, inline
from jobs.integrations.trial_worker import TrialWorker, own_store, trial_worker

_MODES: dict[str, Callable[[], AbstractContextManager[object]]] = {"fake": fake, "inline": inline}


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line("markers", "ironforge(mode): `fake` records enqueued jobs, `inline` runs them at once")


@pytest.fixture(autouse=True)
def _ironforge_mode(request: pytest.FixtureRequest) -> Iterator[None]:
    """Enter the mode that the marker names."""
    marker = request.node.get_closest_marker("ironforge")
    if marker is None:
        yield
        return
    mode = marker.kwargs.get("mode", marker.args[0] if marker.args else "fake")
    if mode not in _MODES:
        raise pytest.UsageError(f"ironforge(mode={mode!r}): the modes are {', '.join(_MODES)}")
    with _MODES[mode]():
        yield


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
