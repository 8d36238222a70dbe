"""What every test needs: the store and the directory of its own process."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import hypothesis
import pytest
from django.conf import settings
from django.core.management.color import Style
from django.core.management.commands import flush
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from jobs import store_owner
from tests import isolation, patience, sampling
from tests.backends.clusters import Cluster
from tests.stores import Bench

# A test says with `record_property(FIGURE, text)` what it measured; it is shown at the end of the run.
FIGURE = "figure"
# How long a machine takes over an example is no property of what is tried: it may stand still in the middle of one.
hypothesis.settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("unhurried")


def pytest_configure(config: pytest.Config) -> None:
    """Try the same examples each time; the long form leaves to chance which ones it tries."""
    is_long = config.getoption("markexpr").startswith("long")
    unhurried = hypothesis.settings.get_profile("unhurried")
    hypothesis.settings.register_profile("suite", parent=unhurried, derandomize=not is_long)
    hypothesis.settings.load_profile("suite")


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
    flush.sql_flush = _sql_flush
    options = connections.databases["default"]["OPTIONS"]
    if "init_command" in options:
        # Who writes may stand still for longer than people are to wait.
        options["init_command"] += "PRAGMA synchronous=OFF; PRAGMA busy_timeout=60000;"


def _sql_flush(style: Style, connection: BaseDatabaseWrapper, **options: bool) -> list[str]:
    """Return what empties the tables that hold anything, few of some forty; asking each of them costs a statement."""
    quote = connection.ops.quote_name
    asked = [f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {quote(name)})" for name in _table_names(connection.alias)]  # noqa: S608 - our tables
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(asked))
        filled = [name for (name,) in cursor.fetchall()]
    return list(connection.ops.sql_flush(style, filled, allow_cascade=connection.vendor != "sqlite"))


@lru_cache
def _table_names(alias: str) -> tuple[str, ...]:
    return tuple(connections[alias].introspection.django_table_names(only_existing=True, include_views=False))


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
def patient_calls(_store_server: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the calls of this process wait out a store that stands still, where a test is about something else.

    The process's time-outs bound how long people wait for an answer, and a busy disk alone may take longer than that.
    """
    patience.let_calls_wait(monkeypatch)


@pytest.fixture
def bench(_store_server: None) -> Iterator[Bench]:
    """Return a namespace of its own on the real store."""
    made = Bench()
    yield made
    made.close()
