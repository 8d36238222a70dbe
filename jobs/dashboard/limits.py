"""Limits and circuits: what holds jobs back, and the acts that open and close a circuit."""

from __future__ import annotations

import re

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET, require_POST

from jobs.access import policy
from jobs.access.scopes import Action
from jobs.dashboard.visit import Visit, page
from jobs.domain.circuit import CircuitState
from jobs.domain.errors import NotFound
from jobs.domain.limit import MAX_HOLDERS, LimitBy, LimitUse
from jobs.services import circuits, limits

_TITLE = gettext_noop("Limits")

_REASON_LENGTH = 200
# As in the API, where they are refused.
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@require_GET
@page("limits", _TITLE)
def show(visit: Visit) -> HttpResponse:
    """Show every limit, those that hold most jobs back first."""
    rows = sorted(limits.list_limits(visit.actor), key=_urgency)
    context: dict[str, object] = {
        "rows": rows,
        "chosen": _chosen(visit),
        "most_holders": MAX_HOLDERS,
        "may_set": policy.can(visit.actor, Action.LIMIT_SET),
    }
    return visit.show("limits/limits.html", context)


@require_POST
@page("limits", _TITLE)
def open_circuit(visit: Visit, kind: str) -> HttpResponse:
    """Let no job of a kind start until somebody closes its circuit."""
    reason = _CONTROL.sub(" ", visit.request.POST.get("reason", "")).strip()[:_REASON_LENGTH]
    circuits.turn_circuit(visit.actor, kind, CircuitState.OPEN, reason=reason)
    return visit.done(_("Opened the circuit of %s. Jobs that run go on; no new one starts.") % kind, _address())


@require_POST
@page("limits", _TITLE)
def close_circuit(visit: Visit, kind: str) -> HttpResponse:
    """Let jobs of a kind start again."""
    circuits.turn_circuit(visit.actor, kind, CircuitState.CLOSED)
    return visit.done(_("Closed the circuit of %s. What it held back starts.") % kind, _address())


def _chosen(visit: Visit) -> LimitUse | None:
    """Return the limit whose places are shown, as `?of=kind:mail.send` names it; None for one that is not there."""
    by, _, name = visit.request.GET.get("of", "").partition(":")
    if by not in (LimitBy.KIND, LimitBy.QUEUE):
        return None
    try:
        return limits.get_limit(visit.actor, name, LimitBy(by))
    except NotFound:
        return None


def _address() -> str:
    return reverse("console:limits")


def _urgency(use: LimitUse) -> tuple[bool, int, str, str]:
    return (not use.is_resting, -use.held, use.limit.name, use.limit.by)
