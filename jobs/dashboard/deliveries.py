"""The log of deliveries as the console shows it: what each told to whom, and what came of it; sent again from here."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpResponse, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext
from django.views.decorators.http import require_POST

from jobs.backends.overview import Overview
from jobs.dashboard.jobs import TABS, Tab
from jobs.dashboard.look import STATUS, answer_of
from jobs.dashboard.visit import Visit, page
from jobs.domain.delivery import answer_to
from jobs.domain.errors import InvalidInput
from jobs.domain.naming import DELIVERY_QUEUE
from jobs.domain.status import Status
from jobs.services import deliveries
from jobs.services.deliveries import DeliveryPage, LoggedDelivery

_TITLE = gettext_noop("Webhooks")

_PAGE = 25
_LONGEST_ANSWER = 400
_UNDER_WAY = frozenset({Status.QUEUED, Status.RUNNING})


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """A delivery with its last attempt: `answer` is what came back in a word or two, `more` its beginning.

    `url` is that of the job's own webhook without its query, empty for the namespace's. `at` is Unix ms, `took_ms` None
    while there is nothing to say.
    """

    logged: LoggedDelivery
    url: str
    answer: str
    more: str
    at: int
    took_ms: int | None
    can_resend: bool


@dataclass(frozen=True, slots=True)
class DeliveryLog:
    """One page of the log, those in one status if it is chosen; `nothing` says why there is none."""

    rows: tuple[DeliveryRow, ...]
    tabs: tuple[Tab, ...]
    next_url: str
    prev_url: str
    searched: int | None
    nothing: str


def log_of(visit: Visit, query: QueryDict, seen: Overview) -> DeliveryLog:
    """Return the page of the log that an address asks for; one that makes no sense asks for the first."""
    chosen = query.get("status", "")
    status = Status(chosen) if chosen in set(Status) else None
    counts = _counts(seen)
    # Where the counts say that there is none, nobody looks through all other jobs for one.
    found = _list(visit, query, status) if (counts[status] if status else sum(counts.values())) else DeliveryPage(())
    return DeliveryLog(
        rows=tuple(_row(visit, logged) for logged in found.deliveries),
        tabs=_tabs(status, counts),
        next_url=_address(status, found.next_cursor) if found.next_cursor else "",
        prev_url=_address(status, found.prev_cursor) if found.prev_cursor else "",
        searched=found.searched_newest,
        nothing=_nothing(status, found),
    )


@require_POST
@page("webhooks", _TITLE)
def resend(visit: Visit, delivery_id: str) -> HttpResponse:
    """Tell an end once more."""
    logged = deliveries.resend_delivery(visit.actor, delivery_id)
    told = logged.told
    said = _("Sending again what was told of %(kind)s %(id)s, under the same webhook-id.") % {
        "kind": told.kind,
        "id": told.job_id,
    }
    return visit.done(said, reverse("console:webhooks"))


def _list(visit: Visit, query: QueryDict, status: Status | None) -> DeliveryPage:
    try:
        return deliveries.list_deliveries(visit.actor, status, query.get("cursor") or None, _PAGE)
    except InvalidInput:
        # A cursor of another list, or one that was cut on its way.
        return deliveries.list_deliveries(visit.actor, status, None, _PAGE)


def _counts(seen: Overview) -> dict[Status, int]:
    stats = next((queue for queue in seen.queues if queue.name == DELIVERY_QUEUE), None)
    return {status: stats.total(status) if stats else 0 for status in TABS}


def _row(visit: Visit, logged: LoggedDelivery) -> DeliveryRow:
    job = logged.job
    last = job.attempts[-1] if job.attempts else None
    answer, more = "", ""
    if last is not None:
        code, said = answer_to(last, job.result)
        error = last.error.type if last.error else last.outcome or ""
        answer = f"HTTP {code}" if code else answer_of(error)
        more = (said or "").removeprefix(f"The receiver answered {code}").lstrip(":. ")[:_LONGEST_ANSWER]
    return DeliveryRow(
        logged=logged,
        url=(logged.told.url or "").partition("?")[0],
        answer=answer,
        more=more if logged.may_show else "",
        at=last.started_at if last else job.created_at,
        took_ms=last.finished_at - last.started_at if last and last.finished_at else None,
        can_resend=visit.shell.may.resend and job.status not in _UNDER_WAY,
    )


def _tabs(chosen: Status | None, counts: dict[Status, int]) -> tuple[Tab, ...]:
    first = Tab(_("All"), _address(None), chosen is None, None)
    return (
        first,
        *(Tab(STATUS[one].label, _address(one), one is chosen, counts[one], STATUS[one].icon) for one in TABS),
    )


def _nothing(status: Status | None, found: DeliveryPage) -> str:
    if found.deliveries:
        return ""
    if found.searched_newest:
        amount = found.searched_newest
        said = ngettext("Not the %(n)s job looked at so far.", "None among the %(n)s jobs looked at so far.", amount)
        return said % {"n": amount}
    if status is not None:
        return _("No delivery is %s now.") % STATUS[status].label.lower()
    return _("A delivery appears here as soon as a job ends that somebody wants to hear of.")


def _address(status: Status | None, cursor: str = "") -> str:
    query = ({"status": status.value} if status else {}) | ({"cursor": cursor} if cursor else {})
    base = reverse("console:webhooks")
    return f"{base}?{urlencode(query)}" if query else base
