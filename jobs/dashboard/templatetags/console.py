"""What the console's templates need beyond Django's own: icons, badges, times and numbers."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import urlencode

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from jobs.dashboard.alert_words import words_of_alert
from jobs.dashboard.look import PRIORITY_BARS, STATUS, act_of, person_of, reason_of, word_of
from jobs.dashboard.reports import percent_of
from jobs.dashboard.spans import bare_distance, distance, length
from jobs.domain.error_group import ErrorGroup
from jobs.domain.job import Delivery, Job
from jobs.domain.priority import Priority
from jobs.domain.report import Progress
from jobs.domain.status import FINAL, Status
from jobs.services.alerts import AlertDetails
from jobs.services.dead_letters import DeadLetterGroup

register = template.Library()

_SPRITE = "vendor/tabler-icons-3.51.0/sprite.svg"
_KIBIBYTE = 1024
# The bars of a priority, from the lowest to the tallest.
_BARS = tuple(f"M{4 * at} {10 - 3 * at}h3V14h-3z" for at in range(4))


@register.simple_tag
def icon(name: str, size: str = "") -> SafeString:
    """Draw a symbol of the sprite; `size` is `s` for a small one. It says nothing to a screen reader."""
    css = "icon icon-s" if size == "s" else "icon"
    return format_html('<svg class="{}" aria-hidden="true"><use href="{}#{}"></use></svg>', css, static(_SPRITE), name)


@register.simple_tag
def status_badge(status: Status) -> SafeString:
    """Draw the badge of a status."""
    look = STATUS[status]
    return format_html(
        '<span class="status {}" title="{}" data-status="{}">{}{}</span>',
        look.css,
        look.meaning,
        status.value,
        icon(look.icon, "s"),
        look.label,
    )


@register.simple_tag
def priority_mark(priority: Priority) -> SafeString:
    """Draw a priority as a signal of one to four bars and its name."""
    lit = PRIORITY_BARS[priority]
    return format_html(
        '<span class="prio"><svg class="k-{0}" width="15" height="14" aria-hidden="true">'
        '<path d="{1}"></path><path class="unlit" d="{2}"></path></svg>{3}</span>',
        priority.value,
        "".join(_BARS[:lit]),
        "".join(_BARS[lit:]),
        word_of(priority.value),
    )


@register.filter
def ago(at_ms: int | None) -> SafeString | str:
    """Show a moment (Unix ms) by its distance from now; the exact time is in the tooltip. A dash for none."""
    return _relative(at_ms, "ago", distance)


@register.filter
def age(at_ms: int | None) -> SafeString | str:
    """Show how long ago a moment (Unix ms) was, without saying `ago`."""
    return _relative(at_ms, "age", bare_distance)


@register.filter
def ago_of(at: datetime) -> SafeString | str:
    """Show a moment of the database by its distance from now."""
    return ago(int(at.timestamp() * 1000))


@register.filter
def moment(at_ms: int | None) -> SafeString | str:
    """Show a moment (Unix ms) exactly, in UTC until the reader chooses the computer's zone. A dash for none."""
    if not at_ms:
        return "–"
    return _time(at_ms, "full", f"{_text_of(at_ms)} UTC")


@register.filter
def moment_of_day(at_ms: int | None) -> SafeString | str:
    """Show the time of day of a moment (Unix ms); the date is in the tooltip. A dash for none."""
    if not at_ms:
        return "–"
    return _time(at_ms, "clock", _text_of(at_ms)[11:])


@register.filter
def span(duration_ms: float | None) -> str:
    """Show a length of time given in milliseconds; a dash for none."""
    if duration_ms is None:
        return "–"
    if duration_ms < 1_000:
        return f"{duration_ms:.0f} ms"
    return length(duration_ms / 1000)


@register.filter
def brief(duration_ms: int) -> str:
    """Show a length of time that somebody chose, without the parts that are zero: `5 min`."""
    return span(duration_ms).replace(" 0 s", "").replace(" 0 min", "").replace(".0 s", " s")


@register.filter
def coarse(duration_ms: float | None) -> str:
    """Show a length of time in one unit; a dash for none."""
    return "–" if duration_ms is None else bare_distance(max(duration_ms / 1000, 1))


@register.filter
def ran_for(job: Job) -> str:
    """Show how long the last attempt of a finished job ran; a dash for one that never ran."""
    return span((job.finished_at or 0) - job.started_at if job.started_at else None)


@register.filter
def percent(progress: Progress) -> int:
    """Show how far a job says it is, 0–100."""
    return percent_of(progress)


@register.filter
def most_attempts(job: Job) -> int:
    """Count how often a job runs at most: what it has run, and what it may still run since it was re-injected."""
    tries = 1 if job.delivery is Delivery.AT_MOST_ONCE else job.max_retries + 1
    if job.status in FINAL:
        return max(job.attempt, tries)
    left = max(tries - job.retry_count, 1)
    return job.attempt + left - (job.status is Status.RUNNING)


@register.filter
def who(label: str) -> str:
    """Show an actor: a person by the name alone, anything else with what it is, such as `key:mailer`."""
    return person_of(label)


@register.filter
def reason_text(code: str) -> str:
    """Say in words why a job is where it is."""
    return reason_of(code)


@register.filter
def seconds(duration_s: float) -> str:
    """Show a length of time given in seconds."""
    return length(duration_s)


@register.filter
def fine(duration_s: float | None) -> str:
    """Show a length of time given in seconds, to three digits below a second; a dash for none."""
    if duration_s is None or duration_s >= 1:
        return span(None if duration_s is None else duration_s * 1000)
    return f"{duration_s * 1000:.3g} ms"


@register.filter
def signed(value: int) -> str:
    """Show a number with its sign: `+12`, `−3`."""
    return f"+{number(value)}" if value > 0 else f"\u2212{number(-value)}"


@register.filter
def since(at_s: float) -> SafeString | str:
    """Show since when something is so, given in Unix seconds."""
    return ago(int(at_s * 1000))


@register.filter
def alert_text(alert: AlertDetails) -> str:
    """Say how what an alert watches is now."""
    return words_of_alert(alert.rule, alert.value)


@register.filter
def without_query(url: str) -> str:
    """Show a URL without its query, which may hold a secret."""
    return url.partition("?")[0]


@register.filter
def group_query(group: DeadLetterGroup | ErrorGroup) -> str:
    """Return the query that opens a group of dead letters."""
    return urlencode({"group": group.id})


@register.filter
def names_versions(group: ErrorGroup | None) -> bool:
    """Tell whether any worker said which version of the application failed."""
    return group is not None and any(each.version for each in group.versions)


@register.filter
def number(value: float | None) -> str:
    """Show a number with thin spaces between thousands; a dash for none."""
    return "–" if value is None else f"{value:,.0f}".replace(",", "\u202f")


@register.filter
def share_of(value: int, whole: int) -> int:
    """Return what a number is of another in percent, at most 100."""
    return min(value * 100 // whole, 100) if whole else 0


@register.filter
def field_time(at_ms: int | None) -> str:
    """Return a moment (Unix ms) as a field for date and time holds it, in UTC; nothing for none."""
    return "" if at_ms is None else _text_of(at_ms).replace(" ", "T")


@register.filter
def all_of(action: str, amount: int) -> str:
    """Name an act on a whole group of dead letters: `Re-inject all 3`, `Re-inject 1`."""
    if action == "retry":
        return (_("Re-inject %s") if amount == 1 else _("Re-inject all %s")) % number(amount)
    return (_("Discard %s") if amount == 1 else _("Discard all %s")) % number(amount)


@register.filter
def act_text(action: str) -> str:
    """Say in a word what somebody did, by the action of the audit log."""
    return act_of(action)


@register.filter
def count(value: int) -> SafeString | str:
    """Show a number in a table; a zero steps back, so that the others can be seen."""
    return number(value) if value else format_html('<span class="zero">{}</span>', 0)


@register.filter
def size(size_bytes: int) -> str:
    """Show a size given in bytes."""
    value = float(size_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < _KIBIBYTE or unit == "GiB":
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= _KIBIBYTE
    return ""


@register.filter
def short_id(job_id: str) -> str:
    """Show the two ends of a job's id: the start is its time, the end tells it from its neighbours."""
    return f"{job_id[:8]}…{job_id[-6:]}" if len(job_id) > 16 else job_id


def _relative(at_ms: int | None, form: str, said: Callable[[float], str]) -> SafeString | str:
    return _time(at_ms, form, said(time.time() - at_ms / 1000)) if at_ms else "–"


def _time(at_ms: int, form: str, text: str) -> SafeString:
    """Draw a moment; `form` tells `static/js/time.js` how to keep the text true."""
    exact = _text_of(at_ms)
    markup = '<time datetime="{}Z" title="{} UTC" data-form="{}">{}</time>'
    return format_html(markup, exact.replace(" ", "T"), exact, form, text)


def _text_of(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
