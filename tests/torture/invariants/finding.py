"""What an invariant found: where it does not hold, and what there is to know when it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.torture.history import History


@dataclass(frozen=True)
class Finding:
    """One place where an invariant does not hold; `job_id` names the job whose history tells more."""

    text: str
    job_id: str | None = None


@dataclass
class Judgement:
    """The findings of one invariant, and a note for the report."""

    findings: list[Finding] = field(default_factory=list)
    note: str = ""

    def add(self, text: str, job_id: str | None = None) -> None:
        """Add one finding."""
        self.findings.append(Finding(text, job_id))


@dataclass(frozen=True)
class Invariant:
    """Something that must hold in every run. The numbers are those of the project's list."""

    number: int
    title: str
    judge: Callable[[History], Judgement]
