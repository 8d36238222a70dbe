"""What is compared: IronForge in its settings, and the libraries that a user would pick instead.

A command is a tuple of words; `{bin}` is the environment's folder of programs, `{python}` IronForge's interpreter,
`{port}` a free port. Each peer runs as its documentation starts it; where a setting for two cores is not simply two
processes, that is said in `best_text`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from benchmarks.store import Durability

Command = tuple[str, ...]
Settings = tuple[Command, Command, Command]  # one process, two cores, four processes
Kind = Literal["ironforge", "python", "node", "ruby"]
Setting = Literal["one", "best", "four"]


@dataclass(frozen=True, slots=True)
class Competitor:
    """One row of the tables. `best` is the best setting for two cores, `web` an HTTP face in front of the library."""

    name: str
    label: str
    kind: Kind
    one: tuple[Command, ...]
    best: tuple[Command, ...]
    four: tuple[Command, ...]
    best_text: str
    feed: Command
    web: Command | None = None
    web_label: str = ""
    durability: Durability = "none"
    store: Literal["embedded", "redis", "peer"] = "peer"
    may_preload: bool = True  # the embedded store may run with the system's jemalloc
    masters: int = 0  # of a Cluster in its place; 0: none
    variables: tuple[tuple[str, str], ...] = ()

    @property
    def is_ours(self) -> bool:
        """Tell whether this is IronForge."""
        return self.kind == "ironforge"

    def commands(self, setting: Setting) -> tuple[Command, ...]:
        """Return what to start for a setting."""
        return {"one": self.one, "best": self.best, "four": self.four}[setting]


def _feeder(module: str, python: str = "{bin}/python") -> Command:
    return (python, "feeder.py", module)


def _ironforge(name: str, label: str, **more: object) -> Competitor:
    worker = ("{python}", "{root}/manage.py", "runworker_ironforge")
    return Competitor(
        name=name,
        label=label,
        kind="ironforge",
        one=(worker,),
        best=((*worker, "--processes", "2"),),
        four=((*worker, "--processes", "4"),),
        best_text="--processes 2",
        feed=_feeder("ironforge_jobs", "{python}"),
        web=("{python}", "{root}/manage.py", "runserver_ironforge", "--port", "{port}"),
        web_label=label,
        **more,  # type: ignore[arg-type]
    )


def _python(name: str, label: str, settings: Settings, text: str, **more: object) -> Competitor:
    """Return a Python library whose own command starts one, two or four processes."""
    one, best, four = settings
    return Competitor(
        name=name, label=label, kind="python", one=(one,), best=(best,), four=(four,), best_text=text,
        feed=_feeder(f"{name}_jobs"), **more,  # type: ignore[arg-type]
    )  # fmt: skip


OURS: Final = (
    _ironforge("ironforge", "IronForge, everysec", durability="everysec", store="embedded"),
    _ironforge("ironforge-always", "IronForge, always", durability="always", store="embedded"),
    _ironforge("ironforge-redis", "IronForge, Redis 7.0, everysec", durability="everysec", store="redis"),
)
OWN_ALLOCATOR: Final = _ironforge(
    "ironforge-own",
    "IronForge, own malloc, everysec",
    durability="everysec",
    store="embedded",
    may_preload=False,
)
CLUSTERS: Final = tuple(
    _ironforge(
        f"ironforge-masters-{masters}",
        f"IronForge, {masters} master{'s' if masters > 1 else ''}, everysec",
        durability="everysec",
        masters=masters,
        variables=(("IRONFORGE_SHARDS", "12"),),
    )
    for masters in (1, 2, 3)
)
DRF: Final = _ironforge(
    "ironforge-drf",
    "IronForge, DRF lane, everysec",
    durability="everysec",
    store="embedded",
    variables=(("IRONFORGE_GATEWAY", "off"),),
)
BARE: Final = Competitor(
    name="bare",
    label="bare endpoint of the same server",
    kind="ironforge",
    one=(), best=(), four=(), best_text="",
    feed=(),
    web=("{python}", "bare.py", "{port}"),
    web_label="bare endpoint, stores nothing",
    durability="everysec",
    store="embedded",
)  # fmt: skip

# The limit of the store and of Python, not a queue: see the program.
LEAST: Final = Competitor(
    name="least",
    label="cheapest scripts, no queue",
    kind="ironforge",
    one=(("{python}", "cheapest_jobs.py"),),
    best=(("{python}", "cheapest_jobs.py"),) * 2,
    four=(("{python}", "cheapest_jobs.py"),) * 4,
    best_text="2 processes",
    feed=_feeder("cheapest_jobs", "{python}"),
    durability="everysec",
    store="embedded",
)

_CELERY: Final = ("{bin}/celery", "-A", "celery_jobs", "worker", "-c")
_DRAMATIQ: Final = ("{bin}/dramatiq", "dramatiq_jobs", "--threads", "8", "--processes")
_HUEY: Final = ("{bin}/huey_consumer", "huey_jobs.huey", "-k")
_UVICORN: Final = ("--host", "127.0.0.1", "--port", "{port}", "--no-access-log", "--log-level", "warning")
_ARQ: Final = ("{bin}/arq", "arq_jobs.WorkerSettings")
_SAQ: Final = ("{bin}/saq", "saq_jobs.settings", "--workers")
_TASKIQ: Final = ("{bin}/taskiq", "worker", "taskiq_jobs:broker", "--workers")
_STREAQ: Final = ("{bin}/streaq", "run", "streaq_jobs:worker", "--workers")
_RQ_POOL: Final = ("{bin}/rq", "worker-pool", "-u", "{url}", "-n")
_NODE: Final = ("node", "bullmq_jobs.mjs", "work")
_SIDEKIQ: Final = ("sidekiq", "-r", "./sidekiq_jobs.rb")

PEERS: Final = (
    Competitor(
        name="sidekiq", label="Sidekiq", kind="ruby",
        one=(_SIDEKIQ,), best=(_SIDEKIQ,) * 2, four=(_SIDEKIQ,) * 4, best_text="2 processes",
        feed=("ruby", "sidekiq_jobs.rb"),
    ),
    Competitor(
        name="bullmq", label="BullMQ", kind="node",
        one=(_NODE,), best=(_NODE,) * 2, four=(_NODE,) * 4, best_text="2 processes, concurrency 50",
        feed=("node", "bullmq_jobs.mjs"),
        web=("node", "bullmq_jobs.mjs", "web", "{port}"), web_label="Express + BullMQ",
    ),
    _python("huey", "Huey", ((*_HUEY, "thread", "-w", "1"), (*_HUEY, "process", "-w", "2"),
            (*_HUEY, "process", "-w", "4")), "-k process -w 2"),
    _python("taskiq", "taskiq", ((*_TASKIQ, "1"), (*_TASKIQ, "2"), (*_TASKIQ, "4")), "--workers 2"),
    _python("dramatiq", "Dramatiq", ((*_DRAMATIQ, "1"), (*_DRAMATIQ, "2"), (*_DRAMATIQ, "4")), "--processes 2",
            web=("{bin}/uvicorn", "dramatiq_web:application", *_UVICORN), web_label="FastAPI + Dramatiq"),
    _python("saq", "SAQ", ((*_SAQ, "1"), (*_SAQ, "2"), (*_SAQ, "4")), "--workers 2"),
    Competitor(
        name="arq", label="arq", kind="python",
        one=(_ARQ,), best=(_ARQ,) * 2, four=(_ARQ,) * 4, best_text="2 processes",
        feed=_feeder("arq_jobs"),
        web=("{bin}/uvicorn", "arq_web:application", *_UVICORN), web_label="FastAPI + arq",
    ),
    _python("celery", "Celery", ((*_CELERY, "1"), (*_CELERY, "2"), (*_CELERY, "4")), "-c 2",
            web=("{bin}/gunicorn", "celery_web:application", "--worker-class", "gthread", "--threads", "8",
                 "--bind", "127.0.0.1:{port}", "--log-level", "warning"), web_label="Django + DRF + Celery"),
    _python("streaq", "streaQ", ((*_STREAQ, "1"), (*_STREAQ, "2"), (*_STREAQ, "4")), "--workers 2"),
    _python("rq", "RQ", (("{bin}/rq", "worker", "-u", "{url}"), (*_RQ_POOL, "2"), (*_RQ_POOL, "4")),
            "worker-pool -n 2"),
)  # fmt: skip
ALL: Final = {competitor.name: competitor for competitor in (*OURS, OWN_ALLOCATOR, *CLUSTERS, DRF, BARE, LEAST, *PEERS)}
