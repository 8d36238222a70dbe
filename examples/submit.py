"""A program that submits jobs and waits for their results, with nothing but the standard library.

    python examples/submit.py                                        # three orders, to http://localhost:3000
    python examples/submit.py --url https://jobs.example.com --key ifk_…

On a developer's machine no key is needed; elsewhere this makes one:
`.venv/bin/python manage.py ironforge_key mint --name shop`.
"""

from __future__ import annotations

import argparse
import json
import sys
import urllib.error
import urllib.request
import uuid
from typing import Any

WAIT_S = 30


def main() -> int:
    """Submit, wait, print; 0 when all were completed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://localhost:3000", help="where IronForge answers")
    parser.add_argument("--key", default="", help="API key; not needed on a developer's machine")
    parser.add_argument("numbers", nargs="*", default=["A-17", "A-18", "A-19"], help="numbers of orders to confirm")
    given = parser.parse_args()
    try:
        jobs = [submit(given.url, given.key, number) for number in given.numbers]
        ended = [call(given.url, given.key, f"/jobs/{job['id']}?wait={WAIT_S}") for job in jobs]
    except urllib.error.HTTPError as refused:  # a problem document says why
        print(refused.read().decode(), file=sys.stderr)
        return 1
    except urllib.error.URLError as away:
        print(f"{given.url} does not answer: {away.reason}. Start it with `make run`.", file=sys.stderr)
        return 1
    for job in ended:
        print(f"{job['id']}  {job['status']}  {json.dumps(job.get('result'))}")
    return 0 if all(job["status"] == "completed" for job in ended) else 1


def submit(url: str, key: str, number: str) -> dict[str, Any]:
    """Submit one job. The idempotency key makes it safe to send again after a lost answer: it stays one job."""
    job = {"kind": "order.confirm", "payload": {"number": number}, "priority": "high", "metadata": {"order": number}}
    return call(url, key, "/jobs", job, {"Idempotency-Key": str(uuid.uuid4())})


def call(url: str, key: str, path: str, body: object = None, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """Ask for `path`, with a body as POST. Raises urllib.error.HTTPError with the problem document."""
    sent = {"Content-Type": "application/json", **(headers or {})}
    if key:
        sent["Authorization"] = f"Bearer {key}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data, sent)  # noqa: S310 - the caller chose the address
    with urllib.request.urlopen(request, timeout=WAIT_S + 5) as answer:  # noqa: S310
        found: dict[str, Any] = json.load(answer)
        return found


if __name__ == "__main__":
    sys.exit(main())
