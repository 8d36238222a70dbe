"""The lines that people read when everything is up: where it is, how to get in, what to try, how to stop."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jobs.telemetry.log_line import BOLD, CYAN, DIM, GREEN, RESET, YELLOW

_BODY: Final = (
    '{"kind":"email.send","payload":{"to":"user@example.com","template":"welcome"},"priority":"high","max_retries":3}'
)
_MINT: Final = ".venv/bin/python manage.py ironforge_key mint --name my-app"
_ANEW: Final = ".venv/bin/python manage.py changepassword"
_LABEL_WIDTH: Final = 10


@dataclass(frozen=True, slots=True)
class Welcome:
    """What the start-up lines tell."""

    url: str
    admin: str  # name of the first administrator
    password: str | None  # only on the very first start
    data_dir: Path
    store: str  # "embedded, every accepted job is on disk"
    workers: int
    is_open: bool  # programs on this machine need no key
    is_demo: bool  # the handlers that the example needs are loaded
    seconds: float  # how long the start took


def banner(welcome: Welcome, *, colour: bool) -> str:
    """Return the lines, ending with a newline."""

    def paint(text: str, style: str) -> str:
        return f"{style}{text}{RESET}" if colour else text

    def row(label: str, text: str) -> str:
        return f"  {paint(label.ljust(_LABEL_WIDTH), DIM)}{text}"

    workers = {0: "no worker", 1: "one worker"}.get(welcome.workers, f"{welcome.workers} workers")
    lines = [
        "",
        f"  {paint('IronForge is running', BOLD + GREEN)} {paint(f'(started in {welcome.seconds:.1f} s)', DIM)}",
        "",
        row("Console", paint(f"{welcome.url}/console/", CYAN)),
        row("API", f"{paint(welcome.url, CYAN)}   docs: {paint(f'{welcome.url}/docs', CYAN)}"),
    ]
    if welcome.password:
        secret = paint(f"{welcome.admin} / {welcome.password}", BOLD + YELLOW)
        lines.append(row("Sign in", f"{secret}   shown only this once"))
    else:
        lines.append(row("Sign in", f"as before; {_ANEW} {welcome.admin} sets another password"))
    lines += [
        row("Data", f"{welcome.data_dir}"),
        row("Store", f"{welcome.store}; {workers}"),
        row("Stop", "Ctrl-C: running jobs finish first"),
        "",
        *(_example(welcome, paint("…", YELLOW)) if welcome.is_demo else _no_example(welcome)),
        "",
    ]
    return "\n".join(lines) + "\n"


def _example(welcome: Welcome, key: str) -> list[str]:
    lines = [f'  curl -X POST {welcome.url}/jobs -H "Content-Type: application/json" \\']
    if not welcome.is_open:
        lines.insert(0, f"  # keys are required: {_MINT}")
        lines.append(f'    -H "Authorization: Bearer ifk_{key}" \\')
    return ["  Submit a job:", "", *lines, f"    -d '{_BODY}'"]


def _no_example(welcome: Welcome) -> list[str]:
    """Show no job that nobody would run: which kinds there are, only the handlers tell."""
    lines = ["  Jobs are run by your handlers (docs/handlers.md); --demo loads some to try it with."]
    return lines if welcome.is_open else [*lines, f"  Keys are required: {_MINT}"]
