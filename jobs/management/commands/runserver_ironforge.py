"""`manage.py runserver_ironforge`: the API and the console, without store and worker."""

from __future__ import annotations

from argparse import RawDescriptionHelpFormatter
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from jobs.access.checks import refusals
from jobs.conf import conf
from jobs.domain.errors import BackendUnavailable
from jobs.processes.listening import CannotListen
from jobs.processes.port_number import port_number
from jobs.processes.server import ServerOptions, serve
from jobs.telemetry.store_watch import StoreUnfit, StoreWatch, look_at_store

_HELP = """\
Run the HTTP server: API and console.

Serves HTTP and websockets in this process until SIGTERM or Ctrl-C. Keys are required unless IRONFORGE_OPEN=1 opens a
loopback address. It needs a store: set IRONFORGE_REDIS_URL, or run it beside `manage.py ironforge`.

  manage.py runserver_ironforge                     # on the address of the settings, 127.0.0.1:3000
  manage.py runserver_ironforge --port 3100
  manage.py runserver_ironforge --host 0.0.0.0      # behind a TLS proxy: see docs/operations.md
"""


class Command(BaseCommand):
    """Runs the server."""

    help = _HELP

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

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuse what would be unsafe, then serve."""
        host = str(options["host"] or conf().host)
        refused = refusals(host)
        if refused:
            raise CommandError("\n".join(refused))
        _judge_external_store()
        watch = StoreWatch()
        watch.start()
        module, _, attribute = str(settings.ASGI_APPLICATION).rpartition(".")
        try:
            serve(
                ServerOptions(
                    application=f"{module}:{attribute}",
                    host=host,
                    port=options["port"] or conf().port,
                    grace_s=max(0, options["grace"]),
                )
            )
        except CannotListen as busy:
            raise CommandError(str(busy)) from busy
        finally:
            watch.stop()


def _judge_external_store() -> None:
    """Refuse a store that would lose jobs. One that is away may come: until then the API answers 503."""
    if conf().is_embedded:
        return  # its configuration is ours, and the supervisor looked at it
    try:
        look_at_store()
    except BackendUnavailable:
        return
    except StoreUnfit as unfit:
        raise CommandError(f"The store is not fit to keep jobs:\n{unfit.detail}") from unfit
