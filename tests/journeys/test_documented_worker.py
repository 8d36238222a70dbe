"""The session of `docs/protocol.md`, run line by line against a real server."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.journeys.api import Api, Body
from tests.waiting import WAIT_S

pytestmark = pytest.mark.journey

DOCUMENT = Path(__file__).parents[2] / "docs" / "protocol.md"
TOOLS = ("bash", "curl", "jq")


def documents(text: str) -> list[Body]:
    """Return the JSON objects that stand one behind another."""
    found = []
    while text := text.strip():
        value, end = json.JSONDecoder().raw_decode(text)
        found.append(value)
        text = text[end:]
    return found


@pytest.mark.skipif(not all(map(shutil.which, TOOLS)), reason=f"needs {', '.join(TOOLS)}")
def test_the_session_of_the_document_works(api: Api) -> None:
    lines = re.findall(r"```bash\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    script = "set -euo pipefail\n" + "\n".join(lines)
    variables = {"IRONFORGE_URL": f"http://127.0.0.1:{api.port}", "PATH": "/usr/bin:/bin"}
    ended = subprocess.run(
        ["bash", "-c", script], env=variables, capture_output=True, text=True, timeout=WAIT_S, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, ""), ended
    answers = documents(ended.stdout)
    (job_id,) = {answer["id"] for answer in answers if "id" in answer}
    job = api.job(job_id)
    assert (job["status"], job["result"], job["progress"]["text"]) == ("completed", {"sent": 1}, "connected")
    assert api.ask("GET", f"/jobs/{job_id}/log").body["data"][0]["text"] == "hello"
    assert any(answer.get("order") == "run" and answer["extended"] == [job_id] for answer in answers)
