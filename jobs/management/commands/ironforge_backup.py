"""`manage.py ironforge_backup`: everything that an installation on one machine holds, in one file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from jobs.domain.errors import IronForgeError
from jobs.management.teaching_command import TeachingCommand
from jobs.services.backup import back_up

_HELP = """\
Write a backup: all jobs, people, keys, the audit log and the secret, while IronForge runs.

  .venv/bin/python manage.py ironforge_backup                      ironforge-<time>.tar in this directory
  .venv/bin/python manage.py ironforge_backup /backups/monday.tar

The file holds secrets: it is readable by you alone, keep it so. `ironforge_restore` puts it back. An external store or
database is not in it: those have tools of their own.
"""


class Command(TeachingCommand):
    """Writes a backup."""

    help = _HELP

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the file."""
        parser.add_argument("file", nargs="?", type=Path, help="a new file (default: ironforge-<time>.tar)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write it, and say what is in it."""
        target = options["file"] or Path(f"ironforge-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.tar")
        try:
            manifest = back_up(target, lambda text: self.stderr.write(f"  {text}", self.style.NOTICE))
        except (IronForgeError, OSError) as error:
            raise CommandError(str(getattr(error, "detail", error))) from error
        size_mib = target.stat().st_size / 2**20
        self.stdout.write(f"{target}: {', '.join(manifest.sums)}; {size_mib:.1f} MiB.")
