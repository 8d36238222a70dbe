"""The first thing that anybody does: the example of the README, word for word."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from tests.journeys.installation import Installation
from tests.journeys.moment import seconds
from tests.waiting import WAIT_S

pytestmark = pytest.mark.journey

EXAMPLE = r"""
curl -X POST http://localhost:3000/jobs \
  -H "Content-Type: application/json" \
  -d '{
    "kind": "email.send",
    "payload": {
      "to": "user@example.com",
      "template": "welcome"
    },
    "priority": "high",
    "max_retries": 3
  }'
"""


def test_the_example_is_accepted_runs_and_sends_its_mail(shared: Installation) -> None:
    command = EXAMPLE.strip().replace("localhost:3000", f"localhost:{shared.api.port}")
    command += " --silent --show-error --write-out '\\n%{http_code}\\n%header{location}'"
    ran = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True, timeout=WAIT_S)
    body, status, location = ran.stdout.rsplit("\n", 2)
    accepted = json.loads(body)
    assert status == "202"
    assert list(accepted) == ["id", "status", "created_at"]
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", accepted["id"])
    assert accepted["status"] == "queued"
    assert accepted["created_at"].endswith("Z")
    assert location.strip().endswith(f"/jobs/{accepted['id']}")

    job = shared.api.completed(accepted["id"])
    assert (job["kind"], job["priority"], job["max_retries"], job["retry_count"]) == ("email.send", "high", 3, 0)
    assert job["result"] == {"to": "user@example.com", "subject": "Welcome"}
    assert seconds(job["created_at"]) <= seconds(job["started_at"]) <= seconds(job["finished_at"])
    assert [attempt["outcome"] for attempt in job["attempts"]] == ["completed"]

    mails = [path.read_text() for path in (shared.data_dir / "mail").iterdir()]
    mail = next(text for text in mails if f"X-IronForge-Job: {accepted['id']}" in text)
    assert "To: user@example.com" in mail

    told = shared.log.told("job.completed", job_id=accepted["id"])
    assert list(told)[:5] == ["timestamp", "level", "target", "job_id", "kind"]
    assert (told["level"], told["target"], told["kind"]) == ("INFO", "ironforge.worker", "email.send")
    assert isinstance(told["duration_ms"], int)
