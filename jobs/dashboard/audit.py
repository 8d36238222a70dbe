"""The audit log: who did what to what, when, why, and what it changed. All of its state is in its address."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.http import HttpResponse, QueryDict
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET

from jobs.access.models import AuditEntry
from jobs.access.scopes import Action
from jobs.dashboard.export_file import asked_form, named_file
from jobs.dashboard.job_filters import moment_of
from jobs.dashboard.json_tree import json_tree
from jobs.dashboard.visit import Visit, page
from jobs.domain.redaction import redact
from jobs.services import audit_export, audit_log
from jobs.services.audit_log import AuditFilter

_TITLE = gettext_noop("Audit")
_EXPORT = gettext_noop("Export of the audit log")

_PAGE = 50
_LONGEST = 200
_LONGEST_NUMBER = 15
_FILTERS = ("actor", "action", "target_kind", "target_id", "after", "before")
_TIMES = ("after", "before")
_TARGETS = (
    "alert", "circuit", "delivery", "deploy", "endpoint", "job", "jobs", "key", "limit", "namespace", "operation",
    "person", "queue", "schedule", "view", "webhook", "worker", "workflow",
)  # fmt: skip
_ACTIONS = tuple(action.value for action in Action if not action.value.endswith(".read"))


@dataclass(frozen=True, slots=True)
class Change:
    """A field that an act changed; None for one that was or is not there."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class EntryView:
    """An entry as a row shows it: `more` changes are told by the entry alone."""

    entry: AuditEntry
    changes: tuple[Change, ...]
    more: int
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks for: the texts as given, what they mean, and what is wrong with those that mean nothing."""

    texts: Mapping[str, str]
    wanted: AuditFilter
    errors: Mapping[str, str]


_SHOWN_CHANGES = 3


@require_GET
@page("audit", _TITLE)
def show(visit: Visit) -> HttpResponse:
    """Show one page of entries, newest first, or from the one on that the address names."""
    query = visit.request.GET
    asked = _asked(query)
    chosen = _number(query.get("entry", ""))
    cursor = query.get("cursor", "")
    found = audit_log.list_entries(visit.actor, asked.wanted, cursor=cursor, limit=_PAGE, beginning=chosen)
    rows = [_view(entry, chosen) for entry in found.entries]
    named = next((row.entry for row in rows if row.is_chosen), None)
    context: dict[str, object] = {
        "rows": rows,
        "named": named,
        "named_at": named and int(named.at.timestamp() * 1000),
        "trees": _trees(named),
        "is_missing": "entry" in query and not cursor and named is None,
        "asked": asked,
        "actions": _ACTIONS,
        "targets": _TARGETS,
        "most_exported": audit_export.MAX_ENTRIES,
        "next_url": _address(asked, found.next),
        "prev_url": _address(asked, found.prev),
    }
    return visit.show("audit/audit.html", context, status=422 if asked.errors else 200)


@require_GET
@page("audit", _EXPORT)
def export(visit: Visit) -> HttpResponse:
    """Answer with the entries that the filters of the address find, as a file."""
    asked = _asked(visit.request.GET)
    form = asked_form(visit.request.GET, asked.errors)
    body = audit_export.export_entries(visit.actor, asked.wanted, form)
    return HttpResponse(body, content_type=form.media_type, headers=named_file(visit.actor.namespace, "audit", form))


def _asked(query: QueryDict) -> Asked:
    given = {name: query.get(name, "").strip()[:_LONGEST] for name in _FILTERS}
    texts = {name: text for name, text in given.items() if text}
    moments = {name: moment_of(texts[name]) for name in _TIMES if name in texts}
    rule = _("Time: a date and a time, such as 2026-01-17T10:30.")
    actor = texts.get("actor", "")
    wanted = AuditFilter(
        # People are shown, and so asked for, by their name alone.
        actor=actor if not actor or ":" in actor else f"session:{actor}",
        action=texts.get("action", ""),
        target_kind=texts.get("target_kind", ""),
        target_id=texts.get("target_id", ""),
        after_ms=moments.get("after"),
        before_ms=moments.get("before"),
    )
    return Asked(texts, wanted, {name: rule for name, moment in moments.items() if moment is None})


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER else None


def _view(entry: AuditEntry, chosen: int | None) -> EntryView:
    changes = tuple(_changes(entry))
    more = len(changes) - _SHOWN_CHANGES
    return EntryView(entry, changes[:_SHOWN_CHANGES], max(more, 0), entry.position == chosen)


def _changes(entry: AuditEntry) -> Iterator[Change]:
    before, after = _side(entry.before), _side(entry.after)
    for name in {**before, **after}:
        if name not in before or name not in after or before[name] != after[name]:
            yield Change(name, _text(before.get(name)), _text(after.get(name)))


def _side(value: object) -> dict[str, object]:
    masked = redact(value)
    return masked if isinstance(masked, dict) else {}


def _text(value: object) -> str | None:
    if value is None:
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _trees(entry: AuditEntry | None) -> list[tuple[str, SafeString]]:
    if entry is None:
        return []
    sides = ((_("Before"), entry.before), (_("After"), entry.after))
    return [(title, json_tree(json.dumps(value).encode())) for title, value in sides if value is not None]


def _address(asked: Asked, cursor: str | None) -> str:
    return f"{reverse('console:audit')}?{urlencode({**asked.texts, 'cursor': cursor})}" if cursor else ""
