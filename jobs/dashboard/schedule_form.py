"""The form of a schedule: what its fields say as a client of the API would, and how a schedule fills them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from django.http import QueryDict
from django.utils.translation import gettext as _

from jobs.domain.errors import InvalidInput, MalformedInput, Problem
from jobs.domain.instant import instant
from jobs.domain.payload import read_json
from jobs.domain.redaction import masked_places, to_edit
from jobs.services.schedule_rows import ScheduleDetails

# The fields of the form by how they are written; each text is the name that the API has.
_TEXTS = ("name", "kind", "cron", "at", "timezone", "queue", "catch_up", "overlap", "priority", "delivery", "limit_key")
_NUMBERS = ("catch_up_limit", "max_retries")
_SECONDS = {"every_s": "every_ms", "jitter_s": "jitter_ms", "timeout_s": "timeout_ms"}
_DOCUMENTS = ("payload", "metadata", "backoff")
# What is not in the form, or was not shown, is left as it is.
_KEPT = ("payload", "webhook")
FIELDS = (*_TEXTS, *_NUMBERS, *_SECONDS, *_DOCUMENTS, "webhook")
_PERIOD = re.compile(r"\d{1,8}(\.\d{1,3})?", re.ASCII)
_NUMBER = re.compile(r"\d{1,6}", re.ASCII)


def source_of(form: QueryDict) -> dict[str, object]:
    """Return what a form says; what is empty is left out. Raises InvalidInput."""
    given = {name: text for name in FIELDS if (text := form.get(name, "").strip())}
    source: dict[str, object] = {name: given[name] for name in (*_TEXTS, "webhook") if name in given}
    if given.get("catch_up") != "all":
        given.pop("catch_up_limit", None)
    for name in _NUMBERS:
        if name in given:
            source[name] = int(_sound(given[name], _NUMBER, name, _("%s must be a whole number.")))
    for name, field in _SECONDS.items():
        if name in given:
            source[field] = round(float(_sound(given[name], _PERIOD, field, _("%s must be a time in seconds."))) * 1000)
    for name in _DOCUMENTS:
        if name in given:
            source[name] = _document(given[name], name)
    return source


def changes_of(form: QueryDict) -> dict[str, object]:
    """Return what a form changes of a schedule: null for what was emptied. Raises as `source_of`."""
    known = (*_TEXTS, *_NUMBERS, *_SECONDS.values(), *_DOCUMENTS)
    changes: dict[str, object] = dict.fromkeys(name for name in known if name not in _KEPT)
    if "payload" in form:
        changes["payload"] = None
    return changes | source_of(form)


def values_of(schedule: ScheduleDetails, *, may_reveal: bool) -> dict[str, str]:
    """Return the texts of the fields; without `payload` where it has secrets that the reader may not send elsewhere."""
    timing, job = schedule.timing, schedule.job
    values = {
        "name": schedule.name,
        "cron": timing.cron,
        "at": instant(timing.at_ms) if timing.at_ms else "",
        "timezone": timing.zone,
        "catch_up": schedule.catch_up.value,
        "catch_up_limit": str(schedule.catch_up_limit),
        "overlap": schedule.overlap.value,
        "every_s": _in_seconds(timing.every_ms),
        "jitter_s": _in_seconds(schedule.jitter_ms),
        "timeout_s": _in_seconds(job.get("timeout_ms")),
    }
    for name in ("kind", "queue", "priority", "delivery", "limit_key", "max_retries"):
        values[name] = str(job.get(name, ""))
    for name in ("metadata", "backoff"):
        values[name] = _written(job[name]) if name in job else ""
    if may_reveal or not masked_places(job.get("payload")):
        values["payload"] = _written(to_edit(job["payload"])) if "payload" in job else ""
    return values


def texts_of(form: Mapping[str, str]) -> dict[str, str]:
    """Return what stands in a form."""
    return {name: form[name] for name in FIELDS if name in form}


def _sound(text: str, pattern: re.Pattern[str], field: str, said: str) -> str:
    if not pattern.fullmatch(text):
        raise InvalidInput([Problem(f"/{field}", "invalid_type", said % field)])
    return text


def _document(text: str, name: str) -> object:
    try:
        return read_json(text.encode("utf-8", "replace"))
    except MalformedInput as wrong:
        raise InvalidInput([Problem(f"/{name}", wrong.code, f"{name}: {wrong.detail}")]) from wrong


def _written(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _in_seconds(milliseconds: object) -> str:
    return f"{milliseconds / 1000:g}" if isinstance(milliseconds, int) and milliseconds else ""
