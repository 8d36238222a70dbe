"""Limits of kinds and queues, set and ended by hand."""

from __future__ import annotations

import msgspec
from django.http import HttpResponse, QueryDict
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_POST

from jobs.access import policy
from jobs.access.scopes import Action
from jobs.dashboard.visit import Visit, page
from jobs.domain.errors import InvalidInput, Problem
from jobs.domain.limit import Limit, LimitBy, Rate
from jobs.services import limits

_TITLE = gettext_noop("Limits")
_REASON_LENGTH = 200
_LONGEST_NUMBER = 12
_SECOND_MS = 1_000


@require_POST
@page("limits", _TITLE)
def set_terms(visit: Visit) -> HttpResponse:
    """Say how many jobs run at once and start in a time; a circuit and a retry budget stay as they are."""
    policy.authorize(visit.actor, Action.LIMIT_SET)  # before a word about the form
    form = visit.request.POST
    by = LimitBy.QUEUE if form.get("by") == LimitBy.QUEUE else LimitBy.KIND
    name = form.get("name", "").strip()
    concurrency, rate = _number(form, "concurrency"), _rate(form)
    known = limits.find_limit(visit.actor, name, by)
    terms = msgspec.structs.replace(
        known.limit if known else Limit(by=by, name=name), concurrency=concurrency, rate=rate
    )
    limits.set_limit(visit.actor, terms, reason=form.get("reason", "")[:_REASON_LENGTH])
    return visit.done(gettext("%(name)s is limited as it says now.") % {"name": name}, reverse("console:limits"))


@require_POST
@page("limits", _TITLE)
def end_of_kind(visit: Visit, kind: str) -> HttpResponse:
    """End the limit of a kind, until a worker starts whose handler asks for one."""
    return _end(visit, kind, LimitBy.KIND)


@require_POST
@page("limits", _TITLE)
def end_of_queue(visit: Visit, name: str) -> HttpResponse:
    """End the limit of a queue."""
    return _end(visit, name, LimitBy.QUEUE)


def _end(visit: Visit, name: str, by: LimitBy) -> HttpResponse:
    limits.drop_limit(visit.actor, name, by)
    return visit.done(gettext("Nothing limits %(name)s any more.") % {"name": name}, reverse("console:limits"))


def _rate(form: QueryDict) -> Rate | None:
    starts = _number(form, "starts")
    if starts is None:
        return None
    return Rate(starts, _number(form, "period_ms") or _SECOND_MS, _number(form, "burst") or 0)


def _number(form: QueryDict, field: str) -> int | None:
    text = form.get(field, "").strip()
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > _LONGEST_NUMBER:
        raise InvalidInput([Problem(f"/{field}", "invalid_type", gettext("Give whole numbers."))])
    return int(text)
