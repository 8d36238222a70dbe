"""What every test needs: the store and the directory of its own process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management.commands import flush
from django.db import connections

from jobs import store_owner
from tests import isolation, sampling
from tests.backends.clusters import Cluster
from tests.stores import Bench

# A test says with `record_property(FIGURE, text)` what it measured; it is shown at the end of the run.
FIGURE = "figure"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave some of very many like cases to the long form, before marks choose."""
    sampling.mark_the_rest(items)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what tests measured."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, told in getattr(report, "user_properties", ()):
                if name == FIGURE and report.when == "call":
                    terminalreporter.write_line(f"measured: {told}")


@pytest.fixture(scope="session")
def site_data_dir() -> Path:
    """Return the data directory of the Django that runs inside the tests."""
    return isolation.DATA_DIR


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords() -> None:
    """Hash the passwords of test users quickly; strong hashing costs half a second a login."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session", autouse=True)
def _quick_database() -> None:
    """Do without what makes a database outlive a crash, and without what Django puts back into an emptied one.

    Those are permissions and content types, which nothing here reads; they cost more than most tests.
    """
    flush.emit_post_migrate_signal = lambda *args, **options: None
    options = connections.databases["default"]["OPTIONS"]
    if "init_command" in options:
        options["init_command"] += "PRAGMA synchronous=OFF;"


@pytest.fixture(scope="session")
def _store_server(site_data_dir: Path) -> Iterator[None]:
    """Run the embedded store of this test process, where the settings expect it."""
    store = store_owner.embedded_store(lambda event, fields: None)
    assert store is not None
    store.acquire()
    store.start()
    yield
    store.stop()


@pytest.fixture(scope="session")
def three_masters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Return a Cluster of three masters."""
    with Cluster(tmp_path_factory.mktemp("masters")) as cluster:
        yield cluster


@pytest.fixture
def bench(_store_server: None) -> Iterator[Bench]:
    """Return a namespace of its own on the real store."""
    made = Bench()
    yield made
    made.close()
