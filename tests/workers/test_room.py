"""How the free slots of a worker are divided among its shards: never too many, and nobody is left out for long."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from workers.room import Room


@dataclass(eq=False)
class Claimant:
    """A shard as the room sees it."""

    is_waiting: bool = True
    asked: int = 0
    is_parked: bool = False
    notified: int = field(default=0, init=False)

    def notify(self) -> None:
        self.notified += 1


def room_of(claimants: list[Claimant]) -> Room:
    room = Room()
    for claimant in claimants:
        room.join(claimant)
    return room


@given(
    states=st.lists(st.tuples(st.booleans(), st.integers(0, 20)), min_size=2, max_size=12), free=st.integers(-20, 100)
)
def test_all_that_is_free_goes_to_one_that_waits(states: list[tuple[bool, int]], free: int) -> None:
    claimants = [Claimant(is_waiting=waits, asked=0 if waits else asked) for waits, asked in states]
    room = room_of(claimants)
    left = free - sum(each.asked for each in claimants)
    shares = [room.share(each, free) for each in claimants]
    waiting = [place for place, each in enumerate(claimants) if each.is_waiting]
    if waiting:
        assert [(place, share) for place, share in enumerate(shares) if share] == [(waiting[0], left)] * bool(left)
    else:
        # Whoever settles something may claim on the way.
        assert set(shares) == {left}


def test_one_alone_shares_with_nobody() -> None:
    alone = Claimant(asked=7)
    assert room_of([alone]).share(alone, 9) == 9


@given(number=st.integers(2, 12), rounds=st.integers(1, 5))
def test_all_get_their_turn_as_often(number: int, rounds: int) -> None:
    claimants = [Claimant() for _ in range(number)]
    room = room_of(claimants)
    served = [0] * number
    for _ in range(number * rounds):
        (place,) = [place for place, each in enumerate(claimants) if room.share(each, 1) > 0]
        served[place] += 1
        room.served(claimants[place])
    assert set(served) == {rounds}


def test_a_shard_that_is_away_or_has_nothing_takes_no_share() -> None:
    claimants = [Claimant(), Claimant(is_waiting=False), Claimant(is_waiting=False)]
    assert room_of(claimants).share(claimants[0], 9) == 9


def test_no_more_claims_stand_in_the_store_than_there_are_slots() -> None:
    claimants = [Claimant(is_parked=True), Claimant(is_parked=True), Claimant()]
    room = room_of(claimants)
    assert room.may_park(3)
    assert not room.may_park(2)


def test_whose_turn_it_is_looks_again_and_nobody_else() -> None:
    claimants = [Claimant(is_waiting=False), Claimant(), Claimant()]
    room_of(claimants).offer()
    assert [each.notified for each in claimants] == [0, 1, 0]
