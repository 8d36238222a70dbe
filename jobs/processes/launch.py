"""Brings an installation up, step by step, hands it to the supervisor, and takes it down again."""

from __future__ import annotations

import http.client
import logging
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from django.conf import settings
from django.core.management import call_command
from django.db import connection

from jobs import store_owner, wiring
from jobs.conf import conf
from jobs.domain.errors import BackendUnavailable, IronForgeError
from jobs.processes.banner import Welcome, banner
from jobs.processes.child import ChildSpec
from jobs.processes.listening import address_text, listening_socket, local_address
from jobs.processes.output import Output, OutputHandler
from jobs.processes.stop_signals import StopSignals
from jobs.processes.store_keeper import StoreKeeper
from jobs.processes.supervisor import Supervisor
from jobs.processes.system_checks import report_checks
from jobs.services.database import is_migrated
from jobs.services.people import FIRST_ADMIN, ensure_first_admin
from jobs.telemetry.log_line import DIM, RESET
from jobs.telemetry.logs import get_logger, log_event, log_sink
from jobs.telemetry.store_watch import look_at_store

_SERVER_READY_S: Final = 1.0
_MARGIN_S: Final = 5.0
_SAY_EVERY_S: Final = 2.0
_DURABILITY: Final = {
    "always": "every accepted job is on disk",
    "everysec": "up to a second of accepted jobs may be lost when the store is killed",
    "replicated": "every accepted job is on a replica",
}


class CannotStart(Exception):
    """A step failed; the text says what to do."""


@dataclass(frozen=True, slots=True)
class LaunchOptions:
    """What the command line decides."""

    host: str
    port: int
    workers: int
    concurrency: int
    queues: str
    is_demo: bool
    grace_s: int


def launch(options: LaunchOptions) -> None:
    """Run until asked to stop. Raises CannotStart, CannotListen, ChecksFailed, StartFailed; nothing is left then."""
    started_at = time.monotonic()
    for_people = sys.stdout.isatty() or conf().log_format == "console"
    colour = conf().has_colour
    output = Output(sys.stdout, for_people=for_people, colour=colour)
    logging.root.handlers[:] = [OutputHandler(output)]
    # Where the output is read by a machine, the lines for people go where only people look.
    notices = sys.stdout if for_people else sys.stderr
    signals = StopSignals()
    signals.install()
    keeper = _own_store(signals)
    try:
        report_checks("supervisor")
        listening_socket(options.host, options.port).close()
        if keeper is not None:
            with suppress(OSError):  # a full disk is the store's to tell
                _address_file().write_text(f"{_url(options)}\n")
            keeper.start()
        migrate_when_needed(lambda text: _say(notices, text, colour))
        _wait_for_store(keeper, signals, lambda text: _say(notices, text, colour))
        if signals.is_requested:
            return
        _judge_store()
        supervisor = Supervisor(
            [_workers(options), [_server(options), *_loops(options)]],
            output=output,
            signals=signals,
            say=lambda text: _say(notices, text, colour),
            grace_s=options.grace_s + _MARGIN_S,
        )
        supervisor.run(on_ready=lambda: _greet(notices, _welcome(options, time.monotonic() - started_at), colour))
    finally:
        if keeper is not None:
            _address_file().unlink(missing_ok=True)
            keeper.stop()
        log_event(get_logger("supervisor"), "supervisor.stopped")


def migrate_when_needed(say: Callable[[str], None]) -> None:
    """Bring Django's database up to this version's tables."""
    if not is_migrated():
        say("preparing the database")
        call_command("migrate", verbosity=0, interactive=False)
    connection.close()


def _own_store(signals: StopSignals) -> StoreKeeper | None:
    """Take the data directory for this supervisor. Raises CannotStart when another has it."""
    store = store_owner.embedded_store(log_sink(get_logger("store")))
    if store is None:
        return None
    try:
        store.acquire()
    except IronForgeError as refused:
        if refused.code == "store_locked":
            raise CannotStart(_in_use(refused.detail)) from refused
        raise CannotStart(f"{refused.detail} ({conf().data_dir})") from refused
    return StoreKeeper(store, wake=signals.wake)


def _in_use(detail: str) -> str:
    """Return what to do about a directory that another installation has; where that is, it wrote down itself."""
    try:
        where = f" and answers at {_address_file().read_text().strip()}"
    except OSError:
        where = ""
    return (
        f"{detail} ({conf().data_dir})\nIt is IronForge{where}: use it, or stop it with Ctrl-C or `kill`. "
        "A second installation needs a directory and a port of its own: IRONFORGE_DATA_DIR=… make run PORT=…"
    )


def _address_file() -> Path:
    return conf().data_dir / "address"


def _wait_for_store(keeper: StoreKeeper | None, signals: StopSignals, say: Callable[[str], None]) -> None:
    if keeper is None:
        _require_external_store()
        return
    started_at = said_at = time.monotonic()
    while not (keeper.is_up or signals.is_requested):
        if keeper.failure is not None:
            raise CannotStart(f"The store cannot start: {keeper.failure.detail}")
        now = time.monotonic()
        if now - said_at >= _SAY_EVERY_S:
            said_at = now
            say(f"waiting for the store ({now - started_at:.0f} s)")
        signals.wait(_SAY_EVERY_S)


def _require_external_store() -> None:
    """Go on only when the store of IRONFORGE_REDIS_URL answers. Raises CannotStart, with the address and the reason."""
    try:
        wiring.runner().ping()
    except BackendUnavailable as away:
        reason = str(away.__cause__ or away.detail).rstrip(".")
        raise CannotStart(
            f"The store of IRONFORGE_REDIS_URL does not answer at {wiring.store_address()}: {reason}."
        ) from away


def _judge_store() -> None:
    """Go on only with a store that is fit to keep jobs. Raises CannotStart."""
    try:
        look_at_store()
    except IronForgeError as unfit:
        raise CannotStart(f"The store is not fit to keep jobs:\n{unfit.detail}") from unfit


def _server(options: LaunchOptions) -> ChildSpec:
    argv = (*_manage("runserver_ironforge"), "--host", options.host, "--port", str(options.port), "--skip-checks")
    return ChildSpec("server", argv, _variables(options), is_ready=lambda: _answers(options.host, options.port))


def _loops(options: LaunchOptions) -> list[ChildSpec]:
    """Return what carries on what servers leave alone."""
    argv = (*_manage("runloops_ironforge"), "--skip-checks")
    spec = ChildSpec("loops", argv, _variables(options), ready_event="loops.started")
    return [spec] if conf().has_loops_apart else []


def _workers(options: LaunchOptions) -> list[ChildSpec]:
    argv = [*_manage("runworker_ironforge"), "--grace", str(options.grace_s), "--queues", options.queues]
    argv += ["--concurrency", str(options.concurrency)]
    names = ["worker"] if options.workers == 1 else [f"worker-{number}" for number in range(1, options.workers + 1)]
    return [ChildSpec(name, tuple(argv), _variables(options), ready_event="worker.started") for name in names]


def _manage(command: str) -> tuple[str, ...]:
    return (sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), command)


def _variables(options: LaunchOptions) -> dict[str, str]:
    """Return what children must know; the rest of the environment they inherit."""
    return {"IRONFORGE_DEMO": "on" if options.is_demo else "off", "IRONFORGE_LOG_FORMAT": "json"}


def _answers(host: str, port: int) -> bool:
    """Ask the server whether it lives: any answer that is no fault of its own will do."""
    asked = http.client.HTTPConnection(local_address(host), port, timeout=_SERVER_READY_S)
    try:
        asked.request("GET", "/health/live", headers={"Host": "localhost"})
        return asked.getresponse().status < http.client.INTERNAL_SERVER_ERROR
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asked.close()


def _welcome(options: LaunchOptions, seconds: float) -> Welcome:
    kind = "embedded" if conf().is_embedded else "external"
    return Welcome(
        url=_url(options),
        admin=FIRST_ADMIN,
        # Last of all: a password that is made is also shown.
        password=ensure_first_admin(),
        data_dir=conf().data_dir,
        store=f"{kind}, {_DURABILITY[conf().durability]}",
        workers=options.workers,
        is_open=conf().is_open,
        is_demo=options.is_demo,
        seconds=seconds,
    )


def _url(options: LaunchOptions) -> str:
    return f"http://{address_text(options.host, options.port)}{conf().base_path}"


def _greet(stream: TextIO, welcome: Welcome, colour: bool) -> None:
    stream.write(banner(welcome, colour=colour))
    stream.flush()


def _say(stream: TextIO, text: str, colour: bool) -> None:
    stream.write(f"{DIM}  {text} …{RESET}\n" if colour else f"  {text} …\n")
    stream.flush()
