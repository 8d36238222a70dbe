"""`manage.py ironforge`: store, server and worker in one terminal, each a process of its own."""

from __future__ import annotations

from argparse import ArgumentTypeError, BooleanOptionalAction, RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from jobs import __version__
from jobs.access.checks import refusals
from jobs.conf import conf
from jobs.domain.naming import DEFAULT_QUEUE
from jobs.domain.worker import DEFAULT_CONCURRENCY, DEFAULT_GRACE_S
from jobs.processes.launch import CannotStart, LaunchOptions, launch
from jobs.processes.listening import CannotListen
from jobs.processes.port_number import port_number
from jobs.processes.supervisor import StartFailed
from jobs.processes.system_checks import ChecksFailed

_HELP = """\
Run IronForge: the store, the server and a worker, until Ctrl-C.

Each is a process of its own, started again when it dies. Without IRONFORGE_REDIS_URL the store is a private server in
the data directory. On a loopback address, which is the default, programs on this machine need no API key and the demo
handlers are loaded; on any other address keys are required (`ironforge_key mint` makes one).

  .venv/bin/python manage.py ironforge                               # http://localhost:3000
  .venv/bin/python manage.py ironforge --port 3100
  .venv/bin/python manage.py ironforge --workers 2 --concurrency 20  # two worker processes of 20 jobs each
  .venv/bin/python manage.py ironforge --queues main,mail
  .venv/bin/python manage.py ironforge --no-worker                   # workers run elsewhere
  IRONFORGE_DATA_DIR=/srv/ironforge make run                         # jobs, people and keys live there

Ctrl-C or SIGTERM: running jobs may finish for --grace seconds, then the server stops, the store last.
A second Ctrl-C hurries, a third kills. All settings: docs/settings.md; life in production: docs/operations.md.
"""


class Command(BaseCommand):
    """Runs everything under one supervisor."""

    help = _HELP
    requires_system_checks: list[str] = []  # `launch` reports them, among the other records

    def get_version(self) -> str:
        """Return IronForge's version, not Django's."""
        return __version__

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Keep the line breaks of the help."""
        return super().create_parser(prog_name, subcommand, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--host", help="address to listen on (IRONFORGE_HOST, 127.0.0.1)")
        parser.add_argument("--port", type=port_number, help="port to listen on (IRONFORGE_PORT, 3000)")
        parser.add_argument("--workers", type=_count, default=1, metavar="N", help="worker processes (1)")
        parser.add_argument(
            "--no-worker", action="store_const", const=0, dest="workers", help="no worker here: the same as --workers 0"
        )
        parser.add_argument(
            "--concurrency",
            type=_count,
            default=DEFAULT_CONCURRENCY,
            metavar="N",
            help="jobs at a time in each worker process (%(default)s)",
        )
        parser.add_argument(
            "--queues",
            default=DEFAULT_QUEUE,
            metavar="A,B",
            help="queues that the workers take jobs from, the most important first (%(default)s)",
        )
        parser.add_argument("--demo", action=BooleanOptionalAction, help="load the demo handlers (IRONFORGE_DEMO)")
        parser.add_argument(
            "--grace",
            type=_count,
            default=DEFAULT_GRACE_S,
            metavar="S",
            help="seconds that running jobs get at the end (%(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuse what would be unsafe or cannot work, then run."""
        host = str(options["host"] or conf().host)
        refused = refusals(host)
        if refused:
            raise CommandError("\n".join(refused))
        try:
            launch(
                LaunchOptions(
                    host=host,
                    port=options["port"] or conf().port,
                    workers=options["workers"],
                    concurrency=options["concurrency"],
                    queues=options["queues"],
                    is_demo=conf().is_demo if options["demo"] is None else options["demo"],
                    grace_s=options["grace"],
                )
            )
        except (CannotStart, CannotListen, ChecksFailed, StartFailed) as failed:
            raise CommandError(str(failed)) from failed


def _count(text: str) -> int:
    """Parse a number of things. Raises ArgumentTypeError."""
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise ArgumentTypeError(f"{text!r} is not a number from 0 to 999999")
    return int(text)
