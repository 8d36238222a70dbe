"""`manage.py runworker_ironforge`: runs jobs until SIGTERM or Ctrl-C."""

from __future__ import annotations

import gc
import logging
import os
from argparse import RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from jobs import __version__
from jobs.domain.naming import DEFAULT_NAMESPACE, DEFAULT_QUEUE
from jobs.domain.worker import DEFAULT_CONCURRENCY, DEFAULT_GRACE_S
from jobs.telemetry.logs import get_logger, log_event
from workers.discovery import HandlersBroken, discover, packages_without_handlers
from workers.options import BadOption, WorkerOptions, parse_options
from workers.prefork import Prefork
from workers.process import WorkerProcess
from workers.registry import Registry

# The exit code that tells a supervisor not to try again: the same start would fail the same way.
CANNOT_WORK = 2

EXAMPLES = """
Handlers are found in `handlers.py` of each app in IRONFORGE_HANDLERS; see docs/handlers.md. The store is the one of
IRONFORGE_REDIS_URL, or the embedded store that `manage.py ironforge` runs in IRONFORGE_DATA_DIR. A worker that starts
before its store waits for it.

SIGTERM or Ctrl-C: no new job is taken, running ones get --grace seconds to end, the rest goes back to its queue without
using an attempt. A second signal gives them back at once.

examples:
  .venv/bin/python manage.py runworker_ironforge
  .venv/bin/python manage.py runworker_ironforge --queues payments,main          # payments first
  .venv/bin/python manage.py runworker_ironforge --concurrency 200               # many jobs that wait for the network
  .venv/bin/python manage.py runworker_ironforge --processes 4 --concurrency 10  # jobs that need the processor
  IRONFORGE_HANDLERS=shop .venv/bin/python manage.py runworker_ironforge         # handlers of shop/handlers.py
"""


class Command(BaseCommand):
    """Runs a worker."""

    help = "Run a worker: take jobs from queues and call their handlers."
    requires_system_checks: list[str] = []

    def get_version(self) -> str:
        """Return IronForge's version, not Django's."""
        return __version__

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.epilog = EXAMPLES
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument(
            "--queues", default=DEFAULT_QUEUE, metavar="A,B", help="queues, the most important first (default main)"
        )
        parser.add_argument(
            "--concurrency",
            type=int,
            default=DEFAULT_CONCURRENCY,
            metavar="N",
            help="jobs at a time in each process (default %(default)s)",
        )
        parser.add_argument("--processes", type=int, default=1, metavar="N", help="worker processes (default 1)")
        parser.add_argument(
            "--namespace", default=DEFAULT_NAMESPACE, metavar="NAME", help="whose jobs to run (default default)"
        )
        parser.add_argument(
            "--grace",
            type=float,
            default=DEFAULT_GRACE_S,
            metavar="S",
            help="seconds that running jobs get after SIGTERM (default %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Check the options, find the handlers, and work."""
        try:
            chosen = parse_options(
                options["namespace"], options["queues"], options["concurrency"], options["grace"], options["processes"]
            )
            registry = discover()
        except (BadOption, HandlersBroken) as error:
            raise CommandError(str(error), returncode=CANNOT_WORK) from error
        for name in packages_without_handlers():
            log_event(get_logger("worker"), "handlers.missing", level=logging.WARNING, package=name)
        if chosen.processes > 1:
            Prefork(lambda lifeline: _run(chosen, registry, lifeline), chosen.processes, chosen.grace_s).run()
            return
        gc.freeze()
        if not _run(chosen, registry):
            # Every job is settled or given back; only a thread that cannot be killed would keep the process.
            logging.shutdown()
            os._exit(0)


def _run(options: WorkerOptions, registry: Registry, lifeline: int | None = None) -> bool:
    return WorkerProcess(options, registry).run(lifeline=lifeline)
