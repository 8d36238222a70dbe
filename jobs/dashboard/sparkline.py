"""The last outcomes of a schedule as a row of bars, the newest on the right: a height and a colour for each sort."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from jobs.domain.status import Status
from jobs.services.schedule_runs import Outcome

STEP, WIDTH, HEIGHT = 9, 6, 20
# Word, colour and height. Failures stand out by their height as well.
_ENDS = {
    Status.COMPLETED: (_("completed"), "completed", 12),
    Status.DEAD_LETTER: (_("dead letter"), "dead", 20),
    Status.FAILED: (_("retrying"), "failed", 16),
    Status.CANCELLED: (_("cancelled"), "wait", 6),
}
_UNDER_WAY = (_("under way"), "run", 8)
_GONE = (_("gone"), "wait", 12)
_NOT_FIRED = {
    "missed": (_("missed"), "wait", 3),
    "overlap": (_("left out"), "wait", 3),
    "delayed": (_("delayed"), "failed", 3),
}
_REFUSED = (_("refused"), "dead", 3)


@dataclass(frozen=True, slots=True)
class Mark:
    """One bar; `css` names its colour."""

    x: int
    y: int
    height: int
    css: str


@dataclass(frozen=True, slots=True)
class Sparkline:
    """The bars, and what they say in words."""

    marks: tuple[Mark, ...]
    said: str
    width: int
    height: int = HEIGHT
    mark_width: int = WIDTH


def sparkline(outcomes: Sequence[Outcome], amount: int) -> Sparkline | None:
    """Draw outcomes, given newest first, in a row of `amount`; None for none."""
    if not outcomes:
        return None
    looks = [_look(outcome) for outcome in reversed(outcomes[:amount])]
    first = amount - len(looks)
    marks = tuple(
        Mark((first + at) * STEP, HEIGHT - height, height, css) for at, (_word, css, height) in enumerate(looks)
    )
    counted = Counter(word for word, _css, _height in looks)
    said = ", ".join(f"{number} {gettext(word)}" for word, number in counted.most_common())
    return Sparkline(marks, gettext("The last %(n)s: %(said)s") % {"n": len(looks), "said": said}, amount * STEP)


def _look(outcome: Outcome) -> tuple[str, str, int]:
    if outcome.note.outcome not in ("fired", "by_hand"):
        return _NOT_FIRED.get(outcome.note.outcome, _REFUSED)
    return _GONE if outcome.status is None else _ENDS.get(outcome.status, _UNDER_WAY)
