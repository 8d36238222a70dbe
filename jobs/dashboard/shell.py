"""What every page needs besides its own content: who looks, where they are, and where they can go."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.person import Belonging
from jobs.access.scopes import Action


@dataclass(frozen=True, slots=True)
class Section:
    """One entry of the navigation; optional ones are left out on a small screen."""

    name: str
    label: str
    icon: str
    url: str
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class Rights:
    """Which buttons this person gets. The services decide again."""

    cancel: bool
    retry: bool
    discard: bool
    duplicate: bool
    promote: bool
    bulk: bool
    pause: bool
    purge: bool
    order: bool
    unlock: bool
    endpoint: bool
    resend: bool
    payload: bool
    reveal: bool
    share: bool
    audit: bool
    schedule: bool
    workflow_cancel: bool
    workflow_retry: bool
    circuit: bool


@dataclass(frozen=True, slots=True)
class Shell:
    """The frame of a page. `here` is the address of the page with its query, where acts come back to."""

    title: str
    page: str
    here: str
    csrf: str
    person: str
    role: str
    namespace: str
    namespaces: tuple[str, ...]
    sections: tuple[Section, ...]
    may: Rights
    has_chart: bool = False


# Each page has the choice twice.
_MOST_OFFERED = 100
# page, label, icon
_SECTIONS = (
    ("overview", gettext_noop("Overview"), "layout-dashboard"),
    ("jobs", gettext_noop("Jobs"), "list-details"),
    ("dead_letters", gettext_noop("Dead letters"), "skull"),
    ("queues", gettext_noop("Queues"), "stack-2"),
    ("workers", gettext_noop("Workers"), "cpu"),
)
_OPTIONAL = (
    ("history", gettext_noop("History"), "chart-line"),
    ("workflows", gettext_noop("Workflows"), "sitemap"),
    ("alerts", gettext_noop("Alerts"), "bell"),
    ("operations", gettext_noop("Operations"), "progress"),
    ("schedules", gettext_noop("Schedules"), "calendar-time"),
    ("limits", gettext_noop("Limits"), "hourglass"),
    ("unique_keys", gettext_noop("Unique keys"), "circle-dashed"),
    ("webhooks", gettext_noop("Webhooks"), "send"),
)
_OF_ADMINS = (("namespaces", gettext_noop("Namespaces"), "database"), ("audit", gettext_noop("Audit"), "history"))
_OF_THE_INSTALLATION = (("system", gettext_noop("System"), "settings"),)


def shell_of(request: HttpRequest, actor: Actor, places: list[Belonging], page: str, title: str) -> Shell:
    """Return the frame of a page for this person."""
    may = rights_of(actor)
    sections = [Section(name, _(label), icon, reverse(f"console:{name}")) for name, label, icon in _SECTIONS]
    sections += [
        Section(name, _(label), icon, reverse(f"console:{name}"), is_optional=True)
        for name, label, icon in _optional_of(actor, may)
    ]
    role = next((place.role.value for place in places if place.namespace == actor.namespace), "")
    return Shell(
        title=_(title),
        page=page,
        here=request.get_full_path(),
        # A page that is pushed to many has none: each browser has its own.
        csrf="" if getattr(request, "is_pushed", False) else get_token(request),
        person=actor.name,
        role=role,
        namespace=actor.namespace,
        namespaces=_offered([place.namespace for place in places], actor.namespace),
        sections=tuple(sections),
        may=may,
        has_chart=True,
    )


def _optional_of(actor: Actor, may: Rights) -> tuple[tuple[str, str, str], ...]:
    """Return the pages of the second rank that this person may open."""
    of_admins = _OF_ADMINS if may.audit else ()
    return (*_OPTIONAL, *of_admins, *(_OF_THE_INSTALLATION if policy.can(actor, Action.SYSTEM_READ) else ()))


def _offered(names: list[str], here: str) -> tuple[str, ...]:
    """Return what the choice of namespaces offers; a superuser finds those beyond on their own page."""
    if len(names) <= _MOST_OFFERED:
        return tuple(names)
    return tuple(sorted({here, *names[: _MOST_OFFERED - 1]}))


def rights_of(actor: Actor) -> Rights:
    """Return what the policy lets this person do."""
    return Rights(
        cancel=policy.can(actor, Action.JOB_CANCEL),
        retry=policy.can(actor, Action.JOB_RETRY),
        discard=policy.can(actor, Action.JOB_DISCARD),
        duplicate=policy.can(actor, Action.JOB_DUPLICATE),
        promote=policy.can(actor, Action.JOB_PROMOTE),
        bulk=policy.can(actor, Action.BULK_OPERATE),
        pause=policy.can(actor, Action.QUEUE_PAUSE),
        purge=policy.can(actor, Action.QUEUE_PURGE),
        order=policy.can(actor, Action.WORKER_TERMINATE),
        unlock=policy.can(actor, Action.UNIQUE_RELEASE),
        endpoint=policy.can(actor, Action.ENDPOINT_BIND),
        resend=policy.can(actor, Action.DELIVERY_RESEND),
        payload=policy.can(actor, Action.PAYLOAD_READ),
        share=policy.can(actor, Action.VIEW_SHARE),
        reveal=policy.can(actor, Action.PAYLOAD_REVEAL),
        audit=policy.can(actor, Action.AUDIT_READ),
        schedule=policy.can(actor, Action.SCHEDULE_CREATE),
        workflow_cancel=policy.can(actor, Action.WORKFLOW_CANCEL),
        workflow_retry=policy.can(actor, Action.WORKFLOW_RETRY),
        circuit=policy.can(actor, Action.CIRCUIT_TURN),
    )
