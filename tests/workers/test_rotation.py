"""Turns between namespaces: by weight within what one claim takes, nobody starves, and nobody saves or owes."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from workers.rotation import Rotation
from workers.shared_room import Seat, SharedRoom

NAMES = ("a", "b", "c", "d")
MOST = 200


@dataclass(eq=False)
class Claimant:
    """A namespace's only shard, as the room sees it: `jobs` are ready in the store."""

    name: str
    seat: Seat
    jobs: int = 0
    is_hungry: bool = False
    asked: int = 0
    is_engaged: bool = False
    is_parked: bool = False
    taken: int = 0

    @property
    def is_waiting(self) -> bool:
        return self.is_hungry and not self.asked

    def notify(self) -> None:
        """Nothing: the machine asks everybody in turn."""

    def claim(self, free: int) -> bool:
        """Send a claim if it is its turn."""
        limit = min(MOST, self.seat.share(self, free))
        if not self.is_waiting or limit <= 0:
            return False
        self.asked = limit
        self.is_engaged = True
        self.seat.served(self)
        return True

    def answer(self) -> int:
        """Take what the claim brought."""
        found, asked = min(self.jobs, self.asked), self.asked
        self.jobs -= found
        self.taken += found
        self.asked, self.is_engaged, self.is_hungry = 0, False, found == asked
        self.seat.took(self, found)
        return found


class Turns(RuleBasedStateMachine):
    """Namespaces with jobs that come in any number, and slots that come free in any number."""

    @initialize(weights=st.lists(st.integers(1, 10), min_size=4, max_size=4))
    def begin(self, weights: list[int]) -> None:
        self.room = SharedRoom()
        self.weights = dict(zip(NAMES, weights, strict=True))
        self.claimants = {name: Claimant(name, self.room.seat(name)) for name in NAMES}
        for name, weight in self.weights.items():
            self.room.rotation.weigh(name, weight)
        self.free = 10
        # Since when each pair has had work together: what both had taken by then.
        self.marks: dict[tuple[str, str], tuple[int, int]] = {}

    @rule(name=st.sampled_from(NAMES), jobs=st.sampled_from((1, 10, 1_000)))
    def jobs_come(self, name: str, jobs: int) -> None:
        claimant = self.claimants[name]
        claimant.jobs += jobs
        claimant.is_hungry = True
        claimant.seat.wants(claimant)

    @rule(name=st.sampled_from(NAMES))
    def it_claims(self, name: str) -> None:
        self.claimants[name].claim(self.free)

    @rule(name=st.sampled_from(NAMES), freed=st.integers(0, 60))
    def it_is_answered_and_slots_come_free(self, name: str, freed: int) -> None:
        claimant = self.claimants[name]
        if claimant.asked:
            self.free -= claimant.answer()
        self.free = min(100, self.free + freed)

    @rule(rounds=st.integers(1, 20))
    def time_passes(self, rounds: int) -> None:
        for _ in range(rounds):
            for claimant in self.claimants.values():
                claimant.claim(self.free)
            for claimant in self.claimants.values():
                if claimant.asked:
                    claimant.answer()
            self.free = 10

    @invariant()
    def no_slot_is_given_twice(self) -> None:
        assert sum(each.asked for each in self.claimants.values()) <= max(self.free, 0)

    @invariant()
    def who_waits_is_somebody(self) -> None:
        can = [each for each in self.claimants.values() if each.is_hungry]
        assert (self.room.first() is not None) == bool(can)

    @invariant()
    def shares_follow_weights(self) -> None:
        """Of two that have work all the time, neither is ahead by more than what each takes at once, by its weight."""
        for one in NAMES:
            for other in NAMES:
                if one >= other:
                    continue
                first, second = self.claimants[one], self.claimants[other]
                if not (first.jobs > first.asked and second.jobs > second.asked):
                    self.marks.pop((one, other), None)
                    continue
                if not (first.is_hungry and second.is_hungry):
                    self.marks.pop((one, other), None)
                    continue
                at = self.marks.setdefault((one, other), (first.taken, second.taken))
                ahead = (first.taken - at[0]) / self.weights[one] - (second.taken - at[1]) / self.weights[other]
                # Whoever had no work before may owe what it took then, once.
                assert abs(ahead) <= 3 * 100 * (1 / self.weights[one] + 1 / self.weights[other])


TestTurns = Turns.TestCase
TestTurns.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@given(weights=st.lists(st.integers(1, 100), min_size=2, max_size=6), rounds=st.integers(50, 400))
def test_turns_of_one_job_follow_the_weights_and_leave_nobody_out(weights: list[int], rounds: int) -> None:
    rotation = Rotation()
    names = [str(number) for number in range(len(weights))]
    for name, weight in zip(names, weights, strict=True):
        rotation.weigh(name, weight)
        rotation.enter(name)
    taken = dict.fromkeys(names, 0)
    for _ in range(rounds):
        first = min(names, key=rotation.place)
        rotation.give(first)
        rotation.charge(first, 1)
        taken[first] += 1
    for name, weight in zip(names, weights, strict=True):
        fair = rounds * weight / sum(weights)
        assert abs(taken[name] - fair) <= len(weights) + weight / min(weights)


def test_who_was_away_begins_beside_the_others_and_who_was_alone_owes_one_claim() -> None:
    rotation = Rotation()
    for name in ("busy", "late"):
        rotation.enter(name)
    for _ in range(1_000):
        rotation.give("busy")
        rotation.charge("busy", 100)
    rotation.enter("late")
    owed = rotation.place("busy")[0] - rotation.place("late")[0]
    assert 0 <= owed <= 100
    rotation.forget("busy")
    rotation.enter("busy")
    assert rotation.place("busy")[0] == rotation.place("late")[0]


def test_a_weight_that_changes_during_a_turn_counts_from_the_next_one_on() -> None:
    rotation = Rotation()
    rotation.weigh("a", 100)
    rotation.give("a")
    rotation.charge("a", 200)
    rotation.weigh("a", 1)
    rotation.charge("a", -200)
    assert rotation.place("a") == (0, 1)
    rotation.give("a")
    rotation.charge("a", 2)
    assert rotation.place("a") == (2, 2)
