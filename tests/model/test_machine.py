"""Any sequence of calls leaves every job as the reference model says, and moves it only as the table allows."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import Store


@pytest.mark.usefixtures("_store_server")
def test_the_store_agrees_with_the_model() -> None:
    run_state_machine_as_test(Store, settings=settings(max_examples=30, stateful_step_count=50, deadline=None))


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("_store_server")
def test_the_store_agrees_with_the_model_for_long() -> None:
    run_state_machine_as_test(Store, settings=settings(max_examples=500, stateful_step_count=50, deadline=None))
