"""One run: rounds in which every competitor has its turn, readings kept, failures told and passed over."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from benchmarks import machine
from benchmarks.competitor import Competitor
from benchmarks.plan import Plan
from benchmarks.process import Unfit
from benchmarks.progress import Progress
from benchmarks.result import Reading, Result
from benchmarks.stack import Builder, Stack

Body = Callable[[Stack, "Turn"], None]


@dataclass(slots=True)
class Run:
    """What every measure is given."""

    plan: Plan
    builder: Builder
    progress: Progress
    result: Result = field(default_factory=Result)
    wanted: frozenset[str] | None = None  # names of competitors; None: all

    def chosen(self, competitors: Sequence[Competitor]) -> list[Competitor]:
        """Return those that were asked for. IronForge and the bare endpoint always take part."""
        return [one for one in competitors if self.wanted is None or one.is_ours or one.name in self.wanted]

    def rounds(self, measure: str, competitors: Sequence[Competitor], body: Body, rounds: int | None = None) -> None:
        """Give each competitor a turn on a fresh stack, in rounds, so that drift of the machine meets all alike."""
        began = time.monotonic()
        self._begin(measure)
        left = self.chosen(competitors)
        total = rounds or self.plan.rounds
        done = 0
        while done < total and left:
            started = time.monotonic()
            left = [one for one in left if self._turn(Turn(self, measure, one, done), body, total)]
            done += 1
            now = time.monotonic()
            if now - began + (now - started) > self.plan.budget_s:
                break
        facts = self.result.measures[measure]
        facts |= {"seconds": round(time.monotonic() - began), "rounds": done, "load_after": machine.load()}

    def _turn(self, turn: Turn, body: Body, total: int) -> bool:
        turn.say(f"round {turn.round + 1} of {total}")
        try:
            with self.builder.stack(turn.competitor) as stack:
                self.result.stores[turn.competitor.name] = stack.store.label
                body(stack, turn)
        except Unfit as unfit:
            self.result.miss(turn.measure, turn.competitor.name, str(unfit))
            return False
        except Exception as error:
            self.result.miss(turn.measure, turn.competitor.name, f"{type(error).__name__}: {error}")
            return False
        return True

    def _begin(self, measure: str) -> None:
        self.result.measures[measure] = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "form": self.plan.form,
            "processor": machine.facts()["processor"],
            "load_before": machine.load(),
            "others": machine.others(),
        }


@dataclass(frozen=True, slots=True)
class Turn:
    """One competitor's turn in one round of a measure."""

    run: Run
    measure: str
    competitor: Competitor
    round: int

    @property
    def plan(self) -> Plan:
        """Return the sizes of this run."""
        return self.run.plan

    def say(self, text: str) -> None:
        """Show what goes on."""
        self.run.progress.say(f"{self.measure}: {self.competitor.name}, {text}")

    def record(self, case: str, **values: float) -> None:
        """Keep what was measured."""
        self.run.result.record(Reading(self.measure, self.competitor.name, case, self.round, values))
