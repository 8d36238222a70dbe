"""Bulk operations: begun from the jobs that match as a preview, then done, watched, held and ended."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from jobs.dashboard.visit import Visit, page
from jobs.domain.bulk_operation import MAX_IDS, BulkAction
from jobs.domain.bulk_operation_body import read_bulk_request
from jobs.services import operations
from jobs.services.operation_details import OperationDetails
from jobs.services.operation_outcomes import Outcome

_SHOWN = 50
_FILTERS = ("status", "queue", "kind", "priority")
# What is asked of a canary unless its numbers say otherwise.
CANARY_WINDOW_MS, CANARY_RATE = 60_000, 0.1


@dataclass(frozen=True, slots=True)
class Share:
    """How far an operation is, in percent."""

    operation: OperationDetails

    @property
    def percent(self) -> int:
        """Return 0–100."""
        total = self.operation.total or 0
        return self.operation.taken * 100 // total if total else 100 if self.operation.has_ended else 0


@require_GET
@page("operations", "Operations")
def show_all(visit: Visit) -> HttpResponse:
    """Show operations, newest first."""
    before = visit.request.GET.get("before") or None
    found, following = operations.list_operations(visit.actor, _SHOWN, before)
    context: dict[str, object] = {"rows": [Share(operation) for operation in found], "next_id": following or ""}
    return visit.show("operations/operations.html", context)


@require_GET
@page("operations", "Operation")
def show(visit: Visit, operation_id: str) -> HttpResponse:
    """Show how far one is, and what was not done."""
    found = operations.get_operation(visit.actor, operation_id)
    undone: tuple[Outcome, ...] = operations.list_outcomes(visit.actor, found.id, 0, _SHOWN, only_undone=True).outcomes
    context: dict[str, object] = {"operation": found, "share": Share(found), "undone": undone, "shown": _SHOWN}
    return visit.show("operations/operation.html", context)


@require_POST
@page("operations", "Operations")
def preview(visit: Visit) -> HttpResponse:
    """Find and count the jobs that are meant, ticked ones or all that match, and lead to what was found."""
    begun = operations.start(visit.actor, read_bulk_request(_source(visit.request.POST)))
    return _to(begun)


@require_POST
@page("operations", "Operation")
def begin(visit: Visit, operation_id: str) -> HttpResponse:
    """Do it, or go on with it."""
    return _to(operations.resume_operation(visit.actor, operation_id))


@require_POST
@page("operations", "Operation")
def pause(visit: Visit, operation_id: str) -> HttpResponse:
    """Hold it."""
    return _to(operations.pause_operation(visit.actor, operation_id))


@require_POST
@page("operations", "Operation")
def abort(visit: Visit, operation_id: str) -> HttpResponse:
    """End it where it is."""
    return _to(operations.abort_operation(visit.actor, operation_id))


def manner_of(form: QueryDict) -> dict[str, object]:
    """Return pace and canary of a form, as the body of a request has them; what is empty is left out."""
    given: dict[str, object] = {}
    if pace := form.get("pace_per_s", "").strip():
        given["pace_per_s"] = _number(pace)
    if first := form.get("canary", "").strip():
        given["canary"] = {
            "first": _number(first), "window_ms": CANARY_WINDOW_MS, "max_failure_rate": CANARY_RATE,
        }  # fmt: skip
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
    name, colon, value = form.get("tag", "").partition(":")
    if colon:
        wanted["metadata"] = {name: value}
    return {**source, "filter": wanted}


def _number(text: str) -> object:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text


def _to(operation: OperationDetails) -> HttpResponse:
    return HttpResponseRedirect(reverse("console:operation", args=[operation.id]), status=303)
