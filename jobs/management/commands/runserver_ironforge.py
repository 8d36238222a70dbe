"""`manage.py runserver_ironforge`: the API and the console, without store and worker."""

from __future__ import annotations

import sys
from argparse import SUPPRESS, RawDescriptionHelpFormatter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from jobs import __version__, loops
from jobs.access.checks import refusals
from jobs.conf import conf
from jobs.domain.naming import DEFAULT_NAMESPACE
from jobs.management.judging import judge_database, judge_external_store
from jobs.processes.listening import CannotListen
from jobs.processes.port_number import port_number
from jobs.processes.server import ServerOptions, serve
from jobs.processes.server_group import serve_with
from jobs.processes.supervisor import StartFailed
from jobs.processes.system_checks import ChecksFailed, report_checks
from jobs.services import database
from jobs.services.admission import admission
from jobs.services.limit_keys import limit_keys
from jobs.telemetry.store_watch import StoreWatch

_HELP = """\
Run the HTTP server: API and console.

Serves HTTP and websockets until SIGTERM or Ctrl-C, in this process or with --workers in several. Keys are required
unless IRONFORGE_OPEN=1 opens a loopback address. It needs a store: set IRONFORGE_REDIS_URL, or run it beside
`manage.py ironforge`. The first process also runs the loops (schedules, bulk operations, alerts, history) unless
IRONFORGE_LOOPS=apart leaves them to `manage.py runloops_ironforge`.

  .venv/bin/python manage.py runserver_ironforge                 # on the address of the settings, 127.0.0.1:3000
  .venv/bin/python manage.py runserver_ironforge --port 3100
  .venv/bin/python manage.py runserver_ironforge --workers 4     # four processes on one port
  .venv/bin/python manage.py runserver_ironforge --host 0.0.0.0  # behind a TLS proxy: see docs/operations.md
"""

MAX_WORKERS = 64
_THIS = (sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), "runserver_ironforge")


class Command(BaseCommand):
    """Runs the server."""

    help = _HELP

    def get_version(self) -> str:
        """Return IronForge's version, not Django's."""
        return __version__

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Keep the line breaks of the help."""
        return super().create_parser(prog_name, subcommand, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--host", help="address to listen on (IRONFORGE_HOST)")
        parser.add_argument("--port", type=port_number, help="port to listen on (IRONFORGE_PORT)")
        parser.add_argument(
            "--grace",
            type=int,
            default=10,
            metavar="S",
            help="seconds that running requests get after a request to stop (default 10)",
        )
        parser.add_argument("--workers", type=int, default=1, metavar="N", help="server processes (default 1)")
        # What the processes of --workers are told.
        parser.add_argument("--share-port", action="store_true", help=SUPPRESS)
        parser.add_argument("--no-loops", action="store_true", help=SUPPRESS)

    def check(self, *args: Any, **options: Any) -> None:
        """Report what the system checks find as log records."""
        try:
            report_checks("server")
        except ChecksFailed as failed:
            raise CommandError(str(failed)) from failed

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuse what would be unsafe, then serve."""
        host = str(options["host"] or conf().host)
        refused = refusals(host)
        if refused:
            raise CommandError("\n".join(refused))
        if not 1 <= options["workers"] <= MAX_WORKERS:
            raise CommandError(f"--workers: {options['workers']} is not in 1–{MAX_WORKERS}")
        judge_external_store()
        judge_database()
        port, grace_s = options["port"] or conf().port, max(0, options["grace"])
        try:
            if options["workers"] > 1:
                argv = (*_THIS, "--host", host, "--port", str(port), "--grace", str(grace_s), "--skip-checks")
                serve_with(argv, options["workers"], host=host, port=port, grace_s=grace_s)
            else:
                _serve(host, port, grace_s, options)
        except (CannotListen, StartFailed) as failed:
            raise CommandError(str(failed)) from failed


def _serve(host: str, port: int, grace_s: int, options: dict[str, Any]) -> None:
    """Serve in this process."""
    module, _, attribute = str(settings.ASGI_APPLICATION).rpartition(".")
    application = f"{module}:{attribute}"
    with ExitStack() as running:
        watch = StoreWatch()
        watch.start()
        running.callback(watch.stop)
        running.callback(database.keep_open())
        # The first submission need not wait for what is asked of the store, nor for the connections that ask.
        admission().look()
        limit_keys().look(DEFAULT_NAMESPACE)
        if not options["no_loops"] and not conf().has_loops_apart:
            running.callback(loops.start().stop)
        serve(ServerOptions(application, host, port, grace_s, shares_port=options["share_port"]))
