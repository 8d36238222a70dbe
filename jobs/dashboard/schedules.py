"""Schedules: when each fires next, what became of its instants, and a form that shows what it would do."""

from __future__ import annotations

import re

from django.http import HttpResponse, QueryDict
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from jobs.access import policy
from jobs.access.scopes import Action
from jobs.dashboard.visit import Visit, page
from jobs.domain.errors import InvalidInput, Problem
from jobs.domain.payload import encode_json, read_json
from jobs.domain.schedule_body import TIMING_FIELDS, read_timing
from jobs.domain.schedule_policy import CatchUp, Overlap
from jobs.services import schedule_runs, schedules
from jobs.services.endpoints import now_ms
from jobs.services.schedule_runs import Preview

_REASON_LENGTH = 200
_SHOWN = 10
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_TEXTS = ("name", "kind", "cron", "timezone", "queue", "catch_up", "overlap")


@require_GET
@page("schedules", "Schedules")
def show_all(visit: Visit) -> HttpResponse:
    """Show every schedule."""
    return visit.show("schedules/schedules.html", {"rows": schedules.list_schedules(visit.actor)})


@require_http_methods(["GET", "POST"])
@page("schedules", "New schedule")
def new(visit: Visit) -> HttpResponse:
    """Show the form with what it would do, or make a schedule of it."""
    policy.authorize(visit.actor, Action.SCHEDULE_CREATE)
    if visit.request.method == "GET":
        return _show_form(visit, visit.request.GET)
    if "preview" in visit.request.POST:
        return _show_form(visit, visit.request.POST)
    try:
        made = schedules.create_schedule(visit.actor, _source_of(visit.request.POST))
    except InvalidInput as refusal:
        return _show_form(visit, visit.request.POST, refusal)
    return visit.done(f"Made {made.name}.", reverse("console:schedule", args=[made.name]))


@require_GET
@page("schedules", "Schedule")
def show(visit: Visit, name: str) -> HttpResponse:
    """Show one."""
    found = schedules.get_schedule(visit.actor, name)
    context: dict[str, object] = {
        "schedule": found,
        "preview": schedule_runs.preview_of(visit.actor, found.id, _SHOWN),
        "outcomes": schedule_runs.history_of(visit.actor, found.id, 50),
        # What its jobs work on is shown on their own pages, where secrets are covered.
        "job": encode_json({name: value for name, value in found.job.items() if name != "payload"}).decode(),
        "is_removable": not found.is_code or found.status == "asleep",
    }
    return visit.show("schedules/schedule.html", context)


@require_POST
@page("schedules", "Schedules")
def pause(visit: Visit, name: str) -> HttpResponse:
    """Let nothing fire until it is resumed."""
    reason = _CONTROL.sub(" ", visit.request.POST.get("reason", "")).strip()[:_REASON_LENGTH]
    paused = schedules.pause_schedule(visit.actor, name, reason=reason)
    return visit.done(f"Paused {paused.name}. Jobs that it has made stay.", reverse("console:schedules"))


@require_POST
@page("schedules", "Schedules")
def resume(visit: Visit, name: str) -> HttpResponse:
    """Let it fire from now on."""
    resumed = schedules.resume_schedule(visit.actor, name)
    return visit.done(f"Resumed {resumed.name}.", reverse("console:schedules"))


@require_POST
@page("schedules", "Schedules")
def run(visit: Visit, name: str) -> HttpResponse:
    """Make one job now."""
    job = schedule_runs.run_schedule(visit.actor, name)
    return visit.done("Made one job of it.", reverse("console:job", args=[job.id]))


@require_POST
@page("schedules", "Schedules")
def delete(visit: Visit, name: str) -> HttpResponse:
    """Remove it."""
    schedules.delete_schedule(visit.actor, name)
    return visit.done("Removed the schedule. Jobs that it has made stay.", reverse("console:schedules"))


def _show_form(visit: Visit, form: QueryDict, refusal: InvalidInput | None = None) -> HttpResponse:
    problems = list(refusal.problems) if refusal is not None else []
    preview = None
    if form.get("cron", "").strip() or form.get("every_s", "").strip():
        try:
            preview = _preview(visit, form)
        except InvalidInput as wrong:
            problems += [] if refusal is not None else wrong.problems
    context: dict[str, object] = {
        "form": {**{name: form.get(name, "") for name in (*_TEXTS, "every_s", "payload")}},
        "problems": problems,
        "preview": preview,
        "catch_ups": [(it.value, it is CatchUp.LATEST) for it in CatchUp],
        "overlaps": [it.value for it in Overlap],
    }
    return visit.show("schedules/new.html", context, 200 if refusal is None else 422)


def _preview(visit: Visit, form: QueryDict) -> Preview:
    known = TIMING_FIELDS | {"timezone"}
    source = {name: value for name, value in _source_of(form).items() if name in known}
    now = now_ms()
    return schedule_runs.preview_timing(visit.actor, read_timing(source, known, now_ms=now), 0, _SHOWN, now)


def _source_of(form: QueryDict) -> dict[str, object]:
    """Return what a form says as a client of the API would; what is empty is left out."""
    source: dict[str, object] = {name: text for name in _TEXTS if (text := form.get(name, "").strip())}
    if every := form.get("every_s", "").strip():
        if not re.fullmatch(r"\d{1,8}(\.\d{1,3})?", every, re.ASCII):
            raise InvalidInput([Problem("/every_ms", "invalid_type", "Give the period in seconds.")])
        source["every_ms"] = round(float(every) * 1000)
    if payload := form.get("payload", "").strip():
        source["payload"] = read_json(payload.encode("utf-8", "replace"))
    return source
