"""Bulk operations: begun from the jobs that match as a preview, then done, watched, held and ended."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext
from django.views.decorators.http import require_GET, require_POST

from jobs.dashboard.job_filters import moment_of
from jobs.dashboard.look import word_of
from jobs.dashboard.templatetags.console import number
from jobs.dashboard.visit import Visit, page
from jobs.domain.bulk_operation import MAX_IDS, BulkAction
from jobs.domain.bulk_operation_body import read_bulk_request
from jobs.domain.instant import instant
from jobs.services import operations
from jobs.services.operation_details import OperationDetails
from jobs.services.operation_outcomes import Outcome

_ALL = gettext_noop("Operations")
_ONE = gettext_noop("Operation")

_SHOWN = 50
_FILTERS = ("status", "queue", "kind", "priority", "error", "error_type", "error_group")
_TIMES = ("created_after", "created_before")
# What is asked of a canary and a ramp unless their numbers say otherwise.
_DECIMAL = re.compile(r"\d{1,9}(\.\d{1,3})?", re.ASCII)
_WINDOW_S, _RATE_PERCENT, _FACTOR, _EVERY_S = 60.0, 10.0, 2.0, 10.0


@dataclass(frozen=True, slots=True)
class Share:
    """How far an operation is, in percent."""

    operation: OperationDetails

    @property
    def percent(self) -> int:
        """Return 0–100."""
        total = self.operation.total or 0
        return self.operation.taken * 100 // total if total else 100 if self.operation.has_ended else 0

    @property
    def title(self) -> str:
        """Say what is done, and to how many jobs."""
        amount = self.operation.done if self.operation.total is None else self.operation.total
        return _title(self.operation.action, amount)

    @property
    def act(self) -> str:
        """Say what is done, and where to."""
        operation = self.operation
        act, queue, priority = word_of(operation.action), operation.queue or "", word_of(operation.priority or "")
        if operation.action == BulkAction.MOVE:
            return _("%(act)s to %(queue)s") % {"act": act, "queue": queue}
        if operation.priority:
            return _("%(act)s to %(priority)s") % {"act": act, "priority": priority}
        return _("%(act)s %(queue)s") % {"act": act, "queue": queue} if queue else act


@require_GET
@page("operations", _ALL)
def show_all(visit: Visit) -> HttpResponse:
    """Show operations, newest first."""
    before = visit.request.GET.get("before") or None
    found, following = operations.list_operations(visit.actor, _SHOWN, before)
    context: dict[str, object] = {"rows": [Share(operation) for operation in found], "next_id": following or ""}
    return visit.show("operations/operations.html", context)


@require_GET
@page("operations", _ONE)
def show(visit: Visit, operation_id: str) -> HttpResponse:
    """Show how far one is, and what was not done."""
    found = operations.get_operation(visit.actor, operation_id)
    undone: tuple[Outcome, ...] = operations.list_outcomes(visit.actor, found.id, 0, _SHOWN, only_undone=True).outcomes
    context: dict[str, object] = {"operation": found, "share": Share(found), "undone": undone, "shown": _SHOWN}
    return visit.show("operations/operation.html", context)


@require_POST
@page("operations", _ALL)
def preview(visit: Visit) -> HttpResponse:
    """Find and count the jobs that are meant, ticked ones or all that match, and lead to what was found."""
    begun = operations.start(visit.actor, read_bulk_request(_source(visit.request.POST)))
    return HttpResponseRedirect(_address(begun), status=303)


@require_POST
@page("operations", _ONE)
def begin(visit: Visit, operation_id: str) -> HttpResponse:
    """Do it, or go on with it."""
    begun = operations.resume_operation(visit.actor, operation_id)
    return visit.went_on(_("The operation is at work."), _address(begun))


@require_POST
@page("operations", _ONE)
def pause(visit: Visit, operation_id: str) -> HttpResponse:
    """Hold it."""
    held = operations.pause_operation(visit.actor, operation_id)
    return visit.went_on(_("The operation is held."), _address(held))


@require_POST
@page("operations", _ONE)
def abort(visit: Visit, operation_id: str) -> HttpResponse:
    """End it where it is."""
    ended = operations.abort_operation(visit.actor, operation_id)
    return visit.went_on(_("The operation is ended where it is."), _address(ended))


def _title(action: str, amount: int) -> str:
    match action:
        case BulkAction.RETRY:
            said = ngettext("Retry %s job", "Retry %s jobs", amount)
        case BulkAction.CANCEL:
            said = ngettext("Cancel %s job", "Cancel %s jobs", amount)
        case BulkAction.DISCARD:
            said = ngettext("Discard %s job", "Discard %s jobs", amount)
        case BulkAction.REPRIORITISE:
            said = ngettext("Reprioritise %s job", "Reprioritise %s jobs", amount)
        case BulkAction.MOVE:
            said = ngettext("Move %s job", "Move %s jobs", amount)
        case _:
            said = ngettext("Purge %s job", "Purge %s jobs", amount)
    return said % number(amount)


def manner_of(form: QueryDict) -> dict[str, object]:
    """Return pace and canary of a form, as the body of a request has them; what is empty is left out."""
    given: dict[str, object] = {}
    if pace := form.get("pace_per_s", "").strip():
        given["pace_per_s"] = _number(pace)
    canary: dict[str, object] = {}
    if first := form.get("canary", "").strip():
        canary["first"] = _number(first)
    if ramp_from := form.get("ramp_from", "").strip():
        factor, every_s = _decimal(form, "ramp_factor", _FACTOR), _decimal(form, "ramp_every_s", _EVERY_S)
        canary["ramp"] = {"from_per_s": _number(ramp_from), "factor": factor, "every_ms": _scaled(every_s, 1000)}
    if canary:
        window_s, rate = _decimal(form, "canary_window_s", _WINDOW_S), _decimal(form, "canary_rate", _RATE_PERCENT)
        canary |= {"window_ms": _scaled(window_s, 1000), "max_failure_rate": _share(rate)}
        given["canary"] = canary
    return given


def _source(form: QueryDict) -> dict[str, object]:
    action = form.get("action", "")
    source: dict[str, object] = {"action": action, "dry_run": True, "reason": form.get("reason", "")[:500]}
    source |= manner_of(form)
    if action == BulkAction.MOVE:
        source["queue"] = form.get("to_queue", "")
    if action == BulkAction.REPRIORITISE:
        source["priority"] = form.get("to_priority", "")
    if ids := form.getlist("id")[:MAX_IDS]:
        return {**source, "ids": ids}
    wanted: dict[str, object] = {name: form[name] for name in _FILTERS if form.get(name)}
    wanted |= {name: _utc(text) for name in _TIMES if (text := form.get(name))}
    if payload := form.get("payload"):
        wanted["payload"] = [payload]
    if tag := form.get("tag"):
        name, colon, value = tag.partition(":")
        wanted["metadata"] = {name: value if colon else None}
    return {**source, "filter": wanted}


def _utc(text: str) -> str:
    """Return a time of the list's filters as bodies have it: what has no offset is UTC."""
    moment = moment_of(text)
    return text if moment is None else instant(moment)


def _number(text: str) -> object:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text


def _decimal(form: QueryDict, name: str, default: float) -> object:
    """Return a number as it was typed, the default for none; what is no number stays a text, which is refused."""
    text = form.get(name, "").strip().replace(",", ".")
    return float(text) if _DECIMAL.fullmatch(text) else text or default


def _scaled(value: object, factor: int) -> object:
    return round(value * factor) if isinstance(value, float) else value


def _share(percent: object) -> object:
    return percent / 100 if isinstance(percent, float) else percent


def _address(operation: OperationDetails) -> str:
    return reverse("console:operation", args=[operation.id])
