"""Where steps are drawn: no step before its parents, no two in one place, and each edge from layer to layer."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.domain.workflow_layout import MAX_DRAWN, lay_out


@st.composite
def graphs(draw: st.DrawFn) -> dict[int, list[int]]:
    """Return parents by step; numbers need not follow the edges, and one parent is not there, as after damage."""
    rows = draw(st.lists(st.lists(st.integers(0, 99), max_size=4), min_size=1, max_size=24))
    turn = draw(st.booleans())
    number = {at: len(rows) - at if turn else at + 1 for at in range(len(rows))}
    parents = {number[at]: [number[it % at] for it in row] for at, row in enumerate(rows) if at}
    return {number[0]: [1_000], **parents}


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(graphs())
def test_layers_follow_the_edges_and_places_are_taken_once(parents: dict[int, list[int]]) -> None:
    found = lay_out(parents)
    assert found is not None
    assert set(found.spots) == set(parents)
    known = {step: {parent for parent in above if parent in parents} for step, above in parents.items()}
    for step, above in known.items():
        longest = max((found.spots[parent].layer + 1 for parent in above), default=0)
        assert found.spots[step].layer == longest
    assert set(found.edges) == {(parent, step) for step, above in known.items() for parent in above}
    bends = {spot for way in found.edges.values() for spot in way[1:-1]}
    assert len(set(found.spots.values())) == len(parents)
    assert not bends & set(found.spots.values()), "a line goes through a step"
    for (parent, step), way in found.edges.items():
        assert (way[0], way[-1]) == (found.spots[parent], found.spots[step])
        assert all(after.layer == before.layer + 1 for before, after in pairwise(way))
    taken = {*found.spots.values(), *bends}
    assert {(spot.layer, spot.place) for spot in taken} == {
        (layer, place) for layer, size in enumerate(found.sizes) for place in range(size)
    }


def test_what_a_picture_would_not_help_is_not_drawn() -> None:
    assert lay_out({}) is None
    assert lay_out({step: [] for step in range(MAX_DRAWN + 1)}) is None
    assert lay_out({1: [2], 2: [1]}) is None
    assert lay_out({step: list(range(step)) for step in range(100)}) is None, "a tangle"


def test_steps_stand_near_their_parents() -> None:
    found = lay_out({1: [], 2: [], 3: [], 4: [3], 5: [2], 6: [1]})
    assert found is not None
    order = sorted((4, 5, 6), key=lambda step: found.spots[step].place)
    roots = sorted((1, 2, 3), key=lambda step: found.spots[step].place)
    assert order == [{1: 6, 2: 5, 3: 4}[root] for root in roots]
