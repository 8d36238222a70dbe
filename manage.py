#!/usr/bin/env python
"""The command line of IronForge: `.venv/bin/python manage.py --help` lists the commands."""

from __future__ import annotations

import sys

try:
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    from ironforge_site import environment
except ModuleNotFoundError as missing:
    if missing.name != "django":
        raise
    sys.stderr.write("ironforge: no Django here: run .venv/bin/python manage.py …; `make run` makes .venv\n")
    sys.exit(1)


def main() -> None:
    """Run one management command; a bad setting is one line and exit code 2, a failing database one line and 1."""
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


if __name__ == "__main__":
    main()
