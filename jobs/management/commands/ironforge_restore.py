"""`manage.py ironforge_restore`: puts a backup into an empty data directory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from jobs.domain.errors import IronForgeError
from jobs.management.teaching_command import TeachingCommand
from jobs.services.backup import restore

_HELP = """\
Put a backup of `ironforge_backup` back. IronForge must not run, and the data directory must hold no jobs yet:

  mv data data-before
  .venv/bin/python manage.py ironforge_restore /backups/monday.tar
  .venv/bin/python manage.py ironforge

Jobs that ran at the time of the backup run again; those that ended since then as well. IRONFORGE_DATA_DIR names another
directory.
"""


class Command(TeachingCommand):
    """Puts a backup back."""

    help = _HELP

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the file."""
        parser.add_argument("file", type=Path, help="what ironforge_backup wrote")

    def handle(self, *args: Any, **options: Any) -> None:
        """Put it back, and say what was in it."""
        try:
            manifest = restore(options["file"], lambda text: self.stderr.write(f"  {text}", self.style.NOTICE))
        except (IronForgeError, OSError) as error:
            raise CommandError(str(getattr(error, "detail", error))) from error
        self.stdout.write(
            f"Put back {', '.join(manifest.sums)} as of {manifest.made_at}, made by IronForge {manifest.version}. "
            "Start IronForge to use it."
        )
