"""What a submission has to know of the store first: threads wait for it, event loops serve others meanwhile."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future

import pytest

from jobs.domain.errors import BackendUnavailable
from jobs.services import looks
from jobs.services.admission import Admission
from jobs.services.limit_keys import LimitKeys
from jobs.services.looks import require_seen, until_seen


class Slow:
    """A store that answers when it is told to."""

    def __init__(self) -> None:
        self.may_answer = threading.Event()
        self.asked = 0

    def paths(self, _: str) -> dict[str, str]:
        self.asked += 1
        self.may_answer.wait(20)
        return {"k": "payload.a"}

    def fault(self) -> str:
        self.may_answer.wait(20)
        return ""


def at_once() -> float:
    """Return the time by a clock that stands still: what was read stays fresh."""
    return 100.0


def test_an_event_loop_waits_for_both_and_then_needs_no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "WAIT_S", 60.0)
    store = Slow()
    keys = LimitKeys(store.paths, monotonic=at_once)
    admission = Admission(lambda: [(1, 10)], store.fault, monotonic=at_once)

    async def submit() -> None:
        waiting = asyncio.gather(admission.wait_for(), keys.wait_for("n"))
        await asyncio.sleep(0)
        assert not waiting.done(), "and the loop went on"
        store.may_answer.set()
        await waiting
        admission.require_room()
        assert keys.paths_of("n") == {"k": "payload.a"}

    asyncio.run(submit())
    assert store.asked == 1


def test_a_look_that_takes_too_long_is_a_store_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "WAIT_S", 0.01)
    look: Future[None] = Future()
    with pytest.raises(BackendUnavailable):
        require_seen(look)
    with pytest.raises(BackendUnavailable):
        asyncio.run(until_seen(look))
    look.set_exception(BackendUnavailable("away"))
    for wait in (lambda: require_seen(look), lambda: asyncio.run(until_seen(look))):
        with pytest.raises(BackendUnavailable, match="away"):
            wait()


def test_what_was_looked_at_before_the_first_submission_is_known() -> None:
    store = Slow()
    store.may_answer.set()
    keys = LimitKeys(store.paths, monotonic=at_once)
    keys.look("n")
    assert keys.is_known("n")
    assert store.asked == 1


def test_a_store_that_is_away_at_the_start_is_asked_again() -> None:
    answers = iter([BackendUnavailable("away"), {"k": "payload.a"}])

    def read(_: str) -> dict[str, str]:
        answer = next(answers)
        if isinstance(answer, BackendUnavailable):
            raise answer
        return answer

    keys = LimitKeys(read, monotonic=at_once)
    keys.look("n")
    assert keys.paths_of("n") == {"k": "payload.a"}
