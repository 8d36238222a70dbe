"""The environment of one test process, away from the developer's data.

A plugin (`-p tests.isolation` in pyproject.toml), for pytest-django reads Django's settings before any conftest is
imported. An xdist worker inherits the environment of the process that started it, so each makes its own anew.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

_directory = tempfile.TemporaryDirectory(prefix="ironforge-test-")
DATA_DIR = Path(_directory.name)

for _name in [name for name in os.environ if name.startswith("IRONFORGE_") or name == "DATABASE_URL"]:
    if not _name.startswith("IRONFORGE_TEST_"):
        del os.environ[_name]
os.environ["IRONFORGE_DATA_DIR"] = _directory.name
# The same tests on PostgreSQL: IRONFORGE_TEST_DATABASE_URL=postgres://… make test
if "IRONFORGE_TEST_DATABASE_URL" in os.environ:
    os.environ["DATABASE_URL"] = os.environ["IRONFORGE_TEST_DATABASE_URL"]
os.environ["DJANGO_SETTINGS_MODULE"] = "ironforge_site.settings"
