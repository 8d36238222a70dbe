#!/usr/bin/env python
"""The command line of IronForge: `.venv/bin/python manage.py --help` lists the commands."""

from __future__ import annotations

import sys

try:
    from django.apps import apps
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    from ironforge_site import environment
    from jobs.telemetry.failure_line import failure_line
except ModuleNotFoundError as missing:
    if missing.name != "django":
        raise
    sys.stderr.write("ironforge: no Django here: run .venv/bin/python manage.py …; `make run` makes .venv\n")
    sys.exit(1)


def main() -> None:
    """Run one command. A bad setting or package is one line and exit code 2, a failing database one line and 1."""
    environment.prepare(sys.argv)
    try:
        environment.read()
        execute_from_command_line(sys.argv)
    except environment.BadSetting as bad:
        sys.stderr.write(f"ironforge: {bad}\n")
        sys.exit(2)
    except OperationalError as away:
        if "--traceback" in sys.argv:
            raise
        sys.stderr.write(f"ironforge: the database cannot be used: {' '.join(str(away).split())}\n")
        sys.exit(1)
    except Exception as broken:
        if apps.ready or "--traceback" in sys.argv:
            raise
        sys.stderr.write(f"ironforge: {failure_line(broken)}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
