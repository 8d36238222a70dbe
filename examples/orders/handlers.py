"""Two handlers: one that waits for the network, one that blocks."""

from __future__ import annotations

import asyncio
import time

from workers import Context, Discard, Retry, handler


@handler("order.confirm")
async def confirm(context: Context, payload: dict[str, str]) -> dict[str, str]:
    """Confirm an order; a payload without a number can never succeed, so it is not tried again."""
    if "number" not in payload:
        raise Discard("an order needs a number")
    await asyncio.sleep(0.1)
    if payload.get("shop") == "closed":
        raise Retry(60, "the shop is closed")
    return {"confirmed": payload["number"]}


@handler("report.build", timeout_ms=60_000)
def build(context: Context, payload: dict[str, int]) -> dict[str, int]:
    """Build a report page by page, and stop when nobody wants it any more."""
    pages = 0
    while pages < payload.get("pages", 10) and not context.is_cancelled:
        time.sleep(0.05)
        pages += 1
    return {"pages": pages}
