"""Random walks through a state machine: a short one with every run of the tests, and a long one beside it."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

# How many walks of how many steps each.
Size = tuple[int, int]


def walks(short: Size, long: Size) -> pytest.MarkDecorator:
    """Let a test run with either `size`, which it hands to `walk`."""
    marks = (pytest.mark.long, pytest.mark.timeout(900))
    return pytest.mark.parametrize(
        "size", [pytest.param(short, id="short"), pytest.param(long, id="long", marks=marks)]
    )


def walk(machine: type[RuleBasedStateMachine], size: Size) -> None:
    """Walk through the machine on the real store."""
    examples, steps = size
    run_state_machine_as_test(
        machine, settings=settings(max_examples=examples, stateful_step_count=steps, deadline=None)
    )
