"""The program's handlers: a step that splits its work, parts of it, and their sum."""

from __future__ import annotations

from typing import Any

from jobs.integrations.workflows import Workflow, aadd_steps, add_steps
from workers import Context, Discard, handler


@handler("guest.split")
async def split(context: Context, payload: list[int]) -> None:
    """Add a step for each number, which the sum waits for."""
    more = Workflow("parts")
    for number in payload:
        more.step(f"part-{number}", "guest.double", number, before=["sum"])
    await aadd_steps(context, more)


@handler("guest.double", isolation="process")
def double(context: Context, payload: int) -> int:
    """Double a number, in a child process, which adds a step as well."""
    more = Workflow("checks")
    more.step(f"check-{payload}", "demo.echo", after=[context.step or ""])
    add_steps(context, more)
    return payload * 2


@handler("guest.sum")
def total(context: Context, payload: int) -> int:
    """Add up what the parents returned; it must be what was expected."""
    found: list[Any] = [parent.get("result") for parent in context.parents.values()]
    if sum(number or 0 for number in found) != payload:
        raise Discard(f"not {payload}: {found}")
    return payload
