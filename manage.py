#!/usr/bin/env python
"""The command line of IronForge: `python manage.py --help` lists the commands."""

from __future__ import annotations

import sys

from django.core.management import execute_from_command_line

from ironforge_site import environment


def main() -> None:
    """Run one management command; a bad setting is one line and exit code 2."""
    environment.prepare(sys.argv)
    try:
        environment.read()
    except environment.BadSetting as bad:
        sys.stderr.write(f"ironforge: {bad}\n")
        sys.exit(2)
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
