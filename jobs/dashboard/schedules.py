"""Schedules: when each fires next, what became of its instants, and a form that shows what it would do."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.http import HttpResponse, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from jobs.access import policy
from jobs.access.scopes import Action
from jobs.dashboard.schedule_form import FIELDS, changes_of, source_of, texts_of, values_of
from jobs.dashboard.sparkline import Sparkline, sparkline
from jobs.dashboard.visit import Visit, page, page_number
from jobs.domain.errors import InvalidInput
from jobs.domain.payload import encode_json
from jobs.domain.priority import Priority
from jobs.domain.schedule import Timing
from jobs.domain.schedule_body import TIMING_FIELDS, read_timing
from jobs.domain.schedule_policy import CatchUp, Overlap
from jobs.services import reveals, schedule_runs, schedules
from jobs.services.endpoints import now_ms
from jobs.services.schedule_rows import ScheduleDetails
from jobs.services.schedule_runs import Outcome, Preview

_ALL = gettext_noop("Schedules")
_NEW = gettext_noop("New schedule")
_EDIT = gettext_noop("Edit schedule")
_ONE = gettext_noop("Schedule")

_REASON_LENGTH = 200
_SHOWN = 10
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# A page of the list, and how many outcomes are drawn of each.
_PAGE = 50
_DRAWN = 12
# On the page of one.
_TOLD = 50


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the list; `last_ms` is the newest instant that was decided (Unix ms)."""

    schedule: ScheduleDetails
    sparkline: Sparkline | None
    last_ms: int | None


@require_GET
@page("schedules", _ALL)
def show_all(visit: Visit) -> HttpResponse:
    """Show a page of schedules, by name, with what became of their last instants."""
    every = schedules.list_schedules(visit.actor)
    pages = max(1, -(-len(every) // _PAGE))
    number = min(page_number(visit.request.GET), pages)
    shown = every[(number - 1) * _PAGE : number * _PAGE]
    outcomes = schedule_runs.recent_of(visit.actor, [it.id for it in shown], _DRAWN) if shown else {}
    context: dict[str, object] = {
        "rows": [Row(it, sparkline(outcomes[it.id], _DRAWN), _last_of(outcomes[it.id])) for it in shown],
        "amount": len(every),
        "prev_url": f"?page={number - 1}" if number > 1 else "",
        "next_url": f"?page={number + 1}" if number < pages else "",
    }
    return visit.show("schedules/schedules.html", context)


@require_http_methods(["GET", "POST"])
@page("schedules", _NEW)
def new(visit: Visit) -> HttpResponse:
    """Show the form with what it would do, or make a schedule of it."""
    policy.authorize(visit.actor, Action.SCHEDULE_CREATE)
    form = visit.request.POST if visit.request.method == "POST" else visit.request.GET
    if visit.request.method == "GET" or "preview" in form:
        return _show_form(visit, texts_of(form))
    try:
        made = schedules.create_schedule(visit.actor, source_of(form))
    except InvalidInput as refusal:
        return _show_form(visit, texts_of(form), refusal=refusal)
    return visit.done(_("Made %s.") % made.name, reverse("console:schedule", args=[made.name]))


@require_http_methods(["GET", "POST"])
@page("schedules", _EDIT)
def edit(visit: Visit, name: str) -> HttpResponse:
    """Show the form of a schedule, or change it; a payload that is not in the form stays, and so do masked secrets."""
    policy.authorize(visit.actor, Action.SCHEDULE_CHANGE)
    schedule = schedules.get_schedule(visit.actor, name)
    form = visit.request.POST
    if visit.request.method == "GET":
        return _show_form(visit, values_of(schedule, may_reveal=visit.shell.may.reveal), schedule)
    if "preview" in form:
        return _show_form(visit, texts_of(form), schedule)
    try:
        changes = changes_of(form)
        if "payload" in changes:
            original = schedule.job.get("payload")
            changes["payload"] = reveals.with_secrets_of(visit.actor, changes["payload"], original)
        changed = schedules.patch_schedule(visit.actor, schedule.id, changes)
    except InvalidInput as refusal:
        return _show_form(visit, texts_of(form), schedule, refusal)
    return visit.done(_("Changed %s.") % changed.name, reverse("console:schedule", args=[changed.name]))


@require_GET
@page("schedules", _ONE)
def show(visit: Visit, name: str) -> HttpResponse:
    """Show one."""
    found = schedules.get_schedule(visit.actor, name)
    outcomes = schedule_runs.history_of(visit.actor, found.id, _TOLD)
    context: dict[str, object] = {
        "schedule": found,
        "preview": schedule_runs.preview_of(visit.actor, found.id, _SHOWN),
        "outcomes": outcomes,
        "sparkline": sparkline(outcomes, len(outcomes)),
        # What its jobs work on is shown on their own pages, where secrets are covered.
        "job": encode_json({name: value for name, value in found.job.items() if name != "payload"}).decode(),
        "is_removable": not found.is_code or found.status == "asleep",
    }
    return visit.show("schedules/schedule.html", context)


@require_POST
@page("schedules", _ALL)
def pause(visit: Visit, name: str) -> HttpResponse:
    """Let nothing fire until it is resumed."""
    reason = _CONTROL.sub(" ", visit.request.POST.get("reason", "")).strip()[:_REASON_LENGTH]
    paused = schedules.pause_schedule(visit.actor, name, reason=reason)
    return visit.done(_("Paused %s. Jobs that it has made stay.") % paused.name, reverse("console:schedules"))


@require_POST
@page("schedules", _ALL)
def resume(visit: Visit, name: str) -> HttpResponse:
    """Let it fire from now on."""
    resumed = schedules.resume_schedule(visit.actor, name)
    return visit.done(_("Resumed %s.") % resumed.name, reverse("console:schedules"))


@require_POST
@page("schedules", _ALL)
def run(visit: Visit, name: str) -> HttpResponse:
    """Make one job now."""
    job = schedule_runs.run_schedule(visit.actor, name)
    return visit.done(_("Made one job of it."), reverse("console:job", args=[job.id]))


@require_POST
@page("schedules", _ALL)
def delete(visit: Visit, name: str) -> HttpResponse:
    """Remove it."""
    schedules.delete_schedule(visit.actor, name)
    return visit.done(_("Removed the schedule. Jobs that it has made stay."), reverse("console:schedules"))


def _last_of(outcomes: list[Outcome]) -> int | None:
    return outcomes[0].note.nominal_ms if outcomes else None


def _show_form(
    visit: Visit, values: dict[str, str], schedule: ScheduleDetails | None = None, refusal: InvalidInput | None = None
) -> HttpResponse:
    """Show a form with `values`, empty or of a schedule that is edited; and what it would do."""
    problems = list(refusal.problems) if refusal is not None else []
    preview = None
    if any(values.get(name, "").strip() for name in ("cron", "every_s", "at")):
        try:
            preview = _preview(visit, values)
        except InvalidInput as wrong:
            problems += [] if refusal is not None else wrong.problems
    context: dict[str, object] = {
        "form": dict.fromkeys(FIELDS, "") | values,
        "schedule": schedule,
        "hides_payload": schedule is not None and "payload" not in values,
        "problems": problems,
        "preview": preview,
        "words": Timing(cron=values.get("cron", "").strip()).cron_words,
        "catch_ups": [(it.value, it is CatchUp.LATEST) for it in CatchUp],
        "overlaps": [it.value for it in Overlap],
        "priorities": [it.value for it in Priority],
    }
    return visit.show("schedules/form.html", context, 200 if refusal is None else 422)


def _preview(visit: Visit, values: dict[str, str]) -> Preview:
    form = QueryDict(mutable=True)
    form.update({name: values.get(name, "") for name in ("cron", "every_s", "at", "timezone", "jitter_s")})
    source = source_of(form)
    jitter_ms = source.pop("jitter_ms", 0)
    now = now_ms()
    timing = read_timing(source, TIMING_FIELDS | {"timezone"}, now_ms=now)
    return schedule_runs.preview_timing(visit.actor, timing, int(str(jitter_ms)), _SHOWN, now)
