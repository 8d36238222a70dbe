"""Dead letters, grouped by error and kind: re-injected or discarded one by one, as ticked, or a whole group."""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext
from django.views.decorators.http import require_GET, require_POST

from jobs.dashboard.operations import manner_of
from jobs.dashboard.visit import Visit, page
from jobs.domain.bulk_operation import MAX_IDS, BulkAction, Selection
from jobs.domain.bulk_operation_body import read_bulk_request
from jobs.domain.errors import InvalidInput, Problem
from jobs.domain.job import Job
from jobs.services import dead_letters, operations
from jobs.services.dead_letters import DeadLetterGroup, Manner
from jobs.services.operation_details import OperationDetails

_TITLE = gettext_noop("Dead letters")

_SHOWN = 100
_BEGUN = {
    BulkAction.RETRY: gettext_noop("The re-injection has begun and is followed here."),
    BulkAction.DISCARD: gettext_noop("The discarding has begun and is followed here."),
}


@dataclass(frozen=True, slots=True)
class GroupView:
    """A group and, if it is the open one, its newest letters."""

    group: DeadLetterGroup
    is_open: bool
    letters: tuple[Job, ...]


@require_GET
@page("dead_letters", _TITLE, is_alike=True)
def show(visit: Visit) -> HttpResponse:
    """Show the groups; the one named in the address is open."""
    query = visit.request.GET
    chosen = query.get("group", "")
    found = dead_letters.list_groups(visit.actor)
    views = [_view(visit, group, chosen) for group in found.groups]
    context: dict[str, object] = {
        "groups": views,
        "found": found,
        "kept": dead_letters.kept(visit.actor),
        "total": found.looked_at,
        "until_ms": int(time.time() * 1000),
        "shown": _SHOWN,
    }
    return visit.show("dead_letters/dead_letters.html", context)


@require_POST
@page("dead_letters", _TITLE)
def act_on_selected(visit: Visit) -> HttpResponse:
    """Re-inject or discard the ticked letters."""
    action = _action(visit)
    ids = [job_id[:64] for job_id in visit.request.POST.getlist("id")][:MAX_IDS]
    if not ids:
        raise InvalidInput([Problem("/id", "required", _("Tick the letters first."))])
    begun = operations.start_bulk(visit.actor, action, ids)
    return visit.done(_told(action, begun), reverse("console:dead_letters"))


@require_POST
@page("dead_letters", _TITLE)
def act_on_group(visit: Visit) -> HttpResponse:
    """Re-inject or discard every letter of a group that was there when the page was made."""
    form = visit.request.POST
    action = _action(visit)
    until = form.get("until_ms", "")
    until_ms = int(until) if until.isdecimal() and len(until) < 16 else int(time.time() * 1000)
    manner = read_bulk_request({"action": action.value, "filter": {}, **manner_of(form)})
    group = Selection(error_group=form.get("group", ""))
    begun = dead_letters.act_on_group(visit.actor, action, group, until_ms, Manner(manner.pace_per_s, manner.canary))
    if begun.has_ended:
        return visit.done(_told(action, begun), reverse("console:dead_letters"))
    return visit.went_on(_(_BEGUN[action]), reverse("console:operation", args=[begun.id]))


def _view(visit: Visit, group: DeadLetterGroup, chosen: str) -> GroupView:
    is_open = chosen == group.id
    letters = dead_letters.list_group(visit.actor, group.id, _SHOWN) if is_open else ()
    return GroupView(group, is_open, letters)


def _action(visit: Visit) -> BulkAction:
    named = visit.request.POST.get("action", "")
    if named not in (BulkAction.RETRY, BulkAction.DISCARD):
        raise InvalidInput([Problem("/action", "invalid_choice", _("The action is retry or discard."))])
    return BulkAction(named)


def _told(action: BulkAction, begun: OperationDetails) -> str:
    """Say what a bulk act did, and what of it is still being done."""
    total, done, failed = begun.total or 0, begun.done, begun.skipped + begun.failed
    if total == 0:
        return _("There was nothing left to do.")
    numbers = {"done": done, "total": total}
    if action is BulkAction.RETRY:
        said = ngettext(
            "Re-injected %(done)s of %(total)s dead letter.", "Re-injected %(done)s of %(total)s dead letters.", total
        )
    else:
        said = ngettext(
            "Discarded %(done)s of %(total)s dead letter.", "Discarded %(done)s of %(total)s dead letters.", total
        )
    told = [said % numbers]
    if failed:
        left = ngettext(
            "%(n)s had changed meanwhile and were left alone.",
            "%(n)s had changed meanwhile and were left alone.",
            failed,
        )
        told.append(left % {"n": failed})
    if done + failed < total:
        told.append(_("The rest follows within seconds."))
    return " ".join(told)
