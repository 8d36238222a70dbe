"""The plan of a run: everything that clients ask and everything that breaks, from one seed and nothing else."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from tests.torture import trouble, work
from tests.torture.plans import Step


@dataclass(frozen=True)
class Fault:
    """Something that breaks: when (ms after the start), what, whose, for how long, and a number that the kind needs."""

    at_ms: int
    kind: str
    target: str
    for_ms: int = 0
    amount: float = 0.0


@dataclass(frozen=True)
class Schedule:
    """What happens in a run, in order of time."""

    seed: int
    seconds: float
    steps: tuple[Step, ...]
    faults: tuple[Fault, ...]

    @property
    def fingerprint(self) -> str:
        """Return what tells two plans apart."""
        text = json.dumps([[asdict(step) for step in self.steps], [asdict(fault) for fault in self.faults]])
        return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Focus:
    """What a run is about; what is empty or None is as usual.

    Kinds of faults, those they hit, how long they last (in leases), what their number is, how long after one comes the
    next (ms), and jobs that there are more or fewer of (by weight).
    """

    kinds: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    for_leases: tuple[float, float] | None = None
    amounts: tuple[float, ...] = ()
    gaps_ms: tuple[float, float] = (200, 2500)
    mix: tuple[tuple[str, float], ...] = ()


EVERYTHING = Focus()


def plan(seed: int, seconds: float, lease_ms: int, focus: Focus = EVERYTHING) -> Schedule:
    """Return the plan of a run of `seconds`."""
    end_ms = int(seconds * 1000)
    made = work.steps(random.Random(f"work {seed}"), end_ms, dict(focus.mix))
    steps = sorted((step for step in made if step.at_ms < end_ms), key=lambda step: step.at_ms)
    faults = tuple(_faults(random.Random(f"faults {seed}"), end_ms, lease_ms, focus))
    return Schedule(seed, seconds, tuple(steps), faults)


def _faults(chance: random.Random, end_ms: int, lease_ms: int, focus: Focus) -> Iterator[Fault]:
    """Yield every kind once in some order, then kinds as often as their weight says."""
    kinds = [kind for kind in trouble.KINDS.values() if not focus.kinds or kind.name in focus.kinds]
    first = chance.sample(kinds, len(kinds))
    at_ms = 0.0
    while (at_ms := at_ms + chance.uniform(*focus.gaps_ms)) < end_ms:
        kind = first.pop() if first else chance.choices(kinds, [each.weight for each in kinds])[0]
        targets = [target for target in kind.targets if not focus.targets or target in focus.targets]
        for_ms = int(chance.uniform(*(focus.for_leases or kind.for_leases)) * lease_ms)
        yield Fault(int(at_ms), kind.name, chance.choice(targets), for_ms, chance.choice(focus.amounts or kind.amounts))
