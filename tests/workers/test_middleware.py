"""What is put around handlers, and which exceptions are worth another attempt."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import pytest

from jobs.domain.outcome import OutcomeKind
from tests.workers.leases import handler_of, lease
from tests.workers.silent import Silent
from workers import Context, Retry, handler
from workers.context import StopMark
from workers.ending import Raised, settlement_of
from workers.error_report import report_of
from workers.registry import HandlerError, Registry

seen: list[str] = []


def context() -> Context:
    return Context(lease("a.b"), 1_000, StopMark(1e12), 0.0, Silent())


@contextmanager
def outer(context: Context, payload: object) -> Iterator[None]:
    seen.append(f"outer {context.kind} {payload}")
    try:
        yield
    except ValueError as error:
        seen.append(f"failed: {error}")
        raise
    finally:
        seen.append("outer ends")


@asynccontextmanager
async def inner(context: Context, payload: object) -> AsyncIterator[None]:
    await asyncio.sleep(0)
    seen.append("inner")
    yield
    seen.append("inner ends")


async def on_loop(context: Context, payload: object) -> object:
    seen.append("handler")
    return payload


def in_thread(context: Context, payload: object) -> object:
    raise ValueError("no")


@pytest.fixture
def registry() -> Registry:
    seen.clear()
    made = Registry()
    handler("loop", into=made)(on_loop)
    handler("thread", into=made)(in_thread)
    return made


def function_of(registry: Registry, kind: str) -> object:
    found = registry.find(kind)
    assert found is not None
    return found.function


def test_without_middleware_handlers_stay_as_they_are(registry: Registry) -> None:
    assert function_of(registry.close(), "loop") is on_loop


def test_the_first_named_is_the_outermost_and_sees_what_a_handler_raises(registry: Registry) -> None:
    registry.surround(outer)
    registry.surround(inner)
    registry.close()
    assert asyncio.run(function_of(registry, "loop")(context(), 7)) == 7  # type: ignore[operator]
    assert seen == ["outer a.b 7", "inner", "handler", "inner ends", "outer ends"]


def test_a_plain_handler_is_wrapped_too_and_keeps_its_traceback(registry: Registry) -> None:
    registry.surround(outer)
    registry.close()
    with pytest.raises(ValueError, match="no") as raised:
        function_of(registry, "thread")(context(), 7)  # type: ignore[operator]
    assert seen == ["outer a.b 7", "failed: no", "outer ends"]
    assert "run_in_thread" not in report_of(raised.value).traceback
    assert "in in_thread" in report_of(raised.value).traceback


def test_around_a_plain_handler_nothing_can_be_awaited(registry: Registry) -> None:
    registry.surround(inner)
    registry.close()
    with pytest.raises(TypeError, match="asynchronous"):
        function_of(registry, "thread")(context(), 7)  # type: ignore[operator]


def test_what_swallows_an_exception_makes_the_attempt_a_success(registry: Registry) -> None:
    registry.surround(lambda context, payload: suppress(ValueError))
    registry.close()
    assert function_of(registry, "thread")(context(), 7) is None  # type: ignore[operator]


def test_one_that_is_named_twice_or_a_handler_that_comes_late_is_wrapped_once(registry: Registry) -> None:
    registry.surround(outer)
    registry.surround(outer)
    registry.close().close()
    handler("late", into=registry)(on_loop)
    for kind in ("loop", "late"):
        seen.clear()
        asyncio.run(function_of(registry, kind)(context(), 1))  # type: ignore[operator]
        assert seen == ["outer a.b 1", "handler", "outer ends"]


@pytest.mark.parametrize(
    ("limits", "error", "outcome"),
    [
        ({}, ValueError(), OutcomeKind.FAILED),
        ({"retry_on": (OSError,)}, ConnectionError(), OutcomeKind.FAILED),
        ({"retry_on": (OSError,)}, ValueError(), OutcomeKind.DISCARDED),
        ({"retry_on": (OSError,)}, Retry(1), OutcomeKind.FAILED),
        ({"discard_on": (LookupError,)}, KeyError("x"), OutcomeKind.DISCARDED),
        ({"discard_on": (LookupError,)}, ValueError(), OutcomeKind.FAILED),
        ({"retry_on": (OSError,), "discard_on": (ConnectionError,)}, ConnectionError(), OutcomeKind.DISCARDED),
    ],
)
def test_only_exceptions_that_may_pass_are_tried_again(
    limits: dict[str, object], error: BaseException, outcome: OutcomeKind
) -> None:
    settlement = settlement_of(lease(), handler_of(in_thread, **limits), Raised(error), None, 1)
    assert settlement is not None
    assert settlement.outcome is outcome


def test_what_is_no_class_of_exceptions_is_refused_with_its_place() -> None:
    with pytest.raises(HandlerError, match=r"in_thread.*retry_on"):
        handler_of(in_thread, retry_on=("OSError",))
