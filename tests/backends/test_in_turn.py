"""Calls that follow one another: the next is made while the store works on the last, and sent once that is answered."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jobs.backends.base import Submission, SubmitCode, Submitted
from jobs.backends.call import Call
from jobs.backends.redis.connection import connect
from jobs.backends.redis.runner import SyncRunner
from jobs.domain.errors import BackendUnavailable
from jobs.domain.job import JobSpec
from tests.backends.relay import Relay
from tests.stores import PATIENCE_S, Bench
from tests.waiting import until

Steps = list[Call[list[Submitted]]]


@pytest.fixture
def space(_store_server: None) -> Iterator[Bench]:
    """Return a namespace on the store of this test process."""
    made = Bench()
    yield made
    made.close()


@pytest.fixture
def behind(relay: Relay) -> Iterator[Bench]:
    """Return a namespace on the store behind the relay."""
    made = Bench(url=relay.url)
    yield made
    made.close()


def steps_of(bench: Bench, count: int) -> Steps:
    """Return calls that submit two jobs each."""
    return [
        bench.producer.submit([Submission(bench.ids.make(), JobSpec(kind="demo.echo")) for _ in range(2)])
        for _ in range(count)
    ]


def ids_of(answers: list[list[Submitted]]) -> list[str]:
    return [answer.job_id for step in answers for answer in step]


def test_the_next_call_is_made_before_the_answer_to_the_last_is_there_and_sent_behind_it(space: Bench) -> None:
    made: list[int] = []

    def calls() -> Iterator[Call[list[Submitted]]]:
        for number, step in enumerate(steps_of(space, 3)):
            made.append(number)
            yield step

    answers = space.runner.run_in_turn(calls())
    first = next(answers)
    assert made == [0, 1]
    assert space.queue_ids() == ids_of([first])
    found = [first, *answers]
    assert made == [0, 1, 2]
    assert space.queue_ids() == ids_of(found)
    assert {answer.code for step in found for answer in step} == {SubmitCode.ACCEPTED}


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_calls_are_answered_as_many_are(space: Bench, count: int) -> None:
    answers = list(space.runner.run_in_turn(iter(steps_of(space, count))))
    assert len(answers) == count
    assert space.queue_ids() == ids_of(answers)


def test_a_store_that_forgot_the_script_is_told_it_again(space: Bench) -> None:
    answers = space.runner.run_in_turn(iter(steps_of(space, 5)))
    found = [next(answers)]
    space.client.script_flush()
    found += answers
    assert space.queue_ids() == ids_of(found)
    assert len(space.queue_ids()) == 10


def test_what_got_no_answer_is_asked_for_once_more_and_done_once(relay: Relay, behind: Bench) -> None:
    answers = behind.runner.run_in_turn(iter(steps_of(behind, 6)))
    found = [next(answers)]
    relay.lose_replies(1)
    found += answers
    assert len(found) == 6
    assert behind.queue_ids() == ids_of(found)


def test_nothing_is_sent_behind_a_call_that_failed(relay: Relay, behind: Bench) -> None:
    steps = steps_of(behind, 6)
    answers = behind.runner.run_in_turn(iter(steps))
    found = [next(answers)]
    relay.lose_replies(2)
    with pytest.raises(BackendUnavailable):
        next(answers)
    # Its second reply was lost as well, so it is done although that was not told.
    assert behind.queue_ids()[:2] == ids_of(found)
    assert len(behind.queue_ids()) == 4


def test_silence_is_told_in_time_and_the_next_calls_are_answered(relay: Relay, behind: Bench) -> None:
    client = connect(relay.url, "in-turn", 0.2)
    runner = SyncRunner(client, has_test_clock=True)
    until(lambda: is_answered(runner, behind))  # so little time is not enough for a busy machine each time
    relay.is_silent = True
    with pytest.raises(BackendUnavailable):
        list(runner.run_in_turn(iter(steps_of(behind, 3))))
    relay.is_silent = False
    until(lambda: is_answered(runner, behind))
    client.close()


def is_answered(runner: SyncRunner, bench: Bench) -> bool:
    try:
        return len(list(runner.run_in_turn(iter(steps_of(bench, 2))))) == 2
    except BackendUnavailable:
        return False


def test_whoever_stops_listening_leaves_the_others_their_own_answers(space: Bench) -> None:
    with_few = connect(space.url, "in-turn", PATIENCE_S)
    runner = SyncRunner(with_few, has_test_clock=True)
    for _ in range(20):
        answers = runner.run_in_turn(iter(steps_of(space, 4)))
        next(answers)
        del answers
        step = steps_of(space, 1)[0]
        assert ids_of([runner.run(step)]) == ids_of([runner.run(step)])
    assert with_few.connection_pool._created_connections == 1  # type: ignore[union-attr]
    with_few.close()


def test_a_call_that_cannot_be_made_is_an_error_and_takes_no_connection_along(space: Bench) -> None:
    def calls() -> Iterator[Call[list[Submitted]]]:
        yield from steps_of(space, 2)
        raise ValueError("no call")

    with pytest.raises(ValueError, match="no call"):
        list(space.runner.run_in_turn(calls()))
    assert len(list(space.runner.run_in_turn(iter(steps_of(space, 2))))) == 2
