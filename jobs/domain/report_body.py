"""What a worker that speaks HTTP says of running attempts: the body of its reports."""

from __future__ import annotations

import math

from jobs.domain.errors import InvalidInput
from jobs.domain.field_reader import DEEP, FieldReader, read_object
from jobs.domain.lease import MAX_LEASES
from jobs.domain.lease_body import lease_key
from jobs.domain.report import LEVELS, MAX_CHECKPOINT_BYTES, MAX_LINES_A_REPORT, Report, ReportLine
from jobs.domain.validation import encode_payload

MAX_NUMBER = 2**31 - 1
REPORT_FIELDS = frozenset({"job_id", "lease_token", "number", "progress", "log", "checkpoint"})
_PROGRESS_FIELDS = frozenset({"fraction", "text"})
_LINE_FIELDS = frozenset({"level", "text"})
_USUAL_LEVEL = "info"


def read_reports(body: bytes) -> tuple[Report, ...]:
    """Return what is told of attempts. Raises MalformedInput, or InvalidInput with all problems."""
    made: list[Report] = []

    def take(fields: FieldReader) -> None:
        made.extend(_report(one) for _, one in fields.objects("reports", MAX_LEASES, REPORT_FIELDS))

    read_object(body, frozenset({"reports"}), take, max_depth=DEEP)
    return tuple(made)


def _report(fields: FieldReader) -> Report:
    job_id, token = lease_key(fields)
    fraction, text = _progress(fields)
    return Report(
        job_id=job_id,
        token=token,
        number=fields.optional_integer("number", 1, MAX_NUMBER) or 0,
        fraction=fraction,
        text=text,
        lines=_lines(fields),
        checkpoint=_checkpoint(fields),
    )


def _progress(fields: FieldReader) -> tuple[float | None, str]:
    value = fields.value("progress")
    if value is None:
        return None, ""
    if not isinstance(value, dict):
        fields.refuse("progress", "invalid_type", "progress must be an object.")
        return None, ""
    inner = fields.inner("progress", value, _PROGRESS_FIELDS)
    fraction = value.get("fraction")
    if isinstance(fraction, bool) or not isinstance(fraction, (int, float)):
        inner.refuse("fraction", "required" if fraction is None else "invalid_type", "fraction must be a number.")
        return None, ""
    if not 0 <= fraction <= 1 or math.isnan(fraction):
        inner.refuse("fraction", "out_of_range", "fraction must be 0–1.")
        return None, ""
    return float(fraction), inner.long_text("text")


def _lines(fields: FieldReader) -> tuple[ReportLine, ...]:
    lines = []
    for place, item in fields.items("log", MAX_LINES_A_REPORT, is_required=False):
        if isinstance(item, str):
            lines.append(ReportLine(0, _USUAL_LEVEL, item))
        elif isinstance(item, dict):
            inner = fields.inner(f"log/{place}", item, _LINE_FIELDS)
            lines.append(ReportLine(0, inner.choice("level", LEVELS, _USUAL_LEVEL), inner.long_text("text")))
        else:
            fields.refuse_at(f"log/{place}", "invalid_type", "A line is a string, or an object with level and text.")
    return tuple(lines)


def _checkpoint(fields: FieldReader) -> bytes | None:
    if not fields.has("checkpoint"):
        return None
    try:
        encoded = encode_payload(fields.value("checkpoint"))
    except InvalidInput as refusal:
        code = refusal.problems[0].code
        fields.refuse("checkpoint", code, f"checkpoint cannot be kept: at most {MAX_CHECKPOINT_BYTES} bytes of JSON.")
        return None
    return encoded
