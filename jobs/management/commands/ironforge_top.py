"""`manage.py ironforge_top`: a namespace in a terminal, live or as one snapshot."""

from __future__ import annotations

import shutil
from typing import Any

from django.core.management.base import CommandError, CommandParser

from jobs import wiring
from jobs.access.actor import Actor, system_actor
from jobs.domain.errors import BackendUnavailable, IronForgeError
from jobs.domain.naming import DEFAULT_NAMESPACE, NAMESPACE, is_namespace
from jobs.management.teaching_command import TeachingCommand
from jobs.services import namespaces
from jobs.terminal.frame import plain_text
from jobs.terminal.live import Live
from jobs.terminal.reading import Reader
from jobs.terminal.screen import is_terminal

LEAST_INTERVAL_S, MOST_INTERVAL_S = 0.2, 60.0
# Of a snapshot that goes into a file or a pipe; COLUMNS says otherwise.
PLAIN_COLUMNS = 120

_HELP = """\
Watch a namespace in this terminal: counters and rates, queues, workers, the newest dead letters, the store.

Keys: tab and arrows select, p pauses or resumes the selected queue, t quiets and z resumes the selected worker (each
asks first and lands in the audit log), ? explains, q or Ctrl-C ends. While the store is away the view says so and goes
on trying. Exit code 0, or 1 if the store was away at the end. NO_COLOR=1 keeps it without colours.

examples:
  .venv/bin/python manage.py ironforge_top
  .venv/bin/python manage.py ironforge_top --namespace shop --interval 5
  .venv/bin/python manage.py ironforge_top --once                      # one snapshot as plain text
  COLUMNS=200 .venv/bin/python manage.py ironforge_top --once > now.txt
  ssh -t host .venv/bin/python manage.py ironforge_top                 # -t: the view needs a terminal
"""


class Command(TeachingCommand):
    """Shows a namespace."""

    help = _HELP
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--namespace", default=DEFAULT_NAMESPACE, metavar="NAME", help="default: %(default)s")
        parser.add_argument(
            "--interval", type=float, default=1.0, metavar="S", help="seconds between readings (default %(default)s)"
        )
        parser.add_argument("--once", action="store_true", help="print one snapshot as plain text and end")

    def handle(self, *args: Any, **options: Any) -> None:
        """Show it until the person has seen enough."""
        namespace, interval_s = str(options["namespace"]), float(options["interval"])
        if not is_namespace(namespace):
            raise CommandError(
                f"--namespace: {namespace!r} is not a namespace's name, which matches {NAMESPACE.pattern}"
            )
        if not LEAST_INTERVAL_S <= interval_s <= MOST_INTERVAL_S:
            raise CommandError(f"--interval: {interval_s:g} is not in {LEAST_INTERVAL_S:g}–{MOST_INTERVAL_S:g}")
        actor = system_actor("ironforge_top", namespace)
        if options["once"]:
            self._print_once(actor)
            return
        if not is_terminal():
            raise CommandError("The live view needs a terminal; --once prints one snapshot as plain text.")
        if not Live(actor, interval_s).run():
            raise CommandError(f"The store was away at the end. It is looked for at {wiring.store_address()}.")

    def _print_once(self, actor: Actor) -> None:
        try:
            reading = Reader(actor).read()
        except BackendUnavailable as away:
            raise CommandError(f"{away.detail} It is looked for at {wiring.store_address()}.") from away
        except IronForgeError as refusal:
            raise CommandError(refusal.detail) from refusal
        if not reading.queues and namespaces.is_unknown(actor.namespace):
            self.stderr.write(
                f"No program has a key for a namespace {actor.namespace!r}, and it has no jobs: is that its name?",
                self.style.NOTICE,
            )
        width = shutil.get_terminal_size((PLAIN_COLUMNS, 24)).columns
        self.stdout.write(plain_text(reading, max(width, 80)))
