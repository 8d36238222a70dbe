"""Declaring handlers."""

from __future__ import annotations

import pytest

from tests.workers.leases import handler_of
from workers import Context
from workers.lease_table import LeaseTable, trusted_until
from workers.middleware import HandlerFunction
from workers.options import BadOption, parse_options
from workers.registry import HandlerError, Registry, handler


async def one(context: Context, payload: object) -> None:
    """Do nothing."""


def two(context: Context, payload: object) -> None:
    """Do nothing."""


def test_async_functions_run_on_the_loop_and_plain_ones_in_threads() -> None:
    assert handler_of(one).isolation == "async"
    assert handler_of(two).isolation == "thread"


def test_isolation_can_be_named_and_a_process_runs_either() -> None:
    assert handler_of(one, isolation="async").isolation == "async"
    assert handler_of(two, isolation="thread").isolation == "thread"
    assert {handler_of(function, isolation="process").isolation for function in (one, two)} == {"process"}


@pytest.mark.parametrize(
    ("function", "isolation", "fix"),
    [
        (two, "async", "write `async def`, or leave isolation out"),
        (one, "thread", "write `def`, or leave isolation out"),
        (one, "fork", 'must be "async", "thread" or "process"'),
    ],
)
def test_an_isolation_that_does_not_fit_names_the_place_and_the_fix(
    function: HandlerFunction, isolation: str, fix: str
) -> None:
    with pytest.raises(HandlerError, match=rf"test_registry\.\w+ .*{fix}"):
        handler_of(function, isolation=isolation)


def test_two_handlers_of_one_kind_are_refused_and_both_places_named() -> None:
    registry = Registry()
    handler("mail.send", into=registry)(one)
    handler("mail.send", into=registry)(one)
    with pytest.raises(HandlerError, match=r"test_registry\.one.*test_registry\.two"):
        handler("mail.send", into=registry)(two)


@pytest.mark.parametrize(
    ("kind", "limits"),
    [("Mail Send", {}), ("", {}), ("a", {"timeout_ms": 0}), ("a", {"timeout_ms": 10**9}), ("a", {"max_retries": 256})],
)
def test_a_bad_declaration_is_refused_with_its_place(kind: str, limits: dict[str, int]) -> None:
    with pytest.raises(HandlerError, match=r"test_registry\.one"):
        handler(kind, into=Registry(), **limits)(one)  # type: ignore[arg-type]


def test_the_smaller_time_limit_counts() -> None:
    limited = handler_of(one, timeout_ms=1_000)
    assert (limited.time_limit_ms(60_000), limited.time_limit_ms(10)) == (1_000, 10)
    assert handler_of(one).time_limit_ms(60_000) == 60_000


@pytest.mark.parametrize(
    ("option", "given"),
    [
        ("--queues", ("default", " , ", 1, 1, 1)),
        ("--queues", ("default", "Main", 1, 1, 1)),
        ("--namespace", ("No!", "main", 1, 1, 1)),
        ("--concurrency", ("default", "main", 0, 1, 1)),
        ("--grace", ("default", "main", 1, -1, 1)),
        ("--grace", ("default", "main", 1, float("nan"), 1)),
        ("--processes", ("default", "main", 1, 1, 0)),
    ],
)
def test_a_bad_option_is_named(option: str, given: tuple[str, str, int, float, int]) -> None:
    with pytest.raises(BadOption, match=option):
        parse_options(*given)


def test_queues_keep_their_order_without_repetition() -> None:
    assert parse_options("default", "mail, main,mail", 1, 1, 1).queues == ("mail", "main")


def test_a_lease_is_trusted_for_less_than_the_store_keeps_it() -> None:
    assert trusted_until(100.0, 10_000) == 109.0
    assert trusted_until(100.0, 1_000) == pytest.approx(100.9)
    assert len(LeaseTable(10_000)) == 0
