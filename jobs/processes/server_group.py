"""Several server processes on one port: the kernel shares connections out, a small supervisor keeps them running."""

from __future__ import annotations

import logging
import sys
import tempfile
from collections.abc import Sequence
from typing import Final

from jobs.conf import conf
from jobs.processes.child import ChildSpec
from jobs.processes.listening import listening_socket
from jobs.processes.output import Output, OutputHandler
from jobs.processes.stop_signals import StopSignals
from jobs.processes.supervisor import Supervisor
from jobs.telemetry.logs import get_logger, log_event

_MARGIN_S: Final = 5.0


def serve_with(argv: Sequence[str], workers: int, *, host: str, port: int, grace_s: int) -> None:
    """Run `workers` processes of the command `argv` until asked to stop. Raises CannotListen, StartFailed.

    The first of them also runs the loops that one process is enough for.
    """
    # Says now, in one line, what each of the processes would say.
    listening_socket(host, port).close()
    for_people = conf().log_format == "console"
    output = Output(sys.stdout, for_people=for_people, colour=conf().has_colour)
    logging.root.handlers[:] = [OutputHandler(output)]
    signals = StopSignals()
    signals.install()
    with tempfile.TemporaryDirectory(prefix="ironforge-metrics-") as folder:
        specs = [_spec(argv, number, folder) for number in range(1, workers + 1)]
        supervisor = Supervisor(
            [specs], output=output, signals=signals, say=lambda _: None, grace_s=grace_s + _MARGIN_S
        )
        supervisor.run(on_ready=lambda: log_event(get_logger("server"), "servers.ready", workers=workers))


def _spec(argv: Sequence[str], number: int, metrics_folder: str) -> ChildSpec:
    return ChildSpec(
        f"server-{number}",
        (*argv, "--share-port", *(() if number == 1 else ("--no-loops",))),
        # What each process counts of itself lies in files there, so that any of them can show the sum.
        {"IRONFORGE_LOG_FORMAT": "json", "PROMETHEUS_MULTIPROC_DIR": metrics_folder},
        ready_event="server.started",
    )
