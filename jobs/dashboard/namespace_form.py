"""What people type into the forms about a namespace."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from django.http import QueryDict
from django.utils.translation import gettext, gettext_noop

from jobs.domain.errors import InvalidInput, Problem
from jobs.domain.quota import DEFAULT_WEIGHT, MAX_AGE_MS, MAX_PER_S, MOST, OwnRetention, Quota, TenantUse
from jobs.domain.sharing import MAX_WEIGHT

_HOUR_MS, _DAY_MS = 3_600_000, 86_400_000
_MIB = 1_048_576
_LONGEST = 20


@dataclass(frozen=True, slots=True)
class RuleField:
    """A field of the form: a number of units, each of `unit` of what the rule counts; empty for no limit.

    `label_en` may name the most there can be as `%s`.
    """

    name: str
    label_en: str
    unit: int
    most: int
    hint: str = ""
    value: str = ""

    @property
    def label(self) -> str:
        """Return what the field is for, in the language of the reader."""
        said = gettext(self.label_en)
        return said % self.most if "%s" in said else said


_QUOTA = (
    RuleField("jobs", gettext_noop("Stored jobs"), 1, MOST),
    RuleField("bytes", gettext_noop("Stored MiB"), _MIB, MOST),
    RuleField("submissions_per_s", gettext_noop("Submissions a second"), 1, MAX_PER_S),
    RuleField("running", gettext_noop("Running jobs"), 1, MOST),
)
_RETENTION = (
    RuleField("ended_age_ms", gettext_noop("Keep ended jobs, hours"), _HOUR_MS, MAX_AGE_MS),
    RuleField("ended_jobs", gettext_noop("Ended jobs at most"), 1, MOST),
    RuleField("dead_letter_age_ms", gettext_noop("Keep dead letters, days"), _DAY_MS, MAX_AGE_MS),
    RuleField("dead_letters", gettext_noop("Dead letters at most"), 1, MOST),
)

_WEIGHT = RuleField("weight", gettext_noop("Weight, 1–%s"), 1, MAX_WEIGHT)


def rule_fields(use: TenantUse) -> list[RuleField]:
    """Return the fields of the form with what they hold."""
    limits = [_filled(field, use.quota) for field in _QUOTA] + [_filled(field, use.retention) for field in _RETENTION]
    return [*limits, replace(_WEIGHT, value=str(use.weight))]


def quota_of(form: QueryDict) -> dict[str, int | None]:
    """Return the whole quota. Raises InvalidInput."""
    return {field.name: _number(form, field) for field in _QUOTA}


def retention_of(form: QueryDict) -> dict[str, int | None]:
    """Return the whole retention. Raises InvalidInput."""
    return {field.name: _number(form, field) for field in _RETENTION}


def weight_of(form: QueryDict) -> int:
    """Return the weight, the usual one for nothing. Raises InvalidInput."""
    return max(DEFAULT_WEIGHT, _number(form, _WEIGHT) or DEFAULT_WEIGHT)


def expiry_of(form: QueryDict) -> int | None:
    """Return in how many days a key ends, None for never. Raises InvalidInput."""
    return _number(form, RuleField("expires_days", gettext_noop("Days until it ends"), 1, MOST))


def _filled(field: RuleField, rules: Quota | OwnRetention) -> RuleField:
    known = getattr(rules, field.name)
    value = "" if known is None else f"{known / field.unit:.6f}".rstrip("0").rstrip(".")
    return replace(field, value=value)


def _number(form: QueryDict, field: RuleField) -> int | None:
    text = form.get(field.name, "").strip()
    if not text:
        return None
    try:
        number = float(text[:_LONGEST]) * field.unit
    except ValueError:
        number = math.nan
    if not 0 <= number <= field.most:
        raise InvalidInput(
            [Problem(f"/{field.name}", "out_of_range", gettext("%s: a number, or nothing.") % field.label)]
        )
    return round(number)
