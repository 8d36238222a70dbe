"""The list of all jobs as the store has it: pages of ids (ADR 0065)."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from jobs.backends.redis.keys import Keys


def pages_of(client: Any, keys: Keys) -> dict[str, list[str]]:
    """Return each page's ids, as they stand there, by its name, in order of the names."""
    names = [name.decode() for name in client.zrange(keys.named("pages"), 0, -1)]
    prefix = keys.named("page_prefix")
    return {name: [job_id.decode() for job_id in client.lrange(prefix + name, 0, -1)] for name in names}


def listed_ids(client: Any, keys: Keys) -> list[str]:
    """Return the ids of all jobs in order."""
    return sorted(job_id for ids in pages_of(client, keys).values() for job_id in ids)


def wrong_pages(client: Any, keys: Keys) -> list[str]:
    """Return what is wrong with the pages: each id stands once, where it is looked for, and no page is empty."""
    pages = pages_of(client, keys)
    faults = [f"page {name} is empty" for name, ids in pages.items() if not ids]
    listed = listed_ids(client, keys)
    faults += [f"{job_id} stands on the pages twice" for job_id, other in pairwise(listed) if job_id == other]
    names = [*pages, "~"]
    for name, behind in pairwise(names):
        strays = [job_id for job_id in pages[name] if not name <= job_id < behind]
        faults += [f"{job_id} stands on page {name}" for job_id in strays]
    return faults
