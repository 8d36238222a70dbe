"""What every page needs besides its own content: who looks, where they are, and where they can go."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.urls import reverse

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
    promote: bool
    bulk: bool
    pause: bool
    purge: bool
    order: bool
    unlock: bool
    endpoint: bool
    resend: bool
    payload: bool
    audit: bool
    schedule: bool
    workflow_cancel: bool
    workflow_retry: bool


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


# page, label, icon
_SECTIONS = (
    ("overview", "Overview", "layout-dashboard"),
    ("jobs", "Jobs", "list-details"),
    ("dead_letters", "Dead letters", "skull"),
    ("queues", "Queues", "stack-2"),
    ("workers", "Workers", "cpu"),
)


def shell_of(request: HttpRequest, actor: Actor, places: list[Belonging], page: str, title: str) -> Shell:
    """Return the frame of a page for this person."""
    may = rights_of(actor)
    sections = [Section(name, label, icon, reverse(f"console:{name}")) for name, label, icon in _SECTIONS]
    sections.append(Section("history", "History", "chart-line", reverse("console:history"), is_optional=True))
    sections.append(Section("workflows", "Workflows", "sitemap", reverse("console:workflows"), is_optional=True))
    sections.append(Section("alerts", "Alerts", "bell", reverse("console:alerts"), is_optional=True))
    sections.append(Section("operations", "Operations", "progress", reverse("console:operations"), is_optional=True))
    sections.append(Section("schedules", "Schedules", "calendar-time", reverse("console:schedules"), is_optional=True))
    sections.append(
        Section("unique_keys", "Unique keys", "circle-dashed", reverse("console:unique_keys"), is_optional=True)
    )
    sections.append(Section("webhooks", "Webhooks", "send", reverse("console:webhooks"), is_optional=True))
    if may.audit:
        sections.append(
            Section("namespaces", "Namespaces", "database", reverse("console:namespaces"), is_optional=True)
        )
        sections.append(Section("audit", "Audit", "history", reverse("console:audit"), is_optional=True))
    role = next((place.role.value for place in places if place.namespace == actor.namespace), "")
    return Shell(
        title=title,
        page=page,
        here=request.get_full_path(),
        csrf=get_token(request),
        person=actor.name,
        role=role,
        namespace=actor.namespace,
        namespaces=tuple(place.namespace for place in places),
        sections=tuple(sections),
        may=may,
        has_chart=True,
    )


def rights_of(actor: Actor) -> Rights:
    """Return what the policy lets this person do."""
    return Rights(
        cancel=policy.can(actor, Action.JOB_CANCEL),
        retry=policy.can(actor, Action.JOB_RETRY),
        discard=policy.can(actor, Action.JOB_DISCARD),
        promote=policy.can(actor, Action.JOB_PROMOTE),
        bulk=policy.can(actor, Action.BULK_OPERATE),
        pause=policy.can(actor, Action.QUEUE_PAUSE),
        purge=policy.can(actor, Action.QUEUE_PURGE),
        order=policy.can(actor, Action.WORKER_TERMINATE),
        unlock=policy.can(actor, Action.UNIQUE_RELEASE),
        endpoint=policy.can(actor, Action.ENDPOINT_BIND),
        resend=policy.can(actor, Action.DELIVERY_RESEND),
        payload=policy.can(actor, Action.PAYLOAD_READ),
        audit=policy.can(actor, Action.AUDIT_READ),
        schedule=policy.can(actor, Action.SCHEDULE_CREATE),
        workflow_cancel=policy.can(actor, Action.WORKFLOW_CANCEL),
        workflow_retry=policy.can(actor, Action.WORKFLOW_RETRY),
    )
