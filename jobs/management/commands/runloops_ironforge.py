"""`manage.py runloops_ironforge`: what the database drives, apart from the servers."""

from __future__ import annotations

import os
import time
from typing import Any, Final

from django.core.management.base import CommandError, CommandParser

from jobs import loops
from jobs.loops import RunningLoops
from jobs.loops.health_line import tell_health
from jobs.management.judging import judge_database, judge_external_store
from jobs.management.teaching_command import TeachingCommand
from jobs.processes.stop_signals import StopSignals
from jobs.processes.system_checks import ChecksFailed, report_checks
from jobs.services import database
from jobs.telemetry import tracing
from jobs.telemetry.logs import get_logger, log_event
from jobs.telemetry.store_watch import StoreWatch

_HELP = """\
Run the loops that the database drives: schedules fire, bulk operations and deletions get on, alerts are judged and
sent, history is written.

A server does this beside serving, in the first process of each. Run it apart where servers are many, short of time or
scaled by their load: set IRONFORGE_LOOPS=apart for all processes, so that servers leave it, and start this once or, to
outlive one, twice. Any number is safe: each piece of work is done by one of them. With none, jobs flow and nothing of
the above happens.

The log has a line `loops.health` each minute: the seconds since each loop last got something right, as a warning when
one is stuck. SIGTERM or Ctrl-C ends the rounds that run and then the process, with exit code 0; a second one does not
wait. It needs the store and the database of the servers: IRONFORGE_REDIS_URL and DATABASE_URL, or the same
IRONFORGE_DATA_DIR.

examples:
  IRONFORGE_LOOPS=apart .venv/bin/python manage.py runserver_ironforge --workers 4
  IRONFORGE_LOOPS=apart .venv/bin/python manage.py runloops_ironforge
  .venv/bin/python manage.py runloops_ironforge --grace 20     # longer for a round that runs
  IRONFORGE_LOOPS=apart .venv/bin/python manage.py ironforge   # all on one machine, loops in a process of their own
"""

HEALTH_EVERY_S: Final = 60.0
_LOOK_S: Final = 0.1
_log = get_logger("loops")


class Command(TeachingCommand):
    """Runs the loops."""

    help = _HELP

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--grace",
            type=int,
            default=10,
            metavar="S",
            help="seconds that running rounds get after a request to stop (default 10)",
        )

    def check(self, *args: Any, **options: Any) -> None:
        """Report what the system checks find as log records."""
        try:
            report_checks("loops")
        except ChecksFailed as failed:
            raise CommandError(str(failed)) from failed

    def handle(self, *args: Any, **options: Any) -> None:
        """Run them until asked to stop."""
        judge_external_store()
        judge_database()
        signals = StopSignals()
        signals.install()
        watch = StoreWatch()
        watch.start()
        let_go = database.keep_open()
        running = loops.start()
        log_event(_log, "loops.started", pid=os.getpid(), loops=running.names)
        _tell_until_asked(signals)
        _end(running, signals, max(0, options["grace"]))
        watch.stop()
        let_go()
        tracing.stop()


def _tell_until_asked(signals: StopSignals) -> None:
    """Say how the loops are, now and each minute."""
    tell_at = time.monotonic()
    while not signals.is_requested:
        if time.monotonic() >= tell_at:
            tell_at = time.monotonic() + HEALTH_EVERY_S
            tell_health()
        signals.wait(tell_at - time.monotonic())


def _end(running: RunningLoops, signals: StopSignals, grace_s: int) -> None:
    """Let rounds end. One that is cut off is done again, by whoever runs loops next."""
    running.ask_to_stop()
    give_up_at = time.monotonic() + grace_s
    while running.left and signals.count < 2 and time.monotonic() < give_up_at:
        signals.wait(_LOOK_S)
    log_event(_log, "loops.stopped", pid=os.getpid(), cut_off=running.left or None)
