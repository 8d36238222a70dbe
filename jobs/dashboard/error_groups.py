"""Failures that are alike: all groups, and one with its versions and newest jobs."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.utils.functional import Promise
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET

from jobs.access.actor import Actor
from jobs.dashboard.templatetags.console import number, reason_text
from jobs.dashboard.visit import Visit, page
from jobs.domain.error_group import ErrorGroup, is_group_id
from jobs.services import error_groups
from jobs.services.error_groups import GroupNow, GroupState

_ALL = gettext_noop("Errors")
_ONE = gettext_noop("Error group")

_SHOWN = 50
# In the filter of jobs.
_OFFERED = 50
_LONGEST = 48


@dataclass(frozen=True, slots=True)
class StateLook:
    """How a state is shown: its words, the symbol, the class that colours it."""

    label: Promise
    icon: str
    css: str


_LOOKS = {
    GroupState.RETRYING: StateLook(_("retrying"), "rotate-clockwise-2", "s-failed"),
    GroupState.DEAD_LETTER: StateLook(_("dead letter"), "skull", "s-dead_letter"),
    GroupState.RECOVERED: StateLook(_("recovered"), "circle-check", "s-completed"),
    GroupState.CANCELLED: StateLook(_("cancelled"), "ban", "s-cancelled"),
    GroupState.GONE: StateLook(_("no longer kept"), "circle-dashed", "s-cancelled"),
}


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A group, and how the job of its newest failure is."""

    group: ErrorGroup
    look: StateLook


def row_of(now: GroupNow) -> GroupRow:
    """Return a group as a table shows it."""
    return GroupRow(now.group, _LOOKS[now.state])


@dataclass(frozen=True, slots=True)
class GroupChoice:
    """A group as the filter of jobs offers it."""

    id: str
    label: str


def choices_of(actor: Actor, chosen: str) -> list[GroupChoice]:
    """Return the newest groups to choose from, with the chosen one even where nothing is known of it by now."""
    found = error_groups.offered_groups(actor, chosen if is_group_id(chosen) else None, _OFFERED)
    choices = [GroupChoice(group.id, _label(group)) for group in found]
    if chosen and all(choice.id != chosen for choice in choices):
        choices.append(GroupChoice(chosen, chosen))
    return choices


def _label(group: ErrorGroup) -> str:
    """Name a group in one line, the count of its failed attempts last."""
    error, kind = (Truncator(text).chars(_LONGEST) for text in (reason_text(group.error_type), group.kind))
    where = f" · {Truncator(group.where).chars(_LONGEST)}" if group.where else ""
    return _("%(error)s in %(kind)s%(where)s (%(count)s)") % {
        "error": error, "kind": kind, "where": where, "count": number(group.count),
    }  # fmt: skip


@require_GET
@page("dead_letters", _ALL)
def show_all(visit: Visit) -> HttpResponse:
    """Show the groups, the one that was seen last first."""
    found = error_groups.list_groups(visit.actor, _SHOWN, visit.request.GET.get("cursor") or None)
    context: dict[str, object] = {"rows": [row_of(now) for now in found.groups], "next_cursor": found.next_cursor or ""}
    return visit.show("errors/groups.html", context)


@require_GET
@page("dead_letters", _ONE)
def show(visit: Visit, group_id: str) -> HttpResponse:
    """Show one group."""
    found = error_groups.get_group(visit.actor, group_id)
    return visit.show("errors/group.html", {"row": row_of(found.now), "jobs": found.jobs})
