"""`manage.py runworker_ironforge`: runs jobs until SIGTERM or Ctrl-C."""

from __future__ import annotations

import gc
import logging
import os
import sys
from argparse import RawDescriptionHelpFormatter
from contextlib import nullcontext
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.module_loading import import_string

from jobs import __version__
from jobs.domain.errors import BackendUnavailable
from jobs.domain.naming import DEFAULT_QUEUE, RESERVED
from jobs.domain.worker import DEFAULT_CONCURRENCY, DEFAULT_GRACE_S
from jobs.telemetry import tracing
from jobs.telemetry.logs import get_logger, log_event
from jobs.telemetry.store_watch import LayoutOlder, StoreUnfit, require_known_layout
from workers.child_pool import MakeChildren
from workers.discovery import HandlersBroken, discover, files_of, missing_hint, packages_without_handlers
from workers.options import BadOption, WorkerOptions, parse_options
from workers.place import ALONE, Place
from workers.process import WorkerProcess
from workers.process_arguments import add_process_arguments, children_of, recycling_of
from workers.registry import Registry

# The exit code that tells a supervisor not to try again: the same start would fail the same way.
CANNOT_WORK = 2
# What only those load who need it: workers with handlers in child processes, and parents of worker processes.
CHILDREN, SPAWNER = "workers.isolation.children.Children", "workers.isolation.spawner.Spawner"
SEVERAL = "workers.several.run_several"
STATUS_LINE = "workers.status_line.StatusLine"
# Who starts server and workers together starts workers of this version on jobs of the last one, for a moment.
MIGRATION_WAIT_S = 60.0
NO_HANDLERS = (
    "This worker can run no job: it delivers pushes and webhooks, and puts all other jobs of its queues back. "
    "Name your packages in IRONFORGE_HANDLERS, or set IRONFORGE_DEMO=on for the demo's handlers."
)

EXAMPLES = """
Handlers are found in `handlers.py` of each app in IRONFORGE_HANDLERS; see docs/handlers.md. The store is the one of
IRONFORGE_REDIS_URL, or the embedded store that `manage.py ironforge` runs in IRONFORGE_DATA_DIR. A worker that starts
before its store waits for it.

SIGTERM or Ctrl-C: no new job is taken, running ones get --grace seconds to end, the rest goes back to its queue without
using an attempt. A second signal gives them back at once.

Ctrl-Z or SIGTSTP: no new job is taken, running ones go on; `kill -CONT PID` (SIGCONT) has it take jobs again.

examples:
  .venv/bin/python manage.py runworker_ironforge
  .venv/bin/python manage.py runworker_ironforge --queues payments,main          # payments first
  .venv/bin/python manage.py runworker_ironforge --queues payments:5,main:1      # payments first in five of six
  .venv/bin/python manage.py runworker_ironforge --namespace shop,crm            # two tenants
  .venv/bin/python manage.py runworker_ironforge --namespace all                 # those of later too
  .venv/bin/python manage.py runworker_ironforge --burst                         # what is ready now, then end
  .venv/bin/python manage.py runworker_ironforge --concurrency 200               # many jobs that wait for the network
  .venv/bin/python manage.py runworker_ironforge --processes 4 --concurrency 10  # jobs that need the processor
  .venv/bin/python manage.py runworker_ironforge --max-jobs 10000                # against handlers that leak
  .venv/bin/python manage.py runworker_ironforge --queues video --concurrency 4  # isolated handlers, four children
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
            "--queues",
            default=DEFAULT_QUEUE,
            metavar="A,B",
            help="queues, the most important first (default main); with weights, A:5,B:1, each gets its share",
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
            "--grace",
            type=float,
            default=DEFAULT_GRACE_S,
            metavar="S",
            help="seconds that running jobs get after SIGTERM (default %(default)s)",
        )
        parser.add_argument(
            "--burst",
            action="store_true",
            help="end once no job is ready in the queues and none runs, with code 1 when the store is away for 30 s",
        )
        parser.add_argument(
            "--no-status",
            action="store_true",
            help="no line at the foot of the terminal that says how the worker is doing; a worker whose standard error "
            "is no terminal, that stands behind a parent or may have children, has none anyway",
        )
        add_process_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Check the options, find the handlers, and work."""
        try:
            chosen = parse_options(
                options["namespace"],
                options["queues"],
                options["concurrency"],
                options["grace"],
                options["processes"],
                children=children_of(options),
                recycling=recycling_of(options),
                is_burst=options["burst"],
            )
            registry = discover()
        except (BadOption, HandlersBroken) as error:
            raise CommandError(str(error), returncode=CANNOT_WORK) from error
        _tell_handlers(registry, chosen)
        _judge_layout()
        tracing.prepare()
        if registry.has_isolation("process"):
            # Before any fork, so that all processes share it; other workers need none of it.
            import_string(CHILDREN), import_string(SPAWNER)
        if chosen.processes > 1 or chosen.recycling:
            if import_string(SEVERAL)(chosen, partial(_run, chosen, registry)):
                raise CommandError("A process of this worker has ended with a failure; its lines are above.")
            return
        # What importing left behind must not be kept for good.
        gc.collect()
        gc.freeze()
        if not _run(chosen, registry, has_status=not options["no_status"] and _has_terminal(registry)):
            # Every job is settled or given back; only a thread that cannot be killed would keep the process.
            logging.shutdown()
            os._exit(0)


def _tell_handlers(registry: Registry, options: WorkerOptions) -> None:
    """Log what was found, and warn of what was named and is not there, and of a worker that can run nothing."""
    logger = get_logger("worker")
    for name in packages_without_handlers():
        log_event(logger, "handlers.missing", level=logging.WARNING, package=name, hint=missing_hint(name))
    kinds = registry.kinds()
    if kinds:
        log_event(logger, "handlers.loaded", kinds=len(kinds), files=", ".join(files_of(registry)))
    elif not all(queue.startswith(RESERVED) for queue in options.queues):
        log_event(logger, "handlers.none", level=logging.WARNING, hint=NO_HANDLERS)


def _judge_layout() -> None:
    """Refuse jobs that another version wrote in a form of its own. A store that is away may come, and so may the server
    that brings older jobs up to date: after a while without it the next start waits for it again.
    """
    try:
        require_known_layout(MIGRATION_WAIT_S)
    except BackendUnavailable:
        return
    except LayoutOlder as older:
        raise CommandError(older.detail) from older
    except StoreUnfit as unfit:
        raise CommandError(unfit.detail, returncode=CANNOT_WORK) from unfit


def _has_terminal(registry: Registry) -> bool:
    """Tell whether this process has a terminal to itself: children write to it as they like."""
    return sys.stderr.isatty() and not registry.has_isolation("process")


def _run(options: WorkerOptions, registry: Registry, place: Place = ALONE, *, has_status: bool = False) -> bool:
    """Work; return False when handlers in threads ignored the end. Raises CommandError when it has to begin anew."""
    make_children = _children(options, registry) if registry.has_isolation("process") else None
    process = WorkerProcess(options, registry, place=place, make_children=make_children)
    with import_string(STATUS_LINE)(options, process.progress) if has_status else nullcontext():
        is_clean = process.run()
    if process.failure:
        raise CommandError(process.failure)
    return is_clean


def _children(options: WorkerOptions, registry: Registry) -> MakeChildren:
    """Fork the process that forks children; this one has a single thread yet."""
    try:
        spawner = import_string(SPAWNER).start(2 * options.children.limit, registry)
    except OSError as error:
        raise CommandError(f"The process that forks children cannot be made: {error.strerror}.") from error
    return partial(import_string(CHILDREN), spawner, options.children)
