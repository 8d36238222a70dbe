"""Places of claims that wait: whoever comes last finds one, and the queues that are waited for are bounded."""

from __future__ import annotations

from contextlib import suppress

import pytest

from jobs.domain.errors import BackendUnavailable, TooManyAttempts
from jobs.services.poll_places import MAX_NAMES_EACH, MAX_POLLS, PollPlace, PollPlaces


def fill(places: PollPlaces, namespace: str) -> list[PollPlace]:
    """Take all places that a namespace gets."""
    taken: list[PollPlace] = []
    with suppress(BackendUnavailable):
        while True:
            taken.append(places.enter(namespace))
    return taken


def test_however_many_namespaces_take_all_they_get_another_finds_room() -> None:
    places = PollPlaces()
    taken = [fill(places, f"n{number}") for number in range(8)]
    assert len(taken[0]) == MAX_POLLS // 2
    assert all(len(some) > 0 for some in taken)
    assert len(fill(places, "late")) > 0


def test_who_gives_places_back_leaves_them_to_those_who_have_fewer() -> None:
    places = PollPlaces()
    first = fill(places, "first")
    fill(places, "second")
    for place in first[:1_000]:
        place.leave()
    assert len(fill(places, "second")) > 0
    assert len(fill(places, "first")) < 1_000


def test_names_are_counted_once_and_given_back() -> None:
    places = PollPlaces()
    names = [f"q{number}" for number in range(MAX_NAMES_EACH)]
    first, second, other = places.enter("n"), places.enter("n"), places.enter("other")
    first.wait_for(names)
    second.wait_for(names[:64])
    with pytest.raises(TooManyAttempts) as refusal:
        places.enter("n").wait_for(["one-more"])
    assert (refusal.value.code, refusal.value.retry_after_s) == ("too_many_names", 5)
    other.wait_for(["one-more"])
    first.leave()
    second.wait_for(["it", "has", "its", "names"])
    places.enter("n").wait_for(["one-more"])
    second.leave()
    places.enter("n").wait_for(names[: MAX_NAMES_EACH - 1])
