"""What every test needs: settings of its own process, away from the developer's data."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import django
import pytest
from django.conf import settings

# Before Django reads its settings, so they are named here and not in pyproject.toml, which pytest-django reads first.
# Each xdist worker imports this file in a process of its own.
_DATA_DIR = tempfile.TemporaryDirectory(prefix="ironforge-test-")
for _name in [name for name in os.environ if name.startswith("IRONFORGE_") or name == "DATABASE_URL"]:
    if not _name.startswith("IRONFORGE_TEST_"):
        del os.environ[_name]
os.environ["IRONFORGE_DATA_DIR"] = _DATA_DIR.name
# The same tests on PostgreSQL: IRONFORGE_TEST_DATABASE_URL=postgres://… make test
if "IRONFORGE_TEST_DATABASE_URL" in os.environ:
    os.environ["DATABASE_URL"] = os.environ["IRONFORGE_TEST_DATABASE_URL"]
os.environ["DJANGO_SETTINGS_MODULE"] = "ironforge_site.settings"

# Conftests of folders below import models.
django.setup()

from jobs import wiring  # noqa: E402
from tests.stores import Bench  # noqa: E402


@pytest.fixture(scope="session")
def site_data_dir() -> Path:
    """Return the data directory of the Django that runs inside the tests."""
    return Path(_DATA_DIR.name)


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords() -> None:
    """Hash the passwords of test users quickly; strong hashing costs half a second a login."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session")
def _store_server(site_data_dir: Path) -> Iterator[None]:
    """Run the embedded store of this test process, where the settings expect it."""
    store = wiring.embedded_store(lambda event, fields: None)
    assert store is not None
    store.acquire()
    store.start()
    yield
    store.stop()


@pytest.fixture
def bench(_store_server: None) -> Iterator[Bench]:
    """Return a namespace of its own on the real store."""
    made = Bench()
    yield made
    made.close()
