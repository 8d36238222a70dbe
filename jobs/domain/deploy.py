"""Deploy marks: a version of the application that came at some time, as charts show it."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from jobs.domain.errors import InvalidInput, Problem
from jobs.domain.queue import WorkerRecord

MAX_VERSION = 64
MAX_NOTE = 300
MAX_LINK = 500
# Of a namespace; the oldest make room.
MAX_DEPLOYS = 200
# A version that was away for longer and is back was deployed again: a roll-back. Shorter gaps are restarts.
GONE_MS = 120_000
# Of versions that run no more so many are remembered.
MAX_REMEMBERED = 50


def require_sound(version: str, link: str, at_ms: int, now_ms: int) -> None:
    """Raise InvalidInput for a mark that cannot be."""
    problems = []
    if not version or not version.isprintable() or len(version) > MAX_VERSION:
        problems.append(Problem("/version", "invalid_version", f"A version has 1–{MAX_VERSION} printable characters."))
    if link and not is_link(link):
        detail = f"A link is an http or https address of at most {MAX_LINK} characters."
        problems.append(Problem("/link", "invalid_url", detail))
    if at_ms > now_ms + 60_000:
        problems.append(Problem("/at", "in_the_future", "A deployment that is marked has begun."))
    if problems:
        raise InvalidInput(problems)


def is_link(text: str) -> bool:
    """Tell whether a text is an address that a browser may be led to."""
    if len(text) > MAX_LINK or not text.isprintable() or " " in text:
        return False
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def newly_running(
    known: dict[str, int], workers: Iterable[WorkerRecord], now_ms: int
) -> tuple[dict[str, int], dict[str, int]]:
    """Return what is known of versions from now on, and when (Unix ms) the first worker of each new one began.

    `known` holds when a version was seen last, 0 for one that runs.
    """
    began: dict[str, int] = {}
    for worker in workers:
        if worker.app_version:
            began[worker.app_version] = min(began.get(worker.app_version, worker.started_at), worker.started_at)
    new = {
        version: at
        for version, at in began.items()
        if version not in known or (known[version] and now_ms - known[version] > GONE_MS)
    }
    gone = {version: at or now_ms for version, at in known.items() if version not in began}
    remembered = sorted(gone.items(), key=lambda item: item[1], reverse=True)[:MAX_REMEMBERED]
    return {**dict.fromkeys(began, 0), **dict(remembered)}, new
